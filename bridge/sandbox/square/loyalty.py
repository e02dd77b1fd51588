"""Square Loyalty: the seller's program, accounts, rewards, and the ledger of what happened to the points.

Connect API specification 2025-08-20; developer.squareup.com/docs/loyalty-api. Times of this API have whole seconds.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from bridge.sandbox.square.customers import Customers, Profile
from bridge.sandbox.square.errors import bad_request, invalid, not_found
from bridge.sandbox.square.phones import e164
from bridge.sandbox.square.values import Clock, Ids, Json, money, stamp

__all__ = ["API", "TILL", "Account", "Event", "Loyalty", "Reward"]

API = "LOYALTY_API"
TILL = "SQUARE"
POINT_COSTS = 100
"""What has to be spent for a point, in minor units, before tax."""
TIERS = (10, 50)


def seconds(ms: int) -> str:
    """Print a time as loyalty does: RFC 3339, UTC, whole seconds."""
    return stamp(ms)[:19] + "Z"


@dataclass(slots=True, kw_only=True)
class Account:
    """One loyalty account: a phone number, and the profile it belongs to."""

    id: str
    mapping_id: str
    phone: str
    customer_id: str
    created_ms: int
    updated_ms: int
    enrolled_ms: int | None = None
    balance: int = 0
    lifetime: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """An entry of the ledger. `ms` is cut down to whole seconds."""

    data: Json
    ms: int


@dataclass(slots=True, kw_only=True)
class Reward:
    """Points that are locked for a reward."""

    id: str
    account: Account
    tier: Json
    created_ms: int
    updated_ms: int
    status: str = "ISSUED"
    redeemed_ms: int | None = None


@dataclass(slots=True)
class Earned:
    """What a purchase earned, and how much of it was taken back."""

    account: Account
    points: int
    total: int
    refunded: int = 0
    taken: int = 0


@dataclass(slots=True)
class Loyalty:
    """State and rules. `program` is None for a seller without a subscription."""

    clock: Clock
    ids: Ids
    customers: Customers
    program: Json | None
    accounts: dict[str, Account] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    rewards: dict[str, Reward] = field(default_factory=dict)
    earned: dict[str, Earned] = field(default_factory=dict)
    on_event: Callable[[Json], None] = lambda _: None
    on_account: Callable[[str, Account], None] = lambda *_: None

    def main(self, program_id: str = "main") -> Json:
        """Return the program, or raise 404 where there is none."""
        if self.program is None or program_id not in ("main", self.program["id"]):
            raise not_found("Loyalty program not found.", "program_id")
        return self.program

    def active(self) -> Json:
        """Return the program for a write: "All write operations require that the loyalty program is ACTIVE" (docs)."""
        program = self.main()
        if program["status"] != "ACTIVE":
            raise bad_request("The loyalty program is not active.", "program_id")
        return program

    def account(self, account_id: str) -> Account:
        """Find an account or raise 404."""
        self.main()
        if account_id not in self.accounts:
            raise not_found("Loyalty account not found.", "account_id")
        return self.accounts[account_id]

    def answer(self, account: Account) -> Json:
        """Return an account as the API shows it."""
        made = seconds(account.created_ms)
        shown = {
            "id": account.id,
            "mapping": {"id": account.mapping_id, "phone_number": account.phone, "created_at": made},
            "program_id": self.main()["id"],
            "balance": account.balance,
            "lifetime_points": account.lifetime,
            "customer_id": account.customer_id,
            "created_at": made,
            "updated_at": seconds(account.updated_ms),
        }
        return shown | ({} if account.enrolled_ms is None else {"enrolled_at": seconds(account.enrolled_ms)})

    def of_customer(self, customer_id: str) -> Account | None:
        """Return a profile's oldest account."""
        return next((one for one in self.accounts.values() if one.customer_id == customer_id), None)

    def enrol(self, phone: str, enrolled_ms: int | None = None) -> Account:
        """Make the account of a phone number (E.164); its profile is the one with this number, made where there is none."""
        self.active()
        if any(one.phone == phone for one in self.accounts.values()):
            raise bad_request("A loyalty account for this phone number exists already.", "mapping.phone_number")
        known = self.customers.with_phone(phone)
        profile = known.data if known else self.customers.create({"phone_number": phone}, "LOYALTY")["customer"]
        now = self.clock.ms()
        made = Account(
            id=self.ids.uuid(), mapping_id=self.ids.uuid(), phone=phone, customer_id=profile["id"], created_ms=now,
            updated_ms=now, enrolled_ms=enrolled_ms,
        )  # fmt: skip
        self.accounts[made.id] = made
        self.on_account("created", made)
        return made

    def adjust(
        self, account: Account, points: int, source: str, reason: str = "", *, below_zero: bool = False
    ) -> Event:
        """Add points, or take some."""
        if points == 0:
            raise invalid("INVALID_VALUE", "The number of points must not be 0.", "adjust_points.points")
        if points < 0 and account.balance + points < 0 and not below_zero:
            raise bad_request("The adjustment would result in a negative balance.", "adjust_points.points")
        more = {"points": points} | ({"reason": reason} if reason else {})
        return self.book(account, "ADJUST_POINTS", points, source, more)

    def accumulate(self, account: Account, points: int, source: str, place: str, order_id: str = "") -> Event:
        """Add the points of a purchase."""
        more = {"points": points} | ({"order_id": order_id} if order_id else {})
        account.enrolled_ms = account.enrolled_ms or self.clock.ms()
        return self.book(account, "ACCUMULATE_POINTS", points, source, more, place)

    def lock(self, account: Account, tier_id: str, source: str, place: str = "") -> Reward:
        """CreateLoyaltyReward: take the points of a tier off the balance."""
        tier = next((one for one in self.active()["reward_tiers"] if one["id"] == tier_id), None)
        if tier is None:
            raise not_found("Reward tier not found.", "reward.reward_tier_id")
        if account.balance < tier["points"]:
            raise bad_request("The loyalty account has not enough points.", "reward.reward_tier_id")
        now = self.clock.ms()
        reward = Reward(id=self.ids.uuid(), account=account, tier=tier, created_ms=now, updated_ms=now)
        self.rewards[reward.id] = reward
        account.enrolled_ms = account.enrolled_ms or now
        self.book(account, "CREATE_REWARD", -tier["points"], source, _named(reward, source, -tier["points"]), place)
        return reward

    def redeem(self, reward: Reward, source: str, place: str) -> Event:
        """RedeemLoyaltyReward: its points were taken before."""
        _check_issued(reward)
        reward.status, reward.redeemed_ms, reward.updated_ms = "REDEEMED", self.clock.ms(), self.clock.ms()
        return self.book(reward.account, "REDEEM_REWARD", 0, source, _named(reward, source), place)

    def give_back(self, reward: Reward, source: str) -> Event:
        """DeleteLoyaltyReward: its points come back, unless it was redeemed."""
        _check_issued(reward)
        reward.status, reward.updated_ms = "DELETED", self.clock.ms()
        points = reward.tier["points"]
        return self.book(reward.account, "DELETE_REWARD", points, source, _named(reward, source, points))

    def expire(self, account: Account, points: int) -> Event:
        """Take points that were not used in time."""
        return self.book(account, "EXPIRE_POINTS", -points, TILL, {"points": points})

    def earn(self, customer_id: str, order_id: str, total: int, tax: int, place: str) -> None:
        """Let a till give the points of a purchase, where the buyer has an account."""
        account = self.of_customer(customer_id)
        points = max(0, total - tax) // POINT_COSTS
        if account is not None and points and self.program is not None and self.program["status"] == "ACTIVE":
            self.earned[order_id] = Earned(account, points, total)
            self.accumulate(account, points, TILL, place, order_id)

    def take_back(self, order_id: str, amount: int) -> None:
        """Take back what a refunded part of a purchase earned; the balance may fall below zero."""
        earned = self.earned.get(order_id)
        if earned is None or earned.account.id not in self.accounts:
            return
        earned.refunded += amount
        due = round(earned.points * min(1, earned.refunded / earned.total)) - earned.taken
        earned.taken += due
        if due:
            self.book(earned.account, "OTHER", -due, TILL, {"points": -due})

    def book(self, account: Account, kind: str, points: int, source: str, more: Json, place: str = "") -> Event:
        """Write an entry of the ledger, and move the balance."""
        now = self.clock.ms()
        field_name = "other_event" if kind == "OTHER" else kind.lower()
        data: Json = {"id": self.ids.uuid(), "type": kind, "created_at": seconds(now), "loyalty_account_id": account.id}
        data |= {field_name: {"loyalty_program_id": self.main()["id"], **more}, "source": source}
        event = Event(data=data | ({"location_id": place} if place else {}), ms=now - now % 1000)
        self.events.append(event)
        account.balance += points
        account.lifetime += points if kind in ("ACCUMULATE_POINTS", "ADJUST_POINTS") and points > 0 else 0
        account.updated_ms = now
        self.on_event(event.data)
        self.on_account("updated", account)
        return event

    def follow(self, verb: str, profile: Profile) -> None:
        """A changed phone number is the account's too; with a deleted profile its account goes."""
        for account in [one for one in self.accounts.values() if one.customer_id == profile.id]:
            phone = e164(profile.data.get("phone_number"), self.customers.country)
            if verb == "deleted":
                del self.accounts[account.id]
                self.on_account("deleted", account)
            elif phone not in ("", account.phone) and all(one.phone != phone for one in self.accounts.values()):
                account.phone, account.updated_ms = phone, self.clock.ms()
                self.on_account("updated", account)


def new_program(ids: Ids, at: int, places: list[str], currency: str) -> Json:
    """Make a program as a seller sets it up: a point for every unit of money spent, two rewards."""
    made = seconds(at)
    rule = {"amount_money": money(POINT_COSTS, currency), "tax_mode": "BEFORE_TAX"}
    tiers = [
        {
            "id": ids.uuid(),
            "points": points,
            "name": f"{points} points off",
            "created_at": made,
            "pricing_rule_reference": {"object_id": ids.make(24), "catalog_version": at},
        }
        for points in TIERS
    ]
    return {
        "id": ids.uuid(),
        "status": "ACTIVE",
        "reward_tiers": tiers,
        "terminology": {"one": "Point", "other": "Points"},
        "location_ids": places,
        "created_at": made,
        "updated_at": made,
        "accrual_rules": [{"accrual_type": "SPEND", "points": 1, "spend_data": rule}],
    }


def _named(reward: Reward, source: str, points: int | None = None) -> Json:
    """The reward's id "is returned only if the event source is LOYALTY_API" (specification)."""
    named = {"reward_id": reward.id} if source == API else {}
    return named if points is None else {**named, "points": points}


def _check_issued(reward: Reward) -> None:
    if reward.status != "ISSUED":
        raise bad_request(f"The reward is {reward.status}, not ISSUED.", "reward_id")
