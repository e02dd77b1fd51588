"""New products that were only accepted come to an end, and nothing waits for them within a call."""

import pytest

from bridge.contract.errors import Gone
from bridge.contract.ports import Making
from tests.contract.bench import Bench, another, good

pytestmark = [pytest.mark.anyio, pytest.mark.offers("creation_tickets")]


async def _accepted(bench: Bench, sku: str = "CAP") -> Making:
    await bench.seed(good("TEE"))
    tee, _ = await bench.variant("TEE")
    before = bench.loop.time()
    making = await bench.maker.create(another(tee, sku), "key-1")
    assert isinstance(making, Making), "it is made later"
    assert bench.loop.time() == before, "no call waits for it"
    assert 0 < len(making.ticket) <= 255
    return making


def _writes(bench: Bench) -> int:
    return sum(bench.facts.writes(call.method, call.path, call.body) for call in bench.wire.all)


async def test_a_new_product_is_not_waited_for_and_is_there_when_its_ticket_says_so(bench: Bench) -> None:
    making = await _accepted(bench)
    assert await bench.creation_tickets.made(making.ticket, making.product) is None
    made = await bench.made(making)
    found, variant = await bench.variant("CAP")
    assert (made.id, made.title, made.variants[0].sku) == (found.id, found.title, variant.sku)
    assert (making.product.id, making.product.variants[0].id) == (made.id, variant.id)


async def test_looking_makes_nothing_and_another_may_look_too(bench: Bench) -> None:
    making = await _accepted(bench)
    sent = _writes(bench)
    first = await bench.made(making)
    restarted = bench.connect().creation_tickets
    assert restarted is not None
    again = await restarted.made(making.ticket, making.product)
    assert again is not None
    assert again.id == first.id
    assert _writes(bench) == sent


async def test_a_ticket_of_a_creation_that_nobody_knows_is_gone(bench: Bench) -> None:
    making = await _accepted(bench)
    with pytest.raises(Gone):
        await bench.creation_tickets.made("999999999", making.product)
