"""Hints through a queue: stored, then forgotten there, then heard; whatever breaks off in between, nothing is lost."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from bridge.contract.errors import BridgeError, NeedsPerson, TryLater
from bridge.contract.webhooks import Delivery, Queued
from bridge.engine.hooks import heal
from bridge.engine.lane import Pace
from bridge.engine.live import Live
from bridge.store import tables
from tests.engine.fair import BAY, SHOP, Fair, visit
from tests.engine.hookport import HookPort


@dataclass(slots=True)
class Queue:
    """A queue with long polling; what is not deleted comes again."""

    address: str = "arn:aws:sqs:eu-west-1:1:bridge"
    messages: dict[str, bytes] = field(default_factory=dict)
    fails: list[BridgeError] = field(default_factory=list)
    keeps: int = 0
    asked: int = 0

    def put(self, order: str) -> None:
        self.messages[f"r{len(self.messages)}-{order}"] = json.dumps({"order": order}).encode()

    async def receive(self) -> Sequence[Queued]:
        self.asked += 1
        for _ in range(20):
            if self.fails:
                raise self.fails.pop()
            if self.messages:
                break
            await asyncio.sleep(1)
        return [
            Queued(receipt=receipt, delivery=Delivery(body=body, headers={}, url=self.address))
            for receipt, body in self.messages.items()
        ]

    async def delete(self, receipts: Sequence[str]) -> None:
        if self.keeps:
            self.keeps -= 1
            raise TryLater("HTTP 500")
        for receipt in receipts:
            self.messages.pop(receipt, None)


def connected(fair: Fair) -> tuple[Queue, HookPort]:
    """Give the marketplace a queue."""
    queue, hooks = Queue(), HookPort()
    channel = fair.channels["bay"]
    channel.connector = replace(channel.connector, queue=queue, webhooks=hooks)
    return queue, hooks


async def live(fair: Fair, seconds: float) -> Live:
    """Have the daemon's engine at work without any poll but the first."""
    stop, engine = asyncio.Event(), Live(fair.context, Pace())
    task = asyncio.ensure_future(engine.run(stop))
    await asyncio.sleep(seconds)
    stop.set()
    await task
    assert engine.bugs == []
    return engine


def rows(fair: Fair, table: Any) -> list[Any]:
    return fair.database.read(lambda connection: list(connection.execute(table.select())))


def sold_later(fair: Fair, queue: Queue, seconds: float = 5) -> None:
    """Sell once the first poll is over; only the queue tells of it."""

    def sell() -> None:
        queue.put(fair.market("bay").sale([{"sku": "A", "quantity": 4}]))

    asyncio.get_running_loop().call_later(seconds, sell)


def test_a_message_is_heard_and_forgotten_by_the_queue() -> None:
    async def story(fair: Fair) -> None:
        queue, _ = connected(fair)
        sold_later(fair, queue)
        await live(fair, 20)
        assert (fair.balance("A"), fair.number("shop", "A")) == (6, 6)
        assert queue.messages == {}
        assert [row.state for row in rows(fair, tables.deliveries)] == ["done"]

    visit(story, shop=SHOP, bay=BAY)


def test_a_message_that_could_not_be_deleted_comes_again_and_counts_once() -> None:
    async def story(fair: Fair) -> None:
        queue, _ = connected(fair)
        queue.keeps = 2
        sold_later(fair, queue)
        await live(fair, 40)
        assert (fair.balance("A"), queue.messages) == (6, {})
        assert len(rows(fair, tables.deliveries)) == 3

    visit(story, shop=SHOP, bay=BAY)


@pytest.mark.parametrize("notice", ["t1", "t7", None])
def test_a_notice_that_a_ticket_has_ended_has_it_looked_at(notice: str | None) -> None:
    async def story(fair: Fair) -> None:
        queue, _ = connected(fair)
        fair.market("shop").sale([{"sku": "A", "quantity": 4}])
        work = asyncio.ensure_future(live(fair, 400))
        await asyncio.sleep(330)
        assert [row.state for row in rows(fair, tables.writes) if row.channel == "bay"] == ["accepted"]
        if notice:
            queue.messages["r"] = json.dumps({"ticket": notice}).encode()
        await asyncio.sleep(10)
        ended = notice == "t1"
        assert [row.state for row in rows(fair, tables.writes) if row.channel == "bay"] == [
            "done" if ended else "accepted"
        ]
        assert (fair.position("bay", "A").in_flight is None) == ended
        await work

    visit(story, shop=SHOP, bay=replace(BAY, ticket=(300.0, 301.0)))


def test_what_was_stored_before_a_crash_is_heard_after_it() -> None:
    async def story(fair: Fair) -> None:
        queue, _ = connected(fair)
        queue.keeps = 10**9
        sold_later(fair, queue)
        task = asyncio.ensure_future(Live(fair.context, Pace()).run(asyncio.Event()))
        while not rows(fair, tables.deliveries):  # noqa: ASYNC110 - simulated time
            await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert fair.balance("A") == 10
        fair.restart()
        connected(fair)
        await live(fair, 20)
        assert fair.balance("A") == 6

    visit(story, shop=SHOP, bay=BAY)


def test_a_queue_that_fails_is_left_alone_for_longer_and_longer_and_the_lane_goes_on() -> None:
    async def story(fair: Fair) -> None:
        queue, _ = connected(fair)
        queue.fails = [TryLater("HTTP 503")] * 6
        sold_later(fair, queue)
        engine = await live(fair, 300)
        assert engine.lanes["bay"].state == "ok"
        assert fair.balance("A") == 6
        assert queue.asked < 40

    visit(story, shop=SHOP, bay=BAY)


def test_a_queue_that_a_person_must_open_is_told_and_the_note_taken_back() -> None:
    async def story(fair: Fair) -> None:
        queue, _ = connected(fair)
        queue.fails = [NeedsPerson("access denied to the queue")]
        await live(fair, 60)
        assert [row.subject for row in rows(fair, tables.parked)] == ["queue"]
        await live(fair, 60)
        assert rows(fair, tables.parked) == []

    visit(story, shop=SHOP, bay=BAY)


def test_subscriptions_are_made_to_the_queue() -> None:
    async def story(fair: Fair) -> None:
        queue, hooks = connected(fair)
        report = await heal(fair.context, fair.channels["bay"], "")
        assert report.ok
        assert {one.url for one in hooks.kept.values()} == {queue.address}

    visit(story, shop=SHOP, bay=BAY)
