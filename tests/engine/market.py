"""A marketplace in memory, with state: it sells, restocks, takes numbers at once or by ticket, and stamps in whole seconds.

It stands behind the real ports, so that the engine's rules for absolute numbers, tickets, days and surfaces can be tested before and
beside the platforms that have them. Nothing in it knows the engine.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

import msgspec

from bridge.contract.errors import Gone, TryLater
from bridge.contract.feed import Feed, Page
from bridge.contract.limits import Limits
from bridge.contract.ports import Connector, Identity
from bridge.contract.stock import Accepted, Applied, Cause, Outcome, Prepared, Rejected, StockChange
from bridge.domain.catalog import Level, Location, Product, StockKey, Variant
from bridge.domain.money import Money
from bridge.domain.orders import Order, OrderLine
from bridge.sandbox.kit.platform import RefusedError

__all__ = ["Faults", "Manners", "Market"]

T = TypeVar("T")
MADE = datetime(2026, 1, 1).astimezone()


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners:
    """How a market behaves. `ticket`: seconds until an accepted write is carried out (from, to); None: at once.

    `never`: the chance that a ticket does not end; `forgets`: that its result is not to be had; `partly`: that a row of it fails.
    `lag`: seconds until a read shows a write.
    """

    limits: Limits = field(default_factory=lambda: Limits(stock_write="absolute", stock_batch=5))
    sells: bool = True
    ticket: tuple[float, float] | None = None
    never: float = 0.0
    forgets: float = 0.0
    partly: float = 0.0
    lag: float = 0.0
    latency: tuple[float, float] = (0.02, 0.3)
    locations: tuple[str, ...] = ()


@dataclass(slots=True)
class Faults:
    """What goes wrong with calls, by chance: nothing arrives ("cut_before"), or no answer does ("cut_after")."""

    rng: random.Random
    chances: dict[str, float] = field(default_factory=dict)
    once: list[str] = field(default_factory=list)

    def add(self, *, kind: str, chance: float = 1.0, times: int | None = 1, **_: Any) -> None:
        if times is None:
            self.chances[kind] = chance
        else:
            self.once += [kind] * times

    def clear(self) -> None:
        self.chances.clear()
        self.once.clear()

    def strikes(self, kind: str) -> bool:
        if kind in self.once:
            self.once.remove(kind)
            return True
        return self.rng.random() < self.chances.get(kind, 0.0)


@dataclass(slots=True)
class _Sold:
    """An order: units by SKU, what of them came back onto the number, and its stamps."""

    id: str
    lines: dict[str, int]
    placed_at: datetime
    updated_at: datetime
    status: str = "paid"
    refunded: dict[str, int] = field(default_factory=dict)
    restocked: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class _Job:
    """An accepted write: rows with the moment each is carried out (None: never), and what became of it."""

    rows: list[tuple[StockChange, datetime | None, bool]]
    done: dict[StockKey, datetime | None] = field(default_factory=dict)


class Market:
    """The platform, the people in it, and the ports to it."""

    def __init__(self, name: str, manners: Manners, now: Callable[[], datetime], rng: random.Random) -> None:
        self.name, self.manners, self.now, self.rng = name, manners, now, rng
        self.faults = Faults(random.Random(rng.random()))
        self.shop = self
        self.goods: dict[str, Product] = {}
        self.numbers: dict[StockKey, list[tuple[datetime, int]]] = {}
        self.sold: dict[str, _Sold] = {}
        self.jobs: dict[str, _Job] = {}
        self.keys: set[str] = set()
        self.sent: list[tuple[StockChange, ...]] = []
        self.reads = 0
        self.accepting = True

    # The people.

    @property
    def home(self) -> str:
        return self.manners.locations[0] if self.manners.locations else ""

    def seed(self, products: Sequence[Mapping[str, Any]]) -> None:
        """Put goods up."""
        for one in products:
            variants = tuple(self._variant(variant) for variant in one["variants"])
            name = f"p-{variants[0].sku}"
            self.goods[name] = Product(id=name, title=str(one["title"]), variants=variants, updated_at=MADE)

    def _variant(self, one: Mapping[str, Any]) -> Variant:
        sku = str(one["sku"])
        stock = one["stock"] if isinstance(one["stock"], dict) else {self.home: one["stock"]}
        for place, units in stock.items():
            self.numbers[StockKey(f"s-{sku}", place)] = [(self.now(), units)]
        price = Money(int(float(one["price"]) * 100), "EUR")
        return Variant(id=f"v-{sku}", sku=sku, barcode=one.get("barcode"), price=price, stock_id=f"s-{sku}")

    def sale(self, lines: Sequence[Mapping[str, Any]], *, location: str | None = None, **_: Any) -> str:
        """Buy; the market never sells what it does not show."""
        if not self.manners.sells:
            raise RefusedError("nobody can buy here")
        place = self.home if location is None else location
        wanted = {str(line["sku"]): int(line["quantity"]) for line in lines}
        for sku, units in wanted.items():
            if StockKey(f"s-{sku}", place) not in self.numbers or self._number(sku, place) < units:
                raise RefusedError(f"{sku} is sold out")
        for sku, units in wanted.items():
            self._move(sku, -units, place)
        stamp = _second(self.now())
        order = _Sold(f"{self.name}-{len(self.sold) + 1}", wanted, stamp, stamp)
        self.sold[order.id] = order
        return order.id

    def cancel(self, order: str, *, restock: bool = True) -> None:
        one = self._open(order)
        one.status = "cancelled"
        for sku in one.lines:
            self._back(one, sku, one.lines[sku] - one.refunded.get(sku, 0), restock=restock)

    def refund(self, order: str, lines: Sequence[Mapping[str, Any]], *, restock: bool = True) -> None:
        one = self._open(order)
        for line in lines:
            sku, units = str(line["sku"]), int(line["quantity"])
            if one.refunded.get(sku, 0) + units > one.lines[sku]:
                raise RefusedError("more than was bought")
            self._back(one, sku, units, restock=restock)

    def fulfil(self, order: str, **_: Any) -> None:
        one = self._open(order)
        one.status, one.updated_at = "fulfilled", _second(self.now())

    def count(self, sku: str, quantity: int, *, location: str | None = None) -> None:
        """Somebody sets the number."""
        place = self.home if location is None else location
        self._carry_out()
        self._set(StockKey(f"s-{sku}", place), quantity, self.now())

    def stock(self) -> dict[str, dict[str, int]]:
        self._carry_out()
        found: dict[str, dict[str, int]] = {}
        for key, row in self.numbers.items():
            found.setdefault(key.stock_id.removeprefix("s-"), {})[key.location] = row[-1][1]
        return found

    def orders(self) -> list[dict[str, Any]]:
        return [{"id": one.id, "status": one.status} for one in self.sold.values()]

    def _open(self, order: str) -> _Sold:
        self._carry_out()
        if self.sold[order].status == "cancelled":
            raise RefusedError("cancelled already")
        return self.sold[order]

    def _back(self, one: _Sold, sku: str, units: int, *, restock: bool) -> None:
        one.refunded[sku] = one.refunded.get(sku, 0) + units
        one.updated_at = _second(self.now())
        if restock and units:
            one.restocked[sku] = one.restocked.get(sku, 0) + units
            self._move(sku, units, self.home)

    def _number(self, sku: str, place: str) -> int:
        self._carry_out()
        return self.numbers[StockKey(f"s-{sku}", place)][-1][1]

    def _move(self, sku: str, units: int, place: str) -> None:
        self._set(StockKey(f"s-{sku}", place), self._number(sku, place) + units, self.now())

    def _set(self, key: StockKey, number: int, at: datetime) -> None:
        self.numbers[key].append((at, number))

    # What accepted writes do in their time.

    def _carry_out(self) -> None:
        now = self.now()
        due = [
            (at, ticket, change)
            for ticket, job in self.jobs.items()
            for change, at, _ in job.rows
            if at is not None and at <= now and change.key not in job.done
        ]
        for at, ticket, change in sorted(due, key=lambda one: (one[0], one[1])):
            job = self.jobs[ticket]
            fails = next(failing for row, _, failing in job.rows if row.key == change.key)
            job.done[change.key] = None if fails else at
            if not fails:
                self._apply(change, at)

    def _apply(self, change: StockChange, at: datetime) -> None:
        """What came between an accepted write's moment and now was sold by the number of then: no write rewrites the past."""
        row = self.numbers[change.key]
        later = [one for one in row if one[0] > at]
        earlier = [one for one in row if one[0] <= at]
        assert not later, "every act carries out what is due first"
        absolute = self.manners.limits.absolute
        row[:] = [*earlier, (at, change.shown + change.delta if absolute else earlier[-1][1] + change.delta)]

    # The ports.

    def connector(self) -> Connector:
        """The connector of a bridge that has just been started."""
        ports = _Ports(self, None if self.manners.limits.absolute else _Levels(self))
        return Connector(
            platform=self.name,
            limits=self.manners.limits,
            account=ports,
            catalog=_Catalog(self),
            stock=ports,
            orders=_Orders(self) if self.manners.sells else None,
            tickets=ports if self.manners.ticket is not None else None,
        )

    async def call(self, act: Callable[[], T]) -> T:
        """One call over the wire: it takes its time, and may be lost on the way there or back."""
        await asyncio.sleep(self.rng.uniform(*self.manners.latency))
        if self.faults.strikes("cut_before"):
            raise TryLater("cut off", where=self.name, maybe_applied=True)
        if self.faults.strikes("status"):
            raise TryLater("HTTP 503", where=self.name)
        self._carry_out()
        answer = act()
        await asyncio.sleep(self.rng.uniform(*self.manners.latency))
        if self.faults.strikes("cut_after"):
            raise TryLater("cut off", where=self.name, maybe_applied=True)
        return answer

    def seen(self, key: StockKey) -> int:
        """The number as a read shows it: a write is seen only after the lag."""
        until = self.now() - timedelta(seconds=self.manners.lag)
        return [number for at, number in self.numbers[key] if at <= until or at == self.numbers[key][0][0]][-1]

    def take_in(self, prepared: Prepared) -> list[Outcome]:
        """Carry a write out, or accept it."""
        self.sent.append(prepared.changes)
        at = _second(self.now())
        if self.manners.limits.keyed and prepared.key in self.keys:
            return [Applied(key=one.key, at=at) for one in prepared.changes]
        self.keys.add(prepared.key)
        if self.manners.ticket is None:
            for one in prepared.changes:
                self._apply(one, self.now())
            return [Applied(key=one.key, at=at) for one in prepared.changes]
        ticket = f"t{len(self.jobs) + 1}"
        ends = self.rng.random() >= self.manners.never
        rows = [
            (one, self._moment() if ends else None, self.rng.random() < self.manners.partly) for one in prepared.changes
        ]
        self.jobs[ticket] = _Job(rows)
        return [Accepted(key=one.key, at=at, ticket=ticket) for one in prepared.changes]

    def _moment(self) -> datetime:
        assert self.manners.ticket is not None
        return self.now() + timedelta(seconds=self.rng.uniform(*self.manners.ticket))

    def results(self, ticket: str) -> list[Applied | Rejected] | None:
        """What became of a ticket."""
        job = self.jobs[ticket]
        if len(job.done) < len(job.rows):
            return None
        if self.rng.random() < self.manners.forgets:
            raise Gone("no such ticket", where=self.name)
        found: list[Applied | Rejected] = []
        for change, _, _ in job.rows:
            at = job.done[change.key]
            failed = Rejected(key=change.key, kind="retry", reason="internal error")
            found.append(failed if at is None else Applied(key=change.key, at=_second(at)))
        return found


@dataclass
class _Ports:
    market: Market
    changes: Feed[Level] | None = None

    async def check(self) -> Identity:
        market = self.market
        places = tuple(Location(id=one, name=one) for one in market.manners.locations)
        return Identity(name=market.name, currency="EUR", now=_second(market.now()), locations=places)

    async def read(self, keys: Sequence[StockKey]) -> Sequence[Level]:
        def act() -> list[Level]:
            self.market.reads += 1
            at = _second(self.market.now())
            return [
                Level(key=one, quantity=self.market.seen(one), as_of=at) for one in keys if one in self.market.numbers
            ]

        return await self.market.call(act)

    async def scan(self) -> AsyncIterator[Page[Level]]:
        levels = await self.read(list(self.market.numbers))
        yield Page(items=tuple(levels), as_of=_second(self.market.now()))

    def batches(self, changes: Sequence[StockChange]) -> Sequence[Sequence[StockChange]]:
        size = self.market.manners.limits.stock_batch
        return [changes[start : start + size] for start in range(0, len(changes), size)]

    def prepare(self, changes: Sequence[StockChange], key: str) -> Prepared:
        return Prepared(key=key, body=msgspec.json.encode(changes).decode(), changes=tuple(changes))

    async def send(self, prepared: Prepared) -> Sequence[Outcome]:
        return await self.market.call(lambda: self.market.take_in(prepared))

    async def causes(self, keys: Sequence[StockKey], since: datetime) -> Sequence[Cause]:
        del keys, since
        return ()

    async def look(self, ticket: str, prepared: Prepared) -> Sequence[Applied | Rejected] | None:
        del prepared
        return await self.market.call(lambda: self.market.results(ticket))


class _Feed:
    def begin(self, at: datetime) -> str:
        return at.isoformat()


class _Levels(_Feed):
    """A shop tells which numbers moved; a marketplace does not."""

    def __init__(self, market: Market) -> None:
        self.market = market

    async def since(self, cursor: str) -> AsyncIterator[Page[Level]]:
        after = datetime.fromisoformat(cursor)

        def act() -> Page[Level]:
            at = _second(self.market.now())
            moved = [key for key, row in self.market.numbers.items() if row[-1][0] >= after]
            levels = tuple(Level(key=key, quantity=self.market.seen(key), as_of=at) for key in moved)
            return Page(items=levels, as_of=at, cursor=(at - timedelta(seconds=2)).isoformat())

        yield await self.market.call(act)


class _Products(_Feed):
    def __init__(self, market: Market) -> None:
        self.market = market

    async def since(self, cursor: str) -> AsyncIterator[Page[Product]]:
        yield Page(items=(), as_of=_second(self.market.now()), cursor=cursor)


class _Catalog:
    def __init__(self, market: Market) -> None:
        self.market = market
        self.changes: Feed[Product] = _Products(market)

    async def all(self) -> AsyncIterator[Page[Product]]:
        yield Page(items=tuple(self.market.goods.values()), as_of=_second(self.market.now()))

    async def get(self, product_ids: Sequence[str]) -> Sequence[Product]:
        return [self.market.goods[one] for one in product_ids if one in self.market.goods]


class _Orders(_Feed):
    def __init__(self, market: Market) -> None:
        self.market = market
        self.changes: Feed[Order] = self

    async def get(self, order_id: str) -> Order:
        return await self.market.call(lambda: self._order(self.market.sold[order_id]))

    async def since(self, cursor: str) -> AsyncIterator[Page[Order]]:
        after = datetime.fromisoformat(cursor)

        def act() -> Page[Order]:
            found = [one for one in self.market.sold.values() if one.updated_at >= after]
            newest = sorted(found, key=lambda one: one.updated_at)
            at = _second(self.market.now())
            # Stamps are whole seconds: the last two may still get company.
            return Page(
                items=tuple(self._order(one) for one in newest),
                as_of=at,
                cursor=(at - timedelta(seconds=2)).isoformat(),
            )

        yield await self.market.call(act)

    def _order(self, one: _Sold) -> Order:
        free = Money(0, "EUR")
        lines = tuple(
            OrderLine(
                id=sku, variant_id=f"v-{sku}", sku=sku, quantity=units, held=units - one.restocked.get(sku, 0),
                refunded=one.refunded.get(sku, 0), restocked=one.restocked.get(sku, 0), unit_price=free, total=free, tax=free,
                fulfilled=units if one.status == "fulfilled" else 0,
            )
            for sku, units in one.lines.items()
        )  # fmt: skip
        status: Any = one.status
        return Order(
            id=one.id, status=status, placed_at=one.placed_at, updated_at=one.updated_at, currency="EUR", lines=lines, total=free,
            shipping=free, refunded=free,
        )  # fmt: skip


def _second(at: datetime) -> datetime:
    return at.replace(microsecond=0)
