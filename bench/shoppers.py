"""The shoppers of a replay: they buy, and bring back; what they move is booked in an account of their own."""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from bench.journey import Basket, Line
from bench.worlds import PLATFORMS
from bridge.rehearsal.world import World
from bridge.sandbox.kit.platform import RefusedError

__all__ = ["Shoppers"]


@dataclass(slots=True)
class Shoppers:
    """Households in the stores of three channels.

    `truth` is what there must be of each SKU, `worst` the least there was, `tally` counts what was done, `share` is how many
    baskets of a hundred (as a fraction) have a line brought back although the data does not tell of it.
    """

    made: World
    rng: random.Random
    share: float
    truth: Counter[str]
    worst: Counter[str] = field(default_factory=Counter)
    bought: dict[tuple[int, str], tuple[str, str]] = field(default_factory=dict)
    tally: Counter[str] = field(default_factory=Counter)

    def visit(self, basket: Basket) -> None:
        """Let one household shop: what it brings back first, then what it takes."""
        channel = PLATFORMS[basket.store % len(PLATFORMS)]
        for line in basket.lines:
            if line.quantity == 0:
                self._bring_back(basket.household, line.sku, told=True)
        taken = [line for line in basket.lines if line.quantity]
        self.tally["lines"] += len(basket.lines)
        if taken:
            self._buy(channel, basket, taken)
        if taken and self.rng.random() < self.share:
            self._bring_back(basket.household, self.rng.choice(taken).sku, told=False)

    def _buy(self, channel: str, basket: Basket, lines: Sequence[Line]) -> None:
        """Buy; where something is sold out, the halves of the basket are tried alone, so that the rest is bought."""
        try:
            order = self.made.platforms[channel].shop.sale([_wanted(line) for line in lines], **_discount(lines))
        except RefusedError:
            if len(lines) == 1:
                self.tally["sold out"] += 1
                return
            middle = len(lines) // 2
            self._buy(channel, basket, lines[:middle])
            self._buy(channel, basket, lines[middle:])
            return
        self.tally["orders"] += 1
        for line in lines:
            self.tally["units"] += line.quantity
            self._moved(line.sku, -line.quantity)
            self.bought[basket.household, line.sku] = (channel, order)

    def _bring_back(self, household: int, sku: str, *, told: bool) -> None:
        """Return one unit of what the household bought last, back onto the shelf in two cases of three."""
        channel, order = self.bought.pop((household, sku), ("", ""))
        if not order:
            return
        restock = self.rng.random() < 2 / 3
        self.made.platforms[channel].shop.refund(order, [{"sku": sku, "quantity": 1}], restock=restock)
        self.tally["returns told" if told else "returns invented"] += 1
        if restock:
            self._moved(sku, 1)

    def _moved(self, sku: str, units: int) -> None:
        self.truth[sku] += units
        self.worst[sku] = min(self.worst[sku], self.truth[sku])


def _wanted(line: Line) -> dict[str, object]:
    return {"sku": line.sku, "quantity": line.quantity, "price": f"{line.price:.2f}"}


def _discount(lines: Sequence[Line]) -> dict[str, str]:
    worth = sum(line.price * line.quantity for line in lines)
    off = min(sum(line.off for line in lines), worth)
    return {"discount": f"{off:.2f}"} if off else {}
