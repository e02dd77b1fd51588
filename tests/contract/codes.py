"""What the tests of codes have in common: a shelf, writes that wait for the platform, and buyers who type codes in."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bridge.contract.loyalty import CouponResult, CouponState, CouponWrite
from bridge.domain.coupons import CouponTerms
from bridge.domain.money import Money
from bridge.domain.orders import Order
from bridge.sandbox.kit.platform import RefusedError
from tests.contract.bench import Bench, good, tail

__all__ = [
    "ADA", "BEN", "ENDS_IN", "FIFTEEN", "FIVE", "buys", "changed", "done", "looked_up", "made", "many", "refused", "shelf", "shown",
    "writes_sent",
]  # fmt: skip

FIFTEEN = CouponTerms(kind="percent", percent=1500)
FIVE = CouponTerms(kind="fixed", amount=Money(500, "USD"))
ADA = {"name": "Ada Lane", "email": "ada@example.com"}
BEN = {"name": "Ben Dale", "email": "ben@example.com"}
ENDS_IN = timedelta(hours=1)


async def shelf(bench: Bench) -> None:
    """Sell a tee and a cap, at 20.00 each."""
    await bench.seed(good("TEE", stock=200, price="20.00"), good("CAP", stock=200, price="20.00"))


async def done(bench: Bench, *writes: CouponWrite, key: str = "key-1") -> list[CouponResult]:
    """Write one batch and wait until the platform is done with it, as the engine would: by looking codes up."""
    results = list(await bench.coupons.write(writes, key))
    assert [one.code for one in results] == [one.code for one in writes], "one result a row, in order"
    for at, result in enumerate(results):
        if result.kind == "later":
            results[at] = replace(result, kind="done", id=(await looked_up(bench, result.code)).id)
    return results


async def looked_up(bench: Bench, code: str) -> CouponState:
    """Look a code up until it is there, some seconds apart."""
    over = bench.loop.time() + bench.facts.code_wait
    while not (found := await bench.coupons.find([code])):
        assert bench.loop.time() < over, f"{code} is not there within the time that the facts name"
        await bench.wait(5)
    (state,) = found
    return state


async def made(bench: Bench, terms: CouponTerms = FIFTEEN, code: str = "AUTUMN15", **more: Any) -> CouponWrite:
    """Put a code there, and return the write with what was learned by it."""
    write = CouponWrite(code=code, terms=terms, group="autumn", **more)
    (result,) = await done(bench, write)
    assert result.kind == "done", result.reason
    assert result.id
    await bench.seen()
    return replace(write, id=result.id, group_id=result.group_id)


async def changed(bench: Bench, write: CouponWrite, **changes: Any) -> CouponWrite:
    """Change a code that is there."""
    changed = replace(write, **changes)
    (result,) = await done(bench, changed, key="key-2")
    assert result.kind == "done", result.reason
    await bench.seen()
    return changed


async def buys(bench: Bench, *codes: str, lines: Sequence[tuple[str, int]] = (("TEE", 1),), **how: Any) -> Order:
    """Buy as a shopper who types codes in; return the order once it can be seen. Raises RefusedError where a code is not taken."""
    order = bench.shop.sale([{"sku": sku, "quantity": units} for sku, units in lines], codes=list(codes), **how)
    await bench.seen()
    await bench.wait(bench.facts.use_lag)
    return await bench.sales.get(tail(order))


async def refused(bench: Bench, *codes: str, **how: Any) -> None:
    """See that a code is not taken, and that nothing was sold."""
    before = len(bench.shop.orders())
    with pytest.raises(RefusedError):
        await buys(bench, *codes, **how)
    assert len(bench.shop.orders()) == before


def shown(bench: Bench) -> dict[str, dict[str, Any]]:
    """Return the platform's own view of its codes, with ids as a connector gives them."""
    return {code: {**row, "id": tail(row["id"])} for code, row in bench.shop.coupons().items()}


def writes_sent(bench: Bench, mark: int) -> int:
    """Count the calls since a mark that change something."""
    return sum(bench.facts.writes(call.method, call.path, call.body) for call in bench.wire.calls[mark:])


def many(count: int, **more: Any) -> list[CouponWrite]:
    """Describe that many codes of one campaign."""
    return [CouponWrite(code=f"CODE-{number:04}", terms=FIFTEEN, group="autumn", **more) for number in range(count)]
