"""A web shop, a store and a till with customers, points and codes: the real connectors on the stand-ins, under a simulated clock."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar, cast

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bridge.app import loyal_acting, loyal_claims, loyal_looking
from bridge.app.loyal_results import BalanceLine, CodeStatus
from bridge.domain.coupons import CouponTerms
from bridge.domain.earning import PointsRules
from bridge.domain.guard import GuardRule
from bridge.engine.context import Context, Loyalty, Rules
from bridge.engine.report import ChannelReport, Report
from bridge.engine.sync import audit
from bridge.rehearsal.invariants import broken
from bridge.rehearsal.world import World, build
from bridge.sandbox.kit.loop import SimulatedLoop, run_simulated
from bridge.sandbox.kit.platform import LoyalShop
from bridge.store import code_uses, ledger
from bridge.store.database import Database
from bridge.store.tables import parked

__all__ = ["ANNA", "BEN", "PERCENT", "POINTS", "Street", "told"]

SHOPS = ("woocommerce", "shopify", "square")
ANNA = {"name": "Anna Berg", "email": "anna@example.com", "phone": "+14155550101"}
BEN = {"name": "Ben Carr", "email": "ben@example.com", "phone": "+14155550102"}
POINTS = PointsRules(currency="USD", pending_days=0)
PERCENT = CouponTerms(kind="percent", percent=1_000)
GOODS = [
    {"title": "Tee", "variants": [{"sku": "TEE", "price": "20.00", "stock": 100}]},
    {"title": "Cap", "variants": [{"sku": "CAP", "price": "9.50", "stock": 100}]},
]
T = TypeVar("T")


@dataclass(slots=True)
class Street:
    """The three shops, and what people do in them. `accounts`: a person's account in each shop, by e-mail."""

    loop: SimulatedLoop
    world: World
    accounts: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def context(self) -> Context:
        return self.world.context

    def shop(self, name: str) -> LoyalShop:
        return cast("LoyalShop", self.world.platforms[name].shop)

    def register(self, who: Mapping[str, str], *shops: str) -> None:
        """Open accounts: everywhere, or in some shops."""
        mine = self.accounts.setdefault(who["email"], {})
        mine.update({name: self.shop(name).add_customer(**who) for name in shops or SHOPS})

    async def opens(self, who: Mapping[str, str], *shops: str) -> None:
        """Open accounts, and have them known: WooCommerce alone cannot say who is new, its customers are read once a day."""
        self.register(who, *shops)
        await self.sync(1)
        await self.audit()

    def buys(self, who: Mapping[str, str], shop: str, sku: str = "TEE", quantity: int = 1, **how: Any) -> str:
        """Buy with the account there, or as a guest who leaves the contacts."""
        account = self.accounts.get(who["email"], {}).get(shop)
        customer = {"id": account, **who} if account else dict(who)
        return self.shop(shop).sale([{"sku": sku, "quantity": quantity}], customer=customer, **how)

    async def sync(self, times: int = 2) -> Report:
        """Let some seconds pass and run `bridge sync`, twice if nothing else is said: what one finds, the other writes."""
        for _ in range(times):
            await asyncio.sleep(10)
            report = await self.world.sync()
            errors = [part.error for part in report.channels.values() if part.error]
            assert not errors, errors
        return report

    async def audit(self) -> None:
        """Read everything of every channel, as the daemon does once a day."""
        for channel in self.world.channels.values():
            await audit(self.context, channel, ChannelReport())

    async def passes(self, time: timedelta) -> None:
        """Let time pass."""
        await asyncio.sleep(time.total_seconds())

    # What is known.

    def read(self, unit: Callable[[Connection], T]) -> T:
        return self.world.database.read(unit)

    def write(self, unit: Callable[[Connection], T]) -> T:
        return self.world.database.write(unit)

    def person(self, name: str) -> str:
        """Find who has this e-mail, phone, or account ("shopify:17")."""
        return self.read(lambda connection: loyal_looking.find_person(connection, self.context, name))

    def balance(self, who: Mapping[str, str]) -> BalanceLine:
        person = self.person(who["email"])
        return self.read(lambda connection: loyal_looking.balance(connection, self.context, person))

    def shown(self, who: Mapping[str, str]) -> dict[str, int]:
        """What the shops show to somebody's accounts; nothing is 0."""
        return {
            name: next(row["points"] or 0 for row in self.shop(name).customers() if row["id"] == account)
            for name, account in self.accounts[who["email"]].items()
        }

    def status(self, code: str) -> CodeStatus:
        def look(connection: Connection) -> CodeStatus:
            return loyal_looking.code_status(connection, self.context, loyal_looking.code(connection, code))

        return self.read(look)

    def parked(self) -> list[tuple[str, str, str]]:
        """What waits for a person: (subject, channel, reason)."""
        p = parked.c
        query = sa.select(p.subject, p.channel, p.reason).order_by(p.id)
        return self.read(lambda connection: [(row[0], row[1], row[2]) for row in connection.execute(query)])

    def holds(self) -> None:
        """Everything that must hold when all is quiet: stock, and that every balance is the sum of its movements."""
        assert broken(self.world) == []
        assert self.read(ledger.prove) == []

    # What people do through the bridge.

    def redeem(self, who: Mapping[str, str], units: int, *channels: str) -> str:
        """Turn points into a code."""
        person = self.person(who["email"])
        return self.write(
            lambda connection: loyal_acting.redeem(connection, self.context, person, units, channels)
        ).code

    def coupon(self, code: str, terms: CouponTerms = PERCENT, **more: Any) -> None:
        """Make a code: one use, on all channels, if nothing else is said."""
        self.write(lambda connection: loyal_acting.create(connection, self.context, code, terms, **more))

    def claim(self, code: str, channel: str = "square") -> str:
        """Ask for a use at the till."""
        return self.write(lambda connection: loyal_claims.claim(connection, self.context, code, channel, None)).id

    def capture(self, claim: str, order: str = "") -> None:
        """The use was made."""
        self.write(lambda connection: loyal_claims.capture(connection, self.context, claim, order))

    def release(self, claim: str) -> None:
        """The use was not made."""
        self.write(lambda connection: loyal_claims.give_back(connection, self.context, claim))

    def push_again(self, code: str) -> None:
        """`bridge coupon push`."""
        self.write(lambda connection: loyal_acting.push(connection, self.context, code))

    def left(self, code: str) -> int | None:
        return self.status(code).code.left

    def limits(self, code: str) -> dict[str, tuple[int | None, bool]]:
        """What the shops accept: (limit, whether it is switched on), where the code is."""
        found = {name: self.shop(name).coupons().get(code) for name in ("woocommerce", "shopify")}
        return {name: (row["limit"], row["active"]) for name, row in found.items() if row is not None}

    def used_there(self, code: str) -> dict[str, int]:
        found = {name: self.shop(name).coupons().get(code) for name in ("woocommerce", "shopify")}
        return {name: row["used"] for name, row in found.items() if row is not None}

    def uses(self, code: str) -> list[tuple[str, int]]:
        """The uses on record: (channel, how many are taken off)."""
        return [(one.channel, one.count) for one in self.read(lambda connection: code_uses.uses_of(connection, code))]


def told(
    play: Callable[[Street], Awaitable[None]],
    *,
    points: PointsRules | None = POINTS,
    options: Mapping[str, Mapping[str, Any]] | None = None,
    url: str = ":memory:",
    **loyalty: Any,
) -> None:
    """Tell one story from the first contact on."""
    loop = SimulatedLoop()
    asyncio.set_event_loop(loop)

    async def run() -> None:
        rules = Rules(
            guard=GuardRule(zero=10_000, percent=1e9, free=10**9),
            loyalty=Loyalty(points=points, country="US", **loyalty),
        )
        world = build(
            SHOPS, database=Database(url), now=loop.now, time=loop.time, seed=1, rules=rules, options=options,
            overrides={"square": {"restock": "never"}},
        )  # fmt: skip
        for platform in world.platforms.values():
            platform.shop.seed(GOODS)
            platform.faults.add(kind="latency", seconds=0.05, times=None)
        await world.adopt("woocommerce")
        await asyncio.sleep(3)
        try:
            await play(Street(loop, world))
        finally:
            await world.close()

    try:
        run_simulated(run(), loop)
    finally:
        asyncio.set_event_loop(None)
