"""The config: unknown keys and bad values, each told with file, line and what is allowed; nothing is opened, nobody is called."""

from collections.abc import Callable

import pytest

from tests.baddays.day import PLATFORMS, Day, good, name_of

# name -> (the line that is wrong, what is told about it)
WRONG = {
    "unknown section": ("[stok]", "unknown key stok: did you mean stock? allowed: "),
    "unknown key": (
        "[stock]\nbufer = 2",
        "unknown key bufer in stock: did you mean buffer? allowed: buffer, cap, grace, track",
    ),
    "bad number": ("[stock]\nbuffer = -1", "stock.buffer cannot be -1: input should be greater than or equal to 0"),
    "text for a number": ('[stock]\nbuffer = "two"', "stock.buffer cannot be 'two': input should be a valid integer"),
    "bad duration": (
        '[stock]\ngrace = "5 parsecs"',
        "stock.grace cannot be '5 parsecs': a duration is a number with s, m, h or d",
    ),
    "no such channel": (
        '[[policy]]\nchannel = "squire"\nbuffer = 1',
        "there is no channel 'squire': did you mean square? allowed: ",
    ),
    "no such field": ('[products.fields]\ncolour = "square"', "there is no product field colour: "),
    "mirror nowhere": ('[orders]\nmirror = ["shopify"]', "orders are mirrored to orders.home, which is not given"),
    "a kit of kits": (
        "[kits]\nSET = {A = 1}\nBIG = {SET = 1}",
        "kit BIG needs components, and none of them may be a kit itself",
    ),
    "no TOML": ("[stock", "this is not TOML: "),
    "a variable": (
        '[orders]\nhome = "${NOT_SET_ANYWHERE}"',
        "home wants the variable NOT_SET_ANYWHERE, which is not set",
    ),
}
# platform -> (setting, value, what is told)
SETTINGS = {
    "woocommerce": (
        "consumer_secrets",
        "cs_0000",
        "unknown key consumer_secrets in channels.woocommerce: did you mean consumer_secret?",
    ),
    "shopify": ("acces_token", "shpat_0000", "unknown key acces_token in channels.shopify: did you mean access_token?"),
    "square": ("token", "EAAA-0000", "unknown key token in channels.square: "),
}


def working(day: Day) -> None:
    day.extra = ""
    day.write_config()
    day.seed(good("TEE", stock=20))
    day.truth = {"TEE": 20}
    day.opened()
    day.until_quiet()
    day.wait(10)
    day.sells("square", "TEE", 2)


def refused(day: Day, told: str, line: int) -> None:
    """Every command that uses what is wrong says the same, and nothing is written on any channel."""
    calls = len(day.heard)
    for command in ("sync", "check", "plan"):
        said = day.bridge(command)
        assert said.code == 2, said.text
        assert f"{day.config}, line {line}: {told}" in said.err, said.err
        assert "Traceback" not in said.text
    assert not [call for call in day.heard[calls:] if name_of(call).startswith("a write")]


def mended(day: Day) -> None:
    day.write_config()
    day.until_quiet()
    assert day.problems() == []


@pytest.mark.parametrize("name", list(WRONG))
def test_a_config_that_is_wrong(day: Day, name: str) -> None:
    working(day)
    text, told = WRONG[name]
    good_lines = day.config.read_text().count("\n")
    day.config.write_text(day.config.read_text() + text + "\n")
    wrong = {"unknown section": 0, "no TOML": 0, "a kit of kits": 2}.get(name, 1)
    before, calls = (day.folder / "bridge.db").read_bytes(), len(day.heard)
    refused(day, told, good_lines + 1 + wrong)
    assert (day.folder / "bridge.db").read_bytes() == before, "the database was not even opened"
    assert len(day.heard) == calls, "nobody was called"
    mended(day)


@pytest.mark.parametrize("name", PLATFORMS)
def test_a_platforms_own_key_that_is_wrong_shows_no_secret(day: Day, name: str) -> None:
    working(day)
    key, value, told = SETTINGS[name]
    header = f"[channels.{name}]\n"
    day.config.write_text(day.config.read_text().replace(header, f'{header}{key} = "{value}"\n'))
    line = day.config.read_text().splitlines().index(f'{key} = "{value}"') + 1
    refused(day, told, line)
    assert value not in day.bridge("sync").text
    mended(day)


@pytest.mark.parametrize("name", PLATFORMS)
def test_a_platforms_own_value_of_the_wrong_kind(day: Day, name: str) -> None:
    working(day)
    text = day.config.read_text()
    start = text.index(f"[channels.{name}]")
    at = text.index("url = ", start)
    day.config.write_text(text[:at] + "url = 17\n" + text[text.index("\n", at) + 1 :])
    refused(day, f"channels.{name}.url: input should be a valid string (", text[:at].count("\n") + 1)
    mended(day)


@pytest.mark.parametrize("spoil", [lambda day: day.config.unlink(), lambda day: day.config.write_bytes(b"\xff\xfe")])
def test_no_config_or_one_that_is_no_text(day: Day, spoil: Callable[[Day], None]) -> None:
    working(day)
    spoil(day)
    said = day.bridge("sync")
    assert said.code == 2
    assert str(day.config) in said.err
    assert "there is no such config file\n  next: run `bridge init`" in said.err or "cannot be read" in said.err
    assert "Traceback" not in said.text
    mended(day)
