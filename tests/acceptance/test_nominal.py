"""What a merchant does on the first day, with the real command."""

import json
import stat
from pathlib import Path

from tests.acceptance.conftest import STOCK, channel_tables, products
from tests.acceptance.house import PATIENCE, Bridge, House, StandIn


def test_from_init_to_why(bridge: Bridge, shop: StandIn, till: StandIn) -> None:
    keys = shop.platform.credentials
    words = [
        "--channel",
        "shop=woocommerce",
        "--set",
        f"shop.url={shop.url}",
        "--channel",
        "till=square",
        "--set",
        f"till.url={till.url}",
    ]
    secrets = [
        "--set",
        "shop.consumer_key=${KEY}",
        "--set",
        "shop.consumer_secret=${SECRET}",
        "--set",
        "till.access_token=${TOKEN}",
    ]
    env = {
        "KEY": keys["consumer_key"],
        "SECRET": keys["consumer_secret"],
        "TOKEN": till.platform.credentials["access_token"],
    }
    made = bridge("init", *words, *secrets, env=env)
    assert "config.toml is written" in made.out
    config = bridge.folder / "config.toml"
    assert stat.S_IMODE(config.stat().st_mode) == 0o600
    assert "${SECRET}" in config.read_text()
    assert keys["consumer_secret"] not in config.read_text()

    checked = bridge("check", "--json", env=env).json
    assert [(one["channel"], one["ok"], one["currency"]) for one in checked["channels"]] == [
        ("shop", True, "USD"),
        ("till", True, "USD"),
    ]
    assert bridge("sync", code=3, env=env).err.startswith("no channel is adopted yet")

    seen = bridge("adopt", "--json", env=env).json
    assert [(one["sku"], one["numbers"], one["value"]) for one in seen["differences"]] == [
        ("TEE", {"shop": 12, "till": 10}, "20.00 USD")
    ]
    assert seen["opened_from"] is None
    assert shop.stock() == {**STOCK, "TEE": 12}
    opened = bridge("adopt", "--open", "till", "--json", env=env).json
    assert (opened["opened_from"], opened["counters_opened"], opened["written_to"]) == ("till", 3, ["shop", "till"])

    planned = bridge("plan", "--json", env=env).json
    rows = {
        one["channel"]: [(row["sku"], row["shown"], row["target"]) for row in one["rows"]]
        for one in planned["channels"]
    }
    assert rows == {"shop": [("TEE", 12, 10)], "till": []}
    assert {one["channel"]: one["calls"] for one in planned["channels"]} == {"shop": 1, "till": 0}
    assert shop.stock()["TEE"] == 12

    run = bridge("sync", "--json", env=env).json
    assert {one["channel"]: one["written"] for one in run["channels"]} == {"shop": 1, "till": 0}
    assert shop.stock() == till.stock() == STOCK
    assert bridge("status", "--json", env=env).json["last_run"]["outcome"] == "done"


def test_a_sale_and_a_count_reach_the_other_channel_and_why_tells_it(
    adopted: Bridge, shop: StandIn, till: StandIn
) -> None:
    order = shop.act("sale", lines=[{"sku": "TEE", "quantity": 3}])
    till.act("count", sku="MUG", quantity=9)
    adopted("sync")
    assert shop.stock() == till.stock() == {"TEE": 7, "MUG": 9, "CAP": 7}
    tee = adopted("why", "TEE", "--json").json
    assert [(m["why"], m["delta"], m["channel"], m["balance"]) for m in tee["counters"][0]["movements"]] == [
        ("sale", -3, "shop", 7), ("opening", 10, "till", 10),
    ]  # fmt: skip
    assert tee["counters"][0]["movements"][0]["source"] == order
    assert {(p["channel"], p["shown"], p["target"]) for p in tee["channels"]} == {("shop", 7, 7), ("till", 7, 7)}
    mug = adopted("why", "MUG", "--json").json
    assert [(c["channel"], c["expected"], c["quantity"]) for c in mug["counts"]] == [("till", 4, 9)]
    proof = adopted("check", "--ledger", "--json").json["ledger"]
    assert (proof["ok"], proof["movements"], proof["orders"]) == (True, 5, 1)
    assert {line["sku"] for line in adopted("history", "--json", "--limit", "2").json} == {"TEE", "MUG"}


def test_a_sync_with_nothing_to_do_costs_three_calls_a_channel(adopted: Bridge, shop: StandIn, till: StandIn) -> None:
    # Products read again by the overlap of the change feed need the shop's currency and weight unit: given here, not asked for.
    file = adopted.folder / "config.toml"
    file.write_text(
        file.read_text().replace("[channels.shop]", '[channels.shop]\ncurrency = "USD"\nweight_unit = "kg"')
    )
    for one in (shop, till):
        one.watched.forget()
    adopted("sync")
    assert len(shop.watched.calls()) <= 3
    assert len(till.watched.calls()) <= 3


def test_dry_run_of_one_subject_plans_that_subject(adopted: Bridge, shop: StandIn, till: StandIn) -> None:
    till.act("sale", lines=[{"sku": "TEE", "quantity": 1}])
    stock = adopted("sync", "stock", "--dry-run", "--json").json
    assert [row["sku"] for one in stock["channels"] for row in one["rows"]] == ["TEE"]
    assert adopted("sync", "products", "--dry-run", "--json").json["channels"] == []
    assert "TEE" not in adopted("plan", "orders").out


def test_dry_run_writes_nothing_and_says_what_it_would(adopted: Bridge, shop: StandIn, till: StandIn) -> None:
    shop.act("sale", lines=[{"sku": "CAP", "quantity": 2}])
    ran = adopted("sync", "--dry-run")
    assert "sale -2 on shop" in ran.out
    assert till.stock()["CAP"] == 7
    adopted("sync", "--channel", "shop")
    assert till.stock()["CAP"] == 7
    adopted("sync", "--sku", "TEE")
    assert till.stock()["CAP"] == 7
    adopted("sync", "--channel", "till", "--sku", "CAP")
    assert till.stock()["CAP"] == 5


def test_a_hold_takes_units_off_every_channel_until_it_is_released(
    adopted: Bridge, shop: StandIn, till: StandIn
) -> None:
    hold = adopted("hold", "add", "CAP", "2", "--for", "48h", "--note", "on the phone", "--json").json
    adopted("sync")
    assert (shop.stock()["CAP"], till.stock()["CAP"]) == (5, 5)
    assert adopted("why", "CAP", "--json").json["counters"][0]["available"] == 5
    assert [one["id"] for one in adopted("hold", "list", "--json").json] == [hold["id"]]
    assert "only 5 of CAP are free" in adopted("hold", "add", "CAP", "6", code=1).err
    adopted("hold", "release", hold["id"])
    adopted("sync")
    assert shop.stock() == till.stock() == STOCK
    assert "released already" in adopted("hold", "release", hold["id"], code=1).err


def test_a_large_plan_waits_for_approval(adopted: Bridge, shop: StandIn, till: StandIn) -> None:
    text = (adopted.folder / "config.toml").read_text()
    (adopted.folder / "config.toml").write_text(f"{text}\n[guard]\nzero = 1\nfree = 0\npercent = 100\n")
    till.act("count", sku="MUG", quantity=0)
    till.act("count", sku="CAP", quantity=0)
    ran = adopted("sync", "--json", code=3).json
    assert list(ran["halted"]) == ["shop"]
    assert shop.stock()["MUG"] == 4
    planned = adopted("plan", "--json", code=3).json["channels"][0]
    assert (planned["channel"], planned["held"], planned["writes"], len(planned["rows"])) == ("shop", 2, 0, 2)
    assert adopted("approve", "shop", "--json").json["rows"] == 2
    adopted("sync")
    assert shop.stock() == {"TEE": 10, "MUG": 0, "CAP": 0}


def test_buffers_and_caps_take_effect_when_the_config_changes(adopted: Bridge, shop: StandIn, till: StandIn) -> None:
    text = (adopted.folder / "config.toml").read_text()
    rule = '\n[[policy]]\nchannel = "shop"\nbuffer = 2\ncap = 6\n'
    (adopted.folder / "config.toml").write_text(text + rule)
    adopted("sync")
    assert shop.stock() == {"TEE": 6, "MUG": 2, "CAP": 5}
    assert till.stock() == STOCK


def test_audit_finds_what_no_feed_tells_and_sync_restores_it(adopted: Bridge, shop: StandIn, till: StandIn) -> None:
    adopted("audit", "--json")
    till.act("count", sku="CAP", quantity=3)
    found = {one["channel"]: one for one in adopted("audit", "till", "--json").json["channels"]}
    assert (found["till"]["edits"], found["till"]["waiting"]) == (1, 0)
    adopted("sync")
    assert shop.stock()["CAP"] == 3


def test_orders_are_packed_at_home_and_product_fields_follow_their_owner(
    bridge: Bridge, house: House, shop: StandIn, till: StandIn
) -> None:
    store = house.build("store", "shopify", products(STOCK))
    token = store.platform.credentials["access_token"]
    tables = channel_tables(shop, till)
    tables["store"] = {"platform": "shopify", "url": store.url, "access_token": token}
    bridge.configure(tables, '[orders]\nhome = "shop"\nmirror = ["store"]\n[products]\nowner = "shop"\n')
    bridge("adopt", "--open", "till")
    bridge("sync")
    shop.act("edit_product", sku="MUG", title="The Great Mug")
    order = store.act("sale", lines=[{"sku": "TEE", "quantity": 1}])
    planned = bridge("plan", "--json").json
    assert {(one["channel"], one["field"], one["after"]) for one in planned["fields"]} == {
        ("store", "title", "The Great Mug"), ("till", "title", "The Great Mug"),
    }  # fmt: skip
    assert [(one["channel"], one["action"], one["source"]) for one in planned["orders"]] == [
        ("shop", "mirror", "store")
    ]
    assert order.endswith(planned["orders"][0]["order_id"])
    parts = {one["channel"]: one for one in bridge("sync", "--json").json["channels"]}
    assert (parts["shop"]["mirrored"], parts["store"]["fields"], parts["till"]["fields"]) == (1, 1, 1)
    mirrored = [one for one in shop.orders() if one["reference"]]
    assert [(line["sku"], line["quantity"]) for one in mirrored for line in one["lines"]] == [("TEE", 1)]
    shop.act("fulfil", order=mirrored[0]["id"], tracking={"number": "PARCEL1", "carrier": "Post"})
    bridge("sync")
    assert [one["status"] for one in store.orders()] == ["fulfilled"]
    assert shop.stock() == till.stock() == store.stock() == {**STOCK, "TEE": 9}


def test_what_is_parked_is_listed_and_can_be_taken_back_in(adopted: Bridge, shop: StandIn, till: StandIn) -> None:
    till.act("delete_product", sku="CAP")
    assert "CAP was deleted on till" in adopted("sync", code=None).out + adopted("parked").out
    parked = adopted("parked", "--json").json
    assert [(one["subject"], one["channel"], one["attempts"]) for one in parked] == [("position", "till", 1)]
    assert [one["id"] for one in adopted("retry", str(parked[0]["id"]), "--json").json["retried"]] == [parked[0]["id"]]
    assert adopted("parked").out == "nothing is parked\n"
    assert "nothing is parked under number 99" in adopted("retry", "99", code=1).err


def test_a_listing_without_sku_is_a_finding_until_it_is_linked_by_hand(
    bridge: Bridge, house: House, shop: StandIn
) -> None:
    rows = [
        *products({"TEE": 10, "MUG": 4}),
        {"title": "A cap", "variants": [{"sku": None, "price": "10.00", "stock": 7}]},
    ]
    till = house.build("till", "square", rows, locations=("Main Street",))
    bridge.configure(channel_tables(shop, till))
    bridge("adopt", "--open", "shop")
    bridge("sync")
    found = bridge("link", "--json").json
    assert [(one["kind"], one["channel"]) for one in found["findings"]] == [("no_sku", "till")]
    listing = found["findings"][0]["key"]
    assert "did you mean CAP?" in bridge("link", "till", listing, "CAPP", code=1).err
    bridge("link", "till", listing, "CAP")
    assert bridge("link", "--json").json["findings"] == []
    shop.act("sale", lines=[{"sku": "CAP", "quantity": 2}])
    bridge("sync")
    assert {(one["channel"], one["shown"]) for one in bridge("why", "CAP", "--json").json["channels"]} == {
        ("shop", 5),
        ("till", 5),
    }
    assert bridge("link", "till", listing, "--undo", "--json").json["before"] == "CAP"
    assert {one["channel"] for one in bridge("why", "CAP", "--json").json["channels"]} == {"shop"}


def test_the_prompt_has_the_official_clients(adopted: Bridge) -> None:
    named = adopted("shell", "shop", "-c", "print(sorted(p['sku'] for p in woo.get('products').json()))")
    assert named.out.strip() == "['CAP', 'MUG', 'TEE']"
    assert "print" in adopted("shell", "till", "-c", "print('print', type(square).__name__)").out


def test_sandbox_up_prints_a_config_that_works(bridge: Bridge) -> None:
    up = bridge.start("sandbox", "up", "--platform", "square", "--json", "--config-out", "config.toml")
    try:
        assert up.stdout is not None
        told = json.loads(up.stdout.readline())
        assert [one["platform"] for one in told["platforms"]] == ["square"]
        assert Path(bridge.folder / "config.toml").read_text() == told["config"]
        assert bridge("check", "--json").json["channels"][0]["ok"]
    finally:
        up.terminate()
        _, err = up.communicate(timeout=PATIENCE)
    assert (up.returncode, err) == (0, "")
