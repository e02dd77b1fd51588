"""The households of a replay as customers: they buy what their slips say, type in their coupons, spend points, and bring things back.

The data knows no contacts, so each household has an invented e-mail address and phone number, and accounts here and there. What is done is
done on the platforms, and kept on receipts of their own; points are asked for, and codes claimed, as `bridge points redeem` and
`bridge coupon claim` do it.
"""

import heapq
import random
from collections import Counter as Tally
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any, TypeVar, cast

from sqlalchemy.engine import Connection

from bench.slips import Coupon, Item, Slip
from bench.worlds import PLATFORMS
from bridge.app import loyal_acting, loyal_claims, loyal_looking
from bridge.app.errors import AppError
from bridge.engine.context import Context
from bridge.rehearsal.world import World
from bridge.sandbox.kit.platform import LoyalShop, RefusedError

__all__ = ["Patron", "Patrons", "Receipt"]

T = TypeVar("T")
WOO, SHOPIFY, SQUARE = PLATFORMS
# Shopify's checkout takes five codes that lower prices (help.shopify.com manual/discounts/combining-discounts).
_CODES = 5
# 555-0100 to -0199 are kept for fiction in every area.
_AREAS = (
    "201", "202", "203", "205", "206", "207", "208", "209", "210", "212", "213", "214", "215", "216", "217", "218", "219", "224", "225",
    "228", "229", "231", "234", "239", "240",
)  # fmt: skip
# Points that are turned into a code at once, at least and at most.
_FEW, _MANY = 100, 500


@dataclass(slots=True)
class Patron:
    """A household. `accounts` are ids by channel, `joins` where it opens one when it first comes.

    `code` is a code it has made of `points`, a cent each, good until `ends`.
    """

    household: int
    email: str
    phone: str
    accounts: dict[str, str] = field(default_factory=dict)
    joins: set[str] = field(default_factory=set)
    code: str = ""
    points: int = 0
    ends: datetime | None = None


@dataclass(slots=True)
class Receipt:
    """What whoever sold it remembers of an order. Money is in cents. `order` is "" for a coupon that was redeemed without buying anything.

    `coupons` are the data's, `code` is one of points that took `cents` off. `printed` is what each SKU cost after all discounts, as the
    platform printed it, `back` the units of it that came back. `placed` is when it was ordered.
    """

    slip: int
    household: int
    channel: str
    order: str
    placed: datetime
    coupons: tuple[str, ...]
    code: str = ""
    cents: int = 0
    cancelled: bool = False
    printed: dict[str, int] = field(default_factory=dict)
    back: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Patrons:
    """All households. `later` is what will be done at its time; `turned` are the points of each code made of points."""

    made: World
    rng: random.Random
    worth: Mapping[Coupon, int]
    returns: float
    regrets: float
    redeems: float
    people: dict[int, Patron] = field(default_factory=dict)
    receipts: list[Receipt] = field(default_factory=list)
    turned: dict[str, tuple[int, int]] = field(default_factory=dict)
    tally: Tally[str] = field(default_factory=Tally)
    later: list[tuple[datetime, int, Callable[[], None]]] = field(default_factory=list)
    _owed: list[tuple[str, str]] = field(default_factory=list)

    @property
    def now(self) -> datetime:
        """The time."""
        return self.made.around.now()

    def at(self, when: datetime, what: Callable[[], None]) -> None:
        """Have something done at its time."""
        self.tally["things to do"] += 1
        heapq.heappush(self.later, (when, self.tally["things to do"], what))

    def visit(self, slip: Slip) -> None:
        """Let a household shop. Now and then it regrets the order, and places the same again days later; or makes a code of its points."""
        patron = self.people[slip.household]
        channel = PLATFORMS[slip.store % len(PLATFORMS)]
        if channel == SHOPIFY and len(slip.coupons) > _CODES:
            self.tally["slips with more codes than Shopify takes: bought at WooCommerce"] += 1
            channel = WOO
        if not slip.items:
            return self._only_redeem(patron, slip)
        if channel in patron.joins:
            self._join(patron, channel)
        regrets = channel != SQUARE and self.rng.random() < self.regrets
        try:
            receipt = self._buy(patron, channel, slip, ship=not regrets)
        except RefusedError:
            # An order that will be regretted has the use that was meant for this one.
            return self._come_back(patron, channel, slip)
        if regrets:
            self.at(self.now + timedelta(hours=self.rng.uniform(1, 20)), lambda: self._cancel(receipt))
            again = self.now + timedelta(days=self.rng.uniform(2, 4))
            self.at(again, lambda: self._buy_again(patron, channel, slip))
        if self.rng.random() < self.redeems:
            self.at(self.now + timedelta(hours=self.rng.uniform(0.1, 30)), lambda: self._redeem(patron))
        return None

    def meet(self, households: Iterable[int]) -> None:
        """Invent who they are: a channel knows a household already, or will from its first visit on, or takes it for a guest for ever."""
        for number, household in enumerate(sorted(households)):
            area, line = _AREAS[number // 100 % len(_AREAS)], 100 + number % 100
            patron = Patron(household, f"household.{household}@example.com", f"+1{area}5550{line}")
            self.people[household] = patron
            for channel in PLATFORMS:
                turn = self.rng.randrange(3)
                if turn == 0:
                    self._join(patron, channel)
                elif turn == 1:
                    patron.joins.add(channel)

    def _join(self, patron: Patron, channel: str) -> None:
        who = {"name": f"Household {patron.household}", "email": patron.email, "phone": patron.phone}
        patron.accounts[channel] = self._shop(channel).add_customer(**who)
        patron.joins.discard(channel)
        self.tally["accounts"] += 1

    def _who(self, patron: Patron, channel: str) -> dict[str, Any]:
        who = {"name": f"Household {patron.household}", "email": patron.email, "phone": patron.phone}
        return who | ({"id": patron.accounts[channel]} if channel in patron.accounts else {})

    # Buying.

    def _buy(self, patron: Patron, channel: str, slip: Slip, *, ship: bool) -> Receipt:
        code, cents = self._own_code(patron, channel, slip)
        placed = self.now
        try:
            order = self._check_out(patron, channel, slip, code, cents)
        except RefusedError:
            if not code:
                raise
            # It has not reached this shop yet, or does not work there: the household keeps it for another time.
            self.tally["codes of points that a checkout did not take"] += 1
            code, cents = "", 0
            order = self._check_out(patron, channel, slip, code, cents)
        if ship and channel != SQUARE:
            self._shop(channel).fulfil(order)
        receipt = Receipt(
            slip.id, patron.household, channel, order.rpartition("/")[2], placed, tuple(one.code for one in slip.coupons), code, cents
        )  # fmt: skip
        receipt.printed = self._printed(channel, order)
        self.receipts.append(receipt)
        self.tally[f"orders at {channel}"] += 1
        self.tally["order lines"] += len(slip.items)
        if code:
            self.tally["codes of points used"] += 1
            patron.code = ""
        if ship and self.rng.random() < self.returns:
            self.at(
                self.now + timedelta(days=self.rng.uniform(0.5, 10)), lambda: self._bring_back(receipt, order, slip)
            )
        return receipt

    def _own_code(self, patron: Patron, channel: str, slip: Slip) -> tuple[str, int]:
        """A code of points, where it is good still and is not worth more than all there is to pay."""
        good = patron.code and patron.ends is not None and patron.ends > self.now + timedelta(hours=1)
        # A code of points stands alone at a checkout; at the till that is the clerk's business.
        alone = channel == SQUARE or not slip.coupons
        return (patron.code, patron.points) if good and alone and patron.points < slip.paid else ("", 0)

    def _check_out(self, patron: Patron, channel: str, slip: Slip, code: str, cents: int) -> str:
        if channel == SQUARE:
            return self._buy_at_till(patron, channel, slip, code, cents)
        return self._buy_in_shop(patron, channel, slip, code)

    def _buy_in_shop(self, patron: Patron, channel: str, slip: Slip, code: str) -> str:
        """At a checkout that takes codes: what they take off is left out of what the card's prices are lower by."""
        by_codes = sum(self.worth[one] for one in slip.coupons)
        typed = [one.code for one in slip.coupons] + ([code] if code else [])
        return self._shop(channel).sale(_lines(slip.items, by_codes), customer=self._who(patron, channel), codes=typed)

    def _buy_at_till(self, patron: Patron, channel: str, slip: Slip, code: str, cents: int) -> str:
        """At a till without codes: each is claimed, what it takes off keyed in, and some time later told that it was used."""
        claims = [
            self._claim(one, channel) for one in (*(coupon.code for coupon in slip.coupons), *([code] if code else []))
        ]
        off = {"discount": _decimal(cents)} if cents else {}
        order = self._shop(channel).sale(_lines(slip.items, 0), customer=self._who(patron, channel), **off)
        for claim in claims:
            self._told_later(claim, order)
        return order

    def _told_later(self, claim: str, order: str) -> None:
        """At once, or within hours: before the order is read, or after it."""
        self._owed.append((claim, order))
        wait = self.rng.choice([0.0, self.rng.uniform(0, 600), self.rng.uniform(0, 10 * 3600)])
        self.at(self.now + timedelta(seconds=wait), partial(self._capture, claim, order))

    def _only_redeem(self, patron: Patron, slip: Slip) -> None:
        """The data knows a coupon, and no goods: it is claimed, and the clerk names the customer and no order."""
        for coupon in slip.coupons:
            person = self._ask(lambda connection, context: loyal_looking.find_person(connection, context, patron.email))
            claim = self._claim(coupon.code, SQUARE, person)
            self._told_later(claim, "")
            self.receipts.append(
                Receipt(slip.id, patron.household, SQUARE, "", self.now, (coupon.code,), printed={})
            )  # fmt: skip

    def _claim(self, code: str, channel: str, person: str = "") -> str:
        lasts = timedelta(hours=12)
        return self._ask(
            lambda connection, context: loyal_claims.claim(connection, context, code, channel, lasts, person)
        ).id

    def _capture(self, claim: str, order: str) -> None:
        self._ask(partial(loyal_claims.capture, claim_id=claim, order_id=order))
        self._owed.remove((claim, order))
        if self.rng.random() < 0.1:
            self._ask(partial(loyal_claims.capture, claim_id=claim, order_id=order))

    @property
    def untold(self) -> int:
        """Uses at a till of which the bridge has not heard."""
        return len(self._owed)

    # Regretting, and bringing back.

    def _cancel(self, receipt: Receipt) -> None:
        prefix = "gid://shopify/Order/" if receipt.channel == SHOPIFY else ""
        self._shop(receipt.channel).cancel(prefix + receipt.order)
        receipt.cancelled = True
        self.tally["orders cancelled, and placed anew"] += 1
        patron = self.people[receipt.household]
        if receipt.code and not patron.code:
            patron.code = receipt.code
            self.tally["codes of points given back"] += 1

    def _buy_again(self, patron: Patron, channel: str, slip: Slip) -> None:
        try:
            self._buy(patron, channel, slip, ship=True)
        except RefusedError:
            # The shop has not heard yet that the uses of the cancelled order are free again.
            self._come_back(patron, channel, slip)

    def _come_back(self, patron: Patron, channel: str, slip: Slip) -> None:
        self.tally["checkouts tried again: a use of a cancelled order was not free yet"] += 1
        self.at(self.now + timedelta(hours=9), lambda: self._buy_again(patron, channel, slip))

    def _bring_back(self, receipt: Receipt, order: str, slip: Slip) -> None:
        """One product: a unit of it where a unit costs whole cents, else all units."""
        some = [item for item in slip.items if receipt.printed.get(item.sku)]
        if not some:
            return
        item = self.rng.choice(some)
        single = receipt.printed[item.sku] % item.quantity == 0
        units = self.rng.randint(1, item.quantity) if single else item.quantity
        self._shop(receipt.channel).refund(order, [{"sku": item.sku, "quantity": units}], restock=False)
        receipt.back[item.sku] = units
        self.tally["orders with goods brought back"] += 1

    # Points.

    def _redeem(self, patron: Patron) -> None:
        """Ask for a code out of points, if there are some that can be spent."""
        if patron.code and patron.ends is not None and patron.ends > self.now:
            return

        def unit(connection: Connection, context: Context) -> Any:
            person = loyal_looking.find_person(connection, context, patron.email)
            have = loyal_looking.balance(connection, context, person).spendable
            if have < _FEW:
                raise AppError("too few", next_step="")
            return loyal_acting.redeem(connection, context, person, self.rng.randint(_FEW, min(have, _MANY)), ())

        try:
            made = self._ask(unit)
        except RefusedError:
            return
        patron.code, patron.points, patron.ends = made.code, made.points, made.ends_at
        self.turned[made.code] = (patron.household, made.points)
        self.tally["codes made of points"] += 1

    def _ask(self, unit: Callable[[Connection, Context], T]) -> T:
        """One unit of work of a person's or a till's own program."""
        context = self.made.context
        try:
            return self.made.database.write(lambda connection: unit(connection, context))
        except AppError as error:
            raise RefusedError(str(error)) from error

    # What the platforms printed.

    def _shop(self, channel: str) -> LoyalShop:
        return cast(LoyalShop, self.made.platforms[channel].shop)

    def _printed(self, channel: str, order: str) -> dict[str, int]:
        """What each SKU cost, as the platform's own books have it."""
        shop: Any = self.made.platforms[channel].shop
        if channel == WOO:
            return {line.sku: int(line.total * 100) for line in shop.woo.book.orders[int(order)].lines}
        if channel == SHOPIFY:
            found = shop.state.orders.get(int(order.rpartition("/")[2]))
            return {line.sku: int((line.price * line.quantity - line.discount) * 100) for line in found.lines}
        lines, entries = shop.state.orders.all[order].data["line_items"], shop.state.catalog.entries
        return {entries[one["catalog_object_id"]].data["sku"]: one["total_money"]["amount"] for one in lines}


def _lines(items: Sequence[Item], by_codes: int) -> list[dict[str, Any]]:
    """A unit's price is rounded up to the cent, and the line's discount makes the line right; `by_codes` are left to the codes."""
    lines = []
    for item in items:
        price = -(-item.shelf // item.quantity)
        left = min(by_codes, item.off)
        by_codes -= left
        off = price * item.quantity - item.shelf + item.off - left
        line: dict[str, Any] = {"sku": item.sku, "quantity": item.quantity, "price": _decimal(price)}
        lines.append(line | ({"discount": _decimal(off)} if off else {}))
    return lines


def _decimal(cents: int) -> str:
    return f"{Decimal(cents) / 100:.2f}"
