"""Access: a wrong key, a missing scope, an expired token, a wrong address, a web page, plain http, Plain permalinks, a wrong clock.

Each is met twice: by `bridge check`, and by a `bridge sync` that has work to do. What a merchant reads names the channel and the
next step, no secret is in it, and when the cause is gone the same command finishes.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from bridge.sandbox.kit.loop import START
from tests.baddays.conftest import ADay
from tests.baddays.day import PLATFORMS, Day, Said, good
from tests.contract.facts import FACTS

FIELDS = {"woocommerce": "consumer_secret", "shopify": "access_token", "square": "access_token"}


def selling(day: Day, *, only: tuple[str, ...] = PLATFORMS) -> None:
    """Everything in step, and then a sale on every channel."""
    day.seed(good("TEE", stock=20), only=only)
    day.truth = {"TEE": 20}
    day.opened()
    day.until_quiet()
    day.wait(10)
    for name in only:
        day.sells(name, "TEE", 2)


def with_settings(day: Day, changes: Mapping[str, Mapping[str, Any]]) -> Mapping[str, dict[str, object]]:
    """Change settings in the config; returns what they were."""
    before = day.channels
    day.channels = {name: {**table, **changes.get(name, {})} for name, table in before.items()}
    day.write_config()
    return before


def mended(day: Day, before: Mapping[str, dict[str, object]]) -> None:
    """With the right settings back the same command finishes, and nothing was lost."""
    day.channels = dict(before)
    day.write_config()
    for platform in day.platforms.values():
        platform.faults.clear()
    day.until_quiet()
    assert day.problems() == []


def secrets(day: Day) -> set[str]:
    """Every secret that this day knows, the made-up wrong ones too."""
    mine = {str(table[FIELDS[name]]) for name, table in day.channels.items()}
    return mine | {str(value) for facts in FACTS.values() for value in facts.wrong.values()}


def spoken(day: Day, said: Said, name: str) -> str:
    """Return what was said about a channel: the lines after its name; fails where a secret is seen or the next step is not."""
    assert not [secret for secret in secrets(day) if secret in said.text]
    assert "Traceback" not in said.text
    lines = said.text.splitlines()
    about = [number for number, line in enumerate(lines) if line.startswith(f"{name}: ")]
    assert about, said.text
    text = "\n".join(lines[about[0] : about[0] + 2])
    assert "\n  next: " in text, said.text
    return text


CASES: dict[str, tuple[dict[str, dict[str, Any]], dict[str, str], dict[str, int]]] = {
    "wrong key": (
        {name: dict(FACTS[name].wrong) for name in PLATFORMS},
        {
            "woocommerce": "Consumer secret is invalid. (HTTP 401)",
            "shopify": "Shopify does not accept the access token",
            "square": "This request could not be authorized.",
        },
        {"code": 3},
    ),
    "nobody there": (
        {name: {"url": "https://nobody.example"} for name in PLATFORMS},
        dict.fromkeys(PLATFORMS, "could not connect"),
        {"code": 1},
    ),
    "somebody else there": (
        {
            "woocommerce": {"url": "https://square.sandbox"},
            "shopify": {"url": "https://woo.sandbox"},
            "square": {"url": "https://woo.sandbox"},
        },
        {
            "woocommerce": "in WordPress Settings > Permalinks choose anything but Plain; check that url is the shop's address",
            "shopify": "there is no shop at this address, or it was closed",
            "square": "there is no Square API at this address (HTTP 404)",
        },
        {"code": 3},
    ),
}


@pytest.mark.parametrize("case", list(CASES))
def test_settings_that_do_not_work(day: Day, case: str) -> None:
    changes, words, ends = CASES[case]
    selling(day)
    before = with_settings(day, changes)
    for command in ("check", "sync"):
        said = day.bridge(command)
        assert said.code == ends["code"]
        for name in PLATFORMS:
            assert words[name] in spoken(day, said, name)
    assert day.numbers("TEE") == dict.fromkeys(PLATFORMS, 18), "nothing was written meanwhile"
    mended(day, before)


def test_a_wrong_key_stops_its_channel_only(day: Day) -> None:
    selling(day)
    before = with_settings(day, {"shopify": FACTS["shopify"].wrong})
    said = day.bridge("sync")
    assert said.code == 3
    assert "next: copy `access_token` again" in spoken(day, said, "shopify")
    assert day.numbers("TEE") == {"woocommerce": 16, "shopify": 18, "square": 16}
    mended(day, before)


def test_an_address_without_a_scheme_is_named_with_file_and_line(day: Day) -> None:
    selling(day)
    before = with_settings(day, {name: {"url": "shop.example"} for name in PLATFORMS})
    said = day.bridge("check")
    assert said.code == 3
    line = 1 + day.config.read_text().splitlines().index('url = "shop.example"')
    about = f"woocommerce: setting url is 'shop.example' ({day.config}, line {line})\n  next: set url to https://"
    assert about in said.out
    for name in ("shopify", "square"):
        assert "next: write the channel's url with https:// in front" in spoken(day, said, name)
    said = day.bridge("sync")
    assert said.code == 3
    assert about in said.err
    mended(day, before)


def test_key_and_secret_swapped_shows_no_secret(a_day: ADay) -> None:
    day = a_day("woocommerce")
    table = day.channels["woocommerce"]
    table["consumer_key"], table["consumer_secret"] = table["consumer_secret"], table["consumer_key"]
    day.write_config()
    said = day.bridge("check")
    assert said.code == 3
    assert "setting consumer_key is 'cs_'..." in said.out
    assert "next: set consumer_key to a key that begins with ck_" in said.out
    assert str(table["consumer_key"]) not in said.text


@pytest.mark.parametrize("name", PLATFORMS)
def test_a_missing_scope_is_named_before_anything_is_written(a_day: ADay, name: str) -> None:
    options, settings, word = FACTS[name].lacking
    day = a_day(name, **{name: options})
    day.seed(good("TEE"), only=(name,))
    given = {key: day.platforms[name].credentials[source] for key, source in settings.items()}
    with_settings(day, {name: given})
    for words in (["check"], ["adopt", "--open", name]):
        said = day.bridge(*words)
        assert said.code == 3
        text = spoken(day, said, name)
        assert f"the credentials lack: {word}" in text
        assert "next: grant these in the platform's admin" in text
    assert day.numbers("TEE") == {name: 10}


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("woocommerce", "give the key Read/Write permissions in WooCommerce > Settings > Advanced > REST API"),
        ("square", "give the Square application the missing permission"),
        ("shopify", "add the access scope"),
    ],
)
def test_a_scope_taken_away_later_stops_the_writing_and_loses_nothing(day: Day, name: str, told: str) -> None:
    selling(day)
    before = day.channels
    give_back = _take_away(day, name)
    said = day.bridge("sync")
    assert said.code == 3
    assert told in spoken(day, said, name)
    assert day.numbers("TEE") == {**dict.fromkeys(PLATFORMS, 14), name: 18}, "the others went on"
    give_back()
    mended(day, before)


def _take_away(day: Day, name: str) -> Any:
    """Take the right to write stock away; returns what gives it back."""
    _, settings, word = FACTS[name].lacking
    if settings:
        with_settings(day, {name: {key: day.platforms[name].credentials[source] for key, source in settings.items()}})
        return lambda: None
    app: Any = day.platforms[name].app
    holder = day.shop(name).state.token if name == "square" else app.api.app.access
    whole = holder.scopes
    holder.scopes = whole - {word}
    return lambda: setattr(holder, "scopes", whole)


def test_an_expired_token_of_square(a_day: ADay) -> None:
    """Square's OAuth tokens live 30 days; WooCommerce keys and Shopify's static tokens have no end."""
    ends = START + timedelta(days=3)
    day = a_day("square", square={"token_expires_at": ends})
    selling(day, only=("square",))
    said = day.bridge("check")
    assert said.code == 0
    assert f"square: the access token ends on {ends:%Y-%m-%d}: renew it before" in said.out
    day.wait(3 * 86400)
    for command in ("check", "sync"):
        said = day.bridge(command)
        assert said.code == 3
        text = spoken(day, said, "square")
        assert "The provided access token has expired." in text
        assert "next: check the channel's `access_token`" in text
    day.shop("square").state.token.expires_at = None
    mended(day, day.channels)


def test_an_expired_token_of_shopify_is_renewed_without_a_word(a_day: ADay) -> None:
    """A token of the client-credentials grant lives a day; between two commands nobody keeps it."""
    day = a_day("shopify")
    table = day.channels["shopify"]
    del table["access_token"]
    table |= {key: day.platforms["shopify"].credentials[key] for key in ("client_id", "client_secret")}
    day.write_config()
    day.seed(good("TEE", stock=20), only=("shopify",))
    day.truth = {"TEE": 20}
    day.opened()
    day.sells("shopify", "TEE")
    day.wait(2 * 86400)
    said = day.bridge("sync")
    assert said.code == 0, said.text
    assert day.problems() == []
    table["client_secret"] = "not-the-secret"
    day.write_config()
    said = day.bridge("sync")
    assert said.code == 3
    assert "Shopify does not accept the app's client id and secret" in said.out
    assert "next: check client_id and client_secret" in said.out
    assert "not-the-secret" not in said.text


@pytest.mark.parametrize(("kind", "told"), [("html", "Back soon."), ("invalid_json", '{"truncated": [1, 2')])
def test_an_answer_that_is_not_json(day: Day, kind: str, told: str) -> None:
    selling(day)
    for name in PLATFORMS:
        day.fault(name, kind, times=None)
    for command in ("check", "sync"):
        said = day.bridge(command)
        assert said.code == 1
        for name in PLATFORMS:
            text = spoken(day, said, name)
            assert told in text
            assert "in a browser: is it the shop itself" in text
    mended(day, day.channels)


def test_a_web_page_now_and_then_is_no_matter(day: Day) -> None:
    selling(day)
    for name in PLATFORMS:
        day.fault(name, "html", times=2)
    mended(day, day.channels)


def test_a_plain_http_shop_is_signed_for_and_warned_of(a_day: ADay) -> None:
    """Over plain http WooCommerce ignores basic auth: calls are signed, and the secret never travels."""
    day = a_day("woocommerce", woocommerce={"home": "http://woo.sandbox"})
    selling(day, only=("woocommerce",))
    said = day.bridge("check")
    assert said.code == 0
    assert "the url is plain http: orders and addresses travel unprotected; switch the shop to https" in said.out
    secret = str(day.channels["woocommerce"]["consumer_secret"])
    assert day.heard, "calls were made"
    assert not [call for call in day.heard if "authorization" in call.headers or secret in str(call.url)]
    mended(day, day.channels)


def test_a_shop_that_calls_itself_https_is_not_called_over_http(day: Day) -> None:
    selling(day)
    before = with_settings(day, {"woocommerce": {"url": "http://woo.sandbox"}})
    said = day.bridge("check")
    assert said.code == 3
    text = spoken(day, said, "woocommerce")
    assert "the shop calls itself https://woo.sandbox, so calls signed for http://woo.sandbox would be refused" in text
    assert "next: set url to https://woo.sandbox" in text
    mended(day, before)


def test_a_shop_without_pretty_permalinks(a_day: ADay) -> None:
    day = a_day("woocommerce", woocommerce={"permalinks": "plain"})
    day.seed(good("TEE"), only=("woocommerce",))
    for words in (["check"], ["adopt", "--open", "woocommerce"]):
        said = day.bridge(*words)
        assert said.code == 3
        assert "next: in WordPress Settings > Permalinks choose anything but Plain" in spoken(day, said, "woocommerce")
    assert day.numbers("TEE") == {"woocommerce": 10}


@pytest.mark.parametrize("minutes", [20, -20])
def test_a_clock_that_is_wrong_is_named_and_does_no_harm(day: Day, minutes: int) -> None:
    selling(day)
    day.ahead = timedelta(minutes=minutes)
    said = day.bridge("check")
    assert said.code == 0
    for name in PLATFORMS:
        assert f"{name}: this machine's clock is {minutes * 60:+d} s off" in said.out.replace("1201", "1200").replace(
            "1199", "1200"
        )
    day.until_quiet()
    assert day.problems() == []
    day.ahead = timedelta(0)
    for name in PLATFORMS:
        day.sells(name, "TEE")
    day.until_quiet()
    assert day.problems() == []


def test_a_wrong_clock_spoils_signatures_and_is_named(a_day: ADay) -> None:
    day = a_day("woocommerce", woocommerce={"home": "http://woo.sandbox"})
    selling(day, only=("woocommerce",))
    day.ahead = timedelta(minutes=20)
    for command in ("check", "sync"):
        said = day.bridge(command)
        assert said.code == 3
        assert "next: set this machine's clock (the shop accepts 15 minutes either way)" in spoken(
            day, said, "woocommerce"
        )
    day.ahead = timedelta(0)
    mended(day, day.channels)
