"""`bridge password` and `bridge token`: what they print goes into the config as it is, and works."""

import io
import json
import os
import pty
import tomllib
from pathlib import Path
from typing import Any

import pytest

from bridge.cli import main
from bridge.config import parse
from bridge.webserver.auth import password_fits, token_of
from tests.acceptance.house import Bridge

CHANNEL = '[channels.shop]\nplatform = "woocommerce"\n'


def typed(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Give the next command its input."""
    monkeypatch.setattr("sys.stdin", io.StringIO(text))


def test_the_lines_of_password_go_into_the_config(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    typed(monkeypatch, "correct horse battery\n")
    assert main(["password"]) == 0
    said = capsys.readouterr()
    loaded = parse(f"{CHANNEL}{said.out}", file=Path("config.toml"), environment={})
    assert password_fits(loaded.config.web.password, "correct horse battery")
    assert not password_fits(loaded.config.web.password, "correct horse battery\n")
    assert "correct horse" not in said.out + said.err
    assert "start the daemon again" in said.err


def test_the_same_password_has_another_hash_each_time(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    hashes = set()
    for _ in range(2):
        typed(monkeypatch, "correct horse battery")
        assert main(["password", "--json"]) == 0
        hashes.add(json.loads(capsys.readouterr().out)["password"])
    assert len(hashes) == 2
    assert all(one.startswith("$argon2id$") for one in hashes)


@pytest.mark.parametrize("text", ["", "\n", "short\n", "x" * 1025])
def test_a_password_that_is_no_good_makes_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    typed(monkeypatch, text)
    assert main(["password"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "characters" in said.err


def test_at_a_terminal_it_asks_twice_and_shows_nothing(tmp_path: Path) -> None:
    bridge = Bridge(tmp_path)
    child, screen = pty.fork()
    if child == 0:
        os.chdir(tmp_path)
        os.execve(_program(), ["bridge", "password"], dict(bridge.environment))
    assert _until(screen, "Password:")
    os.write(screen, b"correct horse battery\n")
    assert _until(screen, "Once more:")
    os.write(screen, b"correct horse battery\n")
    shown = _until(screen, "start the daemon again")
    assert "$argon2id$" in shown
    assert "correct horse" not in shown
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    os.close(screen)


def _program() -> str:
    from tests.acceptance.house import BRIDGE

    return str(BRIDGE)


def _until(screen: int, text: str) -> str:
    """Read what a terminal shows until it shows this."""
    shown = ""
    while text not in shown:
        shown += os.read(screen, 4096).decode()
    return shown


@pytest.mark.parametrize("name", ["till-2", 'the "big" one', "C:\\till", "Caf\u00e9"])
def test_the_lines_of_token_go_into_the_config(capsys: pytest.CaptureFixture[str], name: str) -> None:
    assert main(["token", name, "--scope", "read", "--scope", "holds", "--scope", "read"]) == 0
    token, _, lines = capsys.readouterr().out.partition("\n")
    loaded = parse(f"{CHANNEL}{lines}", file=Path("config.toml"), environment={})
    (found,) = loaded.config.tokens
    assert (found.name, found.scopes) == (name, ["read", "holds"])
    assert token_of(loaded.config.tokens, f"Bearer {token}") == found
    assert token not in lines
    assert len(token) >= 40


def test_a_token_as_json_and_never_the_same_twice(capsys: pytest.CaptureFixture[str]) -> None:
    made: list[dict[str, Any]] = []
    for _ in range(2):
        assert main(["token", "x", "--scope", "metrics", "--json"]) == 0
        made.append(json.loads(capsys.readouterr().out))
    assert made[0]["scopes"] == ["metrics"]
    assert made[0]["token"] != made[1]["token"]
    assert made[0]["hash"] != made[1]["hash"]


@pytest.mark.parametrize(
    "words",
    [
        ["token"],
        ["token", "x"],
        ["token", "x", "--scope", "all"],
        ["token", " ", "--scope", "read"],
        ["token", "a\nb", "--scope", "read"],
    ],
)
def test_a_token_without_name_or_scope_is_not_made(capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    assert main(words) == 2
    assert capsys.readouterr().out == ""


def test_toml_takes_what_is_printed_literally(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    typed(monkeypatch, "correct horse battery\n")
    main(["password"])
    assert tomllib.loads(capsys.readouterr().out)["web"]["password"].count("$") == 5
