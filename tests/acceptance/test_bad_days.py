"""What goes wrong for merchants: each shows the message, the exit code, and that nothing was lost."""

import os
import signal
import sqlite3
from pathlib import Path

import pytest

from tests.acceptance.conftest import STOCK, channel_tables, products
from tests.acceptance.house import PATIENCE, Bridge, House, StandIn

WRITES = {"shop": r"POST /wp-json/wc/v3/products/batch", "till": r"POST /v2/inventory/changes/batch-create"}


def error_of(bridge: Bridge, *words: str, code: int) -> dict[str, str]:
    """Run it with --json and return the error it printed."""
    ran = bridge(*words, "--json", code=code)
    assert ran.err == ""
    error: dict[str, str] = ran.json["error"]
    assert set(error) == {"what", "where", "next"}
    return error


def test_no_config(bridge: Bridge) -> None:
    assert error_of(bridge, "status", code=2) == {
        "what": "there is no such config file",
        "where": "config.toml",
        "next": "run `bridge init`, or name the file with --config FILE or BRIDGE_CONFIG",
    }


def test_an_unknown_key_is_named_with_file_and_line(configured: Bridge) -> None:
    file = configured.folder / "config.toml"
    file.write_text("databse = 'x.db'\n" + file.read_text())
    ran = configured("status", code=2)
    assert ran.err.startswith(
        "config.toml, line 1: unknown key databse: did you mean database? allowed: audit, channels, coupons, customers, daemon,"
    )
    assert ran.out == ""


def test_a_connectors_own_key_is_checked_before_any_call(configured: Bridge, shop: StandIn) -> None:
    file = configured.folder / "config.toml"
    file.write_text(file.read_text().replace("consumer_key", "consumer_kee"))
    error = error_of(configured, "check", code=2)
    assert "unknown key consumer_kee in channels.shop: did you mean consumer_key?" in error["what"]
    assert shop.watched.calls() == []


def test_a_secret_in_a_file_that_others_may_read_is_warned_of(configured: Bridge) -> None:
    (configured.folder / "config.toml").chmod(0o644)
    assert "others may read the file: chmod 600 config.toml" in configured("check").err


def test_a_wrong_key(bridge: Bridge, shop: StandIn, till: StandIn) -> None:
    tables = channel_tables(shop, till)
    tables["till"]["access_token"] = "EAAA-very-wrong-token"
    bridge.configure(tables)
    ran = bridge("check", code=3)
    assert "till: check the token: This request could not be authorized" in ran.out
    assert "next: check the channel's `access_token`" in ran.out
    assert "very-wrong" not in ran.out + ran.err
    assert "very-wrong" not in bridge("adopt", code=3).err


def test_a_key_that_stops_working_stops_only_its_channel(adopted: Bridge, shop: StandIn, till: StandIn) -> None:
    file = adopted.folder / "config.toml"
    right = file.read_text()
    file.write_text(right.replace(till.platform.credentials["access_token"], "EAAA-very-wrong-token"))
    shop.act("sale", lines=[{"sku": "TEE", "quantity": 1}])
    parts = {one["channel"]: one for one in adopted("sync", "--json", code=3).json["channels"]}
    assert (parts["shop"]["orders"], parts["shop"]["error"]) == (1, "")
    assert parts["till"]["needs_person"]
    file.write_text(right)
    adopted("sync")
    assert shop.stock() == till.stock() == {**STOCK, "TEE": 9}


def test_a_missing_scope_is_named(bridge: Bridge, house: House, shop: StandIn) -> None:
    scopes = ("MERCHANT_PROFILE_READ", "ITEMS_READ", "INVENTORY_READ", "ORDERS_READ")
    till = house.build("till", "square", products(STOCK), locations=("Main Street",), scopes=scopes)
    bridge.configure(channel_tables(shop, till))
    assert "till: the credentials lack: INVENTORY_WRITE" in bridge("check", code=3).out
    assert error_of(bridge, "adopt", code=3)["what"] == "the credentials lack: INVENTORY_WRITE"


def test_several_locations_are_listed_and_one_is_chosen(bridge: Bridge, house: House, shop: StandIn) -> None:
    till = house.build("till", "square", products(STOCK), locations=("Main Street", "Harbour"))
    bridge.configure(channel_tables(shop, till))
    checked = bridge("check", "--json", code=3).json["channels"][1]
    assert "there are several locations" in checked["problem"]
    main = next(place["id"] for place in checked["locations"] if place["name"] == "Main Street")
    bridge.configure(channel_tables(shop, till), f'[channels.till.locations]\n{main} = "main"\n')
    bridge("check")


@pytest.mark.parametrize("command", ["check", "adopt"])
def test_a_wrong_address(bridge: Bridge, shop: StandIn, till: StandIn, command: str) -> None:
    tables = channel_tables(shop, till)
    tables["shop"]["url"] = "http://127.0.0.1:9"
    bridge.configure({"shop": tables["shop"]})
    ran = bridge(command, code=1)
    assert "could not connect" in ran.out + ran.err
    assert "next: is http://127.0.0.1:9" in ran.out + ran.err


def test_a_web_page_instead_of_json(configured: Bridge, till: StandIn) -> None:
    till.fault("html", times=None)
    ran = configured("check", code=1)
    assert "a web page instead of JSON" in ran.out
    assert "open the channel's url in a browser" in ran.out
    till.mend()
    configured("check")


def test_a_database_from_a_newer_version_is_left_alone(adopted: Bridge) -> None:
    file = adopted.folder / "bridge.db"
    with sqlite3.connect(file) as connection:
        connection.execute("update meta set value = '9999' where name = 'schema'")
    connection.close()
    before = sorted(row for row in _dump(file))
    error = error_of(adopted, "sync", code=1)
    assert "was made by a newer version of the bridge (schema 9999" in error["what"]
    assert error["next"] == "install the newer version again; nothing was changed"
    assert sorted(row for row in _dump(file)) == before


def _dump(file: Path) -> list[str]:
    connection = sqlite3.connect(file)
    try:
        return list(connection.iterdump())
    finally:
        connection.close()


def test_two_at_once_the_second_names_the_first(adopted: Bridge, house: House, shop: StandIn, till: StandIn) -> None:
    shop.watched.forget()
    shop.fault("latency", seconds=PATIENCE)
    first = adopted.start("sync")
    shop.watched.arrived("GET ")
    error = error_of(adopted, "sync", code=1)
    assert error["what"] == f"`bridge sync` (process {first.pid}) is working on this database"
    assert error["next"] == "wait until it is done, or stop it"
    adopted("status")
    house.let_go()
    out, err = first.communicate(timeout=PATIENCE)
    assert (first.returncode, err) == (0, ""), out


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("channel", ["shop", "till"])
def test_a_signal_in_the_middle_of_a_write_then_again(
    adopted: Bridge, house: House, shop: StandIn, till: StandIn, channel: str, number: signal.Signals
) -> None:
    target = _sell_elsewhere(channel, shop, till)
    target.fault("latency", seconds=PATIENCE, path=WRITES[channel].split(" ")[1])
    running = adopted.start("sync")
    target.watched.arrived(WRITES[channel])
    running.send_signal(number)
    out, err = running.communicate(timeout=PATIENCE)
    assert (running.returncode, out) == (130, "")
    assert err == "stopped; run the same command again\n"
    assert adopted("status", "--json").json["last_run"]["outcome"] == "stopped"
    house.let_go()
    target.watched.ended(WRITES[channel])
    _agrees_after_another_sync(adopted, shop, till)


@pytest.mark.parametrize("arrives", [True, False])
@pytest.mark.parametrize("channel", ["shop", "till"])
def test_killed_in_the_middle_of_a_write_then_again(
    adopted: Bridge, house: House, shop: StandIn, till: StandIn, channel: str, arrives: bool
) -> None:
    """Whether the write that was on its way took effect or not, the same command again brings the numbers together."""
    target = _sell_elsewhere(channel, shop, till)
    path = WRITES[channel].split(" ")[1]
    target.fault("latency", seconds=PATIENCE, path=path)
    if not arrives:
        target.fault("cut_before", path=path)
    running = adopted.start("sync")
    target.watched.arrived(WRITES[channel])
    os.kill(running.pid, signal.SIGKILL)
    running.communicate(timeout=PATIENCE)
    assert adopted("status", "--json").json["last_run"]["outcome"] == "not ended: under way, or killed"
    assert {one["channel"]: one["in_flight"] for one in adopted("status", "--json").json["channels"]}[channel] == 1
    house.let_go()
    target.watched.ended(WRITES[channel])
    assert target.stock()["TEE"] == (8 if arrives else 10)
    _agrees_after_another_sync(adopted, shop, till)


def _sell_elsewhere(channel: str, shop: StandIn, till: StandIn) -> StandIn:
    """Sell two tees on the other channel, so that a write to this one follows."""
    target, other = (shop, till) if channel == "shop" else (till, shop)
    other.act("sale", lines=[{"sku": "TEE", "quantity": 2}])
    target.watched.forget()
    return target


def _agrees_after_another_sync(bridge: Bridge, shop: StandIn, till: StandIn) -> None:
    bridge("sync")
    assert shop.stock() == till.stock() == {**STOCK, "TEE": 8}
    tee = bridge("why", "TEE", "--json").json
    assert tee["counters"][0]["balance"] == 8
    assert [(one["shown"], one["in_flight"]) for one in tee["channels"]] == [(8, False), (8, False)]
    assert bridge("check", "--ledger", "--json").json["ledger"]["ok"]


@pytest.mark.parametrize("kind", ["cut_after", "cut_before", "throttle"])
def test_lost_answers_and_throttling_are_settled_within_one_sync(
    adopted: Bridge, shop: StandIn, till: StandIn, kind: str
) -> None:
    for one, other, channel in ((shop, till, "shop"), (till, shop, "till")):
        other.act("sale", lines=[{"sku": "MUG", "quantity": 1}])
        one.fault(kind, path=WRITES[channel].split(" ")[1])
    adopted("sync")
    assert shop.stock() == till.stock() == {**STOCK, "MUG": 2}
    assert adopted("check", "--ledger", "--json").json["ledger"]["ok"]


def test_usage_errors_have_exit_code_2(configured: Bridge) -> None:
    for words in (
        ["sink"],
        ["sync", "everything"],
        ["sync", "--channel", "shp"],
        ["adopt", "--open", "ledger"],
        ["retry"],
        ["why"],
    ):
        assert error_of(configured, *words, code=2)["what"]
    assert "Did you mean sync?" in configured("synk", code=2).err


def test_an_unknown_sku_is_told_with_a_guess(adopted: Bridge) -> None:
    assert error_of(adopted, "why", "tee", code=1) == {
        "what": "there is no SKU tee",
        "where": "",
        "next": "did you mean TEE?",
    }
    assert "did you mean MUG?" in adopted("history", "MUGG", code=1).err
    assert "did you mean CAP?" in adopted("sync", "--sku", "CPA", code=1).err
