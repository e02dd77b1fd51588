"""Sales and counts reported from outside, beside what the channels themselves tell."""

from datetime import datetime

from bridge.domain.effects import Bound, waiting
from bridge.domain.ledger import stock
from bridge.engine.reported import Counted, Outcome, Sale, capture, count, sell
from bridge.store import orders
from tests.engine.bench import Bench, tell
from tests.unit.make import bindings, line, order

A = stock("A", "main")


def _sell(bench: Bench, units: dict[str, int], at: datetime, *, revision: int = 1, place: str = "main") -> Outcome:
    sale = Sale(id="S-1", revision=revision, occurred_at=at, place=place, units=units)
    context = bench.world.context
    return context.database.write(lambda connection: sell(connection, context, "api:till", sale))


def _count(bench: Bench, quantity: int, at: datetime) -> Counted:
    context = bench.world.context
    return context.database.write(lambda connection: count(connection, context, "api:till", "A", "main", quantity, at))


def _now(bench: Bench) -> datetime:
    return bench.world.around.now()


def test_what_still_lies_on_the_shelf_is_what_is_sold_and_not_shipped() -> None:
    variants = bindings({"v1": Bound("A", "s1"), "kit": Bound("KIT", "s2", (("A", 2), ("B", 1)))})
    bought = [line("v1", 3, fulfilled=1), line("kit", 2), line("v1", 4, held=1), line("v1", 2, held=None)]
    assert waiting(order(*bought), variants, A) == 2 + 4 + 1 + 2
    assert waiting(order(*bought), variants, stock("B", "main")) == 2
    assert waiting(order(*bought), variants, stock("A", "harbour")) == 0
    assert waiting(order(*bought, status="fulfilled"), variants, A) == 0
    assert waiting(order(line("v1", 1, held=3, fulfilled=5)), variants, A) == 0


def test_a_sale_may_move_to_another_place_with_a_newer_revision() -> None:
    async def story(bench: Bench) -> None:
        at = _now(bench)
        assert _sell(bench, {"A": 3}, at) == "booked"
        assert _sell(bench, {"A": 3}, at, revision=2, place="harbour") == "booked"
        load = bench.world.database.read(lambda connection: orders.load(connection, "api:till", ["S-1"]))
        assert load["S-1"].effects == {A: 0, stock("A", "harbour"): -3}
        assert bench.balance("A") == 10
        await bench.sync()

    tell(story, "woocommerce")


def test_a_capture_is_a_sale_of_the_units_held() -> None:
    async def story(bench: Bench) -> None:
        from bridge.engine import holds

        context = bench.world.context
        write = context.database.write
        hold = write(lambda connection: holds.reserve(connection, context, A, 4, None, ""))
        write(lambda connection: capture(connection, context, "api:till", hold, A, 4))
        assert bench.whys("A") == [("opening", 10), ("sale", -4)]
        await bench.sync()
        assert bench.number("woocommerce", "A") == 6

    tell(story, "woocommerce")


def test_a_count_of_a_channels_number_after_the_stocktake_says_more() -> None:
    """An order from before both, heard of after both: it comes off neither."""

    async def story(bench: Bench) -> None:
        shop = bench.shop("woocommerce")
        shipped = shop.sale([{"sku": "A", "quantity": 2}])
        shop.fulfil(shipped)
        await bench.wait()
        stocktaken = _now(bench)
        await bench.wait()
        shop.count("A", 5)
        await bench.wait()
        assert _count(bench, 8, stocktaken).moved == -2
        await bench.sync()
        await bench.audit("woocommerce")
        assert bench.balance("A") == bench.number("woocommerce", "A") == 5

    tell(story, "woocommerce")


def test_the_counts_of_two_tills_are_counts_of_one_shelf() -> None:
    async def story(bench: Bench) -> None:
        first = _now(bench)
        await bench.wait()
        assert _count(bench, 8, _now(bench)) == Counted(expected=10, moved=-2)
        context = bench.world.context
        late = context.database.write(lambda connection: count(connection, context, "api:other", "A", "main", 3, first))
        assert (late.expected, late.moved) == (10, 0)
        assert late.overtaken is not None
        assert _count(bench, 9, _now(bench)).moved == 1
        assert bench.balance("A") == 9
        await bench.sync()

    tell(story, "woocommerce")


def test_a_sale_is_told_like_any_other_order() -> None:
    from tests.engine.outbox import Post

    async def story(bench: Bench) -> None:
        post = Post(bench)
        at = _now(bench)
        sale = Sale(id="S-1", revision=1, occurred_at=at, place="main", units={"A": 10})
        for _ in range(2):
            post.context.database.write(lambda connection: sell(connection, post.context, "api:till", sale))
        assert post.types == ["order.paid", "order.fulfilled", "stock.out"]
        await post.sender.close()

    tell(story, "woocommerce", sound=False)
