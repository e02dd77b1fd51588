"""What is told to others: once, in the transaction of what happened."""

from dataclasses import replace
from typing import Any

import msgspec
import pytest
from sqlalchemy.engine import Connection

from bridge.domain.ledger import stock
from bridge.engine import holds
from bridge.engine.booking import book
from bridge.engine.context import Context
from bridge.engine.events import order_news, stock_news
from bridge.engine.noting import park
from bridge.store import notes
from bridge.store.tables import event_sends, movements
from bridge.store.tables import events as event_table
from tests.engine.bench import Bench, tell
from tests.engine.outbox import MAIL, Post, posted


@pytest.mark.parametrize(
    ("before", "after", "news"),
    [
        (None, "placed", ()),
        (None, "paid", ("order.paid",)),
        (None, "fulfilled", ("order.paid", "order.fulfilled")),
        (None, "cancelled", ("order.cancelled",)),
        ("placed", "paid", ("order.paid",)),
        ("placed", "fulfilled", ("order.paid", "order.fulfilled")),
        ("placed", "cancelled", ("order.cancelled",)),
        ("paid", "paid", ()),
        ("paid", "fulfilled", ("order.fulfilled",)),
        ("paid", "cancelled", ("order.cancelled",)),
        ("fulfilled", "fulfilled", ()),
        ("fulfilled", "paid", ()),
        ("fulfilled", "cancelled", ("order.cancelled",)),
        ("cancelled", "cancelled", ()),
        ("cancelled", "paid", ("order.paid",)),
    ],
)
def test_what_a_new_snapshot_tells(before: Any, after: Any, news: tuple[str, ...]) -> None:
    assert order_news(before, after) == news


@pytest.mark.parametrize(
    ("before", "after", "news"),
    [
        (10, 6, None),
        (10, 5, "stock.low"),
        (6, 1, "stock.low"),
        (5, 4, None),
        (10, 0, "stock.out"),
        (1, -2, "stock.out"),
        (0, -1, None),
        (0, 0, None),
        (0, 3, "stock.back"),
        (-2, 9, "stock.back"),
        (-2, 0, None),
        (4, 8, None),
    ],
)
def test_what_a_change_of_stock_tells(before: int, after: int, news: str | None) -> None:
    assert stock_news(before, after, 5) == news


def test_stock_is_never_low_where_nobody_says_what_low_is() -> None:
    assert stock_news(3, 1, 0) is None


def test_an_order_is_told_as_it_goes_its_way_and_once() -> None:
    async def story(post: Post) -> None:
        bench, shop = post.bench, post.bench.shop("woocommerce")
        order_id = shop.sale([{"sku": "A", "quantity": 3}])
        await bench.wait()
        await _sync(post)
        snapshot = bench.newest("woocommerce")
        post.context.database.write(lambda c: book(c, post.context, bench.channel("woocommerce"), [snapshot, snapshot]))
        assert post.types == ["order.paid"]
        shop.fulfil(order_id)
        await bench.wait()
        await _sync(post)
        assert post.types == ["order.paid", "order.fulfilled"]
        row = bench.rows(event_table)[0]
        data = msgspec.json.decode(row.data)
        assert row.subject == f"order/woocommerce/{order_id}"
        assert (data["id"], data["status"], data["lines"][0]["sku"]) == (str(order_id), "paid", "A")
        assert not {"customer", "ship_to", "email"} & set(data)

    posted(story)


async def _sync(post: Post) -> None:
    from bridge.engine.sync import Sync

    run = Sync(post.context, list(post.bench.world.channels.values()))
    await run.read()
    await run.stock()


def test_orders_from_before_the_first_contact_are_no_news() -> None:
    async def story(bench: Bench) -> None:
        shop = bench.shop("woocommerce")
        order_id = shop.sale([{"sku": "A", "quantity": 3}])
        await bench.wait(3600)
        await bench.world.adopt("woocommerce")
        await bench.wait()
        post = Post(bench)
        snapshot = bench.newest("woocommerce")
        old = replace(snapshot, id="history", updated_at=post.context.now())
        post.context.database.write(lambda c: book(c, post.context, bench.channel("woocommerce"), [old]))
        assert post.types == []
        shop.fulfil(order_id)
        await bench.wait()
        await _sync(post)
        assert post.types == ["order.fulfilled"]

    tell(story, "woocommerce", adopt=False, sound=False)


def test_stock_is_told_as_it_runs_low_runs_out_and_is_back() -> None:
    async def story(post: Post) -> None:
        shop = post.bench.shop("woocommerce")
        order_id = ""
        for units in (4, 1, 3, 2):
            order_id = shop.sale([{"sku": "A", "quantity": units}])
            await post.bench.wait()
            await _sync(post)
        shop.cancel(order_id)
        await post.bench.wait()
        await _sync(post)
        rows = [row for row in post.bench.rows(event_table) if row.type.startswith("stock.")]
        found = [(row.type, msgspec.json.decode(row.data)["available"]) for row in rows]
        assert found == [("stock.low", 5), ("stock.out", 0), ("stock.back", 2)]
        assert {row.subject for row in rows} == {"sku/A@main"}

    posted(story)


def test_a_hold_takes_units_away_and_its_end_gives_them_back() -> None:
    async def story(post: Post) -> None:
        counter, write = stock("B", "main"), post.context.database.write
        ends = post.later(seconds=60)
        write(lambda c: holds.reserve(c, post.context, counter, 6, ends, ""))
        await post.bench.wait(61)
        write(lambda c: holds.expire(c, post.context))
        assert post.types == ["stock.out", "stock.back"]

    posted(story)


def test_each_target_has_its_own_idea_of_low_and_of_what_it_wants() -> None:
    async def story(post: Post) -> None:
        post.bench.shop("woocommerce").sale([{"sku": "A", "quantity": 3}])
        await post.bench.wait()
        await _sync(post)
        told = [(post.types[row.event_id - 1], row.target) for row in post.bench.rows(event_sends)]
        assert sorted(told) == [("order.paid", "all"), ("stock.low", "all")]

    few = replace(MAIL, name="few", types=frozenset({"stock.low"}), low=2)
    posted(story, replace(MAIL, name="all", low=8), few)


def test_what_is_set_aside_is_told_once_however_often_it_is_tried() -> None:
    async def story(post: Post) -> None:
        def unit(connection: Connection) -> None:
            park(connection, post.context, "product", "woocommerce", "17", "no title")

        for _ in range(3):
            post.context.database.write(unit)
        assert post.types == ["parked"]
        post.context.database.write(lambda c: notes.unpark(c, "product", "woocommerce", ["17"]))
        post.context.database.write(unit)
        assert post.types == ["parked", "parked"]

    posted(story)


def test_drift_is_told() -> None:
    async def story(post: Post) -> None:
        shop, bench = post.bench.shop("woocommerce"), post.bench
        shop.sale([{"sku": "A", "quantity": 1}])
        shop.count("A", 10)
        await bench.wait()
        for _ in range(3):
            await _sync(post)
            await bench.wait()
        drifts = [msgspec.json.decode(row.data) for row in bench.rows(event_table) if row.type == "drift"]
        assert [(one["sku"], one["shown"], one["found"]) for one in drifts] == [(s, e, f) for s, e, f in bench.drifted]
        assert drifts != []

    posted(story)


def test_what_is_rolled_back_is_not_told() -> None:
    async def story(post: Post) -> None:
        def unit(connection: Connection) -> None:
            holds.reserve(connection, post.context, stock("B", "main"), 6, None, "")
            raise RuntimeError

        with pytest.raises(RuntimeError):
            post.context.database.write(unit)
        assert post.types == []

    posted(story)


def test_the_ledger_is_the_same_with_events_as_without() -> None:
    def trade(told: bool) -> list[tuple[Any, ...]]:
        found: list[tuple[Any, ...]] = []

        async def story(bench: Bench) -> None:
            context = Post(bench).context if told else bench.world.context
            shop = bench.shop("woocommerce")
            first = shop.sale([{"sku": "A", "quantity": 7}, {"sku": "B", "quantity": 1}])
            shop.sale([{"sku": "A", "quantity": 2}])
            for step in (
                lambda: None,
                lambda: shop.fulfil(first),
                lambda: shop.count("B", 3),
                lambda: shop.cancel(first),
            ):
                step()
                await bench.wait()
                run = _run(context, bench)
                await run.read()
                await run.stock()
            found.extend(tuple(row) for row in bench.rows(movements))

        tell(story, "woocommerce", "square", sound=False)
        return found

    without = trade(False)
    assert trade(True) == without
    assert len(without) > 5


def _run(context: Context, bench: Bench) -> Any:
    from bridge.engine.sync import Sync

    return Sync(context, list(bench.world.channels.values()))
