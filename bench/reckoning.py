"""What a year of trade must come to, reckoned from the data and from receipts alone, and held against what the bridge has on record.

It shares no code with the bridge, nor with what read the data for the replay: it reads the columns anew in decimals, says the rules of
points in words of its own, and looks into the bridge's database with SQL. Of an order with codes that a shop took off itself, how their
worth was laid over the lines is the platform's business: there the lines are those that it printed, and their sum must be the data's.
"""

import importlib
import json
import sqlite3
from collections import Counter as Tally
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import groupby
from math import floor
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from bench.patrons import Receipt
from bridge.sandbox.kit.platform import Platform

__all__ = ["Reckoning", "balance_of", "prices_of"]

_TILL, _SHOP = "square", "woocommerce"
_PENDING, _EXPIRES = timedelta(days=3), timedelta(days=120)
_TRIPLE = (datetime(2026, 11, 30, tzinfo=UTC), datetime(2026, 12, 14, tzinfo=UTC))
_ZERO = Decimal(0)
_Lot = tuple[datetime, int]


@dataclass(slots=True)
class Reckoning:
    """`wrong` counts the differences by kind, `sentences` says what they are, `told` is what was compared.

    `turned` are the household and the points of each code made of points; `change` is when a point and a half was given for a dollar.
    """

    folder: Path
    chosen: Collection[int] | None
    near: int | None
    receipts: Sequence[Receipt]
    turned: Mapping[str, tuple[int, int]]
    now: datetime
    change: datetime
    wrong: Tally[str] = field(default_factory=Tally)
    told: Tally[str] = field(default_factory=Tally)
    sentences: list[str] = field(default_factory=list)
    _paid: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)
    _earned: dict[tuple[str, str], int] = field(default_factory=dict)
    _lots: dict[int, list[_Lot]] = field(default_factory=dict)
    _spends: dict[int, list[_Lot]] = field(default_factory=dict)
    _departments: dict[int, str] = field(default_factory=dict)
    _days: dict[int, tuple[int, date]] = field(default_factory=dict)
    _redeemed: dict[int, set[date]] = field(default_factory=dict)

    def compare(self, database: Path, emails: Mapping[int, str], platforms: Mapping[str, Platform]) -> None:
        """Reckon, and compare with a bridge's database and the platforms' own numbers."""
        for kind in _KINDS:
            self.wrong[kind] = 0
        self._read()
        connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
        try:
            persons = self._persons(connection, emails)
            self._redemptions(connection, persons)
            self._points(connection, persons, emails, platforms)
            self._money(connection)
        finally:
            connection.close()

    def _differs(self, kind: str, sentence: str) -> None:
        self.wrong[kind] += 1
        self.sentences.append(sentence)

    # What the data says.

    def _read(self) -> None:
        for row in _rows(self.folder, "products", ["product_id", "department"]):
            self._departments[row["product_id"]] = row["department"] or "OTHER"
        for row in _rows(self.folder, "coupon_redemptions", ["household_id", "redemption_date"], self.chosen):
            self._redeemed.setdefault(row["household_id"], set()).add(row["redemption_date"].date())
        of_slip: dict[int, list[Receipt]] = {}
        for one in self.receipts:
            of_slip.setdefault(one.slip, []).append(one)
        rows = _rows(self.folder, "transactions", _LINES, self.chosen)
        for slip, found in groupby(rows, key=lambda row: row["basket_id"]):
            lines = list(found)
            if not self._meant(lines[0]):
                continue
            self._slip(slip, lines[0]["household_id"], lines, of_slip.get(slip, []))

    def _meant(self, line: Any) -> bool:
        """Whether a slip is so near to a redemption of its household that it was replayed."""
        if self.near is None:
            return True
        day = _stores_day(line)
        return any(abs((day - one).days) <= self.near for one in self._redeemed.get(line["household_id"], ()))

    def _slip(self, slip: int, household: int, lines: Sequence[Any], receipts: Sequence[Receipt]) -> None:
        self._days[slip] = (household, _stores_day(lines[0]))
        shelf, cost, units = prices_of(lines)
        standing = [one for one in receipts if not one.cancelled and one.order]
        if len(standing) != bool(cost):
            self._differs(
                "slips without exactly one order that stands",
                f"slip {slip}: {len(standing)} orders stand, {len(cost)} goods",
            )
        self.told["cents paid, by the data"] += sum(map(_minor, cost.values())) if cost else 0
        self.told["cents taken off shelf prices, by the data"] += _minor(
            sum(shelf.values(), _ZERO) - sum(cost.values(), _ZERO)
        )
        for one in receipts:
            if one.order:
                self._receipt(one, cost, units)

    def _receipt(self, one: Receipt, cost: Mapping[int, Decimal], units: Mapping[int, int]) -> None:
        """What an order cost and earned: its lines are the data's, or where a shop took codes off, those that it printed."""
        by_sku = {int(sku.rpartition("-")[2]): cents for sku, cents in one.printed.items()}
        lines = {product: _minor(left) for product, left in cost.items()}
        right = sum(lines.values()) - one.cents
        if sum(by_sku.values()) != right:
            self._differs(
                "orders whose price is not the data's",
                f"slip {one.slip}: {one} printed {by_sku}, {right} cents are right",
            )
        if (one.coupons and one.channel != _TILL) or one.cents:
            self.told["orders with lines as printed"] += 1
            lines = by_sku
        elif lines != by_sku:
            self._differs(
                "orders with a line that is not the data's",
                f"slip {one.slip}: {one} printed {by_sku}, {lines} is right",
            )
        back = {int(sku.rpartition("-")[2]): count for sku, count in one.back.items()}
        # WooCommerce gives no money back with a cancelled order: these are paid on delivery, and were not delivered.
        refunded = (
            right * (one.channel != _SHOP)
            if one.cancelled
            else sum(_part(lines[key], count, units[key]) for key, count in back.items())
        )
        self._paid[one.channel, one.order] = (right, refunded)
        self.told["cents given back"] += refunded
        self.told["cents taken off by codes of points"] += 0 if one.cancelled else one.cents
        earned = (
            0
            if one.cancelled
            else sum(self._worth(one, key, lines[key], back.get(key, 0), units[key]) for key in lines)
        )
        self._earned[one.channel, one.order] = earned
        self._lots.setdefault(one.household, []).append((one.placed.replace(microsecond=0), earned))
        if one.code and not one.cancelled:
            self._spends.setdefault(one.household, []).append(
                (one.placed.replace(microsecond=0), self.turned[one.code][1])
            )

    def _worth(self, one: Receipt, product: int, cents: int, back: int, units: int) -> int:
        """A point a dollar, from the change on one and a half; none for fuel, twice for produce, three times in a fortnight at the till."""
        placed, kind = one.placed, self._departments.get(product, "OTHER")
        rate = Fraction(3, 200) if placed >= self.change else Fraction(1, 100)
        rate *= {"FUEL": 0, "PRODUCE": 2}.get(kind, 1)
        rate *= 3 if one.channel == _TILL and _TRIPLE[0] <= placed < _TRIPLE[1] else 1
        return floor(rate * cents * (units - back) / units)

    # What the bridge has.

    def _persons(self, connection: sqlite3.Connection, emails: Mapping[int, str]) -> dict[int, str]:
        """Who each household is to the bridge: whoever has its address."""
        whose = dict(connection.execute("select value, person from contacts where kind = 'email'"))
        return {household: whose.get(email, "nobody") for household, email in emails.items()}

    def _redemptions(self, connection: sqlite3.Connection, persons: Mapping[int, str]) -> None:
        """Each row of the data has an order of its household on its day with its code, and the bridge has just these uses."""
        standing: dict[tuple[int, date, str], list[Receipt]] = {}
        for one in self.receipts:
            if not one.cancelled:
                household, day = self._days[one.slip]
                for code in one.coupons:
                    standing.setdefault((household, day, code), []).append(one)
        wanted: Tally[tuple[str, str, str, str]] = Tally()
        per_code: Tally[str] = Tally()
        names = ["household_id", "coupon_upc", "campaign_id", "redemption_date"]
        for row in _rows(self.folder, "coupon_redemptions", names, self.chosen):
            household, code = row["household_id"], f"C{row['campaign_id']:02d}-{row['coupon_upc']}"
            self.told["redemptions in the data"] += 1
            per_code[code] += 1
            found = standing.get((household, row["redemption_date"].date(), code), [])
            if not found:
                self._differs(
                    _KINDS[0],
                    f"household {household} redeemed {code} on {row['redemption_date']:%Y-%m-%d}: no order has it",
                )
                continue
            one = found.pop()
            wanted[one.channel, one.order, code, persons[household]] += 1
        for (household, _, code), left in standing.items():
            for one in left:
                self._differs(_KINDS[0], f"household {household} used {code} once more than the data says: {one}")
        for one in self.receipts:
            if one.code and not one.cancelled:
                wanted[one.channel, one.order, one.code, persons[one.household]] += 1
                self.told["codes of points used"] += 1
        self._uses(connection, wanted, per_code)

    def _uses(
        self, connection: sqlite3.Connection, wanted: Tally[tuple[str, str, str, str]], per_code: Tally[str]
    ) -> None:
        there: Tally[tuple[str, str, str, str]] = Tally()
        for channel, order, code, person, count in connection.execute(
            "select channel, order_id, code, person, count from code_uses"
        ):
            there[channel, "" if order.startswith("claim/") else order, code, person] += count
        self.told["uses on record, with code, order and person"] = sum(there.values())
        for key in sorted((wanted - there) + (there - wanted)):
            self._differs(
                _KINDS[0],
                f"{key[2]} at {key[0]} order {key[1]} by {key[3]}: {there[key]} uses on record, {wanted[key]} are right",
            )
        used: Tally[str] = Tally()
        for (_, _, code, _), count in there.items():
            used[code] += count
        left = dict(connection.execute("select key, balance from counters where kind = 'uses'"))
        self.told["codes whose uses were compared"] = len(per_code)
        for code in sorted(per_code.keys() | {one for one in used if one not in self.turned}):
            if used[code] != per_code[code] or left.get(code) != 0:
                self._differs(
                    _KINDS[1],
                    f"{code}: used {used[code]} times, {per_code[code]} are right; {left.get(code)} uses are left, 0 are right",
                )

    def _points(
        self,
        connection: sqlite3.Connection,
        persons: Mapping[int, str],
        emails: Mapping[int, str],
        platforms: Mapping[str, Platform],
    ) -> None:
        kept: Tally[tuple[str, str]] = Tally()
        for channel, order, points in connection.execute(
            "select channel, order_id, sum(kept) from lots group by channel, order_id"
        ):
            kept[channel, order] = points
        for key in self._earned.keys() | kept.keys():
            if self._earned.get(key, 0) != kept[key]:
                self._differs(
                    "orders that earned other points",
                    f"order {key} earned {kept[key]}, {self._earned.get(key, 0)} are right",
                )
        self.told["points earned, by the data"] = sum(self._earned.values())
        there = dict(connection.execute("select key, balance from counters where kind = 'points'"))
        of_person = {person: household for household, person in persons.items()}
        right = {
            household: balance_of(self._lots.get(household, []), self._spends.get(household, []), self.now)
            for household in persons
        }
        self.told["points spent, by receipts"] = sum(points for some in self._spends.values() for _, points in some)
        self.told["points that expired, by the data"] = sum(gone for _, _, gone in right.values())
        self.told["points that are left, by the data"] = sum(balance for balance, _, _ in right.values())
        self.told["households whose points were compared"] = len(right)
        for household, (balance, _, _) in right.items():
            if there.pop(persons[household], 0) != balance:
                self._differs(
                    _KINDS[2], f"household {household} ({persons[household]}) has other points than {balance}"
                )
        for person, points in there.items():
            if points and person not in of_person:
                self._differs(_KINDS[2], f"{person} is no household, and has {points} points")
        self._shown({emails[household]: free for household, (_, free, _) in right.items()}, platforms)

    def _shown(self, free: Mapping[str, int], platforms: Mapping[str, Platform]) -> None:
        for name, platform in platforms.items():
            shop: Any = platform.shop
            for row in shop.customers():
                self.told["balances shown by platforms"] += 1
                if (row["points"] or 0) != free.get(row["email"], 0):
                    said = f"{name} shows {row['email']} {row['points']} points, {free.get(row['email'])} are right"
                    self._differs("balances that a platform shows otherwise", said)

    def _money(self, connection: sqlite3.Connection) -> None:
        """What was paid for each order, and what was given back of it, as the bridge has them on record."""
        paid: dict[tuple[str, str], int] = {}
        back: Tally[tuple[str, str]] = Tally()
        for channel, order, body in connection.execute("select channel, order_id, snapshot from orders"):
            told = json.loads(body)
            if told.get("returns"):
                back[channel, told["returns"]] -= told["total"]["minor"]
            else:
                paid[channel, order] = told["total"]["minor"]
                back[channel, order] += told["refunded"]["minor"]
        self.told["orders on record"] = len(paid)
        self.told["cents paid, on record, orders that stand"] = sum(
            paid.get((one.channel, one.order), 0) for one in self.receipts if not one.cancelled
        )
        for key in self._paid.keys() | paid.keys():
            right = self._paid.get(key)
            if right is None or paid.get(key) != right[0] or back[key] != right[1]:
                self._differs(
                    _KINDS[3],
                    f"order {key}: {paid.get(key)} cents paid and {back[key]} back on record, {right} is right",
                )


_EASTERN = ZoneInfo("America/New_York")
_KINDS = (
    "redemptions not attributed, or uses that nobody made", "codes with other uses than redemptions", "households with other points",
    "orders with other money on record", "slips without exactly one order that stands", "orders whose price is not the data's",
    "orders with a line that is not the data's", "orders that earned other points", "balances that a platform shows otherwise",
)  # fmt: skip
_LINES = [
    "household_id", "basket_id", "product_id", "quantity", "sales_value", "retail_disc", "coupon_disc", "coupon_match_disc",
    "transaction_timestamp",
]  # fmt: skip


def _rows(folder: Path, name: str, columns: list[str], chosen: Collection[int] | None = None) -> Iterator[Any]:
    """Yield a table's rows, of the chosen households."""
    parquet: Any = importlib.import_module("pyarrow.parquet")
    filters = None if chosen is None else [("household_id", "in", set(chosen))]
    for batch in parquet.read_table(folder / f"{name}.parquet", columns=columns, filters=filters).to_batches(10_000):
        yield from batch.to_pylist()


def _stores_day(line: Any) -> date:
    day: date = line["transaction_timestamp"].replace(tzinfo=UTC).astimezone(_EASTERN).date()
    return day


def prices_of(lines: Iterable[Any]) -> tuple[dict[int, Decimal], dict[int, Decimal], dict[int, int]]:
    """Return the shelf price, the price paid and the units of each product of a slip."""
    shelf: dict[int, Decimal] = {}
    cost: dict[int, Decimal] = {}
    units: dict[int, int] = {}
    loose = _ZERO
    for line in lines:
        value, card, coupon, match = (
            round(Decimal(line[name]), 2) for name in ("sales_value", "retail_disc", "coupon_disc", "coupon_match_disc")
        )
        product, quantity = line["product_id"], line["quantity"]
        if quantity == 0 and value == 0:
            loose += coupon
            continue
        shelf[product] = shelf.get(product, _ZERO) + value + card + match
        cost[product] = cost.get(product, _ZERO) + value - coupon
        units[product] = units.get(product, 0) + (quantity if 0 < quantity <= 1000 else 1)
    for product, left in cost.items():
        if left < 0:
            loose, cost[product] = loose - left, _ZERO
    for product, left in cost.items():
        part = min(loose, left)
        loose, cost[product] = loose - part, left - part
    return shelf, cost, units


def _minor(amount: Decimal) -> int:
    cents = amount * 100
    assert cents == int(cents), amount
    return int(cents)


def _part(cents: int, count: int, units: int) -> int:
    assert cents * count % units == 0, (cents, count, units)
    return cents * count // units


def balance_of(lots: Sequence[_Lot], spends: Sequence[_Lot], now: datetime) -> tuple[int, int, int]:
    """Return what an account has, what of it can be spent, and what expired: the oldest that can be spent goes first."""
    acts = [(at, 0, points) for at, points in lots] + [(at, 2, points) for at, points in spends]
    acts += [(at + _EXPIRES, 1, 0) for at, _ in lots if at + _EXPIRES <= now]
    purse: list[list[Any]] = []
    owed = gone = 0
    for at, kind, points in sorted(acts):
        if kind == 0:
            paid = min(owed, points)
            owed -= paid
            purse.append([at, points - paid])
        elif kind == 1:
            ended = [one for one in purse if one[0] + _EXPIRES <= at]
            gone += sum(one[1] for one in ended)
            purse = [one for one in purse if one not in ended]
        else:
            left, ripe = points, [one for one in purse if one[0] + _PENDING <= at]
            for one in ripe + [one for one in purse if one not in ripe]:
                part = min(one[1], left)
                one[1], left = one[1] - part, left - part
            owed += left
    balance = sum(one[1] for one in purse) - owed
    unripe = sum(one[1] for one in purse if one[0] + _PENDING > now)
    return balance, max(0, balance - unripe), gone
