"""Many callers at once, on a database in a file: one effect a key, and a restart forgets no answer."""

import asyncio
import hashlib
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy.engine import Connection
from starlette.applications import Starlette

from bridge.app import App
from bridge.domain.ledger import Movement, stock
from bridge.engine.inbox import Inbox
from bridge.store import ledger, listings, schema
from bridge.store.database import Database
from bridge.webserver import api
from bridge.webserver.web import Health, Web
from bridge.wire.http import Surroundings
from tests.webserver.api_house import loaded

NOW = datetime(2026, 11, 22, 17, 0, tzinfo=UTC)
A = stock("A", "main")


@pytest.fixture
def file(tmp_path: Path) -> str:
    """A database file in which 10 units of A lie at main."""
    path = str(tmp_path / "bridge.db")
    database = Database(path)
    schema.ensure(database)
    database.write(_stocked)
    database.close()
    return path


def _stocked(connection: Connection) -> None:
    listings.add_skus(connection, {"A": "Tee"}, NOW)
    ledger.start(connection, [(A, datetime(2026, 1, 1, tzinfo=UTC), "shop")])
    opening = Movement(
        counter=A, delta=10, why="opening", unique="opening", channel="shop", source="opening", occurred_at=NOW
    )
    ledger.append(connection, [opening], NOW)


class Started:
    """One start of the API on a database file."""

    def __init__(self, file: str) -> None:
        self.database = Database(file)
        rng = random.Random(hashlib.sha256(file.encode()).digest())
        around = Surroundings(now=lambda: NOW, time=lambda: 0.0, sleep=asyncio.sleep, rng=rng)
        app = App(loaded(), self.database, surroundings=around, progress=lambda *_: None, warn=lambda _: None)
        inbox = Inbox(self.database, {}, around.now, lambda _: None)
        routes = api.routes(Web(app=app, inbox=inbox, health=Health, poke=lambda: None))
        transport = httpx.ASGITransport(Starlette(routes=routes))
        headers = {"authorization": "Bearer till-secret"}
        self._calls = 0
        self.client = httpx.AsyncClient(transport=transport, base_url="http://bridge/api/v1", headers=headers)

    async def hold(self, key: str, units: int = 1) -> httpx.Response:
        """Ask for a hold."""
        body = {"sku": "A", "quantity": units, "expires_in": 60}
        return await self.client.post("/holds", json=body, headers={"idempotency-key": key})

    async def sell(self, name: str) -> httpx.Response:
        """Report a sale of one unit, under a key of its own."""
        body: dict[str, Any] = {"id": name, "occurred_at": NOW.isoformat(), "lines": [{"sku": "A", "quantity": 1}]}
        self._calls += 1
        return await self.client.post("/sales", json=body, headers={"idempotency-key": f"sale-{self._calls}"})


@pytest.fixture
def started(file: str) -> Iterator[Started]:
    one = Started(file)
    yield one
    assert one.database.read(ledger.prove) == []
    one.database.close()


@pytest.mark.anyio
async def test_of_calls_at_once_with_one_key_one_takes_effect(started: Started) -> None:
    answers = await asyncio.gather(*(started.hold("one", 3) for _ in range(8)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert sum("idempotency-replayed" in answer.headers for answer in answers) == 7
    assert started.database.read(lambda connection: ledger.available(connection, [A])) == {A: 7}


@pytest.mark.anyio
async def test_the_last_units_go_to_one_caller(started: Started) -> None:
    answers = await asyncio.gather(*(started.hold(f"key-{number}", 6) for number in range(5)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409]


@pytest.mark.anyio
async def test_a_sale_sent_by_many_counts_once_while_others_look(started: Started) -> None:
    sales = [started.sell(f"S-{number % 4}") for number in range(12)]
    looks = [started.client.get("/skus/A") for _ in range(12)]
    answers = await asyncio.gather(*(call for pair in zip(sales, looks, strict=True) for call in pair))
    assert {answer.status_code for answer in answers} == {200, 201}
    assert sum(answer.status_code == 201 for answer in answers) == 4
    assert started.database.read(lambda connection: ledger.balances(connection, [A])) == {A: 6}


@pytest.mark.anyio
async def test_a_restart_forgets_no_answer(file: str) -> None:
    first = Started(file)
    answer = await first.hold("one", 3)
    first.database.close()
    second = Started(file)
    again = await second.hold("one", 3)
    assert (again.status_code, again.content) == (201, answer.content)
    assert second.database.read(lambda connection: ledger.available(connection, [A])) == {A: 7}
    second.database.close()
