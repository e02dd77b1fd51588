"""Ctrl-C and kill -9 at any point, then the same command again: nothing is lost, nothing counts twice."""

import pytest

from bridge.store import notes
from tests.baddays.crashes import Outcome, calls, distinct, end_everywhere, every
from tests.baddays.day import PLATFORMS, Day, beginning, good


@pytest.fixture(scope="module", autouse=True)
def _rehearsed(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Play each story once in this process: what is compiled here, hundreds of children need not compile again."""
    stories = {
        stock_to_push: in_step, apart: adopted_and_in_step, products_to_write: told_once_everywhere, orders_to_mirror: mirrored_once,
    }  # fmt: skip
    for story, look in stories.items():
        with beginning(tmp_path_factory.mktemp("rehearsal"), PLATFORMS, {}) as day:
            story(day)
            assert look(day) == []


STOPPED = (130, "stopped; run the same command again")


def stock_to_push(day: Day) -> None:
    """All three platforms in step, then trade on each of them: every channel has to be written to."""
    day.seed(good("TEE"), good("MUG", stock=8), good("CAP", stock=30))
    day.truth = {"TEE": 10, "MUG": 8, "CAP": 30}
    day.opened()
    day.sells("square", "MUG")
    day.bridge("sync")
    day.wait(30)
    for name in PLATFORMS:
        order = day.sells(name, "CAP", 3)
        day.sells(name, "TEE")
        day.shop(name).refund(order, [{"sku": "CAP", "quantity": 1}])
        day.truth["CAP"] += 1
    day.sells("square", "MUG", 2)
    day.wait(5)


def nothing(day: Day) -> None:
    """Nothing happens between the end and the next command."""


def trade_goes_on(day: Day) -> None:
    """While the bridge is down everybody goes on selling what was being written."""
    day.wait(60)
    for name in PLATFORMS:
        day.sells(name, "CAP")
    day.wait(60)


def in_step(day: Day) -> list[str]:
    day.until_quiet()
    return day.problems()


def told(outcomes: list[Outcome]) -> str:
    return "\n".join(f"ended {one.point}: {'; '.join(one.problems)}" for one in outcomes if one.problems)


def test_killed_anywhere_in_a_stock_sync_while_trade_goes_on(day: Day) -> None:
    stock_to_push(day)
    outcomes = end_everywhere(day, ["sync"], between=trade_goes_on, look=in_step, points=every)
    assert not told(outcomes), told(outcomes)
    assert {one.told for one in outcomes} == {"killed"}


def test_killed_in_every_state_of_a_stock_sync(day: Day) -> None:
    stock_to_push(day)
    outcomes = end_everywhere(day, ["sync"], between=nothing, look=in_step, points=distinct)
    assert not told(outcomes), told(outcomes)


def test_ctrl_c_at_every_call_of_a_stock_sync(day: Day) -> None:
    stock_to_push(day)
    outcomes = end_everywhere(day, ["sync"], between=nothing, look=in_step, points=calls, ending="ctrl-c")
    assert not told(outcomes), told(outcomes)
    assert {(one.code, one.told) for one in outcomes} == {STOPPED}


def apart(day: Day) -> None:
    """Three platforms that were never adopted, with different numbers and orders of the past."""
    for number, name in enumerate(PLATFORMS):
        goods = [good("TEE", stock=10 + number), good("MUG", stock=7), good("CAP", stock=30 + number)]
        day.seed(*goods, good(f"ONLY-{name}", stock=3), only=[name])
        day.shop(name).sale([{"sku": "CAP", "quantity": 2}])
    day.truth = {"TEE": 10, "MUG": 7, "CAP": 28, **{f"ONLY-{name}": 3 for name in PLATFORMS}}
    day.wait(3600)


def adopted_and_in_step(day: Day) -> list[str]:
    day.bridge("status")
    with day.database() as database:
        if database.read(lambda connection: notes.get_meta(connection, "opened")) is None:
            # Not opened before: what WooCommerce shows now is what counts.
            day.truth |= {sku: day.numbers(sku)["woocommerce"] for sku in ("TEE", "MUG", "CAP")}
    day.opened()
    return in_step(day)


def test_killed_in_every_state_of_an_adoption_while_trade_goes_on(day: Day) -> None:
    apart(day)
    words = ["adopt", "--open", "woocommerce"]
    outcomes = end_everywhere(day, words, between=trade_goes_on, look=adopted_and_in_step, points=distinct)
    assert not told(outcomes), told(outcomes)


def test_ctrl_c_at_every_third_call_of_an_adoption(day: Day) -> None:
    """Adoption only reads, so a call is as good as the next; what a kill leaves behind is looked at everywhere, above."""
    apart(day)
    words = ["adopt", "--open", "woocommerce"]
    outcomes = end_everywhere(
        day, words, between=nothing, look=adopted_and_in_step, points=lambda points: calls(points)[::3], ending="ctrl-c"
    )
    assert not told(outcomes), told(outcomes)
    assert {(one.code, one.told) for one in outcomes} == {STOPPED}


def products_to_write(day: Day) -> None:
    """WooCommerce owns the product data: fields changed there, and a product that the other two are to get."""
    day.seed(good("TEE", stock=20), good("MUG", stock=9))
    day.truth = {"TEE": 20, "MUG": 9, "NEW": 5}
    day.extra += '[products]\nowner = "woocommerce"\n'
    for name in ("shopify", "square"):
        day.channels[name]["create"] = True
    day.write_config()
    day.opened()
    day.until_quiet()
    day.wait(30)
    day.shop("woocommerce").edit_product("TEE", title="Better Tee", price="13.90")
    day.shop("woocommerce").edit_product("MUG", title="Better Mug")
    day.shop("woocommerce").seed([good("NEW", stock=5)])
    day.shop("woocommerce").edit_product("NEW", title="New Thing")
    day.sells("shopify", "TEE")


def told_once_everywhere(day: Day) -> list[str]:
    """Every field arrived, the new product is on each platform once, and the numbers agree."""
    day.until_quiet()
    wanted = {"TEE": ("Better Tee", "13.90"), "MUG": ("Better Mug", "12.50"), "NEW": ("New Thing", "12.50")}
    problems = day.problems()
    for name in PLATFORMS:
        rows = day.listings(name)
        if sorted(sku for sku, _, _ in rows) != sorted(wanted):
            problems.append(f"{name} lists {rows}")
        problems += [
            f"{name}: {sku} is {title} at {price}" for sku, title, price in rows if wanted.get(sku) != (title, price)
        ]
    return problems


def test_killed_in_every_state_of_a_product_sync(day: Day) -> None:
    products_to_write(day)
    outcomes = end_everywhere(day, ["sync"], between=nothing, look=told_once_everywhere, points=distinct)
    assert not told(outcomes), told(outcomes)


def orders_to_mirror(day: Day) -> None:
    """Orders of both others are packed at WooCommerce: one to make there, and one made before that was refunded since."""
    day.seed(good("TEE", stock=20), good("MUG", stock=9))
    day.truth = {"TEE": 20, "MUG": 9}
    day.extra += '[orders]\nhome = "woocommerce"\nmirror = ["shopify", "square"]\n'
    day.write_config()
    day.opened()
    day.until_quiet()
    day.wait(30)
    before = day.sells("shopify", "TEE", 3)
    day.until_quiet()
    day.wait(30)
    day.shop("shopify").refund(before, [{"sku": "TEE", "quantity": 1}])
    day.truth["TEE"] += 1
    day.sells("shopify", "MUG", 2)
    day.sells("square", "MUG", 1, fulfilment="SHIPMENT")


def mirrored_once(day: Day) -> list[str]:
    day.until_quiet()
    made = [order for order in day.shop("woocommerce").orders() if str(order["reference"] or "").startswith("bridge:")]
    units = sorted((line["sku"], line["quantity"]) for order in made for line in order["lines"])
    wanted = [("MUG", 1), ("MUG", 2), ("TEE", 3)]
    refunds = [refund for order in day.shop("woocommerce").woo.book.orders.values() for refund in order.refunds]
    problems = day.problems()
    if units != wanted:
        problems.append(f"the mirrors are {units}")
    if len(refunds) != 1:
        problems.append(f"the mirrors were refunded {len(refunds)} times")
    return problems


def test_killed_in_every_state_of_an_order_sync(day: Day) -> None:
    orders_to_mirror(day)
    outcomes = end_everywhere(day, ["sync"], between=nothing, look=mirrored_once, points=distinct)
    assert not told(outcomes), told(outcomes)
