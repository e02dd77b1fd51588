"""What the API asks of the App. Looking reads the database; what changes something is done once for each key.

Writes run where the engine's do, on the loop's thread, one after the other; looking may run in a thread of its own.
"""

import base64
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from sqlalchemy.engine import Connection

from bridge.app import holding, looking
from bridge.app.answers import (
    CountAnswer,
    EffectLine,
    HoldAnswer,
    ItemLine,
    MovementPage,
    OrderAnswer,
    OrderHead,
    OrderPage,
    SaleAnswer,
    ShelfLine,
    SkuAnswer,
    SkuHead,
    SkuPage,
)
from bridge.app.errors import AppError, Missing
from bridge.app.working import context_of
from bridge.domain.allotment import available_kits
from bridge.domain.ledger import stock
from bridge.engine.context import Context
from bridge.engine.reported import OutOfTurn, Sale, count, sell, source_of
from bridge.store import ledger, lookup, orders, queries, requests

if TYPE_CHECKING:
    from bridge.app.app import App
    from bridge.app.loyal_serving import LoyalServing

__all__ = ["BadCursor", "Kept", "KeyTaken", "Once", "Serving"]

# A till's clock may be ahead of ours by this much; further ahead is a mistake, not a time.
AHEAD = timedelta(minutes=1)


# What a cursor may hold: what the databases take.
_Name = Annotated[str, msgspec.Meta(pattern=r"^[^\x00]*$")]
_Number = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
_Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class KeyTaken(AppError):
    """The key of a call was used before, for another call."""


class BadCursor(AppError):
    """A cursor that none of our answers contained."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Once:
    """Who calls, under which key, and the fingerprint of the whole call."""

    token: str
    key: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """An answer, as it is kept under its key; `repeated`: it was given before, and nothing was done now."""

    status: int
    body: bytes
    repeated: bool = False


class Serving:
    """The App as the API sees it."""

    def __init__(self, app: "App") -> None:
        self.app = app

    @property
    def context(self) -> Context:
        """The daemon's context while it runs; else one for the database alone."""
        return self.app.live or context_of(self.app, {})

    @property
    def loyal(self) -> "LoyalServing":
        """What there is about points and codes."""
        from bridge.app.loyal_serving import LoyalServing

        return LoyalServing(self)

    # Looking.

    def sku(self, sku: str) -> SkuAnswer:
        """Say what can be sold of a SKU and what each channel shows; raises Missing."""
        return self.app.database.read(lambda connection: self._sku(connection, sku))

    def _sku(self, connection: Connection, sku: str) -> SkuAnswer:
        why = looking.why(connection, self.app, sku, limit=0)
        shelves = self._shelves(connection, {sku: why.parts})
        return SkuAnswer(sku=sku, title=why.title, parts=why.parts, places=shelves[sku], channels=why.channels)

    def skus(self, search: str, cursor: str, limit: int) -> SkuPage:
        """List SKUs by name; `search` is words that are in the SKU or the title."""
        after = "" if not cursor else _unpacked(cursor, _Name)

        def unit(connection: Connection) -> SkuPage:
            rows = lookup.sku_rows(connection, search.split()[:10], after, limit + 1)
            kits = self.app.loaded.config.kits
            shelves = self._shelves(connection, {row.sku: kits.get(row.sku, {}) for row in rows})
            items = [SkuHead(sku=row.sku, title=row.title, places=shelves[row.sku]) for row in rows[:limit]]
            return SkuPage(items=tuple(items), next=_packed(items[-1].sku) if len(rows) > limit else None)

        return self.app.database.read(unit)

    def _shelves(
        self, connection: Connection, wanted: Mapping[str, Mapping[str, int]]
    ) -> dict[str, tuple[ShelfLine, ...]]:
        """Say what lies where of these SKUs, given with their parts."""
        names = set(wanted) | {part for parts in wanted.values() for part in parts}
        held = lookup.held(connection, names, self.app.now())
        lines: dict[str, list[ShelfLine]] = {name: [] for name in names}
        for row in lookup.counters_of(connection, names):
            taken = held.get((row.key, row.place), 0)
            line = ShelfLine(
                place=row.place, balance=row.balance, held=taken, available=row.balance - taken, opened_at=row.opened_at
            )
            lines[row.key].append(line)
        return {sku: _kit(parts, lines) if parts else tuple(lines[sku]) for sku, parts in wanted.items()}

    def movements(self, sku: str, place: str, cursor: str, limit: int) -> MovementPage:
        """List the movements of a SKU, newest first (`place` "" is all); raises Missing."""
        before = None if not cursor else _unpacked(cursor, _Number)

        def unit(connection: Connection) -> MovementPage:
            if queries.title(connection, sku) is None:
                raise looking.unknown_sku(connection, sku)
            rows = lookup.moves(connection, sku, place or None, before, limit + 1)
            items = tuple(looking.movement_line(row) for row in rows[:limit])
            return MovementPage(items=items, next=_packed(items[-1].id) if len(rows) > limit else None)

        return self.app.database.read(unit)

    def orders(self, channel: str, status: str, cursor: str, limit: int) -> OrderPage:
        """List orders, the newest change first (`channel` and `status` "" are all)."""
        after = None if not cursor else _unpacked(cursor, tuple[_Moment, _Name, _Name])

        def unit(connection: Connection) -> OrderPage:
            rows = lookup.order_rows(connection, channel or None, status or None, after, limit + 1)
            items = tuple(_head(row) for row in rows[:limit])
            last = items[-1] if len(rows) > limit else None
            return OrderPage(items=items, next=None if last is None else _packed(_place(last)))

        return self.app.database.read(unit)

    def order(self, channel: str, order_id: str) -> OrderAnswer:
        """Return an order with its effects; raises Missing."""
        found = self.app.database.read(lambda connection: orders.load(connection, channel, [order_id]))
        if order_id not in found:
            raise Missing(f"there is no order {order_id} of {channel}", next_step="GET /api/v1/orders lists them")
        return _order(found[order_id])

    def hold(self, hold_id: str) -> HoldAnswer:
        """Return a hold as it stands now; raises Missing."""
        found = self.app.database.read(lambda connection: holding.find(connection, hold_id))
        over = found.state == "open" and found.expires_at is not None and found.expires_at <= self.app.now()
        return replace(found, state="expired") if over else found

    def must_know(self, skus: Collection[str]) -> None:
        """Raise Missing for the first of these SKUs that nobody knows, with what may have been meant."""

        def unit(connection: Connection) -> None:
            for sku in sorted(skus):
                if queries.title(connection, sku) is None:
                    raise looking.unknown_sku(connection, sku)

        self.app.database.read(unit)

    # Changing.

    def make_hold(self, once: Once, sku: str, quantity: int, place: str, ends: datetime | timedelta, note: str) -> Kept:
        """Reserve units, until a moment or for a while; raises AppError where they are not free."""
        until = ends if isinstance(ends, datetime) else self.app.now() + ends
        if until <= self.app.now():
            raise AppError("the hold would end before it began", where="expires_at", next_step="name a later moment")
        return self.do_once(
            once,
            lambda connection: (
                201,
                holding.make(connection, self.context, sku, quantity, place, until, note),
            ),
        )

    def release_hold(self, once: Once, hold_id: str) -> Kept:
        """Give the units of a hold back."""
        return self.do_once(once, lambda connection: (200, holding.give_back(connection, self.context, hold_id)))

    def capture_hold(self, once: Once, hold_id: str) -> Kept:
        """Turn a hold into a sale, named "hold-<id>" among the token's sales."""
        source = source_of(once.token)
        return self.do_once(
            once, lambda connection: (200, holding.hand_over(connection, self.context, hold_id, source))
        )

    def sell(self, once: Once, sale: Sale) -> Kept:
        """Book a reported sale whole, or nothing of it."""
        self._in_time(sale.occurred_at, "occurred_at")
        return self.do_once(once, lambda connection: self._sell(connection, once, sale))

    def _sell(self, connection: Connection, once: Once, sale: Sale) -> tuple[int, SaleAnswer]:
        context, source = self.context, source_of(once.token)
        self._must_be_kept(connection, context, sale.units, sale.place)
        first = not orders.load(connection, source, [sale.id])
        try:
            outcome = sell(connection, context, source, sale)
        except OutOfTurn as error:
            raise AppError(error.what, where=f"sale {sale.id}", next_step=error.next_step) from error
        record = orders.load(connection, source, [sale.id])[sale.id]
        revision = int(record.order.version or 0)
        answer = SaleAnswer(channel=source, id=sale.id, revision=revision, outcome=outcome, effects=_effects(record))
        return (201 if first else 200), answer

    def count(self, once: Once, sku: str, place: str, quantity: int, at: datetime) -> Kept:
        """Believe a count of a shelf."""
        self._in_time(at, "counted_at")
        return self.do_once(once, lambda connection: (201, self._count(connection, once, sku, place, quantity, at)))

    def _count(
        self, connection: Connection, once: Once, sku: str, place: str, quantity: int, at: datetime
    ) -> CountAnswer:
        context = self.context
        if sku in context.rules.kits:
            parts = ", ".join(context.rules.kits[sku])
            raise AppError(f"{sku} is a kit and lies on no shelf", where="sku", next_step=f"count its parts: {parts}")
        self._must_be_kept(connection, context, [sku], place)
        opened_at, _ = ledger.opened(connection, [stock(sku, place)])[stock(sku, place)]
        if opened_at is not None and at <= opened_at:
            raise AppError(
                f"{sku} is kept since {opened_at:%Y-%m-%d %H:%M:%S} UTC, and was counted before that",
                where="counted_at", next_step="count it again",
            )  # fmt: skip
        found = count(connection, context, source_of(once.token), sku, place, quantity, at)
        shelf = next(line for line in self._shelves(connection, {sku: {}})[sku] if line.place == place)
        return CountAnswer(
            sku=sku, place=place, quantity=quantity, counted_at=at, expected=found.expected, moved=found.moved,
            overtaken=found.overtaken, balance=shelf.balance or 0, available=shelf.available,
        )  # fmt: skip

    def _in_time(self, at: datetime, where: str) -> None:
        if at > self.app.now() + AHEAD:
            raise AppError("that moment is still to come", where=where, next_step="set the clock of the till")
        if at.year < 2000:
            raise AppError("that is before any till", where=where, next_step="set the clock of the till")

    def _must_be_kept(self, connection: Connection, context: Context, skus: Collection[str], place: str) -> None:
        """Raise unless each of these SKUs is known and has a ledger at the place, itself or by its parts."""
        for sku in sorted(skus):
            if queries.title(connection, sku) is None:
                raise looking.unknown_sku(connection, sku)
        counters = {stock(part, place) for sku in skus for part in context.rules.kits.get(sku, {sku: 1})}
        missing = sorted(counters - ledger.opened(connection, counters).keys())
        if missing:
            what = f"{missing[0].key} has no ledger at {place}"
            step = f"GET /api/v1/skus/{missing[0].key} names its places; one that no channel shows has none"
            raise AppError(what, where="place", next_step=step)

    def do_once(self, once: Once, unit: Callable[[Connection], tuple[int, Any]]) -> Kept:
        """Do it in one transaction with its answer, unless it was done before: then return that answer."""

        def whole(connection: Connection) -> Kept:
            known = requests.begin(connection, once.token, once.key, once.digest, self.app.now())
            if known is not None:
                return _repeated(once, known)
            status, answer = unit(connection)
            text = msgspec.json.encode(answer).decode()
            requests.finish(connection, once.token, once.key, status, text)
            return Kept(status=status, body=text.encode())

        return self.app.database.write(whole)


def _repeated(once: Once, known: requests.Answered) -> Kept:
    if known.digest != once.digest:
        raise KeyTaken(
            f"the key {once.key} was used before, for another call",
            where="Idempotency-Key", next_step="send a new key with each new call, and the old one only with the same call again",
        )  # fmt: skip
    return Kept(status=known.status, body=known.answer.encode(), repeated=True)


def _kit(parts: Mapping[str, int], lines: Mapping[str, Sequence[ShelfLine]]) -> tuple[ShelfLine, ...]:
    """A kit lies wherever all its parts do."""
    places = [{line.place for line in lines[part]} for part in parts]
    free = {(part, line.place): line.available for part in parts for line in lines[part]}
    return tuple(
        ShelfLine(
            place=place, balance=None, held=None,
            available=available_kits(tuple(parts.items()), {part: free[part, place] for part in parts}),
        )
        for place in sorted(set.intersection(*places))
    )  # fmt: skip


def _head(row: Any) -> OrderHead:
    return OrderHead(
        channel=row.channel, id=row.order_id, number=row.number, status=row.status, kind=row.kind, placed_at=row.placed_at,
        updated_at=row.updated_at, revision=row.revision, unlinked=row.unlinked, reference=row.reference,
    )  # fmt: skip


def _place(order: OrderHead) -> tuple[datetime, str, str]:
    return (order.updated_at, order.channel, order.id)


def _order(record: orders.Recorded) -> OrderAnswer:
    order = record.order
    lines = [
        ItemLine(
            id=line.id, sku=line.sku, title=line.title, quantity=line.quantity, held=line.held, refunded=line.refunded,
            restocked=line.restocked, fulfilled=line.fulfilled, location=line.location, total=line.total.minor,
        )
        for line in order.lines
    ]  # fmt: skip
    return OrderAnswer(
        channel=record.channel, id=order.id, number=order.number, status=order.status, kind=record.kind,
        placed_at=order.placed_at, updated_at=order.updated_at, revision=record.revision, reference=order.reference,
        currency=order.currency, total=order.total.minor, refunded=order.refunded.minor, lines=tuple(lines),
        effects=_effects(record),
    )  # fmt: skip


def _effects(record: orders.Recorded) -> tuple[EffectLine, ...]:
    return tuple(
        EffectLine(sku=counter.key, place=counter.place, net=net, before=record.baseline.get(counter, 0))
        for counter, net in sorted(record.effects.items())
    )


def _packed(value: object) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(value)).decode().rstrip("=")


def _unpacked(cursor: str, kind: Any) -> Any:
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)), type=kind)
    except (ValueError, msgspec.DecodeError) as error:
        raise BadCursor(
            "this is no cursor of ours", where="cursor", next_step="leave it out, or send `next` of the page before"
        ) from error
