"""Edits of listings: what is emptied is taken off."""

from collections.abc import Callable

import pytest

from bridge.contract.ports import ProductEdit, VariantEdit
from tests.contract.bench import Bench, good

pytestmark = pytest.mark.anyio


async def test_a_barcode_is_taken_off(shop: Callable[..., Bench]) -> None:
    bench = shop()
    await bench.seed(good("TEE", stock=10, barcode="4006381333931"))
    current, variant = await bench.variant("TEE")
    assert variant.barcode == "4006381333931"
    own = VariantEdit(id="TEE", fields=frozenset({"barcode"}), barcode=None)
    edit = ProductEdit(current=current, fields=frozenset({"description"}), description="", variants=(own,))
    assert bench.connector.products is not None
    (result,) = await bench.connector.products.edit([edit], "key")
    assert (result.reason, bool(result.ticket)) == ("", True)
    await bench.wait(300)
    shown, variant = await bench.variant("TEE")
    assert (variant.barcode, shown.description) == (None, "")
    assert "product_description" not in bench.shop.state.listings["TEE"].attributes
