"""Payload to domain value: every recording, and the oddities that no recording shows."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.domain.catalog import Level, Product, StockKey
from bridge.domain.money import Money
from connectors.woocommerce import mapping
from connectors.woocommerce.mapping import Unreadable, levels, product, whole
from connectors.woocommerce.order_mapping import is_draft, order

AT = datetime(2026, 11, 22, 17, tzinfo=UTC)
Recorded = Callable[[str, str, str], dict[str, Any]]
Recordings = Callable[..., Iterator[tuple[str, dict[str, Any]]]]


def rows_of(payload: Any) -> Iterator[dict[str, Any]]:
    """Yield every object of an answer: single, list or batch."""
    if isinstance(payload, list):
        for one in payload:
            yield from rows_of(one)
    elif isinstance(payload, dict) and "id" in payload and "error" not in payload:
        yield payload
    elif isinstance(payload, dict):
        for one in payload.values():
            if isinstance(one, list):
                yield from rows_of(one)


def read(row: dict[str, Any], variations: list[dict[str, Any]] | None = None) -> Product:
    return product(row, variations or [], currency="USD", weight_unit="lbs")


def test_every_recorded_product_is_understood(version: str, recordings: Recordings) -> None:
    seen = 0
    for name, call in recordings(version, "products"):
        for row in rows_of(call["json"]):
            if "date_modified_gmt" not in row or "name" not in row:
                continue
            got = read(row)
            assert got.id == str(row["id"]), name
            assert got.title == row["name"]
            assert [variant.sku for variant in got.variants] == (
                [] if row["type"] == "variable" else [row["sku"] or None]
            )
            found = {level.key.stock_id: level.quantity for level in levels(row, [], AT)}
            if row["type"] == "simple":
                assert found == {str(row["id"]): row["stock_quantity"] if row["manage_stock"] else None}
            seen += 1
    assert seen == 59


def test_every_recorded_variation_is_understood(version: str, recordings: Recordings) -> None:
    seen = 0
    for _, call in recordings(version, "variations"):
        for row in rows_of(call["json"]):
            if "regular_price" not in row or row.get("type") == "variable":
                continue
            parent = {
                "id": 41,
                "type": "variable",
                "variations": [row["id"]],
                "date_modified_gmt": "2026-11-22T15:33:38",
            }
            *_, variant = read(parent, [row]).variants
            assert variant.id == str(row["id"])
            assert variant.sku == (row["sku"] or None)
            assert variant.stock_id == ("41" if row["manage_stock"] == "parent" else f"41/{row['id']}")
            seen += 1
    assert seen == {"11.0.1": 25, "9.9.5": 19}[version]


def test_every_recorded_order_is_understood(version: str, recordings: Recordings) -> None:
    seen = 0
    for name, call in recordings(version, "orders"):
        for row in rows_of(call["json"]):
            if "line_items" not in row or "currency" not in row:
                continue
            got = order(row)
            assert got.id == str(row["id"]), name
            assert got.total.decimal == row["total"]
            parts = [money.minor for money in (got.shipping, *(line.total for line in got.lines))]
            fees = sum(Money.parse(fee["total"], "USD").minor for fee in row["fee_lines"])
            assert sum(parts) + fees == got.total.minor, name
            reduced = [mapping.meta(line).get("_reduced_stock") for line in row["line_items"]]
            assert [line.held for line in got.lines] == [int(units or 0) for units in reduced]
            seen += 1
    assert seen > 25


def test_an_order_with_a_code_says_so_and_whose_it_is(recorded: Recorded, version: str) -> None:
    got = order(recorded(version, "orders", "112_")["json"])
    assert (got.codes, [line.discounted for line in got.lines]) == (("ten-percent",), [True])
    assert not any(line.gift_card for line in got.lines)
    assert got.customer is not None
    assert (got.customer.id, got.customer.email, got.customer.phone) == ("4", "cleo@example.test", "5550102")
    plain = order(recorded(version, "orders", "108_")["json"])
    assert (plain.codes, {line.discounted for line in plain.lines}) == ((), {False})


def test_a_line_without_a_subtotal_is_not_discounted(recorded: Recorded, version: str) -> None:
    row = recorded(version, "orders", "112_")["json"]
    lines = [{name: value for name, value in line.items() if name != "subtotal"} for line in row["line_items"]]
    assert [line.discounted for line in order({**row, "line_items": lines}).lines] == [False]


def test_a_simple_product(recorded: Recorded, version: str) -> None:
    row = recorded(version, "products", "023")["json"]
    got = read(row)
    assert (got.title, got.status, got.images) == ("Espresso Beans", "active", ())
    (variant,) = got.variants
    assert (variant.id, variant.sku, variant.barcode) == (str(row["id"]), "RW-S001", "4000000000001")
    assert (variant.price, variant.compare_at, variant.weight_grams) == (Money(450, "USD"), None, 113)


def test_a_sale_shows_both_prices(recorded: Recorded, version: str) -> None:
    (variant,) = read(recorded(version, "products", "049")["json"]).variants
    assert (variant.price, variant.compare_at) == (Money(800, "USD"), Money(1050, "USD"))


def test_variations_whose_parent_keeps_the_number_share_it(recorded: Recorded, version: str) -> None:
    parent, variations = recorded(version, "products", "025")["json"], recorded(version, "variations", "081")["json"]
    got = read(parent, variations)
    assert {variant.stock_id for variant in got.variants} == {str(parent["id"])}
    owner, *sizes = got.variants
    assert (owner.id, owner.sku, owner.price) == (str(parent["id"]), "RW-V5", None)
    assert [variant.title for variant in sizes] == ["S", "M", "L", "XL"]
    assert levels(parent, variations, AT) == (Level(key=StockKey(str(parent["id"])), quantity=38, as_of=AT),)


def test_an_order_with_a_refund_says_what_was_taken_and_put_back(recorded: Recorded, version: str) -> None:
    row, refunds = recorded(version, "orders", "110")["json"], recorded(version, "orders", "115")["json"]
    got = order(row, refunds)
    (line,) = got.lines
    assert (line.quantity, line.held, line.refunded, line.restocked) == (4, 3, 1, 1)
    assert (got.refunded, got.total, got.status) == (Money(1075, "USD"), Money(4300, "USD"), "paid")
    assert line.unit_price == Money(1075, "USD")


def test_a_cancelled_order_holds_nothing(recorded: Recorded, version: str) -> None:
    got = order(recorded(version, "orders", "111")["json"])
    assert (got.status, [line.held for line in got.lines]) == ("cancelled", [0])
    later = order(recorded(version, "orders", "128")["json"])
    assert (later.status, later.lines[0].held, later.lines[0].restocked) == ("cancelled", 0, 1)


def test_a_storefront_order_names_variations_buyer_and_place(recorded: Recorded, version: str) -> None:
    row = recorded(version, "orders", "113")["json"]
    got = order(row)
    tea, shirt = row["line_items"][0]["product_id"], row["line_items"][1]["variation_id"]
    assert [(line.variant_id, line.quantity, line.held) for line in got.lines] == [(str(tea), 1, 1), (str(shirt), 2, 2)]
    assert (got.source, got.shipping, got.reference) == ("store-api", Money(500, "USD"), None)
    assert got.customer is not None
    assert got.customer.email == "walkin@example.test"
    assert got.ship_to is not None
    assert (got.ship_to.name, got.ship_to.line1, got.ship_to.country) == ("Gail Guest", "5 Main", "US")
    assert "walkin" not in repr(got)


def test_a_coupon_order_names_its_code_and_the_price_paid(recorded: Recorded, version: str) -> None:
    got = order(recorded(version, "orders", "112")["json"])
    assert (got.codes, got.lines[0].unit_price, got.total) == (("ten-percent",), Money(1755, "USD"), Money(2255, "USD"))


def test_a_trashed_order_is_cancelled(recorded: Recorded, version: str) -> None:
    assert order(recorded(version, "orders", "153")["json"]).status == "cancelled"


def order_row(**changes: Any) -> dict[str, Any]:
    line = {"id": 1, "product_id": 7, "variation_id": 0, "quantity": 2, "total": "10.00", "total_tax": "0.00"}
    row = {
        "id": 5,
        "status": "processing",
        "currency": "EUR",
        "total": "10.00",
        "date_created_gmt": "2026-11-22T15:00:00",
        "date_modified_gmt": "2026-11-22T15:00:00",
        "line_items": [{**line, **changes.pop("line", {})}],
    }
    return row | changes


@pytest.mark.parametrize("quantity", [1.5, "2.5", -1, 1_000_001, "many", True, None])
def test_a_quantity_that_cannot_be_kept_count_of_sets_the_order_aside(quantity: object) -> None:
    with pytest.raises(Unreadable, match="quantity"):
        order(order_row(line={"quantity": quantity}))


@pytest.mark.parametrize(("written", "units"), [(2, 2), ("2", 2), (2.0, 2), ("2.00", 2)])
def test_whole_quantities_are_understood_however_written(written: object, units: int) -> None:
    assert order(order_row(line={"quantity": written})).lines[0].quantity == units


@pytest.mark.parametrize("total", ["ten", "1e3", "NaN", "12,30", "9" * 30])
def test_an_amount_that_is_none_sets_the_order_aside(total: str) -> None:
    with pytest.raises(Unreadable, match="total"):
        order(order_row(total=total))


@pytest.mark.parametrize("missing", ["id", "total", "date_modified_gmt", "line_items"])
def test_a_missing_field_is_named(missing: str) -> None:
    row = order_row()
    del row[missing]
    with pytest.raises(Unreadable, match=missing):
        order(row)


@pytest.mark.parametrize(
    ("status", "dates", "expected"),
    [
        ("pending", {}, "placed"),
        ("on-hold", {}, "placed"),
        ("completed", {}, "fulfilled"),
        ("failed", {}, "cancelled"),
        ("refunded", {}, "cancelled"),
        ("refunded", {"date_completed_gmt": "2026-11-22T15:00:00"}, "fulfilled"),
        ("packed", {}, "placed"),
        ("packed", {"date_paid_gmt": "2026-11-22T15:00:00"}, "paid"),
    ],
)
def test_statuses(status: str, dates: dict[str, str], expected: str) -> None:
    assert order(order_row(status=status, **dates)).status == expected


def test_refunded_means_every_line() -> None:
    got = order(order_row(status="refunded", refunds=[{"id": 9, "total": "-10.00"}]))
    assert (got.lines[0].refunded, got.lines[0].restocked, got.refunded) == (2, 0, Money(1000, "EUR"))


def test_amounts_finer_than_the_minor_unit_are_rounded_and_tax_is_in() -> None:
    (line,) = order(order_row(line={"total": "10.005", "total_tax": "1.9019", "quantity": 3})).lines
    assert (line.total, line.tax, line.unit_price) == (Money(1191, "EUR"), Money(190, "EUR"), Money(397, "EUR"))
    yen = order(order_row(currency="JPY", total="1000", line={"total": "1000"}))
    assert yen.total == Money(1000, "JPY")


def test_tracking_of_ours_and_of_the_plugins_is_read() -> None:
    entry = {"tracking_number": "Z1", "tracking_provider": "dhl", "custom_tracking_link": "https://t.example/Z1"}
    for value in ([entry], {"0": entry}):
        (parcel,) = order(order_row(meta_data=[{"key": "_wc_shipment_tracking_items", "value": value}])).tracking
        assert (parcel.number, parcel.carrier, parcel.url) == ("Z1", "dhl", "https://t.example/Z1")
    assert order(order_row(meta_data=[{"key": "_wc_shipment_tracking_items", "value": "garbage"}])).tracking == ()


def test_a_basket_is_no_order() -> None:
    assert is_draft({"status": "checkout-draft"})
    assert not is_draft({"status": "pending"})


def product_row(**changes: Any) -> dict[str, Any]:
    row = {"id": 7, "name": "Tea", "type": "simple", "status": "publish", "sku": "TEA", "price": "3.50"}
    return {**row, "regular_price": "3.50", "date_modified_gmt": "2026-11-22T15:00:00", "manage_stock": True, **changes}


@pytest.mark.parametrize(("written", "quantity"), [("", None), ("12", 12), (3.0, 3), (None, None), (-4, -4), (0, 0)])
def test_stock_numbers_however_written(written: object, quantity: int | None) -> None:
    (found,) = levels(product_row(stock_quantity=written), [], AT)
    assert found.quantity == quantity


def test_oddities_of_plugins_are_borne() -> None:
    row = product_row(
        meta_data={"3": {"key": "a", "value": 1}}, parent_id=False, price="", regular_price="", images=None
    )
    got = read(row)
    assert (got.variants[0].price, got.images) == (None, ())
    assert mapping.meta(row) == {"a": 1}
    assert mapping.identifier(row["parent_id"]) == ""


def test_untracked_and_unstocked_products_differ() -> None:
    assert levels(product_row(manage_stock=False, stock_quantity=5), [], AT)[0].quantity is None
    assert levels(product_row(type="external", manage_stock=False), [], AT) == ()
    assert read(product_row(type="external")).variants[0].stock_id is None
    assert read(product_row(type="grouped")).variants == ()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"price": "3.505", "regular_price": "3.505"}, "whole number of minor units"),
        ({"price": "abc"}, "not an amount"),
        ({"id": None}, "id"),
        ({"date_modified_gmt": None}, "date_modified_gmt"),
        ({"date_modified_gmt": "soon"}, "not a time"),
    ],
)
def test_a_product_that_cannot_be_understood_says_why(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(Unreadable, match=reason):
        read(product_row(**changes))


def test_a_picture_is_remembered_by_its_id() -> None:
    got = read(product_row(images=[{"id": 33, "src": "https://shop.example/tea.jpg"}]))
    assert got.images == ("https://shop.example/tea.jpg",)
    assert got.extra == {"image:https://shop.example/tea.jpg": "33"}


@given(st.integers(-(10**9), 10**9))
def test_whole_reads_every_spelling_of_an_integer(number: int) -> None:
    assert {whole(number, "n"), whole(str(number), "n"), whole(float(number), "n"), whole(f"{number}.0", "n")} == {
        number
    }


@given(st.decimals(-(10**6), 10**6, places=3).filter(lambda value: value % 1 != Decimal(0)))
def test_whole_refuses_every_fraction(number: Decimal) -> None:
    with pytest.raises(Unreadable, match="whole"):
        whole(str(number), "n")
