"""Bodies of orders, refunds and products: exact money, nothing named that is not to change."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.contract.errors import Refused
from bridge.contract.ports import Connector, LineRefund, NewLine, NewOrder, ProductEdit, VariantEdit
from bridge.domain.catalog import Product, Variant
from bridge.domain.money import Money
from bridge.domain.orders import Address, Contact, Tracking
from connectors.woocommerce.new_order import new_order
from connectors.woocommerce.product_body import new_product, product_changes, variation_changes
from connectors.woocommerce.refund import new_refund
from connectors.woocommerce.shop import Facts

if TYPE_CHECKING:
    from tests.connectors.woocommerce.conftest import Shop

Recorded = Callable[[str, str, str], dict[str, Any]]
AT = datetime(2026, 11, 22, 16, tzinfo=UTC)
FACTS = Facts(currency="EUR", weight_unit="kg")


def eur(minor: int) -> Money:
    return Money(minor, "EUR")


def line(quantity: int, total: int, variant_id: str | None = "7", **more: Any) -> NewLine:
    each = eur(total // (quantity or 1))
    fields = {"sku": "TEA", "title": "Tea", "tax": eur(0), **more}
    return NewLine(variant_id=variant_id, quantity=quantity, unit_price=each, total=eur(total), **fields)


def an_order(*lines: NewLine, total: int, shipping: int = 0, **more: Any) -> NewOrder:
    named = {"reference": "r-1", "note": "Till 4, sale 17", "currency": "EUR", "placed_at": AT, **more}
    return NewOrder(lines=lines, shipping=eur(shipping), total=eur(total), **named)


def charged(body: dict[str, Any]) -> int:
    """Add up what the shop will charge for this body."""
    parts = [*body["line_items"], *body["fee_lines"], *body.get("shipping_lines", [])]
    return sum(Money.parse(part["total"], "EUR").minor for part in parts)


LINES = st.builds(
    line, st.integers(1, 50), st.integers(0, 10**6), st.sampled_from(["7", "42", None]), title=st.text(max_size=10)
)


@given(lines=st.lists(LINES, max_size=6), shipping=st.integers(0, 10**4), off=st.integers(-500, 500))
def test_a_mirror_charges_exactly_the_total(lines: list[NewLine], shipping: int, off: int) -> None:
    total = sum(one.total.minor for one in lines) + shipping + off
    body = new_order(an_order(*lines, total=total, shipping=shipping), status_paid="processing")
    assert charged(body) == total
    assert sum(one["quantity"] for one in body["line_items"]) == sum(one.quantity for one in lines if one.variant_id)


def test_a_mirror_says_where_it_comes_from() -> None:
    body = new_order(an_order(line(2, 700), total=700), status_paid="processing")
    assert (body["created_via"], body["transaction_id"], body["set_paid"]) == ("commerce-bridge", "r-1", True)
    assert body["customer_note"] == "Till 4, sale 17"
    assert {"key": "is_vat_exempt", "value": "yes"} in body["meta_data"]
    assert "billing" not in body
    assert "shipping_lines" not in body
    held = new_order(an_order(line(2, 700), total=700), status_paid="on-hold")
    assert held["status"] == "on-hold"
    assert "set_paid" not in held


def test_an_empty_e_mail_address_is_left_out() -> None:
    place = Address(name="Grace Brewster Hopper", line1="1 Navy Yard", city="Boston", postcode="02129", country="US")
    order = an_order(line(1, 700), total=700, customer=Contact(name="G. Hopper", phone="555"), ship_to=place)
    billing = new_order(order, status_paid="processing")["billing"]
    assert "email" not in billing
    assert (billing["first_name"], billing["last_name"], billing["phone"]) == ("Grace Brewster", "Hopper", "555")
    known = an_order(line(1, 700), total=700, customer=Contact(name="Cher", email="c@example.test"))
    body = new_order(known, status_paid="processing")
    assert body["billing"] == {"first_name": "Cher", "email": "c@example.test"}
    assert body["shipping"] == {"first_name": "Cher"}


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (line(0, 0), "quantity 0"),
        (line(-1, 0), "quantity -1"),
        (line(2_000_000, 0), "2000000"),
        (line(1, 1, "gid://x/7"), "no product"),
    ],
)
def test_a_line_that_cannot_be_mirrored_is_named(bad: NewLine, reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        new_order(an_order(bad, total=bad.total.minor), status_paid="processing")


def test_another_currency_in_a_line_is_refused() -> None:
    with pytest.raises(Refused, match="is in EUR"):
        new_order(an_order(line(1, 100), total=100, currency="USD"), status_paid="processing")


def encoded(body: dict[str, Any]) -> Any:
    return json.loads(msgspec.json.encode(body), parse_float=str)


def test_a_refund_of_a_taxed_line_is_split_to_the_cent() -> None:
    row = {"id": 9, "total": "10.00", "total_tax": "1.90", "taxes": [{"id": 1, "total": "1.90"}]}
    refund = [LineRefund(line_id="9", quantity=1, amount=eur(595))]
    body = encoded(new_refund({"currency": "EUR", "line_items": [row]}, refund, eur(595), restock=True, reason="x [k]"))
    assert body == {
        "amount": "5.95",
        "reason": "x [k]",
        "api_refund": False,
        "api_restock": True,
        "line_items": [
            {"id": 9, "quantity": 1, "refund_total": "5.00", "refund_tax": [{"id": 1, "refund_total": "0.95"}]}
        ],
    }


@given(st.integers(1, 10**5), st.integers(0, 10**5), st.integers(1, 10**5))
def test_goods_and_tax_of_a_refund_add_up(goods: int, tax: int, refunded: int) -> None:
    row = {
        "id": 9,
        "total": eur(goods).decimal,
        "total_tax": eur(tax).decimal,
        "taxes": [{"id": 1, "total": eur(tax).decimal}],
    }
    refund = [LineRefund(line_id="9", quantity=1, amount=eur(refunded))]
    body = encoded(
        new_refund({"currency": "EUR", "line_items": [row]}, refund, eur(refunded), restock=False, reason="")
    )
    (item,) = body["line_items"]
    parts = [item["refund_total"], *(one["refund_total"] for one in item["refund_tax"])]
    assert sum(Money.parse(part, "EUR").minor for part in parts) == refunded


@pytest.mark.parametrize("refund", [("8", 1, eur(1)), ("9", -1, eur(1)), ("9", 1, Money(1, "USD"))])
def test_a_refund_that_does_not_fit_the_order_is_refused(refund: tuple[str, int, Money]) -> None:
    line_id, quantity, amount = refund
    order = {"id": 5, "currency": "EUR", "line_items": [{"id": 9, "total": "1.00"}]}
    with pytest.raises(Refused, match="order 5"):
        new_refund(
            order, [LineRefund(line_id=line_id, quantity=quantity, amount=amount)], amount, restock=True, reason=""
        )


TEA = Product(
    id="7",
    title="Tea",
    updated_at=AT,
    images=("https://s/a.jpg",),
    variants=(Variant(id="7", price=eur(600), compare_at=eur(750)),),
    extra={"image:https://s/a.jpg": "33"},
)


def edited(*fields: str, **values: Any) -> dict[str, Any]:
    variant = VariantEdit(id="7", fields=frozenset(fields), **values)
    return product_changes(ProductEdit(current=TEA, fields=frozenset(), variants=(variant,)), FACTS)


def test_only_named_fields_are_sent() -> None:
    edit = ProductEdit(current=TEA, fields=frozenset({"title", "status"}), title="Green tea", status="archived")
    assert product_changes(edit, FACTS) == {"name": "Green tea", "status": "private"}
    assert edited("sku", sku="T2") == {"sku": "T2"}
    assert edited("weight_grams", weight_grams=1250) == {"weight": "1.25"}
    assert edited("barcode") == {"global_unique_id": ""}


def test_a_picture_that_is_there_keeps_its_file() -> None:
    edit = ProductEdit(current=TEA, fields=frozenset({"images"}), images=("https://s/a.jpg", "https://s/b.jpg"))
    assert product_changes(edit, FACTS) == {"images": [{"id": 33}, {"src": "https://s/b.jpg"}]}


@pytest.mark.parametrize(
    ("fields", "values", "regular", "sale"),
    [
        (("price",), {"price": eur(500)}, "7.50", "5.00"),
        (("price",), {"price": eur(800)}, "8.00", ""),
        (("compare_at",), {}, "6.00", ""),
        (("compare_at",), {"compare_at": eur(900)}, "9.00", "6.00"),
        (("price", "compare_at"), {"price": eur(100)}, "1.00", ""),
        (("price", "compare_at"), {}, "", ""),
    ],
)
def test_a_sale_is_the_lower_of_two_prices(
    fields: tuple[str, ...], values: dict[str, Money], regular: str, sale: str
) -> None:
    assert edited(*fields, **values) == {"regular_price": regular, "sale_price": sale}


@pytest.mark.parametrize(
    ("fields", "values"),
    [
        (("price",), {"price": Money(5, "USD")}),
        (("price",), {"price": eur(-5)}),
        (("colour",), {}),
        (("weight_grams",), {"weight_grams": -1}),
    ],
)
def test_a_value_that_cannot_be_written_is_refused(fields: tuple[str, ...], values: dict[str, Any]) -> None:
    with pytest.raises(Refused):
        edited(*fields, **values)


def test_variations_go_to_their_own_rows() -> None:
    tee = Product(id="41", updated_at=AT, variants=(Variant(id="42"), Variant(id="43")))
    edit = ProductEdit(
        current=tee,
        fields=frozenset({"title"}),
        title="Tee",
        variants=(VariantEdit(id="43", fields=frozenset({"sku"}), sku="T-M"),),
    )
    assert product_changes(edit, FACTS) == {"name": "Tee"}
    assert variation_changes(edit, FACTS) == [{"id": 43, "sku": "T-M"}]


def test_a_new_product_starts_untracked() -> None:
    body = new_product(TEA, "key-1", FACTS)
    assert (body["type"], body["manage_stock"], body["regular_price"], body["sale_price"]) == (
        "simple",
        False,
        "7.50",
        "6.00",
    )
    assert body["meta_data"] == [{"key": "_commerce_bridge_key", "value": "key-1"}]
    assert "stock_quantity" not in body


@pytest.mark.anyio
async def test_our_order_is_told_from_one_that_only_looks_like_it(
    shop: "Shop", woo: Connector, recorded: Recorded
) -> None:
    row = recorded("11.0.1", "orders", "123")["json"]
    foreign = {**row, "transaction_id": "r-1", "created_via": "checkout"}
    longer = {**row, "transaction_id": "r-10", "created_via": "commerce-bridge"}
    ours = {**row, "id": 95, "refunds": [], "transaction_id": "r-1", "created_via": "commerce-bridge"}
    assert woo.order_writer is not None
    shop.on("GET", "orders", lambda request: shop.json([foreign, longer]))
    assert await woo.order_writer.find("r-1") is None
    assert [shop.asked(n).get("search") for n in range(3)] == ["r-1", "r-1", None]
    assert [shop.asked(n).get("status") for n in range(3)] == [None, "trash", None]
    assert shop.asked(2)["created_via"] == "commerce-bridge"
    shop.on("GET", "orders", lambda request: shop.json([foreign, longer, ours]))
    found = await woo.order_writer.find("r-1")
    assert found is not None
    assert (found.id, found.reference) == ("95", "r-1")


@pytest.mark.anyio
async def test_a_second_parcel_joins_the_first_and_only_it_is_told(
    shop: "Shop", woo: Connector, recorded: Recorded
) -> None:
    first = {"tracking_number": "Z1", "tracking_provider": "dhl", "custom_tracking_link": "https://t.example/?a=1&n=Z1"}
    row = {**recorded("11.0.1", "orders", "123")["json"], "refunds": []}
    row["meta_data"] = [{"key": "_commerce_bridge_tracking", "value": [first]}]
    notes = [{"note": "Your parcel is on its way with dhl: Z1 https://t.example/?a=1&amp;n=Z1"}]
    shop.on("GET", "orders/89", row)
    shop.on("GET", "orders/89/notes", notes)
    shop.on("POST", "orders/89/notes", {"id": 1}, status=201)
    shop.on("PUT", "orders/89", row)
    assert woo.order_writer is not None
    order = await woo.sales.get("89")
    old, new = Tracking(number="Z1", carrier="dhl", url="https://t.example/?a=1&n=Z1"), Tracking(number="Z2")
    await woo.order_writer.fulfil(order, [old], "k")
    assert [request.method for request in shop.calls] == ["GET", "GET", "GET"]
    await woo.order_writer.fulfil(order, [old, new], "k")
    note, put = json.loads(shop.calls[-2].content), json.loads(shop.calls[-1].content)
    assert "Z2" in note["note"]
    assert note["customer_note"] is True
    assert put["status"] == "completed"
    assert [one["tracking_number"] for one in put["meta_data"][0]["value"]] == ["Z1", "Z2"]


@pytest.mark.anyio
async def test_several_variants_without_skus_cannot_be_created(woo: Connector) -> None:
    assert woo.products is not None
    shirt = Product(id="", title="Shirt", options=("Size",), variants=(Variant(id=""), Variant(id="")), updated_at=AT)
    with pytest.raises(Refused, match="SKU each"):
        await woo.products.create(shirt, "k")


@pytest.mark.anyio
async def test_variations_are_not_added_to_a_product_of_somebody_else(shop: "Shop", woo: Connector) -> None:
    stamped = {"name": "Shirt", "type": "variable", "variations": [42], "date_modified_gmt": "2026-11-22T16:00:00"}

    def products(request: httpx.Request) -> httpx.Response:
        return shop.json([{"id": 42, "parent_id": 41} if "sku" in request.url.params else {"id": 41, **stamped}])

    shop.on("GET", "products", products)
    shop.on("GET", "products/41", {"id": 41, "meta_data": []})
    shop.on("GET", "products/41/variations", [{"id": 42, "sku": "S"}])
    assert woo.products is not None
    both = tuple(Variant(id="", sku=sku, options=(("Size", sku),)) for sku in ("S", "M"))
    shirt = Product(id="", title="Shirt", options=("Size",), variants=both, updated_at=AT)
    with pytest.raises(Refused, match=r"web: product 41 has some of the SKUs, but not M"):
        await woo.products.create(shirt, "k")
    assert {request.method for request in shop.calls} == {"GET"}
