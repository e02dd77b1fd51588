"""The vault of connectors in the database of the config."""

from pathlib import Path

from bridge.app.vault import DatabaseVault


def test_what_was_put_is_there_after_a_restart(tmp_path: Path) -> None:
    url = str(tmp_path / "bridge.db")
    DatabaseVault(url).put("etsy:shop", "one")
    DatabaseVault(url).put("etsy:shop", "two")
    assert DatabaseVault(url).get("etsy:shop") == "two"


def test_what_was_never_put_is_empty_and_names_are_apart(tmp_path: Path) -> None:
    vault = DatabaseVault(str(tmp_path / "bridge.db"))
    vault.put("etsy:shop", "one")
    assert vault.get("etsy:other") == ""


def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    file = tmp_path / "bridge.db"
    DatabaseVault(str(file)).put("etsy:shop", "one")
    assert file.stat().st_mode & 0o077 == 0
