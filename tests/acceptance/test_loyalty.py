"""A customer's points and codes over three channels, with the real command."""

import json
import re
import stat
import urllib.error
from collections.abc import Iterator
from typing import Any

import pytest

from tests.acceptance.house import Bridge, House
from tests.acceptance.trio import Trio

POINTS = """
[points]
currency = "USD"
earn = 10
value = 0.01
pending = "0s"

[customers]
country = "US"

[coupons]
reward = 70
"""
ANN = {"name": "Ann Example", "email": "ann@example.com", "phone": "+14155550123"}


@pytest.fixture
def loyal(trio: Trio) -> Trio:
    """Three channels that are adopted and give points."""
    configure(trio)
    trio.adopt()
    trio.bridge("sync")
    return trio


def configure(trio: Trio, more: str = POINTS, **till: Any) -> None:
    trio.configure(poll="1h", hooks=False, more=more, **till)


def shown(trio: Trio, name: str) -> int | None:
    """What a channel shows Ann of her points."""
    found: list[int | None] = [
        one["points"] for one in trio.channels[name].act("customers") if one["email"] == ANN["email"]
    ]
    return found[0]


def known(trio: Trio) -> dict[str, str]:
    """Ann's accounts; WooCommerce tells nobody who is new, an audit finds them."""
    ids = {name: one.act("add_customer", **ANN) for name, one in trio.channels.items()}
    trio.bridge("audit", "shop")
    return ids


def balance(trio: Trio) -> Any:
    return trio.bridge("points", "show", ANN["email"], "--json").json


def test_points_earned_at_the_till_are_spent_in_the_web_shop(loyal: Trio) -> None:
    bridge, channels = loyal.bridge, loyal.channels
    ids = known(loyal)
    channels["till"].act("sale", lines=[{"sku": "TEE", "quantity": 2}], customer={"id": ids["till"]})
    ran = bridge("sync", "--json").json
    assert {one["channel"]: one["points"] for one in ran["channels"]} == {"shop": 1, "store": 1, "till": 1}
    assert {name: shown(loyal, name) for name in channels} == dict.fromkeys(channels, 200)

    made = bridge("points", "redeem", ANN["email"], "150", "--prefix", "ANN", "--json").json
    assert (made["points"], made["discount"], made["balance"]["spendable"]) == (150, "1.50 USD off", 50)
    told = bridge("points", "redeem", ANN["email"], "60", code=1).err
    assert "only 50 points can be spent, 60 were asked for\n  next: 150 are in open codes" in told
    planned = bridge("plan", "--json").json
    assert [(one["channel"], one["code"], one["action"]) for one in planned["codes"]] == [
        ("shop", made["code"], "write"), ("store", made["code"], "write"),
    ]  # fmt: skip
    ran = bridge("sync", "--json").json
    assert {one["channel"]: one["codes"] for one in ran["channels"]} == {"shop": 1, "store": 1, "till": 0}
    assert {name: shown(loyal, name) for name in channels} == dict.fromkeys(channels, 50)

    order = channels["shop"].act(
        "sale", lines=[{"sku": "MUG", "quantity": 1}], customer={"id": ids["shop"]}, codes=[made["code"]]
    )
    bridge("sync")
    # 8.50 of the mug were paid: 85 points more.
    assert (balance(loyal)["balance"], balance(loyal)["held"]) == (200 - 150 + 85, 0)
    assert {name: shown(loyal, name) for name in channels} == dict.fromkeys(channels, 135)
    status = bridge("coupon", "status", made["code"], "--json").json
    assert (status["code"]["state"], [(one["channel"], one["order_id"]) for one in status["uses"]]) == (
        "used up",
        [("shop", order)],
    )
    assert not channels["store"].act("coupons")[made["code"]]["active"]

    channels["shop"].act("cancel", order=order)
    bridge("sync")
    assert (balance(loyal)["balance"], balance(loyal)["held"]) == (200, 150)
    loyal.sound()


def test_a_code_with_one_use_is_off_everywhere_once_it_was_used(loyal: Trio) -> None:
    bridge, channels = loyal.bridge, loyal.channels
    assert "ONCE15: 15 % off. Next: `bridge sync`" in bridge("coupon", "create", "once15", "--percent", "15").out
    assert "it is easily taken for ONCE15" in bridge("coupon", "create", "0nce15", "--percent", "15").out
    bridge("coupon", "close", "0NCE15")
    bridge("sync")
    assert {name: channels[name].act("coupons")["ONCE15"]["active"] for name in ("shop", "store")} == {
        "shop": True,
        "store": True,
    }
    channels["store"].act("sale", lines=[{"sku": "TEE", "quantity": 1}], codes=["once15"])
    bridge("sync")
    assert not channels["shop"].act("coupons")["ONCE15"]["active"]
    with pytest.raises(urllib.error.HTTPError):
        channels["shop"].act("sale", lines=[{"sku": "TEE", "quantity": 1}], codes=["ONCE15"])
    rows = {one["channel"]: one["state"] for one in bridge("coupon", "status", "once15", "--json").json["channels"]}
    assert rows == {"shop": "off", "store": "off", "till": "by claim"}


def test_a_code_is_claimed_at_the_till(loyal: Trio) -> None:
    bridge = loyal.bridge
    bridge("coupon", "create", "TILL5", "--amount", "5", "--uses", "2", "--minimum", "20", "--until", "2099-12-31")
    first = bridge("coupon", "claim", "till5", "--channel", "till", "--json").json
    assert (first["code"], first["state"], first["discount"]) == ("TILL5", "open", "5.00 USD off from 20.00 USD")
    second = bridge("coupon", "claim", "TILL5", "--channel", "till", "--for", "5m")
    assert re.search(r"Take 5.00 USD off .*`bridge coupon capture \w+`", second.out)
    assert "no use of TILL5 is free at till" in bridge("coupon", "claim", "TILL5", "--channel", "till", code=1).err
    assert "used" in bridge("coupon", "capture", first["id"], "--order", "O-1").out
    assert bridge("coupon", "capture", first["id"], "--json").json["state"] == "used"
    given = re.search(r"claim (\w+):", second.out)
    assert given is not None
    assert "released" in bridge("coupon", "release", given[1]).out
    assert "is released already" in bridge("coupon", "capture", given[1], code=1).err
    assert bridge("coupon", "status", "TILL5", "--json").json["code"]["left"] == 1
    assert "TILL5 is closed" in bridge("coupon", "close", "TILL5").out
    assert "TILL5 is closed\n" in bridge("coupon", "claim", "TILL5", "--channel", "till", code=1).err


def test_a_campaign_is_made_once_however_often_it_is_asked_for(loyal: Trio) -> None:
    bridge, words = loyal.bridge, ("--prefix", "AUTUMN", "--percent", "15", "--once", "--json")
    made = bridge("coupon", "generate", "--count", "20", *words, "--csv", "a.csv", "--qr", "a.html").json
    assert (made["campaign"], made["codes"], made["says"]) == ("AUTUMN", 20, "15 % off")
    lines = (bridge.folder / "a.csv").read_text().splitlines()
    assert (lines[0], len(set(lines)), lines[1].endswith(",15 % off")) == ("code,discount", 21, True)
    assert (bridge.folder / "a.html").read_text().count("<svg") == 20
    assert bridge("coupon", "generate", "--count", "20", *words).json == made
    more = bridge("coupon", "generate", "--count", "25", *words, "--qr", "b.svg").json
    assert (more["codes"], more["first"][0][:6]) == (25, "AUTUMN")
    assert (
        "a.csv is there already"
        in json.loads(bridge("coupon", "generate", "--count", "25", *words, "--csv", "a.csv", code=2).out)["error"][
            "what"
        ]
    )
    other = bridge("coupon", "generate", "--count", "25", "--prefix", "AUTUMN", "--percent", "20", code=1)
    assert "there is a campaign AUTUMN already, with other terms: 15 % off" in other.err
    bridge("sync")
    assert len(loyal.channels["store"].act("coupons")) == len(loyal.channels["shop"].act("coupons")) == 25
    used, closed = more["first"][:2]
    loyal.channels["shop"].act("sale", lines=[{"sku": "TEE", "quantity": 1}], customer=ANN, codes=[used])
    bridge("sync")
    bridge("coupon", "close", closed)
    told = bridge("coupon", "status", "autumn").out
    assert told == "AUTUMN: 25 codes, 15 % off, one use each, shared\nused: 1 (orders: 1), open: 23, closed: 1\n"
    told = bridge("coupon", "push", "AUTUMN", "--channel", "till", code=1).err
    assert "AUTUMN is good at till already" in told
    bridge("coupon", "close", "AUTUMN")
    stands = bridge("coupon", "status", "AUTUMN", "--json").json
    assert (stands["codes"], stands["used"], stands["open"], stands["closed"]) == (25, 1, 0, 24)
    assert "25 codes of AUTUMN are closed" in bridge("coupon", "close", "autumn").out
    bridge("sync")
    assert not any(one["active"] for one in loyal.channels["shop"].act("coupons").values())


def test_codes_that_a_shop_has_are_taken_over_with_their_uses(loyal: Trio) -> None:
    bridge, shop, store = loyal.bridge, loyal.channels["shop"], loyal.channels["store"]
    shop.act("add_coupon", code="SUMMER", percent=15, limit=3)
    shop.act("sale", lines=[{"sku": "TEE", "quantity": 1}], codes=["SUMMER"])
    taken = bridge("coupon", "import", "shop", "--channel", "store", "--json").json
    assert [(one["code"], one["state"], one["used"], one["left"]) for one in taken["codes"]] == [
        ("SUMMER", "taken", 1, 2)
    ]
    bridge("sync")
    assert store.act("coupons")["SUMMER"]["limit"] == 2
    shop.act("sale", lines=[{"sku": "TEE", "quantity": 1}], codes=["SUMMER"])
    store.act("sale", lines=[{"sku": "TEE", "quantity": 1}], codes=["SUMMER"])
    bridge("sync")
    status = bridge("coupon", "status", "SUMMER", "--json").json
    assert (status["code"]["left"], status["code"]["state"]) == (0, "used up")
    assert not shop.act("coupons")["SUMMER"]["active"]
    assert [one["state"] for one in bridge("coupon", "import", "shop", "SUMMER", "--json").json["codes"]] == ["known"]
    missing = bridge("coupon", "import", "shop", "WINTER", code=3)
    assert re.search(r"WINTER\s+foreign .*it is not there", missing.out)


def test_people_are_merged_exported_and_forgotten(loyal: Trio) -> None:
    bridge, channels = loyal.bridge, loyal.channels
    known(loyal)
    channels["shop"].act(
        "sale", lines=[{"sku": "TEE", "quantity": 1}], customer={"name": "Ann", "email": "ann@work.example"}
    )
    channels["store"].act(
        "sale", lines=[{"sku": "CAP", "quantity": 1}], customer={"name": "Ann", "email": ANN["email"]}
    )
    bridge("sync", code=None)
    assert (balance(loyal)["balance"], len(bridge("customer", "list", "--json").json)) == (100, 2)
    merged = bridge("customer", "merge", ANN["email"], "ann@work.example", "--json").json
    assert (merged["points"]["balance"], balance(loyal)["balance"]) == (200, 200)
    shown_ = bridge("customer", "show", "ann@work.example").out
    assert merged["gone"] in shown_
    assert "a***@work.example" in shown_
    number = bridge("customer", "show", ANN["email"], "--json").json["merges"][0]["number"]
    bridge("customer", "unmerge", ANN["email"], str(number))
    assert balance(loyal)["balance"] == 100
    bridge("points", "adjust", ANN["email"], "-30", "--reason", "given twice", "--by", "Bo")
    assert bridge("points", "liability", "--json").json["points"] == 170
    assert bridge("points", "liability", "--at", "2020-01-01", "--json").json["points"] == 0

    bridge("customer", "export", ANN["email"], "--out", "ann.json")
    file = bridge.folder / "ann.json"
    stored = json.loads(file.read_text())
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert {one["value"] for one in stored["customer"]["contacts"]} == {ANN["email"], ANN["phone"]}
    assert stored["orders"][0]["customer"]["email"] == ANN["email"]
    assert "say --yes" in bridge("customer", "forget", ANN["email"], code=2).err
    assert "1 orders name nobody now" in bridge("customer", "forget", ANN["email"], "--yes").out
    assert "nobody is known by this" in bridge("customer", "show", ANN["email"], code=1).err
    assert not loyal.rows("SELECT 1 FROM contacts WHERE value LIKE '%ann@example.com%'")
    assert not loyal.rows("SELECT 1 FROM orders WHERE snapshot LIKE '%ann@example.com%'")
    loyal.sound()


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        ("coupon create A --percent 10", 2, "cannot be a code everywhere"),
        ("coupon create SPRING --percent 10 --amount 5", 2, "a percentage, a sum, or the shipping: one of them"),
        ("coupon create SPRING", 2, "a percentage, a sum, or the shipping: one of them"),
        ("coupon create SPRING --percent 120", 2, "120 % cannot be taken off"),
        ("coupon create SPRING --percent 10.001", 2, "10.001 % is too fine"),
        ("coupon create SPRING --percent x", 2, "x is not a number such as 5.00"),
        ("coupon create SPRING --percent 5 --until tomorrow", 2, "tomorrow is not a date such as 2026-11-27"),
        (
            "coupon create SPRING --percent 5 --from 2026-02-01 --until 2026-01-01",
            2,
            "the code would end before it begins",
        ),
        (
            "coupon create SPRING --percent 5 --until 2026-01-01",
            2,
            "the code would be over already: it ends at 2026-01-0",
        ),
        ("coupon generate --count 5 --prefix FAIR --percent 5 --until 2026-01-01", 2, "the code would be over already"),
        ("coupon create SPRING --percent 5 --sku TEA", 1, "did you mean TEE?"),
        ("coupon create SPRING --percent 5 --channel stor", 2, "did you mean store?"),
        ("coupon create SPRING --percent 5 --uses 2 --unlimited", 2, "Say one of --uses, --once and --unlimited"),
        ("coupon create SPRING --percent 5 --unlimited --policy split", 2, "a code without limit cannot be split"),
        ("coupon create SPRING --percent 5 --email ann", 2, "that is no e-mail address"),
        ("coupon generate --count 5 --percent 5", 2, "Name the codes with --prefix"),
        ("coupon generate --count 5 --percent 5 --prefix SPRING --qr codes.pdf", 2, "a sheet cannot be a .pdf"),
        ("coupon generate --count 100 --percent 5 --prefix LONGLONGLONG --length 13", 2, "only 32 codes fit"),
        (
            "coupon generate --count 3 --percent 5 --prefix LONGLONGLONG --length 8",
            2,
            "take a longer --length, 14 at least",
        ),
        ("coupon status NONE", 1, "there is no code NONE"),
        ("coupon claim NONE --channel shop", 1, "there is no code NONE"),
        ("coupon capture 12ab", 1, "there is no claim 12ab"),
        ("coupon import till", 1, "square has no codes of its own"),
        ("points show nobody@example.com", 1, "nobody is known by this name, e-mail, phone or account"),
        ("points redeem nobody@example.com 5", 1, "nobody is known by this name, e-mail, phone or account"),
        ("points adjust nobody@example.com 5 --by Bo", 2, "Missing option '--reason'"),
        ("points liability --at soon", 2, "soon is not a date"),
    ],
)
def test_wrong_input_is_told(wrong: Trio, words: str, code: int, told: str) -> None:
    assert told in wrong.bridge(*words.split(), code=code).err


@pytest.fixture(scope="module")
def wrong(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trio]:
    """A merchant of whom nobody asks anything sensible."""
    house = House()
    trio = Trio(house, Bridge(tmp_path_factory.mktemp("wrong")))
    trio.open()
    configure(trio)
    trio.adopt()
    yield trio
    house.close()


def test_only_platforms_with_a_programme_earn_by_themselves(trio: Trio) -> None:
    configure(trio, points="own")
    trio.adopt()
    file = trio.bridge.folder / "config.toml"
    file.write_text(file.read_text().replace("[channels.shop]", '[channels.shop]\npoints = "own"'))
    assert (
        'channels.shop.points cannot be "own": woocommerce gives no points by itself' in trio.bridge("sync", code=2).err
    )


def test_without_a_points_table_no_points_are_given(trio: Trio) -> None:
    configure(trio, more="")
    trio.adopt()
    trio.channels["shop"].act("sale", lines=[{"sku": "TEE", "quantity": 1}], customer=ANN)
    trio.bridge("sync")
    assert trio.bridge("customer", "list", "--json").json == []
    assert not trio.rows("SELECT 1 FROM lots")


def test_points_of_somebody_who_has_no_account_in_a_shop_are_nobodys_trouble(loyal: Trio) -> None:
    bridge, channels = loyal.bridge, loyal.channels
    channels["shop"].act("sale", lines=[{"sku": "CAP", "quantity": 1}], customer=ANN)
    bridge("sync")
    made = bridge("points", "redeem", ANN["email"], "100", "--json").json
    bridge("sync")
    rows = {one["channel"]: one for one in bridge("coupon", "status", made["code"], "--json").json["channels"]}
    assert {name: one["state"] for name, one in rows.items()} == {
        "shop": "there",
        "store": "refused",
        "till": "by claim",
    }
    assert {name: one["limit"] for name, one in rows.items()} == {"shop": 1, "store": 0, "till": None}
    assert "are no customers of this shop" in rows["store"]["reason"]
    assert [one["reason"] for one in bridge("plan", "--json").json["codes"]] == [rows["store"]["reason"]]
    assert bridge("parked", "--json").json == []


def test_a_code_that_was_deleted_by_hand_is_parked_and_comes_back_at_retry(loyal: Trio) -> None:
    bridge, store = loyal.bridge, loyal.channels["store"]
    bridge("coupon", "create", "SPRING", "--amount", "5", "--uses", "9")
    bridge("sync")
    store.act("delete_coupon", code="SPRING")
    bridge("audit", "store", code=None)
    (parked,) = bridge("parked", "--json").json
    assert (parked["subject"], parked["channel"], parked["key"]) == ("coupon", "store", "SPRING")
    assert bridge("status", "--json").json["codes"] == 1
    bridge("retry", str(parked["id"]))
    assert {one["channel"]: one["codes_open"] for one in bridge("status", "--json").json["channels"]} == {
        "shop": 0, "store": 1, "till": 0,
    }  # fmt: skip
    bridge("sync")
    assert store.act("coupons")["SPRING"]["active"]
    assert bridge("parked", "--json").json == []


def test_an_invitation_is_one_code_however_often_it_is_asked_for(loyal: Trio) -> None:
    bridge, channels = loyal.bridge, loyal.channels
    channels["shop"].act("sale", lines=[{"sku": "CAP", "quantity": 1}], customer=ANN)
    bridge("sync")
    first = bridge("coupon", "invite", ANN["email"], "--percent", "10", "--json").json
    assert bridge("coupon", "invite", ANN["email"], "--percent", "10", "--json").json == first
    bridge("sync")
    friend = {"name": "Bob", "email": "bob@example.com"}
    channels["shop"].act("sale", lines=[{"sku": "TEE", "quantity": 1}], customer=friend, codes=[first["code"]])
    bridge("sync")
    assert balance(loyal)["balance"] == 100 + 70
    assert bridge("points", "show", "bob@example.com", "--json").json["balance"] == 90 + 70


def test_points_and_codes_are_changed_beside_a_daemon(loyal: Trio) -> None:
    bridge, channels = loyal.bridge, loyal.channels
    configure_daemon(loyal)
    with bridge.running(loyal.house) as daemon:
        loyal.hooked(daemon)
        channels["shop"].act("sale", lines=[{"sku": "TEE", "quantity": 1}], customer=ANN)
        loyal.house.pulse.until(lambda: loyal.rows("SELECT 1 FROM lots WHERE kept > 0"))
        assert "`bridge run` takes it up within" in bridge("coupon", "create", "LIVE", "--percent", "5").out
        assert (
            bridge("points", "adjust", ANN["email"], "5", "--reason", "sorry", "--by", "Bo", "--json").json["balance"]
            == 105
        )
        loyal.house.pulse.until(lambda: "LIVE" in channels["store"].act("coupons"))
        assert daemon.end() == 0


def configure_daemon(trio: Trio) -> None:
    trio.configure(poll="1s", hooks=True, more=POINTS)
