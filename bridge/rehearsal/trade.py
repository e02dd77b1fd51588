"""Seeded trading on the stand-ins: shoppers, clerks and saboteurs, with an independent account of where every unit is."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from bridge.sandbox import STAND_INS, StandInFacts
from bridge.sandbox.kit.platform import Platform, RefusedError

__all__ = ["Act", "Habits", "Trade", "catalogue"]


def catalogue(count: int, *, stock: int, rng: random.Random) -> list[dict[str, Any]]:
    """Invent products with `count` SKUs in all: every third one comes in three sizes."""
    products: list[dict[str, Any]] = []
    number = 0
    while number < count:
        sizes = ["S", "M", "L"] if len(products) % 3 == 2 and count - number >= 3 else [""]
        variants = []
        for size in sizes:
            number += 1
            sku = f"GOOD-{number:04d}"
            price = f"{rng.randrange(300, 9900) / 100:.2f}"
            variant: dict[str, Any] = {"sku": sku, "barcode": f"40000{number:08d}", "price": price, "stock": stock}
            variants.append(variant | ({"options": {"Size": size}} if size else {}))
        product: dict[str, Any] = {"title": f"Good {number}", "variants": variants}
        products.append(product | ({"options": ["Size"]} if sizes != [""] else {}))
    return products


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """How often people do what (relative weights), and how long they wait between two acts, in seconds on average."""

    sale: float = 10
    refund: float = 2
    cancel: float = 1
    fulfil: float = 2
    count: float = 0.3
    offline: float = 0
    edit: float = 0
    unpaid: float = 0
    pay: float = 0
    till: float = 0
    plugin: float = 0
    meddle: float = 0
    pause: float = 4.0


@dataclass(frozen=True, slots=True)
class Act:
    """What one act changed: units of a SKU on a platform, by that platform's own number. `sale`: a buyer took them."""

    at: datetime
    platform: str
    sku: str
    moved: int
    sale: bool


@dataclass(slots=True)
class Trade:
    """Trading on several platforms. `truth` is what each SKU must come to: every act changes it by what it changed there.

    One of `kits` has no number of its own: what it moves are its parts. `counting` says whether a SKU may be counted just now.
    Nobody counts where `believes` says no (a marketplace, a surface), nor puts back by hand what came back: whoever changes a
    number there only meddles with it, and the account stays as it is. On a surface nobody buys.
    """

    platforms: Sequence[Platform]
    rng: random.Random
    now: Callable[[], datetime]
    habits: Habits = field(default_factory=Habits)
    truth: dict[str, int] = field(default_factory=dict)
    kits: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    counting: Callable[[Platform, str], bool] = lambda *_: True
    believes: Callable[[Platform], bool] = lambda _: True
    sold: int = 0
    refused: int = 0
    worst: dict[str, int] = field(default_factory=dict)
    acts: list[str] = field(default_factory=list)
    log: list[Act] = field(default_factory=list)
    _orders: list[tuple[Platform, str, list[dict[str, Any]]]] = field(default_factory=list)

    def open(self, platform: Platform) -> None:
        """Start the account with what one platform shows."""
        shelves = platform.shop.stock()
        self.truth = {sku: sum(places.values()) for sku, places in shelves.items() if sku not in self.kits}

    async def run(self, until: datetime, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """Act at random moments until then."""
        while self.now() < until:
            await sleep(self.rng.expovariate(1 / self.habits.pause))
            self.act()

    def act(self) -> None:
        """Do one thing on one platform."""
        verbs = self._verbs()
        verb = self.rng.choices(list(verbs), list(verbs.values()))[0]
        platform = self.rng.choice(self._open_to(verb))
        before = _units(platform)
        try:
            note = verb(platform)
        except RefusedError as error:
            self.refused += 1
            note = f"refused: {error}"
        if verb == self._meddle:
            self.acts.append(f"{self.now():%H:%M:%S} {platform.name} {note}")
        else:
            self._book(platform, before, note)

    def _verbs(self) -> dict[Callable[[Platform], str], float]:
        """Return what people do, each with its weight."""
        habits = self.habits
        return {
            self._sale: habits.sale, self._refund: habits.refund, self._cancel: habits.cancel, self._fulfil: habits.fulfil,
            self._count: habits.count, self._offline: habits.offline, self._edit: habits.edit, self._unpaid: habits.unpaid,
            self._pay: habits.pay, self._till: habits.till, self._plugin: habits.plugin, self._meddle: habits.meddle,
        }  # fmt: skip

    def _open_to(self, verb: Callable[[Platform], str]) -> Sequence[Platform]:
        """Return the platforms where there is somebody to do this."""
        if verb == self._meddle:
            return [one for one in self.platforms if not self.believes(one)] or self.platforms
        if verb in (self._count, self._plugin):
            return [one for one in self.platforms if self.believes(one)] or self.platforms
        return [one for one in self.platforms if _facts(one).sells]

    def _book(self, platform: Platform, before: dict[str, int], note: str) -> None:
        after = _units(platform)
        for sku, units in after.items():
            moved = units - before.get(sku, 0)
            for part, each in self.kits.get(sku, {sku: 1}).items() if moved else ():
                if part in self.truth:
                    self.log.append(Act(self.now(), platform.name, part, moved * each, note.startswith("sale")))
                    self.truth[part] += moved * each
                    self.worst[part] = min(self.worst.get(part, 0), self.truth[part])
                    note += f" [{sku} {moved:+d} -> {part} {self.truth[part]}]"
        self.acts.append(f"{self.now():%H:%M:%S} {platform.name} {note}")

    def _sale(self, platform: Platform) -> str:
        return self._sell(platform)

    def _offline(self, platform: Platform) -> str:
        if not _facts(platform).till:
            return self._sell(platform)
        return self._sell(platform, occurred_at=(self.now() - timedelta(hours=self.rng.uniform(0.1, 20))).isoformat())

    def _unpaid(self, platform: Platform) -> str:
        """Order now, pay later: only Shopify takes the units at once."""
        return self._sell(platform, paid=False)

    def _till(self, platform: Platform) -> str:
        """Sell at the till of a shop that sells online too; tills never look at the stock."""
        return self._sell(platform, **({"channel": "pos"} if platform.name == "shopify" else {}))

    def _sell(self, platform: Platform, **how: Any) -> str:
        goods = sorted({*self.truth, *self.kits})
        skus = self.rng.sample(goods, min(len(goods), self.rng.choice([1, 1, 1, 2, 3])))
        lines: list[dict[str, Any]] = [{"sku": sku, "quantity": self.rng.choice([1, 1, 1, 2, 3])} for sku in skus]
        order = self._check_out(platform, lines, how)
        self._orders.append((platform, order, lines))
        self.sold += sum(int(line["quantity"]) for line in lines)
        return f"sale {order} {how or ''}"

    def _check_out(self, platform: Platform, lines: list[dict[str, Any]], how: dict[str, Any]) -> str:
        """Buy, and return the order's id; `how` may be added to."""
        return platform.shop.sale(lines, **how)

    def _pick(self, platform: Platform) -> tuple[Platform, str, list[dict[str, Any]]]:
        mine = [one for one in self._orders if one[0] is platform]
        if not mine:
            raise RefusedError("nothing was sold yet")
        return self.rng.choice(mine)

    def _refund(self, platform: Platform) -> str:
        _, order, lines = self._pick(platform)
        line = self.rng.choice(lines)
        restock = self.rng.random() < 0.7 and self.believes(platform)
        self._give_back(platform, order, str(line["sku"]), restock=restock)
        return f"refund {order} {line['sku']} restock={restock}"

    def _give_back(self, platform: Platform, order: str, sku: str, *, restock: bool) -> None:
        """Take one unit back."""
        platform.shop.refund(order, [{"sku": sku, "quantity": 1}], restock=restock)

    def _cancel(self, platform: Platform) -> str:
        _, order, _ = self._pick(platform)
        platform.shop.cancel(order, restock=self.believes(platform))
        return f"cancel {order}"

    def _fulfil(self, platform: Platform) -> str:
        _, order, _ = self._pick(platform)
        self._hand_over(platform, order)
        return f"fulfil {order}"

    def _hand_over(self, platform: Platform, order: str) -> None:
        """Ship an order, or hand it over."""
        platform.shop.fulfil(order)

    def _edit(self, platform: Platform) -> str:
        _, order, lines = self._pick(platform)
        line, quantity = self.rng.choice(lines), self.rng.randrange(5)
        platform.shop.edit_order(order, line["sku"], quantity)
        return f"edit {order} {line['sku']} to {quantity}"

    def _pay(self, platform: Platform) -> str:
        _, order, _ = self._pick(platform)
        pay: Callable[[str], None] | None = getattr(platform.shop, "pay", None)
        if pay is None:
            raise RefusedError(f"{platform.name} takes the units with the order")
        pay(order)
        return f"pay {order}"

    def _plugin(self, platform: Platform) -> str:
        """Another program writes the number past everything: no date moves, no feed tells."""
        write: Callable[[str, int], None] | None = getattr(platform.shop, "plugin_sets_stock", None)
        if write is None:
            return self._count(platform)
        sku = self.rng.choice(sorted(self.truth))
        write(sku, max(0, self._now(platform, sku) + self.rng.randrange(60, 90)))
        return f"plugin {sku}"

    def _now(self, platform: Platform, sku: str) -> int:
        """What the clerk finds there before counting."""
        units = _units(platform).get(sku)
        if units is None or not self.counting(platform, sku):
            raise RefusedError(f"{sku} is not counted there now")
        return units

    def _count(self, platform: Platform) -> str:
        sku = self.rng.choice(sorted(self.truth))
        platform.shop.count(sku, max(0, self._now(platform, sku) + self.rng.randrange(60, 90)))
        return f"count {sku}"

    def _meddle(self, platform: Platform) -> str:
        """Change a number where nobody's count is believed: the bridge puts it right again."""
        if self.believes(platform):
            raise RefusedError("people's numbers are believed there")
        sku = self.rng.choice(sorted(self.truth))
        units = max(0, self._now(platform, sku) + self.rng.choice([-2, -1, 1, 3]))
        platform.shop.count(sku, units)
        return f"meddle {sku} {units}"


def _units(platform: Platform) -> dict[str, int]:
    return {sku: sum(places.values()) for sku, places in platform.shop.stock().items()}


# A platform that is made up for a story sells as any shop does.
_A_SHOP = StandInFacts(channel="", host="")


def _facts(platform: Platform) -> StandInFacts:
    return STAND_INS.get(platform.name, _A_SHOP)
