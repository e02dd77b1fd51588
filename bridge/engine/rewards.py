"""Rewards: what orders do to points and to coupon codes, as the difference between what is recorded and what their newest snapshots say.

The second half of booking (design, section 2, rule 1): the lots, spends and uses of an order are a function of its newest snapshot,
the rules in force when it was placed, and who placed it. They are kept beside the order; the ledger gets what changed.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.engine import Connection

from bridge.domain.coupons import normal_code, uses
from bridge.domain.earning import EarnTerms, PointsRules, earned, frozen, spend_of, tier_of, window
from bridge.domain.ledger import Movement, Why
from bridge.domain.orders import Order, OrderLine
from bridge.domain.points import points
from bridge.engine import accounts, codes, invitations, people
from bridge.engine.context import Context, Source
from bridge.engine.desk import Desk
from bridge.store import channels, code_uses, listings, orders
from bridge.store import coupons as coupon_store
from bridge.store import people as people_store
from bridge.store import points as store
from bridge.store.code_uses import CodeUse
from bridge.store.coupons import Campaign, Coupon
from bridge.store.orders import Recorded
from bridge.store.points import LotRow, OrderPerson, SpendRow

__all__ = ["OVERLAP", "book", "book_again"]

_NOTHING = EarnTerms(version="", rate="0", with_tax=False, pending_days=0, expires_days=None)


def book(
    connection: Connection,
    context: Context,
    channel: Source,
    desk: Desk,
    news: Iterable[Recorded],
    clock: timedelta,
    *,
    turn: str = "",
) -> set[str]:
    """Book what these orders of a channel do to points and codes; copies that we made do nothing. `clock`: theirs less ours.

    `turn` names the occasion where the orders themselves are no news (their owners are). Returns the codes whose uses changed: they
    are settled once the desk is closed.
    """
    mine = {one.order.id: one for one in news if one.kind != "mirror"}
    rules = store.rules(connection)
    known = coupon_store.exist(connection)
    if not mine or not (rules or known):
        return set()
    booking = _Rewards(connection, context, channel, desk, rules, clock, turn)
    booking.run(mine)
    return booking.used


def book_again(connection: Connection, context: Context, name: str, ids: Iterable[str]) -> None:
    """Book these orders of a channel once more: they are no news, but whose they are is, or that a code was used with them."""
    channel = context.channels.get(name)
    if channel is None:
        return
    desk = Desk(connection, context, context.now())
    records = orders.load(connection, name, ids).values()
    clock = channels.clock(connection, name)
    book(connection, context, channel, desk, records, clock, turn=context.new_key())
    desk.close()


@dataclass(slots=True)
class _Rewards:
    connection: Connection
    context: Context
    channel: Source
    desk: Desk
    rules: Sequence[tuple[datetime, PointsRules | None]]
    clock: timedelta
    turn: str = ""
    records: dict[str, Recorded] = field(default_factory=dict)
    people: dict[str, OrderPerson] = field(default_factory=dict)
    lots: dict[str, dict[str, LotRow]] = field(default_factory=dict)
    spends: dict[str, dict[str, SpendRow]] = field(default_factory=dict)
    uses: dict[str, dict[str, CodeUse]] = field(default_factory=dict)
    back: dict[str, dict[str, int]] = field(default_factory=dict)
    coupons: dict[str, Coupon] = field(default_factory=dict)
    terms: dict[str, Campaign] = field(default_factory=dict)
    tags: dict[str, frozenset[str]] = field(default_factory=dict)
    goods: dict[str, str] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    touched: set[str] = field(default_factory=set)
    done: set[str] = field(default_factory=set)
    used: set[str] = field(default_factory=set)
    # Who was invited by a code, and what told of it.
    invited: dict[tuple[str, str], str] = field(default_factory=dict)

    def run(self, records: Mapping[str, Recorded]) -> None:
        self.records = dict(records)
        self.names = {key: self._name(one) for key, one in records.items()}
        self._take_back()
        self._load()
        whose = self._whose()
        for record in sorted(self.records.values(), key=lambda one: one.order.placed_at):
            self._one(record, whose.get(record.order.id, ""))
        store.save_orders(self.connection, list(self.people.values()))
        for (code, person), cause in sorted(self.invited.items()):
            reward = self._terms(code).reward
            self.touched |= invitations.pay(self.connection, self.desk, code, person, reward, cause)
        accounts.settle(self.connection, self.context, self.desk, self.touched)

    # What is known.

    def _take_back(self) -> None:
        """Note what orders of returns took back, and look at the orders again that it was taken from."""
        returns = [one.order for one in self.records.values() if one.order.returns is not None]
        rows = [row for order in returns for row in self._returned(order)]
        store.save_returned(self.connection, self.channel.name, [order.id for order in returns], rows)
        missing = {str(row["source_order"]) for row in rows} - self.records.keys()
        found = orders.load(self.connection, self.channel.name, missing)
        self.records |= {one.order.id: one for one in found.values() if one.kind != "mirror"}
        causes = {str(row["source_order"]): str(row["order_id"]) for row in rows}
        # The order itself is no news: what moves is named after the one that took its units back.
        self.names |= {key: f"{self.names[causes[key]]}/of/{key}" for key in found}

    def _returned(self, order: Order) -> Iterator[dict[str, Any]]:
        """Yield what a return took back: units by line, and the money that came without goods."""
        taken = {line.id: (line.returned, -line.quantity) for line in order.lines if line.returned}
        for line_id, (source, units) in {"": ("", order.refunded.minor), **taken}.items():
            yield {
                "channel": self.channel.name, "order_id": order.id, "line_id": line_id, "source_order": order.returns,
                "source_line": source, "units": 0 if order.status == "cancelled" else units,
            }  # fmt: skip

    def _name(self, record: Recorded) -> str:
        return f"{self.channel.name}/{record.order.id}/{self.turn or record.revision}"

    def _load(self) -> None:
        ids, name = list(self.records), self.channel.name
        self.people = store.of_orders(self.connection, name, ids)
        self.lots = store.lots_of_orders(self.connection, name, ids)
        self.spends = store.spends_of_orders(self.connection, name, ids)
        self.uses = code_uses.uses_of_orders(self.connection, name, ids)
        self.back = store.returned(self.connection, name, ids)
        wanted = {normal_code(code) for one in self.records.values() for code in one.order.codes}
        wanted |= {code for used in self.uses.values() for code in used}
        self.coupons = coupon_store.find(self.connection, wanted)
        self.terms = coupon_store.campaigns_of(self.connection, {one.campaign for one in self.coupons.values()})
        self._name_goods()

    def _name_goods(self) -> None:
        """Note what the lines sold, as far as a rule asks: by our SKU, for a platform's line may name another (or none: Square)."""
        rules = [rule for _, one in self.rules if one is not None for rule in one.rules if rule.sku or rule.tag]
        if not rules:
            return
        lines = [line for one in self.records.values() for line in one.order.lines]
        bound = self.channel.bindings(self.connection, {line.variant_id for line in lines if line.variant_id}).variants
        self.goods = {variant: one.sku for variant, one in bound.items() if one.sku}
        if any(rule.tag for rule in rules):
            self.tags = listings.tags(self.connection, {self._sku(line) for line in lines})

    def _sku(self, line: OrderLine) -> str:
        return self.goods.get(line.variant_id or "") or line.sku or ""

    def _whose(self) -> dict[str, str]:
        """Whose the orders are: what the newest snapshot says, else what was known; who asked to be forgotten stays without a name."""
        forgotten = people_store.forgotten(self.connection, {one.person for one in self.people.values() if one.person})
        seen = {key: people.seen(self.context, one.order) for key, one in self.records.items()}
        fresh = {
            key: one
            for key, one in seen.items()
            if one is not None and not (key in self.people and self.people[key].person in forgotten)
        }
        known = {key: one.person for key, one in self.people.items()}
        return known | people.identify(self.connection, self.context, self.channel.name, fresh)

    # One order.

    def _one(self, record: Recorded, person: str) -> None:
        order, at = record.order, record.order.placed_at - self.clock
        back = self.back.get(order.id, {})
        self.people[order.id] = OrderPerson(
            channel=self.channel.name, order_id=order.id, person=person, placed_at=at,
            spend=spend_of(order, back, self._currency(at)),
        )  # fmt: skip
        self.done.add(order.id)
        wanted = self._lots(order, person, at, back)
        self._use(record, person, at, wanted)
        before = self.lots.get(order.id, {})
        gone = [replace(row, kept=0) for key, row in before.items() if key not in wanted]
        for row in (*wanted.values(), *gone):
            self._lot(record, before.get(row.id), row)
        store.save_lots(self.connection, [row for row in (*wanted.values(), *gone) if before.get(row.id) != row])

    def _currency(self, at: datetime) -> str:
        """The currency in which tiers are counted; of an order from before there were rules, that of the newest."""
        newest = next((one for _, one in reversed(self.rules) if one is not None), None)
        rules = store.rules_at(self.rules, at) or newest
        return rules.currency if rules is not None else ""

    def _lots(self, order: Order, person: str, at: datetime, back: Mapping[str, int]) -> dict[str, LotRow]:
        rules, before = store.rules_at(self.rules, at), self.lots.get(order.id, {})

        def terms(line: OrderLine) -> EarnTerms:
            row = before.get(self._lot_id(order, line.id))
            if row is not None and row.terms is not None:
                return row.terms
            return self._frozen(order, line, person, at, rules)

        agreed = {line.id: terms(line) for line in order.lines if line.quantity > 0}
        worth = earned(order, lambda line: agreed[line.id], back)
        rows = [self._row(order, line, person, at, worth[line], one) for line, one in agreed.items() if one.version]
        return {row.id: row for row in rows}

    def _frozen(self, order: Order, line: OrderLine, person: str, at: datetime, rules: PointsRules | None) -> EarnTerms:
        if rules is None:
            return _NOTHING
        tier = None
        if rules.tiers and person:
            # Orders before this one on the same page count as well.
            store.save_orders(self.connection, [one for key, one in self.people.items() if key in self.done])
            spent = store.spent_since(self.connection, [person], at - timedelta(days=rules.tier_days), at)
            tier = tier_of(rules.tiers, spent.get(person, 0))
            self.done.clear()
        sku = self._sku(line)
        return frozen(
            order, replace(line, sku=sku), self.channel.name, rules, self.tags.get(sku, frozenset()), tier
        )  # fmt: skip

    def _lot_id(self, order: Order, line: str) -> str:
        return f"{self.channel.name}/{order.id}/{line}"

    def _row(self, order: Order, line: str, person: str, at: datetime, kept: int, agreed: EarnTerms) -> LotRow:
        before = self.lots.get(order.id, {}).get(self._lot_id(order, line))
        ready, until = window(order, agreed)
        if before is not None:
            return replace(before, person=person, kept=kept, earned=max(before.earned, kept))
        return LotRow(
            id=self._lot_id(order, line), person=person, channel=self.channel.name, order_id=order.id, line_id=line, earned=kept,
            kept=kept, earned_at=at, spendable_at=ready - self.clock, expires_at=None if until is None else until - self.clock,
            terms=agreed,
        )  # fmt: skip

    def _lot(self, record: Recorded, before: LotRow | None, row: LotRow) -> None:
        """Book what changed of a lot; one that changes hands leaves one account and comes into another."""
        order, name = record.order, self.names[record.order.id]
        when = order.placed_at if before is None else order.updated_at
        if before is None or before.person == row.person:
            self._move(row.person, row.kept - (before.kept if before else 0), f"{name}/lot/{row.id}", order, when)
            return
        self._move(before.person, before.expired - before.kept, f"{name}/from/{row.id}", order, when, "transfer")
        self._move(row.person, row.kept - before.expired, f"{name}/to/{row.id}", order, when, "transfer")

    def _move(self, person: str, delta: int, unique: str, order: Order, when: datetime, why: Why | None = None) -> None:
        self.touched.add(person)
        if person and delta:
            self.desk.move(
                Movement(
                    counter=points(person), delta=delta, why=why or ("earn" if delta > 0 else "claw-back"), unique=unique,
                    channel=self.channel.name, source=order.id, occurred_at=when - self.clock, note=f"order {order.number or order.id}",
                )
            )  # fmt: skip

    # Codes.

    def _use(self, record: Recorded, person: str, at: datetime, lots: dict[str, LotRow]) -> None:
        order, before = record.order, self.uses.get(record.order.id, {})
        named = {normal_code(code) for code in order.codes} & self.coupons.keys()
        rows = []
        for code in sorted(named | before.keys()):
            row = self._used(order, self.coupons[code], person, at, before.get(code), still=code in named)
            if row is not None and row != before.get(code):
                rows.append(row)
        code_uses.save_uses(self.connection, rows)
        for row in rows:
            self._count(record, row, before.get(row.code))
            codes.tell_again(self.connection, self.context, self._terms(row.code).terms, row)
            self._spend(record, self.coupons[row.code], row)
        # A code that was claimed stands on no order: the claim says that it was used.
        now = before | {row.code: row for row in rows}
        for code in sorted(code for code, row in now.items() if code in named or row.note):
            lots |= self._invited(order, self.coupons[code], person, at)
        for row in (*before.values(), *now.values()):
            if self._invites(self.coupons[row.code], row.person):
                self.invited[row.code, row.person] = self.names[order.id]

    def _used(
        self, order: Order, coupon: Coupon, person: str, at: datetime, was: CodeUse | None, *, still: bool
    ) -> CodeUse | None:
        """What an order takes off a code now; None for one from before the code was ours."""
        if was is None and coupon.created_at is not None and at < coupon.created_at - OVERLAP:
            return None
        # A till without codes keys a discount in: its order names no code, and the claim says that it was used.
        claim = was.note if was is not None else ""
        used, running = still or bool(claim), order.status != "cancelled"
        kept = used and (running or not self.terms[coupon.campaign].restore)
        return CodeUse(
            channel=self.channel.name, order_id=order.id, code=coupon.code, person=person or (was.person if was is not None else ""),
            count=int(kept), counted_there=int(still and running), at=was.at if was is not None else at, note=claim,
        )  # fmt: skip

    def _count(self, record: Recorded, row: CodeUse, was: CodeUse | None) -> None:
        self.used.add(row.code)
        delta = (was.count if was is not None else 0) - row.count
        if not delta:
            return
        order = record.order
        self.desk.move(
            Movement(
                counter=uses(row.code), delta=delta, why="sale" if delta < 0 else "cancel",
                unique=f"{self.names[order.id]}/use/{row.code}", channel=self.channel.name, source=order.id,
                occurred_at=(order.placed_at if was is None else order.updated_at) - self.clock, note=f"order {order.number or order.id}",
            )
        )  # fmt: skip
        codes.used(self.connection, self.context, row)

    def _spend(self, record: Recorded, coupon: Coupon, row: CodeUse) -> None:
        """A code that is made of points: using it spends them, and what was held for it is free."""
        if not coupon.person or not coupon.points:
            return
        order, key = record.order, f"{self.channel.name}/{record.order.id}/{coupon.code}"
        before = self.spends.get(order.id, {}).get(key)
        wanted = coupon.points * row.count
        delta = (before.points if before is not None else 0) - wanted
        person = before.person if before is not None else coupon.person
        spend = SpendRow(
            id=key, person=person, points=wanted, at=order.placed_at - self.clock, channel=self.channel.name, source=order.id,
            note=f"code {coupon.code}",
        )  # fmt: skip
        store.save_spends(self.connection, [spend])
        why: Why = "burn" if delta < 0 else "cancel"
        self._move(person, delta, f"{self.names[order.id]}/burn/{coupon.code}", order, order.updated_at, why)

    def _terms(self, code: str) -> Campaign:
        return self.terms[self.coupons[code].campaign]

    def _invites(self, coupon: Coupon, person: str) -> bool:
        return (
            self.terms[coupon.campaign].kind == "referral"
            and bool(coupon.person and person)
            and coupon.person != person
        )

    def _invited(self, order: Order, coupon: Coupon, person: str, at: datetime) -> dict[str, LotRow]:
        """A code by which somebody invited a buyer: both can be rewarded, as soon as what was bought cannot come back any more.

        Whether they are is seen once all orders of the page are on record.
        """
        rules = store.rules_at(self.rules, at)
        if not self._invites(coupon, person) or rules is None:
            return {}
        agreed = EarnTerms(
            version=rules.version, rate="0", with_tax=False, pending_days=rules.pending_days, expires_days=rules.expires_days
        )  # fmt: skip
        before, found = self.lots.get(order.id, {}), {}
        sides = {f"invited/{coupon.code}": coupon.person or "", f"welcome/{coupon.code}": person}
        for line, whose in sides.items():
            was = before.get(self._lot_id(order, line))
            row = self._row(order, line, whose, at, was.kept if was is not None else 0, agreed)
            found[row.id] = replace(row, note=f"invited with {coupon.code}")
        return found


# A code is used within moments of its making, and clocks differ.
OVERLAP = timedelta(minutes=5)
