"""Deliveries signed with a key that is to be fetched: learned once, and no stranger makes us call out for ever."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta

import pytest

from bridge.contract.errors import NeedsPerson, TryLater
from bridge.contract.webhooks import Delivery
from bridge.engine.inbox import Inbox
from bridge.sandbox.kit.loop import SimulatedLoop, run_simulated
from bridge.store import deliveries, schema
from bridge.store.database import Database
from tests.engine.hookport import signature
from tests.engine.keyport import KeyPort
from tests.unit.make import T0


class Desk:
    """An inbox for a channel whose platform signs with keys of its own."""

    def __init__(self, database: Database) -> None:
        self.database, self.time, self.port = database, T0, KeyPort()
        self.inbox = Inbox(
            database,
            {"bay": self.port},
            lambda: self.time,
            lambda _: None,
            threads=False,
            handshakes={"bay": self.port},
        )

    def post(self, *, key: str = "k1", secret: str = "first", times: int = 1) -> list[int]:
        body = b'{"order": 1}'
        headers = {"x-key": key, "x-signature": signature(secret, body)}
        delivery = Delivery(body=body, headers=headers, url="https://bridge.example/hooks/bay")

        async def posting() -> list[int]:
            try:
                return list(await asyncio.gather(*(self.inbox.receive("bay", delivery) for _ in range(times))))
            finally:
                await self.inbox.close()

        return run_simulated(posting(), SimulatedLoop())

    @property
    def kept(self) -> int:
        return len(self.database.read(lambda connection: deliveries.waiting(connection, "bay")))


@pytest.fixture
def desk() -> Iterator[Desk]:
    database = Database(":memory:")
    schema.ensure(database)
    yield Desk(database)
    database.close()


def test_a_key_that_is_not_known_is_fetched_once_and_the_delivery_kept(desk: Desk) -> None:
    assert desk.post(times=20) == [200] * 20
    assert (desk.port.fetched, desk.kept) == (["k1"], 20)


def test_a_known_key_is_not_asked_for_again_by_a_forgery(desk: Desk) -> None:
    desk.post()
    assert desk.post(secret="guessed", times=5) == [401] * 5
    assert desk.port.fetched == ["k1"]


def test_a_platform_that_is_down_has_its_deliveries_come_again(desk: Desk) -> None:
    desk.port.down = TryLater("HTTP 503")
    assert desk.post(times=10) == [503] * 10
    assert len(desk.port.fetched) == 1, "anybody can name a key"
    desk.port.down = None
    desk.time += timedelta(seconds=59)
    assert desk.post() == [503]
    desk.time += timedelta(seconds=2)
    assert desk.post() == [200]
    assert desk.kept == 1


def test_credentials_that_are_no_more_lose_no_delivery_either(desk: Desk) -> None:
    desk.port.down = NeedsPerson("the token was revoked")
    assert desk.post() == [503]


def test_a_key_that_the_platform_does_not_know_is_a_forgery(desk: Desk) -> None:
    assert desk.post(key="made-up") == [401]
    assert desk.kept == 0
