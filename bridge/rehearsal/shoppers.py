"""Trading with points and codes: shoppers who are customers, the codes they type in, and the points they turn into codes.

Codes and points are asked for through the same functions as a person at a shell or a till's program would (bridge/app), one unit of work
each; the process may die in it, and then nobody knows whether it was done. Kept apart from the bridge: which order used which code, whose
it is, and what of it was given back.
"""

import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any, TypeVar, cast

from sqlalchemy.engine import Connection

from bridge.app import loyal_acting, loyal_claims, loyal_looking
from bridge.app.errors import AppError
from bridge.domain.coupons import CouponPolicy, CouponTerms
from bridge.domain.earning import PointsRules
from bridge.engine import making
from bridge.engine.context import Context, Loyalty
from bridge.rehearsal.fuse import CrashError
from bridge.rehearsal.trade import Trade
from bridge.rehearsal.world import World
from bridge.sandbox.kit.platform import LoyalShop, Platform, RefusedError
from bridge.store import coupons, people
from bridge.store.errors import StoreError

__all__ = ["Receipt", "Shopper", "Shoppers", "loyalty", "tail"]

T = TypeVar("T")
_MINUTE = 1 / 1440
_OFF = {"cancelled", "canceled"}
# Whoever lives here; numbers of this area are reserved for fiction.
_COUNTRY = "US"


def loyalty(rng: random.Random) -> Loyalty:
    """Draw a merchant's rules: a point for each cent, so that what an order earns can be reckoned to the point."""
    points = PointsRules(
        currency="USD", earn="100", value="0.001", pending_days=rng.choice([0, 0, _MINUTE]),
        expires_days=rng.choice([None, None, None, 2 * _MINUTE]), with_tax=True,
    )  # fmt: skip
    return Loyalty(points=points, country=_COUNTRY, lasts=rng.choice([timedelta(seconds=90), timedelta(days=1)]))


def tail(identity: str) -> str:
    """Return an id as a connector gives it: a stand-in's verb may return a global id (gid://shopify/Order/17)."""
    return identity.rpartition("/")[2]


@dataclass(slots=True)
class Shopper:
    """Somebody who buys on several platforms, under one e-mail address and one phone number. `accounts` are ids by platform.

    `given` are the points that clerks gave them by hand, less those taken.
    """

    name: str
    email: str
    phone: str
    accounts: dict[str, str] = field(default_factory=dict)
    purse: list[str] = field(default_factory=list)
    given: int = 0

    def named(self, platform: str) -> dict[str, Any]:
        """Say who buys there: by their account, else as a guest."""
        who = {"name": self.name, "email": self.email, "phone": self.phone}
        return who | ({"id": self.accounts[platform]} if platform in self.accounts else {})


@dataclass(slots=True)
class Receipt:
    """An order, as whoever sold it remembers it: `paid` and `prices` in cents, `lines` and what was given `back` in units, by SKU.

    `early`: a till sold it, offline, before any points were given.
    """

    platform: str
    order: str
    paid: int
    lines: dict[str, int]
    prices: dict[str, int]
    shopper: Shopper | None = None
    codes: tuple[str, ...] = ()
    early: bool = False
    shipped: bool = False
    back: dict[str, int] = field(default_factory=dict)


class Shoppers(Trade):
    """Trade in which some are customers. `allowed` are the uses of the codes that were made at the beginning (None: no limit)."""

    def __init__(self, world: World, trade: Trade, rng: random.Random, poke: Callable[[], None]) -> None:
        super().__init__(trade.platforms, trade.rng, trade.now, trade.habits)
        self.world, self.luck, self.poke = world, rng, poke
        self.people = [_shopper(number) for number in range(6)]
        self.prices: dict[str, int] = {}
        self.receipts: dict[tuple[str, str], Receipt] = {}
        self.allowed: dict[str, tuple[CouponPolicy, int | None]] = {}
        self.captured: dict[tuple[str, str], str] = {}
        self.beyond: dict[str, int] = {}
        self._owed: dict[str, tuple[str, str, str]] = {}

    @property
    def able(self) -> list[Platform]:
        """The platforms that know customers."""
        return [one for one in self.platforms if self.world.channels[one.name].connector.customers is not None]

    def prepare(self, goods: Iterable[Mapping[str, Any]]) -> None:
        """Before the first contact: some have accounts here and there, and prices are known."""
        for product in goods:
            for variant in product["variants"]:
                self.prices[variant["sku"]] = int(Decimal(variant["price"]) * 100)
        for platform in self.able:
            for shopper in self.luck.sample(self.people, 3):
                self._open_account(platform, shopper)

    def issue(self) -> None:
        """Make the codes: one for everybody, and single ones and few ones under each policy."""
        ten = CouponTerms(kind="percent", percent=1000)
        plan: list[tuple[str, CouponPolicy, int | None]] = [
            ("TEN", "shared", None),
            ("FEW", "shared", 4),
            ("QUOTA", "split", 7),
            ("ASKTWO", "claim", 2),
        ]
        plan += [(f"ONCE{number}", "shared", 1) for number in range(4)] + [
            (f"SPLIT{number}", "split", 1) for number in range(4)
        ]
        plan += [(f"ASK{number}", "claim", 1) for number in range(4)]
        for code, policy, uses in plan:
            self.allowed[code] = (policy, uses)
            self._create(code, ten, policy, uses)
        if names := self._names():
            campaign = loyal_acting.new_campaign(
                self.world.context, "SPRING", ten, policy="split", channels=names, uses=2, restore=True
            )
            list(making.add_codes(self.world.context, campaign, 5, "SPR", 10))
            found = self.world.database.read(lambda connection: list(coupons.codes_of(connection, "SPRING")))
            self.allowed |= {one.code: ("split", 2) for one in found}

    def _names(self) -> list[str]:
        return [one.name for one in self.able]

    def _create(self, code: str, terms: CouponTerms, policy: CouponPolicy, uses: int | None) -> None:
        self.world.database.write(
            lambda connection: loyal_acting.create(
                connection, self.world.context, code, terms, policy=policy, uses=uses, channels=self._names()
            )
        )

    # What people do.

    def _verbs(self) -> dict[Callable[[Platform], str], float]:
        return {
            **super()._verbs(), self._redeem: 1.5, self._claim: 1.5, self._ask_first: 0.8, self._join: 0.4, self._give: 0.4,
            self._abandon: 0.3, self._merge: 0.3, self._part: 0.3,
        }  # fmt: skip

    def _open_to(self, verb: Callable[[Platform], str]) -> Any:
        if verb == self._claim:
            return [one for one in self.able if self.world.channels[one.name].connector.coupons is None] or self.able
        if verb == self._ask_first:
            return [
                one for one in self.able if self.world.channels[one.name].connector.coupons is not None
            ] or self.able
        if verb in (self._redeem, self._join, self._give, self._abandon, self._merge, self._part):
            return self.able
        return super()._open_to(verb)

    def act(self) -> None:
        """Do one thing; first what a till still has to tell."""
        self.settle()
        super().act()

    def settle(self) -> bool:
        """Tell the bridge of promised uses that were made, until it has heard; say whether it has heard all."""
        for claim, (channel, code, order) in list(self._owed.items()):
            try:
                self._ask(partial(loyal_claims.capture, claim_id=claim, order_id=order))
            except RefusedError as error:
                self.acts.append(f"{self.now():%H:%M:%S} capture of {code} by {order} {error}")
                continue
            self.captured[channel, order] = code
            del self._owed[claim]
        return not self._owed

    def _check_out(self, platform: Platform, lines: list[dict[str, Any]], how: dict[str, Any]) -> str:
        shopper = self.luck.choice(self.people) if platform in self.able and self.luck.random() < 0.6 else None
        if shopper is not None:
            how["customer"] = shopper.named(platform.name)
        if self.world.channels[platform.name].connector.coupons is not None and self.luck.random() < 0.4:
            how["codes"] = [self._some_code(shopper)]
        order = super()._check_out(platform, lines, how)
        self._write_down(platform, order, lines, how, shopper)
        return order

    def _write_down(
        self,
        platform: Platform,
        order: str,
        lines: list[dict[str, Any]],
        how: Mapping[str, Any],
        shopper: Shopper | None,
    ) -> None:
        total = next(one["total"] for one in platform.shop.orders() if one["id"] == order)
        units = {str(line["sku"]): int(line["quantity"]) for line in lines}
        self.receipts[platform.name, tail(order)] = Receipt(
            platform.name,
            order,
            int(Decimal(total) * 100),
            units,
            {sku: self.prices[sku] for sku in units},
            shopper,
            tuple(how.get("codes", ())),
            early="occurred_at" in how,
        )
        for code in how.get("codes", ()):
            self._notice(code)

    def _some_code(self, shopper: Shopper | None) -> str:
        mine = shopper.purse if shopper is not None and self.luck.random() < 0.5 else []
        return self.luck.choice(mine or sorted(self.allowed))

    def _notice(self, code: str) -> None:
        """Note a code that is used more often than it may be just now."""
        _, uses = self.allowed.get(code, ("shared", 1))
        over = self.running(code) - uses if uses is not None else 0
        if over > 0:
            self.beyond[code] = max(self.beyond.get(code, 0), over)

    def running(self, code: str) -> int:
        """How many orders use a code: those that are not cancelled, and those of tills."""
        mine = sum(self.runs(one) for one in self.receipts.values() if code in one.codes)
        return mine + [*self.captured.values(), *self.untold].count(code)

    @property
    def untold(self) -> list[str]:
        """Codes of whose use at a till the bridge has not heard yet."""
        return [code for _, code, _ in self._owed.values()]

    def runs(self, receipt: Receipt) -> bool:
        """Whether an order was not cancelled."""
        orders = self.world.platforms[receipt.platform].shop.orders()
        status = str(next(one["status"] for one in orders if one["id"] == receipt.order)).lower()
        # WooCommerce calls an order so of which all came back; one that was never shipped is as good as cancelled.
        return receipt.shipped if status == "refunded" else status not in _OFF

    def _hand_over(self, platform: Platform, order: str) -> None:
        super()._hand_over(platform, order)
        self.receipts[platform.name, tail(order)].shipped = True

    def _give_back(self, platform: Platform, order: str, sku: str, *, restock: bool) -> None:
        super()._give_back(platform, order, sku, restock=restock)
        back = self.receipts[platform.name, tail(order)].back
        back[sku] = back.get(sku, 0) + 1

    def _redeem(self, platform: Platform) -> str:
        shopper, everywhere = self.luck.choice(self.people), self.luck.random() < 0.5
        share = self.luck.uniform(0.1, 1)

        def unit(connection: Connection, context: Context) -> Any:
            person = loyal_looking.find_person(connection, context, shopper.email)
            units = int(loyal_looking.balance(connection, context, person).spendable * share)
            return loyal_acting.redeem(
                connection, context, person, units, self._names() if everywhere else [platform.name]
            )

        made = self._ask(unit)
        shopper.purse.append(made.code)
        return f"redeem {made.points} of {shopper.name} into {made.code} for {'all' if everywhere else platform.name}"

    def _claim(self, platform: Platform) -> str:
        """A clerk asks for a code, keys the discount in, and tells that it was used; or the buyer walks off."""
        shopper, turn = self.luck.choice(self.people), self.luck.random()
        code = self._some_code(shopper)
        lasts = timedelta(seconds=30) if turn < 0.2 else None
        claim = self._ask(
            lambda connection, context: loyal_claims.claim(connection, context, code, platform.name, lasts)
        )
        if turn < 0.2:
            return f"claim {code} forgotten"
        if turn < 0.4:
            self._ask(lambda connection, context: loyal_claims.give_back(connection, context, claim.id))
            return f"claim {code} released"
        goods = [{"sku": self.luck.choice(sorted(self.truth)), "quantity": 1}]
        how = {"customer": shopper.named(platform.name), "discount": "1.00"}
        order = platform.shop.sale(goods, **how)
        self._orders.append((platform, order, goods))
        self.sold += 1
        self._owed[claim.id] = (platform.name, code, tail(order))
        self._write_down(platform, order, goods, how, shopper)
        self._notice(code)
        self.settle()
        return f"sale {order} with {code} claimed"

    def _ask_first(self, platform: Platform) -> str:
        """A code is promised to somebody who will type it in at a shop, in time or too late, or somewhere else."""
        shopper = self.luck.choice(self.people)
        asked = [code for code, (policy, _) in self.allowed.items() if policy == "claim"]
        code, lasts = self.luck.choice(sorted(asked)), timedelta(seconds=self.luck.choice([20, 120, 600]))
        self._ask(lambda connection, context: loyal_claims.claim(connection, context, code, platform.name, lasts))
        shopper.purse.append(code)
        return f"{code} promised to {shopper.name} for {lasts.seconds} s"

    def _abandon(self, platform: Platform) -> str:
        """Somebody gives a code of points up."""
        made = [(one, code) for one in self.people for code in one.purse if code not in self.allowed]
        if not made:
            raise RefusedError("nobody has a code of points")
        shopper, code = self.luck.choice(made)
        self._ask(lambda connection, context: loyal_acting.close(connection, context, code))
        return f"close {code} of {shopper.name} at the counter of {platform.name}"

    def _merge(self, platform: Platform) -> str:
        """A clerk takes two for one person, rightly or not."""
        one, other = self.luck.sample(self.people, 2)

        def unit(connection: Connection, context: Context) -> Any:
            kept, gone = (loyal_looking.find_person(connection, context, each.email) for each in (one, other))
            return loyal_acting.merge(connection, context, kept, gone)

        self._ask(unit)
        return f"{other.name} is {one.name}, they say at the counter of {platform.name}"

    def _part(self, platform: Platform) -> str:
        """A clerk takes back what a clerk has done; what the bridge found out by itself is right."""
        one = self.luck.choice(self.people)

        def unit(connection: Connection, context: Context) -> Any:
            person = loyal_looking.find_person(connection, context, one.email)
            found = [row for row in people.merge_rows(connection, person) if row.why == "by hand"]
            if not found:
                raise RefusedError("nobody was merged")
            return loyal_acting.unmerge(connection, context, person, self.luck.choice(found).id)

        self._ask(unit)
        return f"merge with {one.name} taken back at the counter of {platform.name}"

    def _join(self, platform: Platform) -> str:
        shopper = self.luck.choice(self.people)
        if shopper.accounts.get(platform.name) or any(
            one["email"] == shopper.email for one in _loyal(platform).customers()
        ):
            raise RefusedError(f"{shopper.name} has an account there")
        self._open_account(platform, shopper)
        return f"account of {shopper.name}"

    def _give(self, platform: Platform) -> str:
        """Points by hand, where the platform keeps a ledger of points of its own."""
        shopper = self.luck.choice(self.people)
        port, account = self.world.channels[platform.name].connector.points, shopper.accounts.get(platform.name)
        if port is None or port.events is None or account is None:
            raise RefusedError("nobody gives points by hand there")
        units = self.luck.choice([50, 200, -30])
        _loyal(platform).give_points(customer=account, points=units, reason="goodwill")
        shopper.given += units
        return f"give {units} to {shopper.name}"

    def _open_account(self, platform: Platform, shopper: Shopper) -> None:
        fields = {"name": shopper.name, "email": shopper.email, "phone": shopper.phone}
        shopper.accounts[platform.name] = _loyal(platform).add_customer(**fields)

    def _ask(self, unit: Callable[[Connection, Context], T]) -> T:
        """One unit of work of a person's or a till's own program; what it is refused, or not answered, is a RefusedError."""
        context = self.world.context
        try:
            result = self.world.database.write(lambda connection: unit(connection, context))
        except (AppError, StoreError) as error:
            raise RefusedError(str(error).replace("\n", "; ")) from error
        except CrashError:
            raise RefusedError("the process died in it") from None
        self.poke()
        return result


def _shopper(number: int) -> Shopper:
    return Shopper(f"Shopper Nr{number}", f"shopper{number}@example.com", f"+1415555010{number}")


def _loyal(platform: Platform) -> LoyalShop:
    return cast(LoyalShop, platform.shop)
