"""Random histories of orders, points and codes: drawn from a seed, and told to the bridge as badly as shops do.

A history is a list of acts, each at its moment: orders and their later snapshots, orders of returns, redeemed codes, entries of a
channel's own points ledger, other rules. Snapshots reach the bridge late (an offline till's up to 72 hours), twice, and in any order.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from bridge.contract.loyalty import PointsEvent
from bridge.domain.earning import EarnRule, PointsRules
from bridge.domain.money import Money
from bridge.domain.orders import Contact, Order, OrderLine

__all__ = ["CHANNELS", "START", "TILL", "Code", "History", "draw", "eur"]

START = datetime(2026, 1, 1, tzinfo=UTC)
TILL = "till"
CHANNELS = ("web", "store", TILL)
_DAYS = 60
_LATE = timedelta(hours=72)
_STEPS = (
    "pay",
    "fulfil",
    "cancel",
    "return",
    "return",
    "money",
    "more",
    "less",
    "add",
    "drop",
    "named",
    "given",
    "code",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """A code: made of points of `person` (`points`), by which they invite ("referral"), or anybody's ("coupon")."""

    code: str
    kind: str
    made_at: datetime
    person: int | None = None
    points: int = 0
    uses: int | None = 1
    restore: bool = True
    reward: int = 0


@dataclass(slots=True, kw_only=True)
class History:
    """What happened (`final`, `events`, `codes`, `rules`), and `told`: what the bridge hears of it, by its time."""

    seed: int
    people: int
    ends: datetime
    rules: list[tuple[datetime, PointsRules | None]] = field(default_factory=list)
    codes: list[Code] = field(default_factory=list)
    events: list[PointsEvent] = field(default_factory=list)
    final: dict[tuple[str, str], Order] = field(default_factory=dict)
    told: list[tuple[datetime, str, Any]] = field(default_factory=list)


def draw(seed: int) -> History:
    """Draw the history of a seed."""
    return _Drawing(random.Random(f"history {seed}"), seed).run()


class _Drawing:
    def __init__(self, rng: random.Random, seed: int) -> None:
        self.rng = rng
        self.made = History(seed=seed, people=rng.randint(1, 3), ends=START)

    def run(self) -> History:
        rng, made = self.rng, self.made
        self._rules()
        self._codes()
        for number in range(rng.randint(1, 7)):
            self._order(number)
        for number in range(rng.randint(0, 4)):
            self._event(number)
        made.told.sort(key=lambda one: one[0])
        made.ends = made.told[-1][0] + timedelta(days=rng.choice((0, 20, 2 * _DAYS)))
        return made

    def moment(self, since: datetime = START, within: float = _DAYS) -> datetime:
        """Whole hours now and then, so that things happen at one moment."""
        at = since + timedelta(seconds=self.rng.randrange(1, int(within * 86_400)))
        return at.replace(minute=0, second=0) + timedelta(hours=1) if self.rng.random() < 0.3 else at

    def _rules(self) -> None:
        since = START - timedelta(days=1)
        for _ in range(self.rng.randint(1, 3)):
            self.made.rules.append((since, self._rule() if self.rng.random() < 0.9 else None))
            since = self.moment(since, 30)
        self.made.told += [(at, "rules", one) for at, one in self.made.rules]

    def _rule(self) -> PointsRules:
        rng = self.rng
        happy = self.moment()
        return PointsRules(
            currency="EUR", earn=rng.choice(("1", "0.5", "1.5")), pending_days=rng.choice((0.0, 3.0, 14.0)),
            expires_days=rng.choice((None, 10.0, 40.0)), with_tax=rng.random() < 0.5, discounted=rng.random() < 0.7,
            rules=(
                EarnRule(times="2", sku="TEE-*"), EarnRule(times="1.5", channel=TILL),
                EarnRule(times="3", since=happy, until=happy + timedelta(days=7)),
            ),
            off=frozenset({"store"}) if rng.random() < 0.1 else frozenset(),
        )  # fmt: skip

    def _codes(self) -> None:
        rng = self.rng
        for number in range(rng.randint(0, 3)):
            kind = rng.choice(("points", "points", "coupon", "referral"))
            mine = kind != "coupon"
            one = Code(
                code=f"{kind.upper()}{number}", kind=kind, made_at=self.moment(within=30),
                person=rng.randrange(self.made.people) if mine else None,
                points=rng.randint(1, 30) if kind == "points" else 0, uses=rng.choice((1, 2, 3)) if kind != "referral" else None,
                restore=kind != "coupon" or rng.random() < 0.5, reward=rng.randint(1, 20) if kind == "referral" else 0,
            )  # fmt: skip
            self.made.codes.append(one)
            self.made.told.append((one.made_at, "code", one))

    # Orders.

    def _order(self, number: int) -> None:
        rng, channel = self.rng, self.rng.choice(CHANNELS)
        placed = self.moment()
        whose = rng.choice((None, *range(self.made.people), *range(self.made.people)))
        lines = tuple(self._line(str(one)) for one in range(rng.randint(1, 3)))
        # A code may be older than the bridge knows it: whoever had it before was not given it by us.
        codes = [one for one in self.made.codes if one.made_at < placed or rng.random() < 0.1]
        order = Order(
            id=f"o{number}", status="placed" if rng.random() < 0.3 else "paid", placed_at=placed, updated_at=placed, currency="EUR",
            lines=lines, total=_sum(lines), shipping=eur(rng.choice((0, 490))), refunded=eur(0), test=rng.random() < 0.03,
            customer=None if whose is None else self._contact(channel, whose),
            codes=(self._typed(rng.choice(codes)),) if codes and rng.random() < 0.5 else (),
        )  # fmt: skip
        versions = [order]
        for _ in range(rng.randint(0, 5)):
            after = self.moment(versions[-1].updated_at, 12)
            versions.append(replace(self._changed(channel, versions[-1]), updated_at=after))
        self._tell(channel, versions)
        for back in range(rng.randint(0, 2) if channel == TILL else 0):
            self._return(f"r{number}-{back}", versions)

    def _line(self, name: str) -> OrderLine:
        rng, units = self.rng, self.rng.randint(1, 3)
        sku = rng.choice(("TEE-1", "TEE-2", "CAP", "GIFT"))
        price = rng.randint(100, 2_000)
        off = rng.randint(1, 90) * units if rng.random() < 0.3 else 0
        total = price * units - off
        return OrderLine(
            id=name, variant_id=None, sku=sku, quantity=units, held=0, unit_price=eur(price), total=eur(total), tax=eur(total * 19 // 119),
            discounted=off > 0, gift_card=sku == "GIFT",
        )  # fmt: skip

    def _contact(self, channel: str, person: int) -> Contact:
        """An account, a guest by the address they typed in, or both."""
        account, mail = f"{channel}-{person}", f"P{person}@example.org"
        return self.rng.choice((Contact(id=account), Contact(email=mail.lower()), Contact(id=account, email=mail)))

    def _typed(self, code: Code) -> str:
        return self.rng.choice((code.code, code.code.lower()))

    def _changed(self, channel: str, order: Order) -> Order:
        step = self.rng.choice(_STEPS)
        if order.status == "cancelled" and step not in {"named", "given"}:
            return replace(order, number="again")
        return _EDITS[step](self, channel, order)

    def pay(self, _: str, order: Order) -> Order:
        return replace(order, status="paid")

    def fulfil(self, _: str, order: Order) -> Order:
        return replace(order, status="fulfilled" if order.status == "paid" else order.status)

    def cancel(self, _: str, order: Order) -> Order:
        return replace(order, status="cancelled")

    def back(self, channel: str, order: Order) -> Order:
        """A till books returns as orders of their own."""
        open_lines = [line for line in order.lines if line.refunded < line.quantity]
        if channel == TILL or not open_lines:
            return order
        line = self.rng.choice(open_lines)
        units = self.rng.randint(1, line.quantity - line.refunded)
        money = line.total.minor * units // line.quantity
        changed = _with(order, replace(line, refunded=line.refunded + units))
        return replace(changed, refunded=eur(order.refunded.minor + money))

    def money(self, _: str, order: Order) -> Order:
        """More than was paid comes back now and then."""
        return replace(order, refunded=eur(order.refunded.minor + self.rng.randint(1, 1_500)))

    def more(self, _: str, order: Order) -> Order:
        line = self.rng.choice(order.lines)
        return _with(order, _times(line, line.quantity + 1))

    def less(self, _: str, order: Order) -> Order:
        line = self.rng.choice(order.lines)
        return _with(order, _times(line, max(1, line.refunded, line.quantity - 1)))

    def add(self, _: str, order: Order) -> Order:
        return replace(order, lines=(*order.lines, self._line(f"n{len(order.lines)}{order.updated_at:%d%H%M%S}")))

    def drop(self, _: str, order: Order) -> Order:
        return replace(order, lines=order.lines[1:]) if len(order.lines) > 1 else order

    def named(self, channel: str, order: Order) -> Order:
        """Somebody says whose order it was."""
        if order.customer is not None:
            return order
        return replace(order, customer=self._contact(channel, self.rng.randrange(self.made.people)))

    def given(self, channel: str, order: Order) -> Order:
        """The order is another customer's after all."""
        return replace(order, customer=self._contact(channel, self.rng.randrange(self.made.people)))

    def code(self, _: str, order: Order) -> Order:
        return replace(order, codes=())

    def _return(self, name: str, versions: Sequence[Order]) -> None:
        """Goods come back as an order of its own, or money does, or both; others may be sold with it. It may be taken back itself."""
        source, rng = versions[-1], self.rng
        at = self.moment(versions[0].placed_at, 15)
        goods = [line for line in source.lines if rng.random() < 0.5]
        lines = [
            replace(
                line, id=f"b{line.id}", quantity=-rng.randint(1, line.quantity), total=eur(-100), tax=eur(0), refunded=0, returned=line.id
            )
            for line in goods
        ]  # fmt: skip
        lines += [self._line("swapped")] if rng.random() < 0.3 else []
        order = replace(
            source, id=name, status="paid", placed_at=at, updated_at=at, lines=tuple(lines), returns=source.id, shipping=eur(0), codes=(),
            total=_sum(tuple(lines)), refunded=eur(rng.choice((0, rng.randint(1, 900)))),
        )  # fmt: skip
        then = [order]
        if rng.random() < 0.3:
            then.append(replace(order, status="cancelled", updated_at=self.moment(at, 5)))
        self._tell(TILL, then)

    def _tell(self, channel: str, versions: Sequence[Order]) -> None:
        """The newest snapshot arrives; of the others some, some twice, each when it likes."""
        self.made.final[channel, versions[-1].id] = versions[-1]
        for one in versions:
            times = self.rng.choice((0, 1, 1, 2)) if one is not versions[-1] else self.rng.choice((1, 1, 2))
            for _ in range(times):
                self.made.told.append((one.updated_at + self._delay(channel), channel, one))

    def _delay(self, channel: str) -> timedelta:
        late = _LATE if channel == TILL or self.rng.random() < 0.2 else timedelta(minutes=5)
        return timedelta(seconds=self.rng.random() * late.total_seconds())

    # A channel's own ledger of points.

    def _event(self, number: int) -> None:
        rng = self.rng
        kind: Any = rng.choice(("burn", "release", "adjust", "earn", "ours"))
        units = rng.randint(1, 15)
        person = rng.randrange(self.made.people)
        event = PointsEvent(
            id=f"e{number}", kind=kind, at=self.moment(), points_id=f"points-{person}",
            points=-units if kind == "burn" or (kind == "adjust" and rng.random() < 0.5) else units,
        )  # fmt: skip
        self.made.events.append(event)
        for _ in range(rng.choice((1, 1, 2))):
            self.made.told.append((event.at + self._delay(TILL), "event", event))


_EDITS = {
    "pay": _Drawing.pay, "fulfil": _Drawing.fulfil, "cancel": _Drawing.cancel, "return": _Drawing.back, "money": _Drawing.money,
    "more": _Drawing.more, "less": _Drawing.less, "add": _Drawing.add, "drop": _Drawing.drop, "named": _Drawing.named,
    "given": _Drawing.given, "code": _Drawing.code,
}  # fmt: skip


def eur(minor: int) -> Money:
    """Euros."""
    return Money(minor, "EUR")


def _sum(lines: Sequence[OrderLine]) -> Money:
    return eur(sum(line.total.minor for line in lines))


def _with(order: Order, line: OrderLine) -> Order:
    return replace(order, lines=tuple(line if one.id == line.id else one for one in order.lines))


def _times(line: OrderLine, units: int) -> OrderLine:
    total = line.total.minor * units // line.quantity
    return replace(line, quantity=units, total=eur(total), tax=eur(total * 19 // 119))
