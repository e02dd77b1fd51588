"""The probes: is the process there, is it ready, and what Prometheus reads."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from bridge.contract.webhooks import Delivery
from bridge.store import deliveries, figures
from bridge.store.database import Database
from bridge.store.deliveries import New
from bridge.webserver.probes import _Totals
from bridge.webserver.web import ChannelHealth, Health
from tests.unit.make import T0
from tests.webserver.hookhouse import HookHouse

SCRAPER, TILL = "scraper-token", "till-token"
TOKENS = f"""
[[tokens]]
name = "prometheus"
hash = "{sha256(SCRAPER.encode()).hexdigest()}"
scopes = ["metrics"]

[[tokens]]
name = "till"
hash = "{sha256(TILL.encode()).hexdigest()}"
scopes = ["read", "stock"]
"""
LOOPBACK = "127.0.0.1"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[HookHouse]:
    house = HookHouse(tmp_path)
    yield house
    house.close()


def healthy(heard: bool = True) -> Health:
    at = datetime.now(UTC)
    return Health(
        channels=(
            ChannelHealth(channel="shop", state="ok", heard_at=at),
            ChannelHealth(channel="till", state="failing", heard_at=at if heard else None, error="401 with sk_secret"),
        )
    )


def test_health_is_about_the_process(house: HookHouse) -> None:
    house.health = healthy(heard=False)
    answer = house.ask("GET", "/health")
    assert answer.status_code == 200
    told = answer.json()
    assert (told["ok"], told["ready"]) == (True, False)
    assert [(one["channel"], one["state"]) for one in told["channels"]] == [("shop", "ok"), ("till", "failing")]
    assert told["channels"][1]["heard_at"] is None
    assert "sk_secret" not in answer.text
    assert answer.headers["cache-control"] == "no-store"


def test_ready_once_every_channel_was_heard_of(house: HookHouse) -> None:
    house.health = healthy(heard=False)
    answer = house.ask("GET", "/ready")
    assert (answer.status_code, answer.json()) == (503, {"ready": False, "not_heard_of": ["till"]})
    house.health = healthy()
    answer = house.ask("GET", "/ready")
    assert (answer.status_code, answer.json()) == (200, {"ready": True, "not_heard_of": []})


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_metrics_without_a_token_are_for_this_machine_only(house: HookHouse) -> None:
    for client, more, status in [
        (LOOPBACK, {}, 200),
        ("::1", {}, 200),
        ("203.0.113.9", {}, 401),
        ("testclient", {}, 401),
        # A proxy on this machine lets the whole world in.
        (LOOPBACK, {"X-Forwarded-For": "203.0.113.9"}, 401),
        (LOOPBACK, {"Forwarded": "for=203.0.113.9"}, 401),
        (LOOPBACK, {"Via": "1.1 caddy"}, 401),
        (LOOPBACK, bearer("anything"), 200),
    ]:
        assert house.ask("GET", "/metrics", client=client, headers=more).status_code == status, (client, more)


def test_metrics_with_tokens_need_one(tmp_path: Path) -> None:
    house = HookHouse(tmp_path, more=TOKENS)
    for headers, status in [
        ({}, 401),
        (bearer("guessed"), 401),
        ({"Authorization": f"Basic {SCRAPER}"}, 401),
        (bearer(TILL), 403),
        (bearer(SCRAPER), 200),
    ]:
        for client in (LOOPBACK, "203.0.113.9"):
            answer = house.ask("GET", "/metrics", client=client, headers=headers)
            assert answer.status_code == status, (client, headers)
            assert SCRAPER not in answer.text
    assert house.ask("GET", "/metrics").headers["www-authenticate"] == "Bearer"
    assert "`bridge token`" in house.ask("GET", "/metrics").text
    house.close()


LINE = re.compile(
    r'^([a-z_]+)(\{([a-z]+="(?:[^"\\\n]|\\["\\n])*"(?:,[a-z]+="(?:[^"\\\n]|\\["\\n])*")*)\})? (-?[0-9.e+]+)$'
)


def scraped(house: HookHouse) -> dict[str, float]:
    """Read what Prometheus would: every line is a comment or a sample, every sample has its type before it."""
    answer = house.ask("GET", "/metrics", client=LOOPBACK)
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert answer.text.endswith("\n")
    found: dict[str, float] = {}
    family = ""
    for line in answer.text.splitlines():
        if line.startswith("# TYPE "):
            family = line.split()[2]
            assert line.split()[3] in {"gauge", "counter", "histogram"}
        elif not line.startswith("# HELP "):
            parts = LINE.match(line)
            assert parts is not None, line
            assert re.fullmatch(f"{family}(_bucket|_count)?", parts[1]), line
            assert f"{parts[1]}{parts[2] or ''}" not in found, line
            found[f"{parts[1]}{parts[2] or ''}"] = float(parts[4])
    return found


def fill(database: Database, at: datetime) -> None:
    delivery = Delivery(body=b"{}", headers={}, url="")
    rows = [New(channel="shop", received_at=at, delivery=delivery)] * 3
    database.write(lambda connection: deliveries.insert(connection, rows))
    counts = {"deliveries": 3, "calls": 1_234_567, "delay.le.50": 2, "delay.le.1000": 1, "delay.more": 4}
    database.write(lambda connection: figures.add(connection, at, "shop", counts))


def test_metrics_tell_what_is_kept_and_how_it_goes(house: HookHouse) -> None:
    house.health = Health(
        channels=(*healthy().channels, ChannelHealth(channel='odd "name"\\', state="resting", error="x"))
    )
    fill(house.app.database, house.app.now())
    found = scraped(house)
    assert found["bridge_ready"] == 0
    assert found['bridge_channel_state{channel="till",state="failing"}'] == 1
    assert found['bridge_channel_state{channel="till",state="ok"}'] == 0
    assert found['bridge_channel_state{channel="odd \\"name\\"\\\\",state="resting"}'] == 1
    assert found['bridge_webhooks_waiting{channel="shop"}'] == 3
    assert found['bridge_happened_total{channel="shop",what="calls"}'] == 1_234_567
    assert found['bridge_delay_seconds_bucket{channel="shop",le="0.05"}'] == 2
    assert found['bridge_delay_seconds_bucket{channel="shop",le="0.5"}'] == 2
    assert found['bridge_delay_seconds_bucket{channel="shop",le="1"}'] == 3
    assert found['bridge_delay_seconds_bucket{channel="shop",le="60"}'] == 3
    assert found['bridge_delay_seconds_bucket{channel="shop",le="+Inf"}'] == 7
    assert found['bridge_delay_seconds_count{channel="shop"}'] == 7
    assert 0 <= found['bridge_webhook_age_seconds{channel="shop"}'] < 3600
    assert found["bridge_parked"] == 0
    assert not any(name.startswith("bridge_happened_total") and "delay" in name for name in found)


def test_metrics_of_a_bridge_that_has_done_nothing_yet(house: HookHouse) -> None:
    assert scraped(house) == {"bridge_ready": 1, "bridge_parked": 0}


def test_counters_only_rise_whatever_is_put_away(house: HookHouse) -> None:
    database, totals, seen = house.app.database, _Totals(T0), []
    for hour in range(30):
        at = T0 + timedelta(hours=hour)
        for minute in (0, 59):
            now = at + timedelta(minutes=minute)
            # A figure of the hour that has just ended may still come in.
            late = now - timedelta(minutes=1)
            database.write(lambda connection, at=late: figures.add(connection, at, "shop", {"calls": 5}))  # type: ignore[misc]
            found = database.read(lambda connection, now=now: totals.at(now, connection))  # type: ignore[misc]
            seen.append(found.get(("shop", "calls"), 0))
        database.write(lambda connection, at=at: figures.forget(connection, at - timedelta(hours=3)))  # type: ignore[misc]
    # The very first belongs to the hour before this began.
    assert seen == [5 * number for number in range(60)]
