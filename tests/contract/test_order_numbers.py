"""The key property: the newest snapshots of all orders explain the platform's own number, whatever people did.

Sequences of verbs are drawn from a seed; the feed is followed page by page as the engine does, and at every stop the
sum of the orders' effects is compared with what the platform itself shows.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from bridge.domain.catalog import StockKey
from bridge.domain.effects import Bindings, number_effects
from bridge.domain.orders import Order
from bridge.sandbox.kit.loop import START
from bridge.sandbox.kit.platform import RefusedError
from tests.contract.bench import Bench, good

pytestmark = [pytest.mark.anyio, pytest.mark.offers("orders")]

SKUS = ("TEE", "CAP", "MUG", "PEN")
OPENING = 60


@dataclass(slots=True)
class Street:
    """People at one shop. `counted` is what counts moved, which no order explains."""

    bench: Bench
    rng: random.Random
    keeps: bool
    made: list[tuple[str, list[dict[str, Any]]]] = field(default_factory=list)
    counted: dict[str, int] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)

    def act(self) -> None:
        """Let somebody do one thing; what the platform refuses did not happen."""
        verbs = (
            [self.sell] * 6 + [self.refund] * 4 + [self.cancel] * 2 + [self.fulfil] * 2 + [self.edit] * 2 + [self.count]
        )
        verb = self.rng.choice(verbs)
        try:
            verb()
        except RefusedError as refusal:
            self.said.append(f"{verb.__name__} refused: {refusal}")

    def sell(self) -> None:
        lines = [
            {"sku": self.rng.choice(SKUS), "quantity": self.rng.choice([1, 1, 2, 3])}
            for _ in range(self.rng.choice([1, 1, 2, 3]))
        ]
        how = self.rng.choice(self.bench.facts.ways)
        self.made.append((self.bench.shop.sale(lines, **how), lines))
        self.said.append(f"sale {self.made[-1]} {how}")

    def _pick(self) -> tuple[str, list[dict[str, Any]]]:
        if not self.made:
            raise RefusedError("nothing sold yet")
        return self.rng.choice(self.made)

    def refund(self) -> None:
        order, lines = self._pick()
        restock = not self.keeps or self.rng.random() < 0.6
        row = {"sku": self.rng.choice(lines)["sku"], "quantity": 1}
        self.bench.shop.refund(order, [row], restock=restock)
        self.said.append(f"refund {order} {row} restock={restock}")

    def cancel(self) -> None:
        order, _ = self._pick()
        restock = not (self.keeps and self.bench.facts.cancel_keeps) or self.rng.random() < 0.6
        self.bench.shop.cancel(order, restock=restock)
        self.said.append(f"cancel {order} restock={restock}")

    def fulfil(self) -> None:
        order, _ = self._pick()
        self.bench.shop.fulfil(order)
        self.said.append(f"fulfil {order}")

    def edit(self) -> None:
        order, lines = self._pick()
        sku, quantity = self.rng.choice(lines)["sku"], self.rng.randrange(0, 5)
        self.bench.shop.edit_order(order, sku, quantity)
        self.said.append(f"edit {order} {sku} to {quantity}")

    def count(self) -> None:
        sku, before = self.rng.choice(SKUS), dict(self.bench.shop.stock())
        self.bench.shop.count(sku, self.rng.randrange(30, 90))
        moved = self.bench.number(sku) - sum(before[sku].values())
        self.counted[sku] = self.counted.get(sku, 0) + moved
        self.said.append(f"count {sku} {moved:+d}")


@dataclass(slots=True)
class Book:
    """The newest snapshot of every order, followed by cursor."""

    bench: Bench
    cursor: str
    orders: dict[str, Order] = field(default_factory=dict)

    async def follow(self) -> None:
        """Read on from where the last reading ended."""
        async for page in self.bench.sales.changes.since(self.cursor):
            assert not page.bad
            for order in page.items:
                known = self.orders.get(order.id)
                if known is None or order.updated_at >= known.updated_at:
                    self.orders[order.id] = order
            self.cursor = page.cursor or self.cursor

    def moved(self, bindings: Bindings) -> tuple[dict[StockKey, int], set[StockKey]]:
        """Return what the orders explain, and the numbers of which some order says that it does not know."""
        total: dict[StockKey, int] = {}
        unsure: set[StockKey] = set()
        for order in self.orders.values():
            for key, units in number_effects(order, bindings).items():
                total[key] = total.get(key, 0) + units
            for line in order.lines:
                bound = bindings.variants.get(line.variant_id or "")
                if line.held is None and bound is not None and bound.stock_id is not None:
                    unsure.add(StockKey(bound.stock_id, bindings.location(line)))
        return total, unsure


async def _trade(bench: Bench, seed: int, *, keeps: bool) -> int:
    """Trade and check at stops; return how many numbers were compared."""
    await bench.seed(*(good(sku, stock=OPENING) for sku in SKUS))
    bindings, keys = await bench.bindings(), dict(zip(SKUS, await bench.keys(SKUS), strict=True))
    street, book = Street(bench, random.Random(seed), keeps), Book(bench, bench.sales.changes.begin(START))
    compared = 0
    for _ in range(6):
        for _ in range(7):
            await bench.wait(street.rng.choice([0, 0, 1, 40, 700]))
            street.act()
        await book.follow()
        explained, unsure = book.moved(bindings)
        for sku, key in keys.items():
            if key not in unsure:
                expected = OPENING + street.counted.get(sku, 0) + explained.get(key, 0)
                assert bench.number(sku) == expected, "\n".join([f"{sku}: orders say {expected}", *street.said])
                compared += 1
    return compared


@pytest.mark.parametrize("seed", range(12))
async def test_the_orders_explain_the_number(bench: Bench, seed: int) -> None:
    assert await _trade(bench, seed, keeps=False) == 6 * len(SKUS), "with everything put back nothing is in doubt"


@pytest.mark.parametrize("seed", range(100, 112))
async def test_the_orders_explain_the_number_where_units_stay_away(bench: Bench, seed: int) -> None:
    assert await _trade(bench, seed, keeps=True) == 6 * len(SKUS)


async def test_a_numbers_story_is_told_per_place(new_bench: Callable[..., Bench]) -> None:
    bench = new_bench()
    identity = await bench.connector.account.check()
    if len(identity.locations) < 2 and bench.facts.many_places:
        bench = new_bench(**({"locations": ("Main", "Harbour")} if identity.locations else {}))
        identity = await bench.connector.account.check()
    places = {place.id: place.name for place in identity.locations} or {"": ""}
    stock = dict.fromkeys(places.values(), 20) if identity.locations else 20
    await bench.seed(good("TEE", stock=stock))
    for number, place in enumerate(places):
        how = {"location": place, "channel": "pos"} if "channel" in str(bench.facts.ways) else {"location": place}
        bench.shop.sale([{"sku": "TEE", "quantity": number + 1}], **how)
    _, variant = await bench.variant("TEE")
    keys = [StockKey(variant.stock_id or "", place) for place in places]
    levels = {level.key: level.quantity for level in await bench.connector.stock.read(keys)}
    bindings, total = await bench.bindings(), dict.fromkeys(keys, 20)
    for order in (await bench.orders()).values():
        for key, units in number_effects(order, bindings).items():
            total[key] += units
    assert total == levels
