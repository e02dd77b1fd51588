"""Draining a backlog: pages that follow each other are booked together, and what has just happened is not held up."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from bridge.contract.errors import TryLater
from bridge.contract.feed import Page
from bridge.domain.orders import Order
from bridge.engine.collect import collect, drain_orders
from bridge.engine.report import ChannelReport
from bridge.store import channels
from tests.engine.bench import Bench, tell

HOUR = timedelta(hours=1)


@dataclass
class Backlog:
    """A feed that gives these pages, `pause` seconds after each other, and then ends or fails."""

    bench: Bench
    pages: Sequence[Sequence[Order]]
    behind: timedelta = HOUR
    pause: float = 0
    fails: bool = False

    async def since(self, cursor: str) -> AsyncIterator[Page[Order]]:
        for number, items in enumerate(self.pages, start=1):
            await self.bench.wait(self.pause)
            now = self.bench.world.around.now()
            placed = tuple(replace(one, placed_at=now - self.behind, updated_at=now - self.behind) for one in items)
            yield Page(items=placed, as_of=now, cursor=f"{cursor}+{number}")
        if self.fails:
            raise TryLater("the shop is down")


async def sold(bench: Bench, orders: int) -> list[Order]:
    """Orders of one unit each, as the shop tells them and nobody has booked them yet."""
    for _ in range(orders):
        bench.shop("woocommerce").sale([{"sku": "A", "quantity": 1}])
        await bench.wait()
    feed = bench.channel("woocommerce").connector.sales.changes
    pages = [page async for page in feed.since(feed.begin(bench.world.around.now() - HOUR))]
    return [one for page in pages for one in page.items]


async def drained(bench: Bench, monkeypatch: pytest.MonkeyPatch, feed: Backlog) -> int:
    """Drain the orders of such a feed; return how many transactions it took."""
    orders = bench.channel("woocommerce").connector.orders
    commits = 0
    write = bench.world.database.write

    def counting(unit: object) -> object:
        nonlocal commits
        commits += 1
        return write(unit)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(orders, "changes", feed)
        patched.setattr(bench.world.database, "write", counting)
        await drain_orders(bench.world.context, bench.channel("woocommerce"), ChannelReport())
    return commits


def cursor(bench: Bench) -> str:
    """How far the orders were read."""
    return bench.world.database.read(lambda connection: channels.cursor(connection, "woocommerce", "orders")) or ""


def test_the_pages_of_a_backlog_are_booked_together(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(bench: Bench) -> None:
        pages = [[one] for one in await sold(bench, 3)]
        assert await drained(bench, monkeypatch, Backlog(bench, pages, timedelta(minutes=-1))) == 1
        assert bench.whys("A") == [("opening", 10), ("sale", -1), ("sale", -1), ("sale", -1)]
        assert cursor(bench).endswith("+3")

    tell(story, "woocommerce", sound=False)


def test_an_order_on_two_pages_of_a_backlog_counts_as_its_newest(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(bench: Bench) -> None:
        (order,) = await sold(bench, 1)
        (line,) = order.lines
        pages = [[order], [replace(order, lines=(replace(line, quantity=3, held=3),))]]
        await drained(bench, monkeypatch, Backlog(bench, pages, timedelta(minutes=-1)))
        assert bench.whys("A") == [("opening", 10), ("sale", -3)]

    tell(story, "woocommerce", sound=False)


@pytest.mark.parametrize(("behind", "commits"), [(timedelta(0), 3), (HOUR, 1)])
def test_what_has_just_happened_does_not_wait_for_the_pages_behind_it(
    monkeypatch: pytest.MonkeyPatch, behind: timedelta, commits: int
) -> None:
    async def story(bench: Bench) -> None:
        pages = [[one] for one in await sold(bench, 3)]
        assert await drained(bench, monkeypatch, Backlog(bench, pages, behind, pause=3)) == commits

    tell(story, "woocommerce", sound=False)


def test_what_came_before_a_failure_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(bench: Bench) -> None:
        pages = [[one] for one in await sold(bench, 2)]
        with pytest.raises(TryLater):
            await drained(bench, monkeypatch, Backlog(bench, pages, timedelta(minutes=-1), fails=True))
        assert bench.balance("A") == 8
        assert cursor(bench).endswith("+2")

    tell(story, "woocommerce", sound=False)


def test_a_large_backlog_is_booked_a_thousand_orders_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(bench: Bench) -> None:
        (order,) = await sold(bench, 1)
        pages = [[replace(order, id=f"{page}-{one}", lines=()) for one in range(400)] for page in range(6)]
        assert await drained(bench, monkeypatch, Backlog(bench, pages)) == 2

    tell(story, "woocommerce", sound=False)


def test_products_that_an_overlap_brings_again_are_no_news() -> None:
    async def story(bench: Bench) -> None:
        channel = bench.channel("woocommerce")
        feed = channel.connector.catalog.changes

        async def read() -> tuple[set[str], int]:
            """What is news, and how many products the next reading brings all the same."""
            report = ChannelReport()
            found = await collect(bench.world.context, channel, report)
            assert report.products == len(found.products)
            cursor = bench.world.database.read(lambda one: channels.cursor(one, "woocommerce", "catalog"))
            return found.products, sum([len(page.items) async for page in feed.since(cursor or "")])

        bench.shop("woocommerce").edit_product("A", price="12.00")
        await bench.wait()
        (changed, again), (news, _) = await read(), await read()
        assert (len(changed), again > 0, news) == (1, True, set())
        bench.shop("woocommerce").edit_product("A", price="13.00")
        await bench.wait()
        assert (await read())[0] == changed

    tell(story, "woocommerce")
