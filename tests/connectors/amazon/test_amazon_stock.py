"""Patches and feeds: which is taken when, what becomes of them, and what is never written."""

from collections.abc import Callable

import pytest

from bridge.contract.errors import Gone, NeedsPerson, TryLater
from bridge.contract.stock import Accepted, Applied, Prepared, Rejected, StockChange
from bridge.domain.catalog import StockKey
from bridge.sandbox.amazon.throttle import RATES
from bridge.wire.tables import table
from tests.contract.bench import Bench, good

pytestmark = pytest.mark.anyio
Shop = Callable[..., Bench]


def change(sku: str, delta: int = -1, shown: int = 10) -> StockChange:
    return StockChange(key=StockKey(sku, "DEFAULT"), delta=delta, shown=shown)


async def _feed(bench: Bench, count: int = 60) -> tuple[Prepared, str]:
    await bench.seed(*(good(f"SKU-{number:03d}", stock=10) for number in range(count)))
    prepared = bench.connector.stock.prepare([change(f"SKU-{number:03d}") for number in range(count)], "key")
    outcomes = await bench.connector.stock.send(prepared)
    (ticket,) = {one.ticket for one in outcomes if isinstance(one, Accepted)}
    return prepared, ticket


async def test_ten_thousand_changed_numbers_are_one_feed(shop: Shop) -> None:
    bench = shop()
    changes = [change(f"SKU-{number}") for number in range(10_000)]
    (batch,) = bench.connector.stock.batches(changes)
    assert "messages" in bench.connector.stock.prepare(batch, "key").body[:200]


async def test_what_is_sold_out_does_not_wait_for_a_feed(shop: Shop) -> None:
    gone, rest = [change("GONE", -10)], [change(f"SKU-{number}") for number in range(200)]
    assert [list(batch) for batch in shop().connector.stock.batches([*gone, *rest])] == [gone, rest]


async def test_a_patch_keeps_the_handling_time(shop: Shop) -> None:
    bench = shop()
    await bench.seed(good("TEE", stock=10))
    await bench.write(change("TEE"))
    (row,) = bench.shop.state.listings["TEE"].attributes["fulfillment_availability"]
    assert (row["quantity"], row["lead_time_to_ship_max_days"]) == (9, 2)


async def test_a_sku_that_amazon_accepts_and_does_not_have_is_gone(shop: Shop) -> None:
    (outcome,) = await shop().write(change("NOBODYS"))
    assert isinstance(outcome, Rejected)
    assert outcome.kind == "gone"


async def test_a_patch_that_is_never_seen_is_given_up(shop: Shop) -> None:
    bench = shop(lag=10_000.0)
    await bench.seed(good("TEE", stock=10))
    prepared = bench.connector.stock.prepare([change("TEE")], "key")
    (outcome,) = await bench.connector.stock.send(prepared)
    assert isinstance(outcome, Accepted)
    assert await bench.tickets.look(outcome.ticket, prepared) is None
    await bench.wait(31 * 60)
    with pytest.raises(Gone):
        await bench.tickets.look(outcome.ticket, prepared)


async def test_a_raise_that_is_sold_from_at_once_has_landed(shop: Shop) -> None:
    bench = shop(lag=0.0)
    await bench.seed(good("TEE", stock=3))
    prepared = bench.connector.stock.prepare([change("TEE", 7, 3)], "key")
    (outcome,) = await bench.connector.stock.send(prepared)
    bench.shop.sale([{"sku": "TEE", "quantity": 2}])
    assert isinstance(outcome, Accepted)
    (found,) = await bench.tickets.look(outcome.ticket, prepared) or ()
    assert isinstance(found, Applied)
    assert found.quantity == 8


async def test_one_bad_row_of_a_feed_is_told_and_the_others_take_effect(shop: Shop) -> None:
    bench = shop()
    prepared, ticket = await _feed(bench)
    bench.shop.state.listings["SKU-007"].attributes["item_name"] = []
    found = await bench.ended(ticket, prepared)
    bad = [one for one in found if isinstance(one, Rejected)]
    assert [(one.key.stock_id, one.kind, one.code) for one in bad] == [("SKU-007", "invalid", "90220")]
    assert {bench.number(f"SKU-{number:03d}") for number in range(60) if number != 7} == {9}


async def test_a_feed_that_was_cancelled_is_sent_again(shop: Shop) -> None:
    bench = shop()
    prepared, ticket = await _feed(bench)
    bench.shop.seller.feeds.cancel(ticket)
    found = await bench.tickets.look(ticket, prepared) or ()
    assert {one.kind for one in found if isinstance(one, Rejected)} == {"retry"}
    assert len(found) == 60


async def test_after_a_fatal_feed_the_numbers_have_to_tell(shop: Shop) -> None:
    bench = shop()
    prepared, ticket = await _feed(bench)
    bench.shop.seller.feeds.fate = "FATAL"
    await bench.wait(120)
    with pytest.raises(Gone, match="FATAL"):
        await bench.tickets.look(ticket, prepared)


@pytest.mark.parametrize(("path", "may_be"), [(r"/documents$", False), (r"/__documents/", False), (r"/feeds$", True)])
async def test_only_the_start_of_a_feed_can_have_taken_effect_unseen(shop: Shop, path: str, may_be: bool) -> None:
    bench = shop()
    bench.platform.faults.add(kind="cut_after", path=path, times=None)
    prepared = bench.connector.stock.prepare([change(f"SKU-{number}") for number in range(60)], "key")
    with pytest.raises(TryLater) as caught:
        await bench.connector.stock.send(prepared)
    assert caught.value.maybe_applied is may_be


async def test_the_document_store_is_told_no_token(shop: Shop) -> None:
    bench = shop()
    await _feed(bench)
    stored = [call for call in bench.wire.all if "/__documents/" in call.path]
    assert stored
    assert not any("x-amz-access-token" in call.headers for call in stored)


async def test_a_row_that_was_throttled_away_is_sent_again_alone(shop: Shop) -> None:
    bench = shop()
    await bench.seed(good("TEE", stock=10), good("CAP", stock=10))
    bench.platform.faults.add(kind="throttle", method="PATCH", path="CAP", times=None)
    outcomes = await bench.connector.stock.send(bench.connector.stock.prepare([change("TEE"), change("CAP")], "key"))
    assert [type(one) for one in outcomes] == [Accepted, Rejected]
    assert isinstance(outcomes[1], Rejected)
    assert outcomes[1].kind == "retry"


async def test_a_token_revoked_in_mid_batch_needs_a_person_and_may_have_taken_effect(shop: Shop) -> None:
    bench = shop()
    await bench.seed(good("TEE", stock=10))
    bench.shop.revoke()
    with pytest.raises(NeedsPerson, match="invalid grant") as caught:
        await bench.connector.stock.send(bench.connector.stock.prepare([change("TEE")], "key"))
    assert "refresh_token" in caught.value.next_step
    assert bench.number("TEE") == 10


async def test_an_access_token_that_ends_early_is_fetched_anew(shop: Shop) -> None:
    bench = shop()
    await bench.seed(good("TEE", stock=10))
    bench.shop.state.access.expire()
    assert await bench.level("TEE") == 10


async def test_a_searching_of_orders_does_not_hold_up_a_reading_of_one(shop: Shop) -> None:
    bench = shop()
    await bench.seed(good("TEE", stock=10))
    order = bench.shop.sale([{"sku": "TEE", "quantity": 1}])
    for _ in range(20):
        await bench.orders()
    before = bench.loop.time()
    assert (await bench.sales.get(order)).id == order
    assert bench.loop.time() - before < 1
    await bench.orders()
    assert bench.loop.time() - before > 170


def test_no_operation_is_called_more_often_than_its_model_states() -> None:
    ours = {name: (how["per_second"], how["burst"]) for name, how in table("connectors.amazon", "operations").items()}
    # Feeds of numbers have a bound of their own below createFeed's: five in five minutes.
    assert {name for name, rate in ours.items() if rate != RATES[name]} == {"createFeed"}
    assert ours["createFeed"] < RATES["createFeed"]


@pytest.mark.parametrize(
    ("packed", "content"),
    [(True, b"\x1f\x8b\x08" + b"\x00" * 7 + b"\xff" * 20), (True, b"no gzip"), (False, b"[]"), (False, b'{"issues": ["\xff"]}')],
)  # fmt: skip
async def test_a_report_that_cannot_be_read_says_nothing_of_any_row(shop: Shop, packed: bool, content: bytes) -> None:
    bench = shop()
    prepared, ticket = await _feed(bench)
    await bench.ended(ticket, prepared)
    (report,) = [one for one in bench.shop.seller.feeds.documents.values() if one.id.endswith(".result")]
    report.packed, report.content = packed, content
    with pytest.raises(TryLater, match="cannot be read"):
        await bench.tickets.look(ticket, prepared)


async def test_a_sku_with_a_comma_is_read_alone_from_amazons_warehouse_too(shop: Shop) -> None:
    bench = shop(fba=True)
    skus = ("TEE", "TEE, RED")
    await bench.seed(*(good(sku, stock={"Fulfilled by Amazon": 7}) for sku in skus))
    levels = await bench.connector.stock.read([StockKey(f"fba:{sku}", "AMAZON_NA") for sku in skus])
    assert [(level.key.stock_id, level.quantity) for level in levels] == [("fba:TEE", 7), ("fba:TEE, RED", 7)]
