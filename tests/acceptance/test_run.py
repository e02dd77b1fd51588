"""`bridge run` as a merchant leaves it running: what is sold on one channel is off the others, and every end is an orderly one."""

import json
import random
import signal
from pathlib import Path

from tests.acceptance.conftest import STOCK
from tests.acceptance.house import PATIENCE, Bridge, Daemon, House
from tests.acceptance.trio import Trio, free_port


def test_a_sale_anywhere_is_told_by_webhook_and_taken_off_everywhere(trio: Trio) -> None:
    trio.configure(poll="1h", hooks=True)
    trio.adopt()
    with trio.bridge.running(trio.house) as daemon:
        assert daemon.url == f"http://127.0.0.1:{trio.port}"
        trio.hooked(daemon)
        for number, name in enumerate(trio.channels, 1):
            trio.sale(name, "TEE")
            trio.agree(TEE=number)
        assert daemon.get("/ready")[0] == 200
        assert daemon.end() == 0
    assert "stopped: what is not settled yet" in daemon.lines[-1]
    assert {status for (status,) in trio.rows("select state from deliveries")} <= {"new", "done"}
    trio.sound()
    story = trio.bridge("why", "TEE", "--json").json["counters"][0]["movements"]
    assert sorted(one["channel"] for one in story if one["why"] == "sale") == sorted(trio.channels)


def test_without_webhooks_polling_finds_it(trio: Trio) -> None:
    trio.configure(poll="1s", hooks=False)
    trio.adopt()
    with trio.bridge.running(trio.house) as daemon:
        for number, name in enumerate(trio.channels, 1):
            trio.sale(name, "TEE")
            trio.agree(TEE=number)
        assert daemon.end() == 0
    assert trio.house.posted == []
    assert [call for one in trio.channels.values() for call in one.watched.calls() if "webhook" in call] == []
    trio.sound()


def test_what_is_written_when_it_is_told_to_stop_is_written_to_its_end(trio: Trio) -> None:
    trio.configure(poll="1s", hooks=False)
    trio.adopt()
    with trio.bridge.running(trio.house) as daemon:
        trio.agree()
        till = trio.channels["till"]
        till.fault("latency", method="POST", path="/v2/inventory/changes/batch-create", seconds=PATIENCE)
        trio.sale("shop", "MUG")
        till.watched.arrived("POST /v2/inventory/changes/batch-create")
        daemon.process.send_signal(signal.SIGTERM)
        trio.house.let_go()
        assert daemon.ended() == 0
    assert till.stock() == {**STOCK, "MUG": STOCK["MUG"] - 1}
    trio.sound()


def test_a_platform_that_hangs_holds_up_no_stop_and_the_next_start_settles_it(trio: Trio) -> None:
    trio.configure(poll="1s", hooks=False)
    trio.adopt()
    with trio.bridge.running(trio.house) as daemon:
        trio.agree()
        till = trio.channels["till"]
        till.fault("latency", method="POST", path="/v2/inventory/changes/batch-create", seconds=PATIENCE)
        trio.sale("shop", "MUG")
        till.watched.arrived("POST /v2/inventory/changes/batch-create")
        assert daemon.end(signal.SIGINT) == 0
    assert till.stock() == STOCK
    trio.house.let_go()
    with trio.bridge.running(trio.house) as daemon:
        trio.agree(MUG=1)
        assert daemon.end() == 0
    trio.sound()


def test_killed_again_and_again_while_people_buy(trio: Trio) -> None:
    rng = random.Random(1)
    trio.configure(poll="1s", hooks=True)
    trio.adopt()
    sold = dict.fromkeys(STOCK, 0)
    with trio.bridge.running(trio.house) as daemon:
        trio.hooked(daemon)
    for _ in range(3):
        with trio.bridge.running(trio.house) as daemon:
            for _ in range(3):
                name, sku = rng.choice(sorted(trio.channels)), rng.choice(["TEE", "CAP"])
                if trio.channels[name].stock()[sku] > 1:
                    trio.sale(name, sku)
                    sold[sku] += 1
            calls = sum(len(one.watched.calls()) for one in trio.channels.values()) + rng.randrange(1, 12)
            trio.house.pulse.until(lambda: sum(len(one.watched.calls()) for one in trio.channels.values()) >= calls)  # noqa: B023
            daemon.kill()
    with trio.bridge.running(trio.house) as daemon:
        trio.agree(**sold)
        assert daemon.end() == 0
    trio.sound()
    stored = {body for (body,) in trio.rows("select body from deliveries")}
    answered = {one.body for one in trio.house.posted if 200 <= one.status < 300}
    pings = {body for body in answered if body.startswith(b"webhook_id=")}
    assert answered - pings
    assert answered - pings <= stored


def test_status_tells_whether_it_runs(trio: Trio) -> None:
    trio.configure(poll="1s", hooks=False)
    trio.adopt()
    assert trio.bridge("status", "--json").json["daemon"]["running"] is False
    with trio.bridge.running(trio.house) as daemon:
        trio.agree()
        told = trio.bridge("status", "--json").json["daemon"]
        assert (told["running"], told["address"], told["process"]) == (True, daemon.url, daemon.process.pid)
        assert {one["channel"]: one["state"] for one in told["channels"]} == dict.fromkeys(trio.channels, "ok")
        assert {"poll till", "audit shop", "holds", "housekeeping"} <= {one["name"] for one in told["jobs"]}
        assert f"bridge run: at work since {told['since'][:10]}" in trio.bridge("status").out
        assert daemon.end() == 0
    assert "bridge run: not running (stopped at " in trio.bridge("status").out
    with trio.bridge.running(trio.house) as daemon:
        daemon.kill()
    # Its last sign of life is fresh yet; three beats later it would not be believed (tests/unit/test_heartbeat.py).
    assert trio.bridge("status", "--json").json["daemon"]["seen_at"] > told["seen_at"]


def test_what_a_person_sets_right_beside_it(trio: Trio) -> None:
    trio.configure(poll="1s", hooks=False, more="[guard]\nzero = 0\nfree = 0\npercent = 100\n")
    trio.adopt()
    with trio.bridge.running(trio.house) as daemon:
        trio.agree()
        hold = trio.bridge("hold", "add", "CAP", "2")
        assert "`bridge run` takes it up within 1 s" in hold.out
        trio.agree(CAP=2)
        trio.bridge("hold", "release", hold.out.split()[1].rstrip(":"))
        trio.agree()
        for sku in ("MUG", "CAP"):
            trio.channels["till"].act("count", sku=sku, quantity=0)
        held = "select channel, sku from positions where parked like 'guard:%'"
        trio.house.pulse.until(lambda: len(trio.rows(held)) == 4)
        for name in ("shop", "store"):
            assert trio.bridge("approve", name, "--json").json["rows"] == 2
        trio.agree(MUG=STOCK["MUG"], CAP=STOCK["CAP"])
        assert "0 taken back in" in trio.bridge("retry", "--all").out
        assert daemon.end() == 0
    trio.sound()


INSTEAD = {
    "sync": "no need: it reads and writes all the time",
    "plan": "nothing waits for a plan while it runs; `bridge plan --offline` shows what is left",
    "audit": "no need: it verifies every number within audit.max_age",
    "adopt": "stop it first",
    "link shop 1 TEE": "stop it first",
    "run": "one is enough",
}


def test_beside_it_one_may_look_and_is_told_what_to_do_instead_of_the_rest(trio: Trio) -> None:
    trio.configure(poll="1h", hooks=False)
    trio.adopt()
    with trio.bridge.running(trio.house) as daemon:
        trio.agree()
        for words, step in INSTEAD.items():
            ran = trio.bridge(*words.split(), code=1)
            busy = f"`bridge run` (process {daemon.process.pid}) is working on this database"
            assert ran.err.startswith(f"{busy}\n  next: {step}"), words
        for words in ("why TEE", "parked", "check", "plan --offline"):
            trio.bridge(*words.split())
        assert daemon.end() == 0


def test_the_stand_ins_config_is_ready_for_it(house: House, bridge: Bridge) -> None:
    """What the README has a stranger do."""
    up = Daemon(bridge.start("sandbox", "up", "--config-out", "config.toml"), house.pulse)
    try:
        door = {
            line.split()[0]: line.split()[3] for line in (up.says(rf"^ +{name} ") for name in ("shop", "store", "till"))
        }
        up.says("config written")
        config = Path(bridge.folder / "config.toml")
        config.write_text(config.read_text().replace("127.0.0.1:8470", f"127.0.0.1:{free_port()}"))
        bridge("adopt", "--open", "shop")
        with bridge.running(house) as daemon:
            for name in door:
                daemon.says(f"{name}: webhooks created")
            assert daemon.end() == 0
        assert json.loads(bridge("check", "--json").out)["channels"]
    finally:
        assert up.end() == 0
