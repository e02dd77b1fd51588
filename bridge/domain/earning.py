"""What an order earns: rules of the merchant, and the points of each line under the terms that were frozen with it.

`earned(order, terms, back)` is a pure function of the newest snapshot. A rule that changes later leaves recorded lines alone: the
rule's version and the rate are part of their terms.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from fractions import Fraction

import msgspec

from bridge.domain.money import exponent
from bridge.domain.orders import Order, OrderLine

__all__ = [
    "EarnRule",
    "EarnTerms",
    "PointsRules",
    "Tier",
    "earned",
    "frozen",
    "spend_of",
    "tier_of",
    "value_of",
    "window",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class EarnRule:
    """Lines that match earn `times` as much (0: nothing). Patterns are shell patterns; None matches all.

    `since` and `until` are compared with when the order was placed; `until` is the first moment no more in it.
    """

    times: str = "1"
    sku: str | None = None
    tag: str | None = None
    channel: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def fits(self, sku: str, tags: frozenset[str], channel: str, at: datetime) -> bool:
        """Whether a line of such an order matches."""
        return (
            (self.sku is None or fnmatchcase(sku, self.sku))
            and (self.tag is None or self.tag in tags)
            and (self.channel is None or self.channel == channel)
            and (self.since is None or at >= self.since)
            and (self.until is None or at < self.until)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """From `spend` (minor units within `PointsRules.tier_days`) on, a customer earns `times` as much."""

    name: str
    spend: int
    times: str = "1"


@dataclass(frozen=True, slots=True, kw_only=True)
class PointsRules:
    """How points are earned. `earn` are points for one unit of `currency`, as a decimal; `value` what a point is worth, in that unit.

    `pending_days` is the return window, `expires_days` how long points last (None: for ever). Shipping never earns, nor do gift cards;
    tax and discounted lines do where the merchant says so. `off` are channels whose orders earn nothing from us.
    """

    currency: str
    earn: str = "1"
    value: str = "0.01"
    pending_days: float = 14.0
    expires_days: float | None = None
    with_tax: bool = False
    discounted: bool = True
    rules: tuple[EarnRule, ...] = ()
    tiers: tuple[Tier, ...] = ()
    tier_days: int = 365
    off: frozenset[str] = frozenset()

    @property
    def version(self) -> str:
        """A name of these very rules."""
        return hashlib.blake2b(msgspec.json.encode(self, order="sorted"), digest_size=6).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class EarnTerms:
    """What was agreed about a line when it was first seen: points for each minor unit of its net price, and until when they are good.

    `rate` is a fraction as text ("3/200"); `with_tax` says whether the tax in the price counts.
    """

    version: str
    rate: str
    with_tax: bool
    pending_days: float
    expires_days: float | None


def frozen(
    order: Order, line: OrderLine, channel: str, rules: PointsRules, tags: frozenset[str], tier: Tier | None
) -> EarnTerms:
    """Return the terms of a line under the rules in force when its order was placed."""
    rate = Fraction(rules.earn) / 10 ** exponent(rules.currency)
    for rule in rules.rules:
        if rule.fits(line.sku or "", tags, channel, order.placed_at):
            rate *= Fraction(rule.times)
    rate *= Fraction(tier.times) if tier else 1
    excluded = (
        line.gift_card
        or (line.discounted and not rules.discounted)
        or channel in rules.off
        or order.currency != rules.currency
        or order.test
    )
    return EarnTerms(
        version=rules.version,
        rate="0" if excluded else str(rate),
        with_tax=rules.with_tax,
        pending_days=rules.pending_days,
        expires_days=rules.expires_days,
    )


def earned(order: Order, terms: Callable[[OrderLine], EarnTerms], back: Mapping[str, int]) -> dict[str, int]:
    """Return the points each line of an order is worth now, by line id. `back` is what orders of their own took back: units by line id,
    and under "" the money that was given back without goods, in minor units.

    An order that is not paid yet, or cancelled, earns nothing; a line earns in proportion to the units that were kept. Money that was
    refunded without naming units comes off all lines alike. Of an order that takes goods back and sells others (an exchange), those
    that it sells earn.
    """
    paid = order.status in {"paid", "fulfilled"}
    part = _money_kept(order, back) if paid else Fraction(0)
    found = {}
    for line in order.lines:
        if line.quantity > 0:
            agreed = terms(line)
            kept = Fraction(_kept_units(line, back), line.quantity)
            found[line.id] = int(Fraction(agreed.rate) * value_of(line, with_tax=agreed.with_tax) * kept * part)
    return found


def value_of(line: OrderLine, *, with_tax: bool) -> int:
    """What a line cost, in minor units, all its units together, discounts taken off; never below 0."""
    return max(0, line.total.minor - (0 if with_tax else line.tax.minor))


def tier_of(tiers: Iterable[Tier], spend: int) -> Tier | None:
    """Return the highest tier that a spend reaches."""
    return max((one for one in tiers if spend >= one.spend), key=lambda one: one.spend, default=None)


def spend_of(order: Order, back: Mapping[str, int], currency: str = "") -> int:
    """What an order counts for the tier: the net price of the goods that were kept, in minor units of `currency`.

    Nothing of a test order, nor of one in another currency: what that is worth nobody says. "" counts any in its own.
    """
    if order.status not in {"paid", "fulfilled"} or order.test or (currency and order.currency != currency):
        return 0
    part = _money_kept(order, back)
    lines = (line for line in order.lines if line.quantity > 0 and not line.gift_card)
    kept = sum(value_of(one, with_tax=False) * Fraction(_kept_units(one, back), one.quantity) for one in lines)
    return int(kept * part)


def window(order: Order, terms: EarnTerms) -> tuple[datetime, datetime | None]:
    """Return when a line's points can be spent, and when they expire."""
    expires = None if terms.expires_days is None else order.placed_at + timedelta(days=terms.expires_days)
    return order.placed_at + timedelta(days=terms.pending_days), expires


def _kept_units(line: OrderLine, back: Mapping[str, int]) -> int:
    return max(0, line.quantity - max(line.refunded, back.get(line.id, 0)))


def _money_kept(order: Order, back: Mapping[str, int]) -> Fraction:
    """The part of the price that stays after refunds that name no units; shipping is given back first."""
    lines = [line for line in order.lines if line.quantity > 0]
    named = sum(_share(line, min(line.refunded, line.quantity)) for line in lines)
    left = sum(_share(line, _kept_units(line, back)) for line in lines)
    # What an order that takes goods back gives back without goods, it gives back of the other order.
    given = order.refunded.minor if order.returns is None else 0
    loose = given + back.get("", 0) - named - order.shipping.minor
    # A part of a line rounds to a cent, line by line.
    if loose <= len(order.lines) or left <= 0:
        return Fraction(1)
    return max(Fraction(0), 1 - Fraction(loose) / Fraction(left))


def _share(line: OrderLine, units: int) -> Fraction:
    return Fraction(max(0, line.total.minor) * units, line.quantity)
