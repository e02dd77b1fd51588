"""Cursors: what is asked for, where reading goes on, and that nothing slips between two pages."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.contract.ports import Connector
from bridge.domain.orders import Order
from connectors.woocommerce import Settings, connect
from connectors.woocommerce.changes import OVERLAP, later, stamp

if TYPE_CHECKING:
    from tests.connectors.woocommerce.conftest import Shop

SETTINGS = Settings(url="https://shop.example", consumer_key="ck_key0000", consumer_secret="cs_secret0000")
T0 = datetime(2026, 11, 22, 16, 0, 0, tzinfo=UTC)
NO_ROUTE = {"code": "rest_no_route", "message": "No route was found matching the URL and request method."}


def order_row(number: int, changed: datetime, **more: Any) -> dict[str, Any]:
    return {
        "id": number,
        "status": "processing",
        "currency": "USD",
        "total": "1.00",
        "date_created_gmt": stamp(T0),
        "date_modified_gmt": stamp(changed),
        "line_items": [{"id": number, "product_id": 7, "quantity": 1, "total": "1.00"}],
        **more,
    }


def serve(shop: "Shop", rows: Sequence[dict[str, Any]], path: str = "orders") -> None:
    """Answer a list the way the shop does: strictly later than the cursor, sorted, 100 a page."""

    def answer(request: httpx.Request) -> httpx.Response:
        asked = request.url.params
        key = "id" if asked["orderby"] == "id" else "date_modified_gmt"
        found = sorted(
            (row for row in rows if row["date_modified_gmt"] > asked["modified_after"]), key=lambda row: row[key]
        )
        size, page = int(asked["per_page"]), int(asked["page"])
        total, pages = str(len(found)), str(-(-len(found) // size))
        return shop.json(found[(page - 1) * size : page * size], x_wp_total=total, x_wp_totalpages=pages)

    shop.on("GET", path, answer)


async def read(woo: Connector, cursor: str) -> tuple[list[Order], str]:
    found: list[Order] = []
    async for page in woo.sales.changes.since(cursor):
        found += page.items
        cursor = page.cursor
    return found, cursor


@pytest.mark.anyio
async def test_what_is_asked_for(shop: "Shop", woo: Connector) -> None:
    serve(shop, [])
    cursor = woo.sales.changes.begin(T0)
    assert cursor == stamp(T0 - OVERLAP)
    (page,) = [page async for page in woo.sales.changes.since(cursor)]
    assert (page.items, page.cursor, page.as_of) == ((), cursor, shop.now)
    asked = shop.asked()
    assert asked.pop("_fields").startswith("id,number,status,currency")
    assert asked == {
        "modified_after": cursor,
        "dates_are_gmt": "true",
        "orderby": "modified",
        "order": "asc",
        "per_page": "100",
        "page": "1",
    }


@pytest.mark.anyio
async def test_a_fresh_change_is_read_again_and_a_settled_one_is_not(shop: "Shop", woo: Connector) -> None:
    serve(shop, [order_row(1, shop.now - timedelta(seconds=3))])
    found, cursor = await read(woo, stamp(T0))
    assert [one.id for one in found] == ["1"]
    assert cursor == stamp(shop.now - timedelta(seconds=3) - OVERLAP)
    shop.now += timedelta(minutes=1)
    found, cursor = await read(woo, cursor)
    assert [one.id for one in found] == ["1"]
    found, again = await read(woo, cursor)
    assert (found, again) == ([], cursor)


@pytest.mark.anyio
async def test_the_cursor_never_goes_back(shop: "Shop", woo: Connector) -> None:
    serve(shop, [order_row(1, shop.now)])
    start = stamp(shop.now - timedelta(seconds=1))
    assert (await read(woo, start))[1] == start


@pytest.mark.anyio
async def test_a_change_stamped_in_the_second_of_the_last_page_is_found(shop: "Shop", woo: Connector) -> None:
    rows = [order_row(number, T0 + timedelta(seconds=number)) for number in range(1, 151)]
    serve(shop, rows)
    found: list[str] = []
    async for page in woo.sales.changes.since(stamp(T0)):
        if not found:
            # Order 3 is changed while we read, so every later row moves one place up the list.
            rows[2] = order_row(3, T0 + timedelta(seconds=500))
            rows.append(order_row(900, T0 + timedelta(seconds=100)))
        found += [one.id for one in page.items]
    assert {str(number) for number in [*range(1, 151), 900]} == set(found)
    assert found[-1] == "3"


@pytest.mark.anyio
async def test_more_than_a_page_within_one_second_is_read_by_id(shop: "Shop", woo: Connector) -> None:
    serve(shop, [order_row(number, T0 + timedelta(seconds=1)) for number in range(1, 251)])
    found, cursor = await read(woo, stamp(T0))
    assert {one.id for one in found} == {str(number) for number in range(1, 251)}
    assert cursor == stamp(shop.now - OVERLAP)
    assert (await read(woo, cursor))[0] == []


@pytest.mark.anyio
async def test_a_crash_between_pages_loses_nothing(shop: "Shop", woo: Connector) -> None:
    serve(shop, [order_row(number, T0 + timedelta(seconds=number // 40)) for number in range(40, 340)])
    seen: set[str] = set()
    cursor = stamp(T0)
    for _ in range(12):
        async for page in woo.sales.changes.since(cursor):
            seen |= {one.id for one in page.items}
            cursor = page.cursor
            break
    assert seen == {str(number) for number in range(40, 340)}


@given(offsets=st.lists(st.integers(0, 4), max_size=330), quiet=st.integers(0, 40))
def test_every_row_is_read_however_the_seconds_fall(new_shop: "type[Shop]", offsets: list[int], quiet: int) -> None:
    shop = new_shop()
    shop.now = T0 + timedelta(seconds=5 + quiet)
    woo = connect(SETTINGS, shop.around(), where="web")
    serve(shop, [order_row(number, T0 + timedelta(seconds=1 + at)) for number, at in enumerate(offsets, 1)])
    found, cursor = asyncio.run(read(woo, stamp(T0)))
    assert {one.id for one in found} == {str(number) for number in range(1, len(offsets) + 1)}
    assert stamp(T0) <= cursor <= stamp(shop.now)


@pytest.mark.anyio
async def test_one_bad_order_does_not_fail_its_page(shop: "Shop", woo: Connector) -> None:
    bad = order_row(
        2, T0 + timedelta(seconds=2), line_items=[{"id": 1, "product_id": 7, "quantity": 1.5, "total": "1.00"}]
    )
    serve(
        shop,
        [
            order_row(1, T0 + timedelta(seconds=1)),
            bad,
            order_row(3, T0 + timedelta(seconds=3), status="checkout-draft"),
        ],
    )
    (page,) = [page async for page in woo.sales.changes.since(stamp(T0))]
    assert [one.id for one in page.items] == ["1"]
    assert [(one.id, "1.5" in one.reason) for one in page.bad] == [("2", True)]


@pytest.mark.anyio
async def test_refunds_are_read_once_per_list_of_refunds(shop: "Shop", woo: Connector) -> None:
    row = order_row(1, shop.now, refunds=[{"id": 9, "total": "-1.00"}])
    serve(shop, [row])
    line = {"quantity": -1, "meta_data": [{"key": "_refunded_item_id", "value": "1"}]}
    shop.on("GET", "orders/1/refunds", [{"id": 9, "line_items": [line]}])
    for _ in range(3):
        ((order,), _) = await read(woo, stamp(T0))
        assert order.lines[0].refunded == 1
    assert len(shop.calls) == 4
    row["refunds"] = [{"id": 9, "total": "-1.00"}, {"id": 10, "total": "-1.00"}]
    await read(woo, stamp(T0))
    assert len(shop.calls) == 6


@pytest.mark.anyio
async def test_an_order_deleted_while_its_refunds_are_read_is_left_out(shop: "Shop", woo: Connector) -> None:
    serve(shop, [order_row(1, shop.now, refunds=[{"id": 9, "total": "-1.00"}]), order_row(2, shop.now)])
    gone = {"code": "woocommerce_rest_shop_order_invalid_id", "message": "Invalid order ID."}
    shop.on("GET", "orders/1/refunds", gone, status=404)
    ((order,), _) = await read(woo, stamp(T0))
    assert order.id == "2"


@pytest.mark.anyio
async def test_a_variation_whose_parent_kept_its_date_brings_the_parent(shop: "Shop", woo: Connector) -> None:
    serve(shop, [], "products")
    variation = {"id": 42, "parent_id": 41, "date_modified_gmt": stamp(T0 + timedelta(seconds=9))}
    serve(shop, [variation], "variations")
    parent = {"id": 41, "name": "Tee", "type": "variable", "variations": [42], "date_modified_gmt": stamp(T0)}
    own = {"id": 42, "parent_id": 41, "sku": "T", "manage_stock": True, "stock_quantity": 4}

    def products(request: httpx.Request) -> httpx.Response:
        return shop.json([parent] if request.url.params.get("include") == "41" else [])

    shop.on("GET", "products", products)
    shop.on("GET", "products/41/variations", [own])
    pages = [page async for page in woo.catalog.changes.since(stamp(T0))]
    assert [one.id for page in pages for one in page.items] == ["41"]
    assert [level.quantity for page in pages for level in page.levels] == [4]
    assert pages[-1].cursor.partition("#")[0] == stamp(T0 + timedelta(seconds=9))


@pytest.mark.anyio
async def test_a_shop_without_the_list_of_variations_is_remembered(shop: "Shop", woo: Connector) -> None:
    shop.on("GET", "variations", NO_ROUTE, status=404)
    parent = {"id": 41, "name": "Tee", "type": "variable", "variations": [42], "date_modified_gmt": stamp(T0)}
    shop.on("GET", "products", [parent], x_wp_totalpages="1", x_wp_total="1")
    shop.on("GET", "products/41/variations", [{"id": 42, "sku": "T", "manage_stock": True, "stock_quantity": 4}])
    for _ in range(2):
        (page,) = [page async for page in woo.catalog.all()]
        assert [one.sku for one in page.items[0].variants] == ["T"]
        assert [level.key.stock_id for level in page.levels] == ["41/42"]
    paths = [request.url.path.rpartition("/")[2] for request in shop.calls]
    # The list of all variations and the first page of products are asked for at once, in either order.
    assert sorted(paths[:2]) == ["products", "variations"]
    assert paths[2:] == ["variations", "products", "variations"]


@pytest.mark.anyio
async def test_a_deletion_while_paging_reads_again(shop: "Shop", woo: Connector) -> None:
    rows = [{"id": n, "name": "P", "type": "simple", "date_modified_gmt": stamp(T0)} for n in range(1, 251)]

    def products(request: httpx.Request) -> httpx.Response:
        page = int(request.url.params["page"])
        found = rows[(page - 1) * 100 : page * 100]
        answer = shop.json(found, x_wp_total=str(len(rows)), x_wp_totalpages=str(-(-len(rows) // 100)))
        if page == 1 and len(rows) == 250:
            del rows[0]
        return answer

    shop.on("GET", "products", products)
    shop.on("GET", "variations", [], x_wp_totalpages="0")
    seen = {one.id async for page in woo.catalog.all() for one in page.items}
    assert seen == {str(n) for n in range(1, 251)}


@pytest.mark.anyio
async def test_currency_and_weight_unit_are_asked_for_once_and_only_with_a_product_at_hand(
    shop: "Shop", settings: Settings
) -> None:
    woo = connect(replace(settings, currency="", weight_unit=""), shop.around(), where="web")
    shop.on("GET", "variations", [])
    shop.on("GET", "products", [])
    assert [len(page.items) async for page in woo.catalog.changes.since(stamp(T0))] == [0]
    assert len(shop.calls) == 2
    row = {"id": 7, "name": "Tea", "price": "3", "weight": "2", "date_modified_gmt": stamp(T0)}
    shop.on("GET", "products", [row])
    shop.on("GET", "data/currencies/current", {"code": "EUR"})
    shop.on("GET", "settings/products", [{"id": "woocommerce_weight_unit", "value": "oz"}])
    for _ in range(2):
        (tea,) = await woo.catalog.get(["7"])
        assert str(tea.variants[0].price) == "3.00 EUR"
        assert tea.variants[0].weight_grams == 57
    assert len(shop.calls) == 6


@pytest.mark.parametrize(("one", "other"), [("2026-01-01T00:00:00", "2026-01-02T00:00:00")])
def test_later(one: str, other: str) -> None:
    assert later(one, other) == later(other, one) == other
