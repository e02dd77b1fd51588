"""A history told to the bridge's booking, and what it has afterwards against what the final orders alone come to."""

import random
import uuid
from collections import Counter as Tally
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from fractions import Fraction
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bench.histories import CHANNELS, TILL, Code, History, draw
from bench.reference import Tokens, by_unit, said
from bridge.contract.feed import Page
from bridge.contract.limits import Limits
from bridge.contract.loyalty import PointsEvent
from bridge.contract.ports import Connector
from bridge.domain.coupons import CouponTerms, normal_code, uses
from bridge.domain.earning import PointsRules
from bridge.domain.orders import Order, OrderLine
from bridge.domain.people import Customer
from bridge.domain.points import Lot, Spend, points
from bridge.engine import accounts, codes, people
from bridge.engine.booking import book
from bridge.engine.context import Channel, Context, Rules
from bridge.engine.points_push import take_events
from bridge.store import coupons as coupon_store
from bridge.store import ledger, schema
from bridge.store import people as people_store
from bridge.store import points as store
from bridge.store.coupons import Campaign, Coupon
from bridge.store.database import Database
from bridge.store.tables import movements

__all__ = ["Retold", "faults", "opened"]

_OVERLAP = timedelta(minutes=5)
_LASTS = timedelta(days=20)


@contextmanager
def opened() -> Iterator[Database]:
    """A database in memory that has the schema; each history is told in a transaction that is taken back."""
    database = Database(":memory:")
    try:
        schema.ensure(database)
        yield database
    finally:
        database.close()


def faults(database: Database, seed: int) -> list[str]:
    """Tell the history of a seed, and say what is not as the reference has it."""
    with database.engine.connect() as connection:
        transaction = connection.begin()
        try:
            return Retold(connection, draw(seed)).run()
        finally:
            transaction.rollback()


def _channel(name: str) -> Channel:
    """A channel that is only told of: nobody asks its connector anything but its limits."""
    nobody = cast(Any, None)
    return Channel(
        name=name,
        connector=Connector(
            platform=name,
            limits=Limits(stock_write="delta"),
            account=nobody,
            catalog=nobody,
            stock=nobody,
            orders=nobody,
        ),
    )


@dataclass(slots=True)
class Retold:
    """One history. `page_all`: what comes at one moment is one page."""

    connection: Connection
    history: History
    page_all: bool = False
    names: dict[int, str] = field(default_factory=dict)
    found: list[str] = field(default_factory=list)
    channels: dict[str, Channel] = field(default_factory=dict)
    now: datetime = field(init=False)
    context: Context = field(init=False)
    rng: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.now = self.history.rules[0][0]
        self.rng = random.Random(self.history.seed)
        self.channels = {name: _channel(name) for name in CHANNELS}
        self.context = Context(
            database=cast(Any, None), channels=self.channels, rules=Rules(), now=lambda: self.now, sleep=cast(Any, None), rng=self.rng
        )  # fmt: skip

    def run(self) -> list[str]:
        """Tell it, and return what is wrong afterwards."""
        self._meet()
        for at, what, thing in self._pages():
            self.now = max(self.now, at)
            if self.rng.random() < 0.2:
                accounts.mature(self.connection, self.context)
            self._hear(what, thing)
        self.now = self.history.ends
        accounts.mature(self.connection, self.context)
        self._compare()
        return self.found

    def _meet(self) -> None:
        for name in CHANNELS:
            known = [
                Customer(
                    id=f"{name}-{one}", email=f"p{one}@example.org", email_verified=True, points_id=f"points-{one}" if name == TILL else ""
                )
                for one in range(self.history.people)
            ]  # fmt: skip
            whose = people.learn(self.connection, self.context, name, known, self.now)
            self.names = {one: whose[f"{name}-{one}"] for one in range(self.history.people)}

    def _pages(self) -> Iterator[tuple[datetime, str, Any]]:
        """Snapshots of one channel that come one after the other make a page, now and then."""
        page: list[Order] = []
        before = ("", self.now)
        for at, what, thing in self.history.told:
            ends = at != before[1] if self.page_all else self.rng.random() < 0.5
            if page and (what != before[0] or ends):
                yield before[1], before[0], page
                page = []
            if isinstance(thing, Order):
                page.append(thing)
            else:
                yield at, what, thing
            before = (what, at)
        if page:
            yield before[1], before[0], page

    def _hear(self, what: str, thing: Any) -> None:
        if what == "rules":
            store.save_rules(self.connection, thing, self.now)
        elif what == "code":
            self._make(thing)
        elif what == "event":
            page: Page[PointsEvent] = Page(items=(thing,), as_of=self.now)
            take_events(self.connection, self.context, self.channels[TILL], page)
        else:
            book(self.connection, self.context, self.channels[what], thing)

    def _make(self, one: Code) -> None:
        person = None if one.person is None else self.names[one.person]
        hold = str(uuid.UUID(int=self.rng.getrandbits(128))) if one.points else None
        if hold is not None and person is not None:
            ends = self.now + _LASTS
            ledger.hold(
                self.connection, hold, points(person), one.points, created_at=self.now, expires_at=ends, note=""
            )
        terms = Campaign(
            name=one.code, terms=CouponTerms(kind="percent", percent=1_000), policy="shared", channels=CHANNELS, uses=one.uses,
            restore=one.restore, kind=one.kind, created_at=self.now, reward=one.reward,
        )  # fmt: skip
        row = Coupon(
            code=one.code, campaign=one.code, person=person, points=one.points, hold=hold, created_at=self.now
        )  # fmt: skip
        codes.create(self.connection, self.context, terms, [row])

    # What there is, against what there should be.

    def _compare(self) -> None:
        owed = _Owed(self.history)
        owed.reckon()
        names = self.names
        balances = ledger.balances(self.connection, [points(name) for name in names.values()])
        for one, name in names.items():
            there = accounts.look(self.connection, name, self.now)
            self._same(
                f"person {one}", said(there), Tokens(owed.lots.get(one, []), owed.spends.get(one, []), self.now).said()
            )
            self._same(f"counter of person {one}", balances.get(points(name), 0), there.balance)
            rows = {row.id: row.expired for row in store.lots_of(self.connection, [name]).get(name, []) if row.expired}
            self._same(f"booked expiry of person {one}", rows, dict(said(there).expired))
            if there.balance < 0 and there.balance != -there.debt:
                self.found.append(f"person {one} has {there.balance}, and owes {there.debt}")
        self._codes(owed)
        self.found += [
            f"{one}: balance {kept}, movements {total}" for one, kept, total in ledger.prove(self.connection)
        ]
        query = sa.select(sa.func.count(), sa.func.count(sa.distinct(movements.c.unique_key)))
        told, unique = self.connection.execute(query).one()
        self._same("movements with a name of their own", unique, told)
        self._same(
            "persons", len(people_store.customers_of(self.connection, names.values())), len(names) * len(CHANNELS)
        )

    def _codes(self, owed: "_Owed") -> None:
        for one in self.history.codes:
            left = ledger.balances(self.connection, [uses(one.code)]).get(uses(one.code), 0)
            self._same(f"uses left of {one.code}", left, (one.uses or 0) - owed.used[one.code])
            (coupon,) = coupon_store.find(self.connection, [one.code]).values()
            if coupon.hold is not None and owed.used[one.code]:
                state = ledger.hold_states(self.connection, [coupon.hold])[coupon.hold][0]
                self._same(f"hold of {one.code}", state, "captured")

    def _same(self, what: str, there: object, right: object) -> None:
        if there != right:
            self.found.append(f"{what}: {there}, {right} is right")


@dataclass(slots=True)
class _Owed:
    """What the final orders alone come to, by the rules in words."""

    history: History
    lots: dict[int, list[Lot]] = field(default_factory=dict)
    spends: dict[int, list[Spend]] = field(default_factory=dict)
    used: Tally[str] = field(default_factory=Tally)
    # By code and who was invited: when an order was placed, where, which, and whether goods of it were kept.
    invited: dict[tuple[str, int | None], list[tuple[datetime, str, str, bool]]] = field(default_factory=dict)

    def reckon(self) -> None:
        for (channel, name), order in self.history.final.items():
            rules = _at(self.history.rules, order.placed_at)
            if rules is not None:
                self._earn(channel, name, order, rules)
            for code in self.history.codes:
                self._code(code, channel, name, order, rules)
        self._rewards()
        for event in self.history.events:
            self._event(event)

    def _back(self, channel: str, name: str) -> Mapping[str, int]:
        """What orders of returns took back of an order; those that were taken back themselves did not."""
        back: Tally[str] = Tally()
        for (where, _), other in self.history.final.items():
            if where == channel and other.returns == name and other.status != "cancelled":
                back[""] += other.refunded.minor
                for line in other.lines:
                    back[line.returned] -= line.quantity if line.returned else 0
        return back

    def _earn(self, channel: str, name: str, order: Order, rules: PointsRules) -> None:
        worth = by_unit(
            order, self._back(channel, name), lambda line: (_rate(order, line, channel, rules), rules.with_tax)
        )
        for line, units in worth.items():
            self._lot(_whose(order), f"{channel}/{name}/{line}", units, order.placed_at, rules)

    def _lot(self, person: int | None, name: str, units: int, at: datetime, rules: PointsRules) -> None:
        ends = None if rules.expires_days is None else at + timedelta(days=rules.expires_days)
        ripe = at + timedelta(days=rules.pending_days)
        if person is not None:
            made = Lot(id=name, kept=units, earned_at=at, spendable_at=ripe, expires_at=ends)
            self.lots.setdefault(person, []).append(made)

    def _code(self, code: Code, channel: str, name: str, order: Order, rules: PointsRules | None) -> None:
        if code.code not in {normal_code(one) for one in order.codes} or order.placed_at < code.made_at - _OVERLAP:
            return
        if order.status != "cancelled" or not code.restore:
            self.used[code.code] += 1
            if code.person is not None and code.points:
                key = f"{channel}/{name}/{code.code}"
                self.spends.setdefault(code.person, []).append(Spend(id=key, points=code.points, at=order.placed_at))
        whose = _whose(order)
        if code.kind != "referral" or rules is None or whose in {None, code.person}:
            return
        sold = self._net(channel, name, order) > 0 and not order.test and order.currency == rules.currency
        self.invited.setdefault((code.code, whose), []).append((order.placed_at, channel, name, sold))

    def _rewards(self) -> None:
        """Both sides are rewarded for the first order of somebody that stands; others of theirs are worth nothing."""
        codes = {one.code: one for one in self.history.codes}
        for (name, whose), orders in self.invited.items():
            code, first = codes[name], next((one for one in sorted(orders) if one[-1]), None)
            for one in orders:
                at, channel, order_id, _ = one
                rules = _at(self.history.rules, at)
                assert rules is not None
                for side, person in (("invited", code.person), ("welcome", whose)):
                    units = code.reward if one == first else 0
                    self._lot(person, f"{channel}/{order_id}/{side}/{name}", units, at, rules)

    def _net(self, channel: str, name: str, order: Order) -> int:
        """What of the goods was kept, without tax and gift cards, in whole minor units."""
        kept = by_unit(order, self._back(channel, name), lambda line: (Fraction(not line.gift_card) * 1_000_000, False))
        return sum(kept.values()) // 1_000_000

    def _event(self, event: PointsEvent) -> None:
        """The till's programme is not the one that earns; what we wrote ourselves is no news."""
        person, key = int(event.points_id.removeprefix("points-")), f"event/{TILL}/{event.id}"
        if event.kind == "adjust" and event.points > 0:
            lot = Lot(id=key, kept=event.points, earned_at=event.at, spendable_at=event.at)
            self.lots.setdefault(person, []).append(lot)
        elif event.kind in {"burn", "release", "adjust"}:
            self.spends.setdefault(person, []).append(Spend(id=key, points=-event.points, at=event.at))


def _at(rules: Sequence[tuple[datetime, PointsRules | None]], at: datetime) -> PointsRules | None:
    return next((one for since, one in sorted(rules, key=lambda one: one[0], reverse=True) if since <= at), None)


def _whose(order: Order) -> int | None:
    """Accounts are called web-1, guests p1@example.org."""
    if order.customer is None:
        return None
    text = order.customer.id or order.customer.email.partition("@")[0]
    return int("".join(one for one in text if one.isdecimal()))


def _rate(order: Order, line: OrderLine, channel: str, rules: PointsRules) -> Fraction:
    left_out: Iterable[bool] = (
        line.gift_card, order.test, channel in rules.off, line.discounted and not rules.discounted, order.currency != rules.currency
    )  # fmt: skip
    rate = Fraction(rules.earn) / 100
    for rule in rules.rules:
        fits = rule.channel in {None, channel} and (rule.sku is None or fnmatchcase(line.sku or "", rule.sku))
        early = rule.since is not None and order.placed_at < rule.since
        late = rule.until is not None and order.placed_at >= rule.until
        rate *= Fraction(rule.times) if fits and not early and not late else 1
    return Fraction(0) if any(left_out) else rate
