"""The config file: what it reads as, and that whatever is wrong with it is named with its line."""

import re
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.app.configfile import config_text, write_new
from bridge.app.wiring import channel_of, connector_module, outside, rules_of
from bridge.config import ConfigError, Loaded, find, load, parse
from bridge.config.text import Lines, expand, read_toml
from bridge.domain.earning import Tier
from bridge.engine.context import Loyalty
from connectors import PLATFORMS

EXAMPLE = Path(__file__).parents[2] / "config.example.toml"
EVENTS = '[[events]]\nname = "mailer"\nurl = "https://x.example"\nsecret = "sixteen letters!"\ntypes = ["drift"]\n'
POINTS = '[points]\ncurrency = "EUR"\n'
TIER = '[[points.tier]]\nname = "Gold"\nspend = 500\n'
TOKEN = '[[tokens]]\nname = "till"\nhash = "' + "0" * 64 + '"\nscopes = ["read"]\n'
SHOP = '[channels.shop]\nplatform = "square"\naccess_token = "t"\n'


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """As a connector has them."""

    url: str = field(metadata={"help": "the address"})
    token: str = field(repr=False, metadata={"help": "the token", "secret": True})
    verify: bool = field(default=True, metadata={"help": "whether to verify"})
    size: int = field(default=5, metadata={"help": "how many"})


def read(text: str, **variables: str) -> Loaded:
    return parse(text, file=Path("config.toml"), environment=variables)


def problems(text: str, **variables: str) -> list[tuple[int, str]]:
    with pytest.raises(ConfigError) as caught:
        read(text, **variables)
    return [(one.line, one.text) for one in caught.value.problems]


def test_the_example_is_read_with_every_setting_in_it() -> None:
    names = re.findall(r"\$\{([A-Z_]+)\}", EXAMPLE.read_text(encoding="utf-8"))
    loaded = load(EXAMPLE, dict.fromkeys(names, "ck_from-the-environment"))
    for name, table in loaded.config.channels.items():
        loaded.settings(name, connector_module(table.platform).Settings)
    rules = rules_of(loaded.config)
    assert {table.platform for table in loaded.config.channels.values()} == set(PLATFORMS)
    assert [(rule.sku, rule.channel, rule.buffer, rule.cap) for rule in rules.allotment] == [
        (None, None, 0, None), (None, "store", None, 20), ("TEE-RED-M", None, 2, None),
    ]  # fmt: skip
    assert rules.kits == {"STARTER-SET": {"TEE-RED-M": 1, "BAG-RED-S": 2}}
    assert (rules.grace, rules.history) == (timedelta(seconds=5), timedelta(days=60))
    assert (rules.mirroring.home, rules.mirroring.sources) == ("shop", frozenset({"store"}))
    assert rules.documents.owners["barcode"] == "shop"
    assert rules.documents.writers == {"price": frozenset({"till"})}
    points = rules.loyalty.points
    assert points is not None
    assert (points.currency, points.earn, points.value) == ("EUR", "1", "0.01")
    assert (points.pending_days, points.expires_days, points.tier_days) == (14.0, 730.0, 365)
    assert [(one.sku, one.tag, one.channel, one.times) for one in points.rules] == [
        ("GIFT-*", None, None, "0"), (None, "autumn", "shop", "2"),
    ]  # fmt: skip
    assert (points.rules[1].since, points.rules[1].until) == (
        datetime(2026, 11, 27, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC),
    )  # fmt: skip
    assert points.tiers == (Tier(name="Gold", spend=50_000, times="1.5"),)
    assert (rules.loyalty.country, rules.loyalty.reward, rules.loyalty.lasts) == ("DE", 500, timedelta(hours=24))
    price = loaded.config.channels["store"].price
    assert (price.factor, price.rounding, price.step) == (Decimal("1.1"), "ending", 99)


def test_the_smallest_config_has_the_documented_defaults() -> None:
    loaded = read(SHOP)
    rules = rules_of(loaded.config)
    assert loaded.database == str(Path("bridge.db").resolve())
    assert rules.documents.owners == {}
    assert rules.mirroring.home == ""
    assert rules.loyalty == Loyalty()
    assert (rules.guard.zero, rules.guard.percent, rules.guard.free) == (25, 40.0, 200)
    channel = loaded.config.channels["shop"]
    assert (channel.counts_from, channel.counts, channel.restock, channel.create) == (None, "sellable", "always", False)


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        (SHOP + "[stock]\nbufer = 2\n", 5, "unknown key bufer in stock: did you mean buffer? allowed: buffer, cap, grace, track"),
        (SHOP + "[stok]\nbuffer = 2\n", 4, "unknown key stok: did you mean stock?"),
        (SHOP + '[[policy]]\nsku = "A"\n[[policy]]\nskus = "B"\n', 7, "unknown key skus in policy.1: did you mean sku?"),
        (SHOP + "[stock]\nbuffer = -1\n", 5, "stock.buffer cannot be -1: input should be greater than or equal to 0"),
        (SHOP + '[stock]\ncap = "9"\n', 5, "stock.cap cannot be '9': input should be a valid integer"),
        (SHOP + '[stock]\ngrace = "5 minutes"\n', 5, 'a duration is a number with s, m, h or d, such as "5s"'),
        (SHOP + 'counts = "shelve"\n', 4, "channels.shop.counts cannot be 'shelve': allowed is 'sellable' or 'shelf'"),
        (SHOP + "create = 1\n", 4, "channels.shop.create cannot be 1: input should be a valid boolean"),
        (SHOP + '[channels.shop.price]\nfactor = "1.1"\n', 5, "a number is wanted, without quotes"),
        (SHOP + '[channels.shop.price]\nfacter = 1.1\n', 5, "unknown key facter in channels.shop.price: did you mean factor?"),
        (SHOP + "[kits]\nSET = { A = 0 }\n", 5, "kits.SET.A cannot be 0"),
        (SHOP + "[kits]\nSET = { TWO = 1 }\nTWO = { A = 2 }\n", 5, "kit SET needs components, and none of them may be a kit"),
        (SHOP + '[[policy]]\nchannel = "shp"\ncap = 1\n', 5, "there is no channel 'shp': did you mean shop?"),
        (SHOP + '[orders]\nhome = "shop"\nmirror = [\n  "till",\n]\n', 6, "there is no channel 'till'"),
        (SHOP + '[orders]\nmirror = ["shop"]\n', 5, "orders are mirrored to orders.home, which is not given"),
        (SHOP + EVENTS.replace("drift", "drft"), 8, "there is no event 'drft': did you mean drift?"),
        (SHOP + EVENTS + EVENTS, 10, "there is another one in [[events]] called 'mailer': give each its own name"),
        (SHOP + TOKEN + TOKEN, 9, "there is another one in [[tokens]] called 'till': give each its own name"),
        (SHOP + TOKEN.replace("read", "reed"), 7, "tokens.0.scopes.0 cannot be 'reed'"),
        (SHOP + '[audit]\nmax_age = "often"\n', 5, "a duration is a number with s, m, h or d"),
        (SHOP + '[products]\nowner = "shoop"\n', 5, "there is no channel 'shoop': did you mean shop? allowed: bridge, shop"),
        (SHOP + '[products.fields]\nprise = "shop"\n', 5, "there is no product field prise: did you mean price?"),
        (SHOP + '[products.fields]\nprice = { owner = "shop", writer = ["shop"] }\n', 5, "unknown key writer"),
        (SHOP + "[points]\nearn = 1\n", 4, "points.currency is missing"),
        (SHOP + POINTS + 'earn = "2"\n', 6, "a number is wanted, without quotes"),
        (SHOP + POINTS + "value = 0\n", 6, "points.value cannot be"),
        (SHOP + POINTS + "erns = 1\n", 6, "unknown key erns in points: did you mean earn? allowed: code_lasts, currency, "),
        (SHOP + POINTS + 'pending = "two weeks"\n', 6, "a duration is a number with s, m, h or d"),
        (SHOP + POINTS + 'code_lasts = "0s"\n', 6, "a code made of points has to last for some time"),
        (SHOP + POINTS.replace("EUR", "euro"), 5, "points.currency cannot be 'euro'"),
        (SHOP + POINTS + '[[points.rule]]\nsku = "A"\n', 6, "points.rule.0.times is missing"),
        (SHOP + POINTS + "[[points.rule]]\ntimes = 2\nform = 2026-01-01\n", 8, "unknown key form in points.rule.0: did you mean from?"),
        (SHOP + POINTS + '[[points.rule]]\ntimes = 2\nfrom = "2026-01-01"\n', 8, "a date is wanted, without quotes, such as 2026-11-27"),
        (SHOP + POINTS + "[[points.rule]]\ntimes = 2\nfrom = 2026-01-02\nuntil = 2026-01-01\n", 9, "the rule ends before it begins"),
        (SHOP + POINTS + '[[points.rule]]\ntimes = 2\nchannel = "shp"\n', 8, "there is no channel 'shp': did you mean shop?"),
        (SHOP + POINTS + TIER + TIER.replace("500", "600"), 10, "there is another tier called 'Gold'"),
        (SHOP + POINTS + TIER + TIER.replace("Gold", "Silver"), 11, "there is another tier from 500 on"),
        (SHOP + '[customers]\ncountry = "UK"\n', 5, "the United Kingdom is GB"),
        (SHOP + "[coupons]\nreward = 5\n", 5, "no points are given: add a [points] table"),
        (SHOP + 'points = "of"\n', 4, "channels.shop.points cannot be 'of': allowed is 'show', 'own' or 'off'"),
        ('[channels.ledger]\nplatform = "square"\n', 1, "a channel cannot be called 'ledger'"),
        ('[channels.shop]\nurl = "x"\n', 1, "channels.shop.platform is missing"),
        ('[channels.shop]\nplatform = "bazaar"\n', 2, "allowed is 'woocommerce', 'shopify', "),
        ('database = "b.db"\n', 0, "channels is missing"),
        ("database = 'b.db'\n[channels.shop\n", 2, "this is not TOML"),
        ("a = 1\na = 2\n", 2, "this is not TOML"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_line_and_what_is_allowed(text: str, line: int, told: str) -> None:
    found = problems(text)
    assert len(found) == 1
    assert found[0][0] == line
    assert told in found[0][1]


def test_a_channel_that_gives_points_by_itself_or_none_earns_nothing_from_us() -> None:
    loaded = read(
        SHOP
        + 'points = "own"\n'
        + SHOP.replace("shop", "pop")
        + 'points = "off"\n'
        + SHOP.replace("shop", "bar")
        + POINTS
    )
    rules = rules_of(loaded.config).loyalty
    assert rules.points is not None
    assert (rules.points.off, rules.own, rules.hidden) == (
        frozenset({"shop", "pop"}),
        frozenset({"shop"}),
        frozenset({"pop"}),
    )


def test_the_same_rules_have_the_same_name_however_they_are_written() -> None:
    versions = [
        rules_of(read(SHOP + POINTS + f"earn = {earn}\n").config).loyalty.points for earn in ("1", "1.0", "10", "1.1")
    ]
    assert versions[0] == versions[1]
    assert len({one.version for one in versions if one is not None}) == 3


def test_only_a_platform_with_a_programme_of_its_own_can_earn_by_itself() -> None:
    text = '[channels.web]\nplatform = "shopify"\nshop = "x.myshopify.com"\naccess_token = "shpat_x"\npoints = "own"\n'
    with pytest.raises(ConfigError) as caught:
        channel_of(read(text), "web", outside())
    assert [(one.line, one.text) for one in caught.value.problems] == [
        (5, 'channels.web.points cannot be "own": shopify gives no points by itself; allowed: "show", "off"')
    ]  # fmt: skip
    assert channel_of(read(SHOP + 'points = "own"\n'), "shop", outside())[0].name == "shop"


def test_all_problems_are_told_at_once_in_the_order_of_the_file() -> None:
    found = problems(SHOP + '[stock]\nbufer = 2\ncap = "x"\n')
    assert [line for line, _ in found] == [5, 6]


def test_a_missing_variable_is_named_where_it_is_wanted() -> None:
    text = '[channels.shop]\nplatform = "square"\naccess_token = "${TOKEN}"\n'
    assert problems(text)[0][0] == 3
    assert "access_token wants the variable TOKEN, which is not set" in problems(text)[0][1]
    assert read(text, TOKEN="t").config.channels["shop"].settings == {"access_token": "t"}


@pytest.mark.parametrize(
    ("text", "variables", "expected"),
    [
        ("${A}", {"A": "1"}, "1"),
        ("x${A}y${B:-2}z", {"A": "1"}, "x1y2z"),
        ("${B:-}", {}, ""),
        ("${B:-fallback}", {"B": ""}, "fallback"),
        ("${B:-fallback}", {"B": "given"}, "given"),
        ("$A and $ {A}", {"A": "1"}, "$A and $ {A}"),
    ],
)
def test_variables(text: str, variables: dict[str, str], expected: str) -> None:
    missing: list[Any] = []
    assert expand({"k": [text]}, variables, lambda *found: missing.append(found)) == {"k": [expected]}
    assert missing == []


def settings_problem(extra: str) -> tuple[int, str]:
    loaded = read(f'[channels.shop]\nplatform = "square"\n{extra}')
    with pytest.raises(ConfigError) as caught:
        loaded.settings("shop", Settings)
    return caught.value.problems[0].line, caught.value.problems[0].text


def test_a_connectors_settings_are_read_and_secrets_never_shown() -> None:
    loaded = read('[channels.shop]\nplatform = "square"\nurl = "u"\ntoken = "hush-hush"\nsize = 7\ncreate = true\n')
    assert loaded.settings("shop", Settings) == Settings(url="u", token="hush-hush", size=7)
    assert "hush-hush" not in repr(loaded)
    assert "hush-hush" not in repr(loaded.config)


def test_a_connectors_settings_are_checked_with_the_line() -> None:
    line, text = settings_problem('url = "u"\ntokn = "x"\ntoken = "x"\n')
    assert line == 4
    assert text.startswith(
        "unknown key tokn in channels.shop: did you mean token? allowed: counts, counts_from, create,"
    )
    assert text.endswith("size, token, url, verify")
    line, text = settings_problem('url = "u"\ntoken = 1234567\n')
    assert line == 4
    assert "1234567" not in text
    assert settings_problem('token = "x"\n') == (1, "channels.shop.url is missing: the address")
    assert settings_problem('url = "u"\ntoken = ""\n') == (4, "channels.shop.token is missing: the token")
    assert settings_problem('url = "u"\ntoken = "x"\nverify = "yes"\n')[0] == 5


@pytest.mark.parametrize(("token", "mode", "warned"), [("x", 0o644, 1), ("x", 0o600, 0), ("${TOKEN}", 0o644, 0)])
def test_literal_secrets_in_a_file_that_others_may_read_are_warned_of(
    tmp_path: Path, token: str, mode: int, warned: int
) -> None:
    file = tmp_path / "config.toml"
    file.write_text(f'[channels.shop]\nplatform = "square"\nurl = "u"\ntoken = "{token}"\n')
    file.chmod(mode)
    found = list(load(file, {"TOKEN": "y"}).warnings("shop", Settings))
    assert len(found) == warned
    assert all("chmod 600" in text for text in found)


def test_the_file_is_found_by_option_then_variable_then_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a.toml", "b.toml", "config.toml"):
        (tmp_path / name).write_text(SHOP)
    monkeypatch.chdir(tmp_path)
    assert find("a.toml", {"BRIDGE_CONFIG": "b.toml"}) == Path("a.toml")
    assert find(None, {"BRIDGE_CONFIG": "b.toml"}) == Path("b.toml")
    assert find(None, {}) == Path("config.toml")
    with pytest.raises(ConfigError, match="there is no such config file"):
        find("c.toml", {})


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="cannot be read"):
        load(file, {})


def test_lines_are_found_through_arrays_quotes_and_multi_line_text() -> None:
    text = 'a.b = 1\n[x."y z"]\nk = """\nnot = 1\n[x]\n"""\nm = 2\n[[p]]\ni = 1\n[[p]]\n"i" = 2\n[p.q]\nr = 3\n'
    lines = Lines(text)
    wanted = {
        ("a", "b"): 1,
        ("x", "y z"): 2,
        ("x", "y z", "m"): 7,
        ("p", 0, "i"): 9,
        ("p", 1, "i"): 11,
        ("p", 1, "absent"): 10,
    }
    assert {path: lines.of(path) for path in wanted} == wanted
    assert lines.of(("nowhere",)) == 0


def test_a_config_is_never_written_over_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    write_new(file, SHOP)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with pytest.raises(ConfigError, match="not overwritten"):
        write_new(file, "")
    assert file.read_text() == SHOP


def _tables(inner: Callable[[Any], Any]) -> Any:
    return st.dictionaries(st.text(min_size=1, max_size=8), inner(st), max_size=4)


@given(
    st.dictionaries(
        st.text(max_size=8), _tables(lambda s: s.text() | s.booleans() | s.integers(-(2**62), 2**62)), max_size=3
    )
)
def test_whatever_is_written_reads_back_the_same(channels: dict[str, dict[str, Any]]) -> None:
    assert read_toml("x", config_text(channels)).get("channels", {}) == channels
