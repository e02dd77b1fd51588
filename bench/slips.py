"""The till slips of "The Complete Journey" (see bench/journey.py) to the cent, with the coupons that were redeemed on each.

What the columns say: `sales_value` is what the retailer received, `retail_disc` what the loyalty card took off, `coupon_match_disc` what
the retailer added to a manufacturer's coupon, `coupon_disc` what that coupon took off. So the shelf price is the first three together,
and the household paid `sales_value` less `coupon_disc`. A coupon that is worth more than its line (many stand on a line of quantity 0)
takes the rest off the other lines of the slip, in their order.

A redemption names a household, a coupon, a campaign and a day, and no slip. Times are UTC in this package, days are the stores' own
(Eastern): 233 of the 2,102 redemptions find no slip on their day where that is overlooked, and all of them do where it is heeded. Of
several slips of that day it is the one that fits best: a coupon came off goods it is for; such goods were bought; any coupon came off;
the first one. Four redemptions are of days on which nothing was taken: they have no order.
"""

from collections import Counter as Tally
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import groupby
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from bench.journey import table

__all__ = ["Campaign", "Coupon", "Item", "Slip", "Slips", "goods_names", "households", "items_of"]

_COLUMNS = (
    "household_id", "store_id", "basket_id", "product_id", "quantity", "sales_value", "retail_disc", "coupon_disc", "coupon_match_disc",
    "transaction_timestamp",
)  # fmt: skip
# Gasoline is told in thousandths of a gallon: a fill counts as one unit.
_BULK = 1_000
_STORES = ZoneInfo("EST5EDT")
# From 2017 to the year in which the platforms' API versions of today answer, weekday for weekday.
_LATER = timedelta(weeks=500)
_FITS = ("it came off goods it is for", "goods it is for were bought", "some coupon came off", "nothing speaks for it")


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """All units of a product on a slip, in cents: what they cost on the shelf, and what came `off`."""

    sku: str
    quantity: int
    shelf: int
    off: int


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Coupon:
    """A coupon of a campaign, as the data tells them apart: the code that a household types in."""

    campaign: int
    upc: int

    @property
    def code(self) -> str:
        """What is typed in."""
        return f"C{self.campaign:02d}-{self.upc}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """When a campaign's first and its last day begin in the stores, 500 weeks later than in the data."""

    number: int
    first: datetime
    last: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Slip:
    """One visit of a household to a store; `at` is UTC, and 500 weeks later than in the data."""

    id: int
    household: int
    store: int
    at: datetime
    items: tuple[Item, ...]
    coupons: tuple[Coupon, ...] = ()

    @property
    def off(self) -> int:
        """What came off in all, in cents."""
        return sum(item.off for item in self.items)

    @property
    def paid(self) -> int:
        """What the household paid, in cents."""
        return sum(item.shelf - item.off for item in self.items)


@dataclass(slots=True)
class _Candidate:
    """A slip of a day on which its household redeemed: its goods, and what a coupon took off each."""

    id: int
    at: datetime
    goods: bool = False
    coupons: dict[int, int] = field(default_factory=dict)


@dataclass(slots=True)
class Slips:
    """The slips of some households (None: all), within `near` days of a day on which they redeemed something (None: all).

    `oddities` counts what the data has that a till would not print; read it at the end. `goods` are the SKUs that are bought, `worth` is
    what each code takes off, in cents: what it took off most often, but no more than leaves each of its slips as it is.
    """

    folder: Path
    chosen: Collection[int] | None = None
    near: int | None = None
    oddities: Tally[str] = field(default_factory=Tally)
    worth: dict[Coupon, int] = field(default_factory=dict)
    redeemed: int = 0
    skus: dict[int, str] = field(default_factory=dict)
    goods: set[str] = field(default_factory=set)
    households: set[int] = field(default_factory=set)
    _coupons: dict[int, list[Coupon]] = field(default_factory=dict)
    _kept: set[tuple[int, date]] | None = None

    def __post_init__(self) -> None:
        self.skus = goods_names(self.folder)
        self._assign()

    def campaigns(self) -> list[Campaign]:
        """Return the campaigns, the first to begin first."""
        rows = table(self.folder, "campaign_descriptions", ("campaign_id", "start_date", "end_date"))
        return sorted((Campaign(number=a, first=_day(b), last=_day(c)) for a, b, c in rows), key=lambda one: one.first)

    def uses(self) -> Tally[Coupon]:
        """Return how often each coupon was redeemed."""
        return Tally(one for found in self._coupons.values() for one in found)

    def run(self) -> Iterator[Slip]:
        """Yield the slips with goods or redeemed coupons on them, in time order."""
        for lines in self._baskets():
            household, store, basket = lines[0][:3]
            items = items_of(lines, self._sku, self.oddities)
            coupons = tuple(self._coupons.get(basket, ()))
            if items or coupons:
                yield Slip(
                    id=basket,
                    household=household,
                    store=store,
                    at=_utc(lines[0][9]) + _LATER,
                    items=items,
                    coupons=coupons,
                )
            else:
                self.oddities["visits in which nothing was taken"] += 1

    def _baskets(self) -> Iterator[list[Sequence[Any]]]:
        """Yield the lines of each slip."""
        rows = table(self.folder, "transactions", _COLUMNS, self.chosen)
        for _, some in groupby(rows, key=lambda row: row[2]):
            lines = list(some)
            if self._kept is None or (lines[0][0], _local(lines[0])) in self._kept:
                yield lines

    def _sku(self, product: int) -> str:
        return self.skus.get(product, f"OTHER-{product}")

    # Which slip a coupon was redeemed on.

    def _assign(self) -> None:
        wanted = self._wanted()
        if self.near is not None:
            around = [timedelta(days=one) for one in range(-self.near, self.near + 1)]
            self._kept = {(household, day + one) for household, day in wanted for one in around}
        days = self._days(wanted.keys())
        told: dict[Coupon, Tally[int]] = {}
        for (household, day), coupons in sorted(wanted.items()):
            for coupon, entitled in coupons:
                self._one(coupon, entitled, days.get((household, day), []), told)
        self.redeemed = sum(len(found) for found in self._coupons.values())
        self._value(told)

    def _wanted(self) -> dict[tuple[int, date], list[tuple[Coupon, set[int]]]]:
        goods: dict[Coupon, set[int]] = {}
        for upc, product, campaign in table(self.folder, "coupons", ("coupon_upc", "product_id", "campaign_id")):
            goods.setdefault(Coupon(campaign=campaign, upc=upc), set()).add(product)
        found: dict[tuple[int, date], list[tuple[Coupon, set[int]]]] = {}
        names = ("household_id", "coupon_upc", "campaign_id", "redemption_date")
        for household, upc, campaign, day in table(self.folder, "coupon_redemptions", names, self.chosen):
            one = Coupon(campaign=campaign, upc=upc)
            found.setdefault((household, day.date()), []).append((one, goods.get(one, set())))
        self.oddities["redemptions: days with more than one coupon of a household"] = sum(
            len(one) > 1 for one in found.values()
        )
        self.oddities["redemptions: of one coupon in two campaigns at once, two codes"] = sum(
            len(one) - len({coupon.upc for coupon, _ in one}) for one in found.values()
        )
        return found

    def _days(self, wanted: Collection[tuple[int, date]]) -> dict[tuple[int, date], list[_Candidate]]:
        found: dict[tuple[int, date], dict[int, _Candidate]] = {}
        for lines in self._baskets():
            self.households.add(lines[0][0])
            self.goods.update(self._sku(row[3]) for row in lines)
            key = (lines[0][0], _local(lines[0]))
            if key not in wanted:
                continue
            self.oddities["redemptions: slips on their days"] += 1
            one = found.setdefault(key, {})[lines[0][2]] = _Candidate(lines[0][2], _utc(lines[0][9]))
            for row in lines:
                one.goods = one.goods or bool(row[4] or row[5])
                one.coupons[row[3]] = one.coupons.get(row[3], 0) + _cents(row[7])
        return {key: sorted(some.values(), key=lambda one: one.at) for key, some in found.items()}

    def _one(
        self, coupon: Coupon, entitled: set[int], slips: Sequence[_Candidate], told: dict[Coupon, Tally[int]]
    ) -> None:
        with_goods = [one for one in slips if one.goods] or slips
        if not slips:
            self.oddities["redemptions: no slip on their day, NOT REPLAYED"] += 1
            return
        self.oddities["redemptions: nothing was taken on their day, claimed without an order"] += not with_goods[
            0
        ].goods
        ranks = [_fit(one, entitled) for one in with_goods]
        best = with_goods[ranks.index(min(ranks))]
        self.oddities[f"redemptions: {_FITS[min(ranks)]}"] += 1
        self.oddities["redemptions: of two slips that fit alike, the first"] += ranks.count(min(ranks)) > 1
        self._coupons.setdefault(best.id, []).append(coupon)
        took = [cents for product, cents in best.coupons.items() if product in entitled and cents]
        told.setdefault(coupon, Tally()).update(took)

    def _value(self, told: dict[Coupon, Tally[int]]) -> None:
        """Let every code take off as much as it can without taking more off any of its slips than the data says."""
        least: dict[Coupon, int] = {
            coupon: max(some.most_common(1)[0][0], 1) if some else 1 for coupon, some in told.items()
        }
        for lines in self._baskets():
            mine = self._coupons.get(lines[0][2], [])
            if not mine:
                continue
            items = items_of(lines, self._sku)
            off = sum(item.off for item in items)
            for coupon in mine if items else ():
                least[coupon] = min(least[coupon], off // len(mine))
        self.worth = least
        self.oddities["codes that take nothing off: some slip of theirs has no discount"] = sum(
            not cents for cents in least.values()
        )


def households(folder: Path, count: int | None, rng: Any) -> frozenset[int] | None:
    """Choose households: those who redeemed coupons first, in an order of chance; -1 for just these, None for all of them."""
    if count is None:
        return None
    redeeming = sorted({household for (household,) in table(folder, "coupon_redemptions", ("household_id",))})
    others = sorted({household for (household,) in table(folder, "transactions", ("household_id",))} - {*redeeming})
    rng.shuffle(redeeming)
    rng.shuffle(others)
    return frozenset(redeeming if count < 0 else [*redeeming, *others][:count])


def goods_names(folder: Path) -> dict[int, str]:
    """Return the SKU of each product: its department and number."""
    rows = table(folder, "products", ("product_id", "department"))
    return {product: f"{''.join(one for one in kind or 'OTHER' if one.isalpha())}-{product}" for product, kind in rows}


def items_of(
    lines: Sequence[Sequence[Any]], sku_of: Callable[[int], str], oddities: Tally[str] | None = None
) -> tuple[Item, ...]:
    """Return the goods of a slip from its lines (in the order of the columns), in the order in which they were first told."""
    found: dict[str, list[int]] = {}
    odd: Tally[str] = Tally() if oddities is None else oddities
    over = 0
    for line in lines:
        quantity, value, card, coupon, match = line[4], *map(_cents, line[5:9])
        if not quantity and not value:
            odd["lines of nothing, coupons on some of them"] += 1
            over += coupon
            continue
        odd["lines of no units that cost something: one unit"] += not quantity
        odd["fills of gasoline: one unit"] += quantity > _BULK
        one = found.setdefault(sku_of(line[3]), [0, 0, 0])
        one[0] += 1 if quantity > _BULK or not quantity else quantity
        one[1] += value + card + match
        one[2] += card + match + coupon
    return _covered(found, over, odd)


def _covered(found: dict[str, list[int]], over: int, odd: Tally[str]) -> tuple[Item, ...]:
    """Take what coupons are worth beyond their lines off the other lines."""
    for one in found.values():
        beyond = max(0, one[2] - one[1])
        over, one[2] = over + beyond, one[2] - beyond
    odd["slips with a coupon worth more than its line"] += over > 0
    for one in found.values():
        part = min(over, one[1] - one[2])
        over, one[2] = over - part, one[2] + part
    odd["slips with coupons worth more than all of it"] += over > 0
    odd["cents of coupons that nothing was left to take off"] += over
    return tuple(Item(sku=sku, quantity=one[0], shelf=one[1], off=one[2]) for sku, one in found.items())


def _fit(slip: _Candidate, entitled: set[int]) -> int:
    if any(cents and product in entitled for product, cents in slip.coupons.items()):
        return 0
    if slip.coupons.keys() & entitled:
        return 1
    return 2 if any(slip.coupons.values()) else 3


def _cents(value: float) -> int:
    return int(Decimal(str(round(value, 2))) * 100)


def _utc(at: Any) -> datetime:
    moment: datetime = at.to_pydatetime() if hasattr(at, "to_pydatetime") else at
    return moment.replace(tzinfo=UTC)


def _local(line: Sequence[Any]) -> date:
    """The day on which a line was told, in the stores."""
    return _utc(line[9]).astimezone(_STORES).date()


def _day(at: Any) -> datetime:
    """The midnight with which a day begins in the stores."""
    return datetime(at.year, at.month, at.day, tzinfo=_STORES).astimezone(UTC) + _LATER
