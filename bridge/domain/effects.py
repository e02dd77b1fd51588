"""What an order does to counters: a pure function of its newest snapshot (design, section 2, rule 1).

Two views of the same lines. `ledger_effects` is what the sale means for the merchant's stock. `number_effects` is what the
platform did to *its own* numbers because of it. They differ where units come back and the platform does not restock.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal, TypeVar

from bridge.domain.catalog import StockKey
from bridge.domain.ledger import Counter
from bridge.domain.orders import Order, OrderLine

__all__ = [
    "Bindings",
    "Bound",
    "Effects",
    "Parts",
    "Restock",
    "Terms",
    "effects",
    "ledger_effects",
    "number_effects",
    "settled",
    "taken_at_first",
    "taken_numbers",
    "unlinked",
    "waiting",
]

K = TypeVar("K")
Restock = Literal["always", "never", "ask"]
Parts = tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Bound:
    """What a channel's variant is to us: the SKU, the record that holds its number there, and a kit's components."""

    sku: str | None
    stock_id: str | None
    components: Parts = ()

    @property
    def parts(self) -> Parts:
        """The SKUs that leave the shelf with one unit, and how many of each."""
        if self.components:
            return self.components
        return ((self.sku, 1),) if self.sku else ()


@dataclass(frozen=True, slots=True)
class Terms:
    """What was decided about a line when it was booked: a rule that changes later leaves it alone.

    `place` is ours for `location` (None: it was not synchronised). Of `returned` units, `back` went on the shelf by policy.
    """

    location: str = ""
    place: str | None = None
    returned: int = 0
    back: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Bindings:
    """Everything `effects` needs to know about a channel.

    `places` maps the channel's locations to ours; a location that is not in it is not synchronised. `home` is the location
    assumed for lines that name none. `restock` is the policy where the platform is silent about returned units.
    `frozen` says, by line id, which SKUs the lines of a recorded order took when they were booked: a product deleted, linked
    anew or sold as another kit since then is no reason to move what was sold before. `terms` are the same for place and policy.
    `loose` says what SKUs are to us, for lines that name no variant: that of a product sold and deleted before we looked.
    """

    variants: Mapping[str, Bound]
    places: Mapping[str, str] = field(default_factory=lambda: {"": "main"})
    home: str = ""
    restock: Restock = "always"
    frozen: Mapping[str, Parts] = field(default_factory=dict)
    loose: Mapping[str, Bound] = field(default_factory=dict)
    terms: Mapping[str, Terms] = field(default_factory=dict)

    def bound(self, line: OrderLine) -> Bound | None:
        """What this line sold, as far as its variant, or else its SKU, says."""
        return self.variants.get(line.variant_id) if line.variant_id else self.loose.get(line.sku or "")

    def parts(self, line: OrderLine) -> Parts:
        """The SKUs that leave the shelf with one unit of this line; none if nobody knows."""
        bound = self.bound(line)
        return self.frozen.get(line.id) or (bound.parts if bound is not None else ())

    def location(self, line: OrderLine) -> str:
        """The channel's location this line takes its units from."""
        return line.location or self.home

    def place(self, line: OrderLine) -> str | None:
        """Our place that this line takes its units from; None where that is not synchronised."""
        location, agreed = self.location(line), self.terms.get(line.id)
        return agreed.place if agreed is not None and agreed.location == location else self.places.get(location)

    def back(self, line: OrderLine) -> int:
        """The returned units of this line that are on the shelf again because the policy says so."""
        returned = _returned(line)
        agreed = self.terms.get(line.id, _NOTHING)
        if returned <= agreed.returned:
            return min(agreed.back, returned)
        return agreed.back + (returned - agreed.returned if self.restock == "always" else 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Effects:
    """What an order does. `ledger` and `numbers` are the two views; `taken...` the same as if nothing had come back yet:
    what an order from before the ledger, or before a count, had already taken. Zeros are left out.

    `parts` and `terms` are what is frozen with the order, by line id; `unlinked` are the lines that we cannot name.
    """

    ledger: dict[Counter, int]
    taken: dict[Counter, int]
    numbers: dict[StockKey, int]
    taken_numbers: dict[StockKey, int]
    parts: dict[str, Parts]
    terms: dict[str, Terms]
    unlinked: tuple[OrderLine, ...]


def effects(order: Order, bindings: Bindings) -> Effects:
    """Return everything an order does, in one pass over its lines."""
    ledger: dict[Counter, int] = {}
    taken: dict[Counter, int] = {}
    numbers: dict[StockKey, int] = {}
    taken_numbers: dict[StockKey, int] = {}
    parts, terms = dict(bindings.frozen), dict(bindings.terms)
    nameless: list[OrderLine] = []
    for line in order.lines:
        bound = bindings.bound(line)
        location, place = bindings.location(line), bindings.place(line)
        named = bindings.frozen.get(line.id) or (bound.parts if bound is not None else ())
        returned = _returned(line)
        back = bindings.back(line) if returned else 0
        held = line.held or 0
        gone = held + (line.restocked or 0)
        terms[line.id] = _terms(location, place, returned, back)
        if named:
            parts[line.id] = named
        elif held or line.held is None:
            nameless.append(line)
        if bound is not None and bound.stock_id is not None:
            key = StockKey(bound.stock_id, location)
            numbers[key] = numbers.get(key, 0) - held
            taken_numbers[key] = taken_numbers.get(key, 0) - gone
        if place is None:
            continue
        sold = (max(line.quantity, 0) if line.held is None else held) - back
        for sku, each in named:
            counter = Counter("stock", sku, place)
            ledger[counter] = ledger.get(counter, 0) - sold * each
            taken[counter] = taken.get(counter, 0) - gone * each
    return Effects(
        ledger=_nonzero(ledger), taken=_nonzero(taken), numbers=_nonzero(numbers), taken_numbers=_nonzero(taken_numbers),
        parts=parts, terms=terms, unlinked=tuple(nameless),
    )  # fmt: skip


# Nearly all lines have the same terms.
_terms = lru_cache(maxsize=4096)(Terms)


def _nonzero(nets: dict[K, int]) -> dict[K, int]:
    return nets if all(nets.values()) else {key: net for key, net in nets.items() if net}


def ledger_effects(order: Order, bindings: Bindings) -> dict[Counter, int]:
    """Return the net effect of the order on each stock counter; a mirrored order has none (its source has them)."""
    return effects(order, bindings).ledger


def number_effects(order: Order, bindings: Bindings) -> dict[StockKey, int]:
    """Return what the platform did to its own numbers because of this order."""
    return effects(order, bindings).numbers


def taken_numbers(order: Order, bindings: Bindings) -> dict[StockKey, int]:
    """Return what the platform had taken off its own numbers before anything came back."""
    return effects(order, bindings).taken_numbers


def taken_at_first(order: Order, bindings: Bindings) -> dict[Counter, int]:
    """Return the effects as if nothing had come back yet: what an order from before the ledger had already taken."""
    return effects(order, bindings).taken


def unlinked(order: Order, bindings: Bindings) -> tuple[OrderLine, ...]:
    """Return the lines whose variant we cannot name: nothing is guessed for them, they are reported."""
    return effects(order, bindings).unlinked


def settled(order: Order, bindings: Bindings) -> dict[str, Terms]:
    """Return what is decided about each line now, by line id, to be frozen with the order."""
    return effects(order, bindings).terms


def waiting(order: Order, bindings: Bindings, counter: Counter) -> int:
    """Return the units of a counter that the order has sold and that still lie on the shelf."""
    if order.status not in {"placed", "paid"}:
        return 0
    units = 0
    for line in order.lines:
        if bindings.place(line) == counter.place:
            open_ = (line.quantity if line.held is None else line.held) - line.fulfilled
            units += max(0, open_) * sum(each for sku, each in bindings.parts(line) if sku == counter.key)
    return units


def _returned(line: OrderLine) -> int:
    """Units that came back, of which the platform does not say whether they are on the shelf again."""
    if line.held is None:
        return max(0, -line.quantity)
    return line.refunded if line.restocked is None else 0


_NOTHING = Terms()
