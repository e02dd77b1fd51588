"""Sales and counts reported from outside, by a till or a script that no connector speaks for.

A reported sale is an order of the source "api:<token>": its newest revision is the snapshot, its effects are a function of it,
and booking appends the difference (design, section 2, rule 1). A reported count is an assertion with a time (section 3).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from sqlalchemy.engine import Connection

from bridge.domain.effects import Bindings, Bound
from bridge.domain.ledger import Counter, Movement, stock
from bridge.domain.money import Money
from bridge.domain.orders import Order, OrderLine
from bridge.engine.booking import book
from bridge.engine.context import Context
from bridge.engine.desk import Desk
from bridge.store import ledger, orders, stocktakes
from bridge.store.commitments import open_commitments

__all__ = ["Counted", "OutOfTurn", "Outcome", "Reporter", "Sale", "capture", "count", "sell", "source_of"]

Outcome = Literal["booked", "known", "older"]
_NOTHING = Money(0, "")


class OutOfTurn(Exception):
    """A revision of a sale does not go with the one that is booked: what, and what to do next."""

    def __init__(self, what: str, next_step: str) -> None:
        super().__init__(what)
        self.what = what
        self.next_step = next_step


@dataclass(frozen=True, slots=True, kw_only=True)
class Sale:
    """A sale as it stands by its revision: the units of each SKU that left the shelf at a place and stayed away.

    A return or a correction is a newer revision with fewer units, a cancelled sale one without any. `occurred_at` is when
    what this revision tells of happened.
    """

    id: str
    revision: int
    occurred_at: datetime
    place: str
    units: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """What a count of a shelf came to: `expected` units were to lie there (those sold and not yet shipped included).

    `overtaken`: a newer count is known, so this one moved nothing.
    """

    expected: int
    moved: int
    overtaken: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reporter:
    """Whoever reports sales, as a source of orders: a variant is a SKU, a location is one of our places."""

    name: str
    places: frozenset[str]
    kits: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    late_orders: bool = False
    over_the_counter: bool = True

    def bindings(self, connection: Connection, variant_ids: set[str]) -> Bindings:
        """Every SKU is itself, or its components."""
        del connection
        variants = {sku: Bound(sku, None, tuple(self.kits.get(sku, {}).items())) for sku in variant_ids}
        return Bindings(variants=variants, places={place: place for place in self.places})


def source_of(token: str) -> str:
    """Name the source that a token's sales and counts are kept under."""
    return f"api:{token}"


def sell(
    connection: Connection, context: Context, source: str, sale: Sale, captured: Mapping[Counter, int] | None = None
) -> Outcome:
    """Book a reported sale, or the difference that its newer revision makes. The caller knows the SKUs and the place.

    Raises OutOfTurn for a revision that contradicts the booked one.
    """
    record = orders.load(connection, source, [sale.id]).get(sale.id)
    fresh = order_of(sale, None if record is None else record.order)
    if record is not None:
        booked = int(record.order.version or 0)
        if sale.revision < booked:
            return "older"
        if sale.revision == booked:
            return _same(sale, record.order, fresh)
        if fresh.updated_at < record.order.updated_at:
            what = f"revision {sale.revision} of sale {sale.id} happened before revision {booked}, which is booked"
            raise OutOfTurn(what, "send the time at which the newer revision happened")
    places = frozenset({sale.place} | {line.location for line in (record.order.lines if record else ())})
    reporter = Reporter(name=source, places=places, kits=context.rules.kits)
    book(connection, context, reporter, [fresh], captured)
    return "booked"


def order_of(sale: Sale, before: Order | None) -> Order:
    """Write a reported sale as an order: handed over at once, without money (nobody told us any)."""
    lines = tuple(_line(sku, units, sale.place) for sku, units in sorted(sale.units.items()))
    return Order(
        id=sale.id,
        number=sale.id,
        status="fulfilled" if lines else "cancelled",
        placed_at=sale.occurred_at if before is None else before.placed_at,
        updated_at=sale.occurred_at,
        currency="",
        lines=lines,
        total=_NOTHING,
        shipping=_NOTHING,
        refunded=_NOTHING,
        source="reported",
        version=str(sale.revision),
    )


def _line(sku: str, units: int, place: str) -> OrderLine:
    return OrderLine(
        id=sku, variant_id=sku, sku=sku, quantity=units, held=units, fulfilled=units, unit_price=_NOTHING, total=_NOTHING,
        tax=_NOTHING, location=place,
    )  # fmt: skip


def _same(sale: Sale, booked: Order, fresh: Order) -> Outcome:
    if (fresh.lines, fresh.updated_at) != (booked.lines, booked.updated_at):
        what = f"revision {sale.revision} of sale {sale.id} is booked already, with other lines or another time"
        raise OutOfTurn(what, f"send what changed as revision {sale.revision + 1}")
    return "known"


def capture(
    connection: Connection, context: Context, source: str, hold_id: str, counter: Counter, quantity: int
) -> None:
    """Turn an open hold into a sale of its units, named "hold-<id>": what was reserved leaves the shelf."""
    ledger.release_hold(connection, hold_id, "captured")
    sale = Sale(
        id=f"hold-{hold_id}", revision=1, occurred_at=context.now(), place=counter.place, units={counter.key: quantity}
    )
    sell(connection, context, source, sale, {counter: quantity})


def count(
    connection: Connection, context: Context, source: str, sku: str, place: str, quantity: int, at: datetime
) -> Counted:
    """Believe that `quantity` units lay on the shelf at `at`: the ledger moves by what differs from what it held at that time.

    Units that are sold and not yet shipped lie on the shelf as well: they are expected there. The counter is open since before.
    """
    counter = stock(sku, place)
    balance = ledger.balances(connection, [counter]).get(counter, 0)
    then = balance - ledger.moved_after(connection, counter, at)
    expected = then + open_commitments(connection, counter, at)
    overtaken = stocktakes.newer(connection, counter, at)
    moved = 0 if overtaken else quantity - expected
    note = f"{quantity} counted, {expected} expected"
    number = stocktakes.add(connection, source, counter, quantity, expected, at, note)
    if moved:
        _move(connection, context, counter, moved, source, f"stocktake/{number}", at, note)
    return Counted(expected=expected, moved=moved, overtaken=overtaken)


def _move(
    connection: Connection, context: Context, counter: Counter, delta: int, source: str, unique: str, at: datetime, note: str
) -> None:  # fmt: skip
    desk = Desk(connection, context, context.now())
    desk.opened([counter])
    desk.move(
        Movement(
            counter=counter, delta=delta, why="count", unique=unique, channel=source, source=unique, occurred_at=at, note=note
        )
    )  # fmt: skip
    desk.close()
