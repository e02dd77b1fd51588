"""What the API and the page ask of the App about points and codes. What changes something is done once for each key."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from sqlalchemy.engine import Connection

from bridge.app import loyal_acting as acting
from bridge.app import loyal_claims as claiming
from bridge.app import loyal_looking as looking
from bridge.app.answers import ClaimAnswer, CodeAnswer, CustomerAnswer, Discount, PointsAnswer
from bridge.app.errors import AppError
from bridge.app.loyal_results import (
    BalanceLine,
    ClaimLine,
    CodeLine,
    CodeStatus,
    CodeUseLine,
    CustomerView,
    Redeemed,
)
from bridge.domain import contacts
from bridge.domain.contacts import Contact
from bridge.domain.coupons import CouponTerms
from bridge.engine.context import Context
from bridge.engine.reported import source_of
from bridge.store import code_uses, orders
from bridge.store.code_uses import Claim
from bridge.store.coupons import Campaign

if TYPE_CHECKING:
    from bridge.app.serving import Kept, Once, Serving

__all__ = ["Life", "LoyalServing", "Named", "Unreadable"]

_CLAIMS = 50

# By what a person is named: an account is CHANNEL:ID.
Named = Literal["email", "phone", "account"]


class Unreadable(AppError):
    """A name that nobody can have: no e-mail address, no phone number, no account."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """A code, the terms it was made under, its newest claims whatever became of them, and which of its orders are on record."""

    status: CodeStatus
    campaign: Campaign
    claims: tuple[Claim, ...]
    orders: frozenset[tuple[str, str]]


class LoyalServing:
    """The part of the App that tills see of points and codes."""

    def __init__(self, serving: "Serving") -> None:
        self._serving = serving
        self._database = serving.app.database

    @property
    def _context(self) -> Context:
        return self._serving.context

    # Looking.

    def find(self, by: Named, text: str) -> BalanceLine:
        """Return the points of whoever has exactly this contact or account; raises Unreadable, Missing."""
        name, context = _spelt(by, text, self._context.rules.loyalty.country), self._context
        return self._database.read(
            lambda connection: looking.balance(connection, context, looking.named(connection, name))
        )

    def customer(self, person: str) -> CustomerAnswer:
        """Return a person's points and codes; raises Missing."""
        context = self._context

        def unit(connection: Connection) -> CustomerAnswer:
            known = looking.known(connection, person)
            return CustomerAnswer(
                points=looking.balance(connection, context, known),
                codes=tuple(looking.codes_of(connection, context, known)),
            )

        return self._database.read(unit)

    def points(self, person: str, limit: int) -> PointsAnswer:
        """Return a person's lots and newest movements; raises Missing."""
        found = self.view(person, limit)
        return PointsAnswer(points=found.points, lots=found.lots, movements=found.moves)

    def view(self, person: str, limit: int = 50) -> CustomerView:
        """Return all about a person, contacts masked; raises Missing."""
        context = self._context
        return self._database.read(
            lambda connection: looking.customer(connection, context, looking.known(connection, person), limit=limit)
        )

    def life(self, text: str) -> Life:
        """Return the code that somebody typed in, with its life; raises Missing."""
        context = self._context

        def unit(connection: Connection) -> Life:
            coupon = looking.code(connection, text)
            status = looking.code_status(connection, context, coupon)
            return Life(
                status=status,
                campaign=acting.campaign_of(connection, coupon),
                claims=tuple(code_uses.claims_ever(connection, coupon.code, _CLAIMS)),
                orders=_known(connection, status.uses),
            )

        return self._database.read(unit)

    def code(self, text: str) -> CodeAnswer:
        """Return the code that somebody typed in, as the API tells it; raises Missing."""
        context = self._context

        def unit(connection: Connection) -> CodeAnswer:
            coupon = looking.code(connection, text)
            found, terms = (
                looking.code_status(connection, context, coupon),
                acting.campaign_of(connection, coupon).terms,
            )
            return CodeAnswer(
                code=found.code, discount=_discount(terms), channels=found.channels, uses=found.uses,
                claims=tuple(_claim(one, terms) for one in found.claims),
            )  # fmt: skip

        return self._database.read(unit)

    # Changing.

    def redeem(self, once: "Once", person: str, units: int, channels: Sequence[str]) -> "Kept":
        """Turn points into a code; raises AppError where they are not free."""
        context = self._context

        def unit(connection: Connection) -> tuple[int, Redeemed]:
            if not context.channels:
                # Without a connector nobody can say what a channel can express: such a code would be there by claim only.
                raise AppError(
                    "no channel is at work, so no code can be made", next_step="start `bridge run`, then try again"
                )
            known = looking.known(connection, person)
            return 201, acting.redeem(connection, context, known, units, channels)

        return self._serving.do_once(once, unit)

    def close(self, once: "Once", text: str, *, points_only: bool = False) -> "Kept":
        """Take a code out of use; points in it are free again. `points_only`: not one of the merchant's own codes."""
        context = self._context

        def unit(connection: Connection) -> tuple[int, CodeLine]:
            coupon = looking.code(connection, text)
            if points_only and acting.campaign_of(connection, coupon).kind != "points":
                step = f"`bridge coupon close {coupon.code}`, or the button on its page"
                raise AppError(f"{coupon.code} is not made of points: a till cannot close it", next_step=step)
            return 200, acting.close(connection, context, coupon.code)

        return self._serving.do_once(once, unit)

    def claim(
        self,
        once: "Once",
        text: str,
        channel: str,
        lasts: timedelta | None,
        person: str = "",
        spent: int | None = None,
        *,
        named: str = "",
    ) -> "Kept":
        """Promise a use at a channel ("": the till that asks, by its own token) to a person of ours, or to whoever has the contact or
        account `named`; raises AppError where none is free, Missing where nobody can be meant by it."""
        context, mine = self._context, source_of(once.token)
        channel = channel or mine
        if channel in context.rules.loyalty.tills and channel != mine and once.token:
            raise AppError(f"{channel} is another till", next_step="leave the channel out to claim for your own")

        def unit(connection: Connection) -> ClaimLine:
            known = looking.known(connection, person) if person else ""
            known = claiming.buyer(connection, context, channel, named) if named else known
            return claiming.claim(connection, context, text, channel, lasts, known, spent)

        return self._claimed(once, 201, unit)

    def capture(self, once: "Once", claim_id: str, order_id: str = "") -> "Kept":
        """A promised use was made."""
        context = self._context
        return self._claimed(once, 200, lambda connection: claiming.capture(connection, context, claim_id, order_id))

    def release(self, once: "Once", claim_id: str) -> "Kept":
        """Give a promised use back."""
        context = self._context
        return self._claimed(once, 200, lambda connection: claiming.give_back(connection, context, claim_id))

    def _claimed(self, once: "Once", status: int, unit: Callable[[Connection], ClaimLine]) -> "Kept":
        def whole(connection: Connection) -> tuple[int, ClaimAnswer]:
            line = unit(connection)
            terms = acting.campaign_of(connection, looking.code(connection, line.code)).terms
            return status, _claim(line, terms)

        return self._serving.do_once(once, whole)


def _spelt(by: Named, text: str, country: str) -> Contact | tuple[str, str]:
    """Read a name as it is kept."""
    if by == "account":
        channel, _, customer_id = text.strip().partition(":")
        if channel and customer_id:
            return channel, customer_id
        raise Unreadable("this is no account", where=by, next_step="write it CHANNEL:ID, such as shop:17")
    found = contacts.email(text) if by == "email" else contacts.phone(text, country)
    if found is not None:
        return found
    if by == "email":
        raise Unreadable(
            "this is no e-mail address", where=by, next_step="write the whole of it, such as ada@example.com"
        )
    step = "write it with + and the country's number, such as +49 30 901820"
    raise Unreadable("this is no phone number, or one of no country", where=by, next_step=step)


def _known(connection: Connection, uses: Sequence[CodeUseLine]) -> frozenset[tuple[str, str]]:
    """Which orders that used a code are on record: a clerk may have typed anything."""
    wanted: dict[str, list[str]] = {}
    for one in uses:
        wanted.setdefault(one.channel, []).append(one.order_id)
    return frozenset((channel, key) for channel, ids in wanted.items() for key in orders.load(connection, channel, ids))


def _discount(terms: CouponTerms) -> Discount:
    amount, minimum = terms.amount, terms.minimum
    money = amount or minimum
    return Discount(
        says=looking.says(terms), kind=terms.kind, percent=terms.percent, amount=amount.minor if amount is not None else None,
        currency=money.currency if money is not None else "", minimum=minimum.minor if minimum is not None else None, skus=terms.skus,
        tags=terms.tags, excluded=terms.excluded,
    )  # fmt: skip


def _claim(line: ClaimLine, terms: CouponTerms) -> ClaimAnswer:
    return ClaimAnswer(
        id=line.id, code=line.code, channel=line.channel, state=line.state, expires_at=line.expires_at, discount=_discount(terms),
        order_id=line.order_id,
    )  # fmt: skip
