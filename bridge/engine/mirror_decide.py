"""What has to travel between an order and its mirror: pure, one step at a time, from both newest snapshots and what was sent.

What we did ourselves shows on the other side as what it already is, so it never travels back.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from bridge.contract.ports import LineRefund
from bridge.domain.effects import Restock
from bridge.domain.money import Money
from bridge.domain.orders import Order, OrderLine
from bridge.engine.mirror_intend import share
from bridge.store.mirrors import Item, Sent

__all__ = ["Side", "Step", "View", "decide", "everything"]

Side = Literal["source", "home"]
Action = Literal["fulfil", "cancel", "refund", "edit"]


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One side: its order, the policy where it is silent, and units that came back by orders of their own.

    `returned` is per variant: (all, those of them put back).
    """

    order: Order
    returned: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    restock: Restock = "always"

    @property
    def is_cancelled(self) -> bool:
        """Whether it is cancelled."""
        return self.order.status == "cancelled"

    @property
    def is_all_back(self) -> bool:
        """Whether all its units went back into stock."""
        return all(line.held == 0 if line.held is not None else self.restock == "always" for line in self.order.lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One action on one side. `units` are the refunded units per item there afterwards: [all, those of them put back].

    `hand` says why it cannot be done by us at all.
    """

    side: Side
    action: Action
    restock: bool = False
    lines: tuple[LineRefund, ...] = ()
    units: tuple[tuple[str, int, int], ...] = ()
    hand: str = ""

    @property
    def name(self) -> str:
        """The same for the same step, whenever it is decided."""
        return " ".join([self.action, self.side, *(f"{key}={count}" for key, count, _ in self.units)])

    def amount(self, currency: str) -> Money:
        """What the refunded units cost."""
        return sum((line.amount for line in self.lines), start=Money(0, currency))


def decide(sent: Sent, source: View, home: View) -> Step | None:
    """Return the next step, or None when both sides agree or the rest is for a person."""
    return next((step for step in _steps(sent, source, home) if step.name not in sent.by_hand), None)


def _steps(sent: Sent, source: View, home: View) -> list[Step]:
    if sent.cancelled or (source.is_cancelled and home.is_cancelled):
        return []
    if source.is_cancelled:
        return [_cancel("home", source, home)]
    if home.is_cancelled:
        return [_cancel("source", home, source)]
    return [
        *_fulfilments(sent, source, home),
        *_edits(sent, source),
        *_refunds("home", sent, source, home),
        *_refunds("source", sent, source, home),
    ]


def _fulfilments(sent: Sent, source: View, home: View) -> list[Step]:
    """Shipping travels back only; a mirror of something that the source has shipped itself must not be packed again."""
    shipped, packed = source.order.status == "fulfilled", home.order.status == "fulfilled"
    if packed and not shipped and not sent.fulfilled:
        return [Step(side="source", action="fulfil")]
    if shipped and not packed and not sent.fulfilled:
        return [Step(side="home", action="fulfil", hand="it was shipped from where it was sold")]
    return []


def _edits(sent: Sent, source: View) -> list[Step]:
    """No platform lets us change a paid order's lines, so a person hears of every such change at the source, once."""
    skipped = {line_id: units for item in sent.items for line_id, units in item.lines.items()}
    lines = [line for line in source.order.lines if line.id in skipped or line.quantity > line.refunded]
    now = sum(line.quantity - skipped.get(line.id, 0) for line in lines)
    if now == sum(item.units for item in sent.items):
        return []
    return [Step(side="home", action="edit", units=(("units", now, 0),), hand="it was changed where it was sold")]


def _cancel(side: Side, cause: View, target: View) -> Step:
    hand = "it was shipped already" if target.order.status == "fulfilled" else ""
    return Step(side=side, action="cancel", restock=cause.is_all_back, hand=hand)


def _refunds(side: Side, sent: Sent, source: View, home: View) -> list[Step]:
    """Refund on `side` what the other side has refunded more: first the units that went back into stock, then the others."""
    target = home if side == "home" else source
    done = sent.home if side == "home" else sent.source
    back: list[tuple[Item, int, int]] = []
    kept: list[tuple[Item, int, int]] = []
    for item in sent.items:
        theirs, put_back = _refunded(item, source) if side == "home" else _refunded_at_home(item, home)
        known, known_back = _known(side, item, done, target)
        more = min(theirs, item.units) - known
        with_stock = min(more, max(0, put_back - known_back))
        if with_stock > 0:
            back.append((item, known, with_stock))
        elif more > 0:
            kept.append((item, known, more))
    chosen, restock = (back, True) if back else (kept, False)
    return [_refund(side, target, done, chosen, restock=restock)] if chosen else []


def _refund(
    side: Side, target: View, done: Mapping[str, tuple[int, int]], rows: list[tuple[Item, int, int]], *, restock: bool
) -> Step:
    lines: list[LineRefund] = []
    missing = False
    for item, known, more in rows:
        mine = _spread(_lines(item, side, target.order), known, more, item.lines if side == "source" else {})
        missing = missing or sum(line.quantity for line in mine) < more
        lines += mine
    units = tuple(
        (item.key, known + more, done.get(item.key, (0, 0))[1] + (more if restock else 0)) for item, known, more in rows
    )
    hand = "it has no line for these units" if missing else ""
    return Step(side=side, action="refund", restock=restock, lines=tuple(lines), units=units, hand=hand)


def everything(side: Side, sent: Sent, target: View) -> Step:
    """Refund all that is left: what stands for a cancellation where the platform cannot cancel a paid order."""
    done = sent.home if side == "home" else sent.source
    known = {item.key: _known(side, item, done, target)[0] for item in sent.items}
    rows = [(item, known[item.key], item.units - known[item.key]) for item in sent.items]
    return _refund(side, target, done, [row for row in rows if row[2] > 0], restock=False)


def _known(side: Side, item: Item, done: Mapping[str, tuple[int, int]], target: View) -> tuple[int, int]:
    """Units refunded on the target already, and put back: as it shows them, or as we passed them on (Square shows none)."""
    shown, shown_back = _refunded_at_home(item, target) if side == "home" else _refunded(item, target)
    passed, passed_back = done.get(item.key, (0, 0))
    return max(shown, passed), max(shown_back, passed_back)


def _lines(item: Item, side: Side, order: Order) -> list[OrderLine]:
    if side == "source":
        return [line for line in order.lines if line.id in item.lines]
    if item.variant is not None:
        return [line for line in order.lines if line.variant_id == item.variant and line.quantity > 0]
    return [line for line in order.lines if line.variant_id is None and line.title == item.title]


def _spread(lines: list[OrderLine], known: int, more: int, skipped: Mapping[str, int]) -> list[LineRefund]:
    """Lay the lines end to end and refund the units from `known` on: a platform may have split one line in two."""
    found, start = [], 0
    for line in lines:
        skip = skipped.get(line.id, 0)
        first = max(known - start, 0) + skip
        last = min(known + more - start + skip, line.quantity)
        start += line.quantity - skip
        if last > first:
            amount = share(line.total, last, line.quantity) - share(line.total, first, line.quantity)
            found.append(LineRefund(line_id=line.id, quantity=last - first, amount=amount))
    return found


def _refunded(item: Item, source: View) -> tuple[int, int]:
    """Units of an item that the source has refunded since it was mirrored, and how many of them it put back."""
    lines = [line for line in source.order.lines if line.id in item.lines]
    skipped = sum(item.lines.values())
    units = sum(line.refunded for line in lines) - skipped
    back = sum(_put_back(line, source.restock) for line in lines) - skipped
    more = [source.returned.get(variant, (0, 0)) for variant in {line.variant_id or "" for line in lines}]
    return units + sum(count for count, _ in more), max(back, 0) + sum(count for _, count in more)


def _refunded_at_home(item: Item, home: View) -> tuple[int, int]:
    lines = _lines(item, "home", home.order)
    more, more_back = home.returned.get(item.variant or "", (0, 0))
    back = sum(_put_back(line, home.restock) for line in lines)
    return sum(line.refunded for line in lines) + more, back + more_back


def _put_back(line: OrderLine, policy: Restock) -> int:
    if line.restocked is None:
        return line.refunded if policy == "always" else 0
    return min(line.restocked, line.refunded)
