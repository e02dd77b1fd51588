"""Quantities as they come: below zero, in fractions, beyond all reason. What cannot be counted is set aside and said, the rest goes on."""

from decimal import Decimal
from typing import Any

import pytest

from tests.baddays.day import PLATFORMS, Day, good


def two_products(day: Day) -> None:
    day.seed(good("TEE", stock=20), good("MUG", stock=3))
    day.truth = {"TEE": 20, "MUG": 3}
    day.opened()
    day.until_quiet()
    day.wait(10)


def square_order(day: Day, sku: str, quantity: str) -> None:
    """Ring up two of a SKU and two TEE, and then let the order say something else (goods by weight, a slip of the hand)."""
    order = day.shop("square").sale([{"sku": sku, "quantity": 2}, {"sku": "TEE", "quantity": 2}])
    day.shop("square").state.orders.all[order].data["line_items"][0]["quantity"] = quantity


def woo_order(day: Day, sku: str, quantity: Any) -> str:
    """Sell two of a SKU; a plugin then writes something else into the line."""
    order: str = day.shop("woocommerce").sale([{"sku": sku, "quantity": 2}, {"sku": "TEE", "quantity": 2}])
    day.shop("woocommerce").woo.book.orders[int(order)].lines[0].quantity = quantity
    return order


def test_tills_sell_more_than_there_is(day: Day) -> None:
    two_products(day)
    day.sells("square", "MUG", 5)
    day.sells("shopify", "MUG", 2, channel="pos")
    day.until_quiet()
    assert day.numbers("MUG") == dict.fromkeys(PLATFORMS, 0), "nobody can buy what is not there"
    assert "balance -4, available -4" in day.bridge("why", "MUG").out
    assert day.problems() == []
    day.wait(60)
    day.shop("square").count("MUG", 6)
    day.until_quiet()
    assert "square shows 6, expected 0" in day.bridge("why", "MUG").out
    assert day.numbers("MUG") == dict.fromkeys(PLATFORMS, 2), (
        "a count of 6 above an expected 0 adds 6 to the 4 that are owed"
    )


@pytest.mark.parametrize("quantity", ["1.5", "10000000000"])
def test_a_square_order_that_cannot_be_counted(day: Day, quantity: str) -> None:
    two_products(day)
    square_order(day, "MUG", quantity)
    day.sells("woocommerce", "TEE")
    said = day.bridge("sync")
    assert said.code == 3
    (line,) = [one for one in said.out.splitlines() if one.startswith("square: parked: order ")]
    assert quantity in line
    assert line.endswith("; correct it on square, then `bridge retry`")
    assert "Traceback" not in said.text
    assert "order" in day.bridge("parked").out
    order = next(iter(day.shop("square").state.orders.all.values()))
    order.data["line_items"][0]["quantity"] = "2"
    day.truth |= {"TEE": 17, "MUG": 1}
    assert day.bridge("retry", "--all").code == 0
    day.until_quiet()
    assert day.problems() == []
    assert day.bridge("parked").out == "nothing is parked\n"


@pytest.mark.parametrize("name", ["woocommerce", "square"])
@pytest.mark.parametrize("amount", ["2.5", "10000000000"])
def test_a_number_that_cannot_be_kept(day: Day, name: str, amount: str) -> None:
    """Shopify's numbers are 32-bit integers; Square has five decimals, WooCommerce whatever a plugin allows."""
    two_products(day)
    put(day, name, amount)
    day.sells("shopify", "TEE")
    said = day.bridge("sync")
    text = said.out if amount == "2.5" or name == "square" else day.bridge("why", "MUG").out + said.out
    assert "Traceback" not in said.text
    assert said.code == 3, said.text
    assert amount in text.replace(",", "")
    assert set(day.numbers("TEE").values()) == {19}, "the rest goes on"
    others = {other: units for other, units in day.numbers("MUG").items() if other != name}
    assert set(others.values()) == {3}, "nobody else is told such a number"
    day.wait(60)
    put(day, name, "3")
    day.bridge("retry", "--all")
    for _ in range(3):
        day.wait(20)
        day.bridge("sync")
    day.bridge("approve", "shopify")
    day.until_quiet()
    assert day.problems() == []


def put(day: Day, name: str, amount: str) -> None:
    """Put a number on a platform past everything that would check it."""
    if name == "square":
        shop = day.shop("square")
        key = (shop._variation({"sku": "MUG"}).id, shop._place(None))
        cause = {"team_member_id": "TMclerk0000000000001"}
        shop.state.inventory.count(
            key, "IN_STOCK", int(Decimal(amount) * 100_000), {"product": "SQUARE_POS"}, cause=cause
        )
        return
    catalogue = day.shop("woocommerce").woo.catalogue
    product = catalogue.find_sku("MUG")
    product.stock = Decimal(amount) if "." in amount else int(amount)
    catalogue.save(product)
