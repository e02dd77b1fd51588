"""Edits that were only accepted come to an end, each with an outcome of its own, and nothing waits for them within a call."""

import pytest

from bridge.contract.errors import Gone
from bridge.contract.ports import ProductEdit, VariantEdit
from bridge.domain.money import Money
from tests.contract.bench import Bench, good

pytestmark = [pytest.mark.anyio, pytest.mark.offers("edit_tickets")]


async def _edits(bench: Bench, *skus: str) -> list[ProductEdit]:
    """Describe edits of titles and prices, as many as fit into one call."""
    await bench.seed(*(good(sku) for sku in skus))
    found = []
    for number, sku in enumerate(skus[: bench.limits.product_batch]):
        product, variant = await bench.variant(sku)
        price = VariantEdit(id=variant.id, fields=frozenset({"price"}), price=Money(1999 + number, "USD"))
        edit = ProductEdit(current=product, fields=frozenset({"title"}), title=f"New {sku}", variants=(price,))
        found.append(edit)
    return found


async def _accepted(bench: Bench, edits: list[ProductEdit]) -> str:
    results = await bench.products.edit(edits, "key-1")
    assert [one.id for one in results] == [edit.current.id for edit in edits]
    assert all(one.product is not None and one.product.title.startswith("New ") for one in results)
    (ticket,) = {one.ticket for one in results}
    assert 0 < len(ticket) <= 255
    return ticket


def _writes(bench: Bench) -> int:
    return sum(bench.facts.writes(call.method, call.path, call.body) for call in bench.wire.all)


async def test_an_edit_does_not_wait_for_its_result(bench: Bench) -> None:
    edits, before = await _edits(bench, "TEE", "CAP"), bench.loop.time()
    ticket = await _accepted(bench, edits)
    assert bench.loop.time() == before
    assert await bench.edit_tickets.look(ticket, edits) is None


async def test_every_edit_of_a_ticket_has_its_result(bench: Bench) -> None:
    edits = await _edits(bench, "TEE", "CAP", "MUG")
    found = await bench.edited(await _accepted(bench, edits), edits)
    for edit, result in zip(edits, found, strict=True):
        assert (result.reason, result.stale) == ("", False)
        assert result.product is not None
        (there,) = await bench.connector.catalog.get([edit.current.id])
        assert (there.title, there.variants[0].price) == (edit.title, edit.variants[0].price)
        assert (result.product.title, result.product.variants) == (there.title, there.variants)


async def test_an_edit_of_what_is_no_more_is_said_to_have_failed(bench: Bench) -> None:
    edits = await _edits(bench, "TEE", "CAP")
    await bench.products.delete(edits[-1].current.id)
    await bench.seen()
    *others, gone = await bench.edit(edits, "key-1")
    assert gone.reason
    assert gone.product is None
    assert [one.reason for one in others] == [""] * len(others)


async def test_looking_repeats_no_edit_and_another_may_look_too(bench: Bench) -> None:
    edits = await _edits(bench, "TEE")
    ticket = await _accepted(bench, edits)
    sent = _writes(bench)
    first = await bench.edited(ticket, edits)
    restarted = bench.connect().edit_tickets
    assert restarted is not None
    again = await restarted.look(ticket, edits)
    assert again is not None
    assert [(one.id, one.reason) for one in again] == [(one.id, one.reason) for one in first]
    assert _writes(bench) == sent


async def test_a_ticket_that_nobody_knows_is_gone(bench: Bench) -> None:
    edits = await _edits(bench, "TEE")
    await _accepted(bench, edits)
    with pytest.raises(Gone):
        await bench.edit_tickets.look("999999999", edits)
