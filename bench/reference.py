"""The reference for points: what the final orders alone come to, by the rules in words. Slow and plain; it shares no code with the engine.

Every point is a token of its own: it is born, can be spent from a moment on, and has an end. The oldest that can be spent goes first;
what nobody covers is owed, and the next points pay it. A line earns for each unit that was kept.
"""

from collections import Counter as Tally
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fractions import Fraction
from math import floor

from bridge.domain.orders import Order, OrderLine
from bridge.domain.points import Account, Lot, Spend

__all__ = ["Said", "Tokens", "by_unit", "said"]

_ALWAYS = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What is said of an account: `left` and `expired` by lot, where they are not 0."""

    balance: int
    pending: int
    debt: int
    left: Mapping[str, int]
    expired: Mapping[str, int]


def said(found: Account) -> Said:
    """Say the same of an account of the engine's."""
    return Said(
        balance=found.balance,
        pending=found.pending,
        debt=found.debt,
        left={one.lot.id: one.left for one in found.lots if one.left},
        expired={one.lot.id: one.expired for one in found.lots if one.expired},
    )


@dataclass(eq=False, slots=True)
class _Token:
    lot: str
    born: datetime
    ripe: datetime
    end: datetime | None
    place: str = "unborn"


@dataclass(slots=True)
class Tokens:
    """An account, point by point, at the moment `now`."""

    lots: Sequence[Lot]
    spends: Sequence[Spend]
    now: datetime
    owed: int = 0
    tokens: list[_Token] = field(default_factory=list)
    spent: list[_Token] = field(default_factory=list)

    def said(self) -> Said:
        """Live through everything, and say what is left."""
        rows = sorted((lot for lot in self.lots if lot.earned_at <= self.now), key=lambda lot: (lot.earned_at, lot.id))
        self.tokens = [
            _Token(lot.id, lot.earned_at, lot.spendable_at, lot.expires_at) for lot in rows for _ in range(lot.kept)
        ]
        moments = {one.at for one in self.spends} | {one.born for one in self.tokens}
        moments |= {one.end for one in self.tokens if one.end is not None}
        for at in sorted(one for one in moments if one <= self.now):
            self._moment(at)
        free = [one for one in self.tokens if one.place == "free"]
        return Said(
            balance=len(free) - self.owed,
            pending=sum(one.ripe > self.now for one in free),
            debt=self.owed,
            left=dict(Tally(one.lot for one in free if one.lot)),
            expired=dict(Tally(one.lot for one in self.tokens if one.place == "expired")),
        )

    def _moment(self, at: datetime) -> None:
        for token in self.tokens:
            if token.place == "unborn" and token.born <= at:
                self._born(token)
        for token in self.tokens:
            if token.place == "free" and token.end is not None and token.end <= at:
                token.place = "expired"
        for spend in sorted((one for one in self.spends if one.at == at), key=lambda one: one.id):
            for _ in range(abs(spend.points)):
                if spend.points > 0:
                    self._take(at)
                else:
                    self._give(at)

    def _born(self, token: _Token) -> None:
        token.place = "free"
        if self.owed:
            self.owed -= 1
            token.place = "spent"
            self.spent.append(token)

    def _take(self, at: datetime) -> None:
        free = [one for one in self.tokens if one.place == "free"]
        if not free:
            self.owed += 1
            return
        token = next((one for one in free if one.ripe <= at), free[0])
        token.place = "spent"
        self.spent.append(token)

    def _give(self, at: datetime) -> None:
        if self.owed:
            self.owed -= 1
        elif self.spent:
            token = self.spent.pop()
            token.place = "expired" if token.end is not None and token.end <= at else "free"
        else:
            self.tokens.insert(0, _Token("", at, _ALWAYS, None, "free"))


def by_unit(
    order: Order, back: Mapping[str, int], rate: Callable[[OrderLine], tuple[Fraction, bool]]
) -> dict[str, int]:
    """Return the points of each line sold: every unit has its price; units that came back are struck; money without goods shrinks what
    is left alike, once it has paid the shipping. `rate`: points for a minor unit, and whether the tax counts. `back`: what orders of
    their own took back, units by line, and under "" money."""
    rows = [row for row in order.lines if row.quantity > 0]
    units = {
        row.id: [Fraction(row.total.minor, row.quantity)]
        * max(0, row.quantity - max(row.refunded, back.get(row.id, 0)))
        for row in rows
    }
    explained = sum(Fraction(row.total.minor, row.quantity) * row.refunded for row in rows)
    given = 0 if order.returns else order.refunded.minor
    loose = given + back.get("", 0) - explained - order.shipping.minor
    left = sum(sum(prices) for prices in units.values())
    # Each line's part may have been rounded to a cent.
    shrunk = min(Fraction(1), loose / left) if left and loose > len(order.lines) else Fraction(0)
    if order.status not in {"paid", "fulfilled"}:
        shrunk = Fraction(1)
    return {row.id: floor(_net(row, *rate(row)) * sum(units[row.id]) * (1 - shrunk)) for row in rows}


def _net(row: OrderLine, rate: Fraction, with_tax: bool) -> Fraction:
    return (
        rate if with_tax or not row.total.minor else rate * Fraction(row.total.minor - row.tax.minor, row.total.minor)
    )
