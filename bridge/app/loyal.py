"""Customers, points and codes as people work with them: what the commands call. Looking reads the database alone."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

import msgspec
from sqlalchemy.engine import Connection

from bridge.app import loyal_acting as acting
from bridge.app import loyal_claims as claiming
from bridge.app import loyal_looking as looking
from bridge.app.errors import AppError
from bridge.app.loyal_results import (
    BalanceLine,
    CampaignMade,
    CampaignStatus,
    ClaimLine,
    CodeLine,
    CodeStatus,
    CustomerExport,
    CustomerView,
    Liability,
    Merged,
    PersonLine,
    Redeemed,
    TakenCode,
    TakenOver,
)
from bridge.app.loyal_terms import Asked, terms_of
from bridge.app.working import Working, context_of, recorded, working
from bridge.domain.contacts import Contact, masked
from bridge.domain.coupons import CouponPolicy, normal_code
from bridge.domain.ledger import Counter
from bridge.domain.points import points
from bridge.engine import making
from bridge.engine.context import Context
from bridge.engine.take_over import Taken, take_over
from bridge.store import coupons, ledger, orders, people

if TYPE_CHECKING:
    from bridge.app.app import App

__all__ = ["Loyal"]

T = TypeVar("T")
_ALL = 10_000_000


class Loyal:
    """The App as far as customers, points and codes go. A person is named by e-mail, phone, CHANNEL:ID, or our own name of them."""

    def __init__(self, app: "App") -> None:
        self.app = app

    # Looking.

    def _look(self, ask: Callable[[Connection, Context], T]) -> T:
        context = context_of(self.app, {})
        return self.app.database.read(lambda connection: ask(connection, context))

    def customer(self, name: str, *, limit: int = 50) -> CustomerView:
        """All about a person, contacts masked; raises Missing."""
        return self._look(
            lambda connection, context: looking.customer(
                connection, context, looking.find_person(connection, context, name), limit=limit
            )
        )

    def customers(self, *, limit: int = 50) -> list[PersonLine]:
        """The newest persons."""
        return self._look(lambda connection, _: _lines(connection, limit))

    def export(self, name: str) -> CustomerExport:
        """All that is stored about a person, in the clear; raises Missing."""

        def ask(connection: Connection, context: Context) -> CustomerExport:
            person = looking.find_person(connection, context, name)
            view = looking.customer(connection, context, person, bare=True, limit=_ALL)
            found = [
                {"channel": channel, **msgspec.to_builtins(order)}
                for channel, order_id in view.orders
                if (order := orders.snapshot(connection, channel, order_id)) is not None
            ]
            return CustomerExport(customer=view, orders=tuple(found))

        return self._look(ask)

    def liability(self, at: datetime | None = None) -> Liability:
        """What was owed to customers at a moment, now if None."""
        now = self.app.now()
        return self._look(lambda connection, context: looking.liability(connection, context, min(at or now, now)))

    def codes(self, *, kind: str = "", everything: bool = False, limit: int = 200) -> list[CodeLine]:
        """The newest codes."""
        return self._look(
            lambda connection, context: looking.codes(
                connection, context, kind=kind, everything=everything, limit=limit
            )
        )

    def code(self, text: str) -> CodeStatus:
        """Where a code can be used, was used, and by which order; raises Missing."""
        return self._look(
            lambda connection, context: looking.code_status(connection, context, looking.code(connection, text))
        )

    def campaign(self, name: str) -> CampaignStatus | None:
        """How the codes of a campaign stand; None where there is none of this name."""
        return self._look(lambda connection, context: looking.campaign_status(connection, context, name))

    def campaign_codes(self, name: str) -> list[str]:
        """The codes of a campaign, in order."""
        return self._look(lambda connection, _: [one.code for one in coupons.codes_of(connection, normal_code(name))])

    # Working: the database alone, beside a daemon if there is one.

    async def _unit(self, command: str, do: Callable[[Connection, Context], T], channels: Sequence[str] = ()) -> T:
        """Do one unit of work with the adopted channels in reach."""
        with recorded(self.app, command, beside=True):
            async with working(self.app) as work:
                self._must_be_ready(work, channels)
                return self.app.database.write(lambda connection: do(connection, work.context))

    def _must_be_ready(self, work: Working, channels: Sequence[str]) -> None:
        for name in channels:
            if name in work.context.rules.loyalty.tills:
                continue
            self.app.must_have(name)
            if name in work.left_out:
                step = f"`bridge adopt {name}` reads it and compares"
                raise AppError(f"{name} is not adopted, so nothing is written there yet", next_step=step, exit_code=3)

    async def _on_person(self, command: str, name: str, do: Callable[[Connection, Context, str], T]) -> T:
        return await self._unit(
            command,
            lambda connection, context: do(connection, context, looking.find_person(connection, context, name)),
        )

    async def merge(self, kept: str, gone: str) -> Merged:
        """Make one person of two; raises Missing."""
        return await self._unit(
            "customer",
            lambda connection, context: acting.merge(
                connection, context, looking.find_person(connection, context, kept),
                looking.find_person(connection, context, gone),
            ),
        )  # fmt: skip

    async def unmerge(self, name: str, number: int) -> Merged:
        """Take a merge back; raises Missing."""
        return await self._on_person(
            "customer", name, lambda connection, context, person: acting.unmerge(connection, context, person, number)
        )

    async def forget(self, name: str) -> tuple[str, int]:
        """Remove whoever this is from all that is stored; return our name of them, and how many orders named them."""
        return await self._on_person(
            "customer", name, lambda connection, context, person: (person, acting.forget(connection, context, person))
        )

    async def adjust(self, name: str, units: int, *, reason: str, by: str) -> BalanceLine:
        """Give points by hand, or take them."""
        return await self._on_person(
            "points",
            name,
            lambda connection, context, person: acting.adjust(connection, context, person, units, reason, by),
        )

    async def redeem(self, name: str, units: int, *, channels: Sequence[str] = (), prefix: str = "") -> Redeemed:
        """Turn points into a code that can be used once."""
        return await self._unit(
            "points",
            lambda connection, context: acting.redeem(
                connection, context, looking.find_person(connection, context, name), units, channels, prefix
            ),
            channels,
        )

    async def create(
        self, name: str, asked: Asked, *, policy: CouponPolicy, channels: Sequence[str], uses: int | None, restore: bool, note: str
    ) -> CampaignMade:  # fmt: skip
        """Make one code."""
        self._must_know(asked)
        return await self._unit(
            "coupon",
            lambda connection, context: acting.create(
                connection, context, name, terms_of(context, asked), policy=policy, channels=channels, uses=uses, restore=restore,
                note=note,
            ),
            channels,
        )  # fmt: skip

    async def generate(
        self, name: str, asked: Asked, *, count: int, prefix: str, length: int, policy: CouponPolicy, channels: Sequence[str],
        uses: int | None, restore: bool,
    ) -> CampaignMade:  # fmt: skip
        """Make the codes that a campaign lacks; what an earlier call made is not made again."""
        self._must_know(asked)
        with recorded(self.app, "coupon", beside=True):
            async with working(self.app) as work:
                self._must_be_ready(work, channels)
                wanted = acting.new_campaign(
                    work.context, name, terms_of(work.context, asked), policy=policy, channels=channels, uses=uses, restore=restore
                )  # fmt: skip
                found = self.app.database.read(lambda connection: acting.same_campaign(connection, wanted))
                begins, done = normal_code(prefix), 0
                sample = making.new_code(work.context, begins, length)
                acting.generate_checks(wanted.terms, uses, policy, sample, work.context.now())
                acting.room_checks(begins, length, count)
                for done in making.add_codes(work.context, found, count, begins, length):
                    self.app.progress("making codes", found.name, done, count)
        if done < count:
            step = "take a longer --length, or another --prefix"
            raise AppError(
                f"{found.name} has {done:,} codes of {count:,}, no other is free", next_step=step, exit_code=2
            )
        return self.app.database.read(lambda connection: acting.made(connection, found))

    def _must_know(self, asked: Asked) -> None:
        for sku in (*asked.skus, *asked.excluded):
            self.app.must_know(sku)

    async def invite(self, name: str, asked: Asked, *, channels: Sequence[str] = ()) -> CodeLine:
        """The code by which a person invites others, made at the first call."""
        return await self._unit(
            "coupon",
            lambda connection, context: acting.invite(
                connection, context, looking.find_person(connection, context, name), terms_of(context, asked), channels
            ),
            channels,
        )

    async def claim(self, text: str, channel: str, *, lasts: timedelta | None = None, person: str = "") -> ClaimLine:
        """Promise a use of a code at a channel for a while."""
        return await self._unit(
            "coupon",
            lambda connection, context: claiming.claim(
                connection, context, text, channel, lasts,
                claiming.buyer(connection, context, channel, person) if person else "",
            ),
            [channel],
        )  # fmt: skip

    async def capture(self, claim_id: str, order_id: str = "") -> ClaimLine:
        """A promised use was made."""
        return await self._unit(
            "coupon", lambda connection, context: claiming.capture(connection, context, claim_id, order_id)
        )

    async def release(self, claim_id: str) -> ClaimLine:
        """Give a promised use back."""
        return await self._unit("coupon", lambda connection, context: claiming.give_back(connection, context, claim_id))

    async def close(self, text: str) -> CodeLine | CampaignMade:
        """Take a code, or all of a campaign, out of use everywhere."""
        return await self._unit(
            "coupon",
            lambda connection, context: (
                acting.close_campaign(connection, context, text) or acting.close(connection, context, text)
            ),
        )

    async def extend(self, text: str, channel: str) -> CodeLine | CampaignMade:
        """Make a code, or all of a campaign, good at one more channel."""
        return await self._unit(
            "coupon", lambda connection, context: acting.extend(connection, context, text, channel), [channel]
        )

    async def push(self, text: str) -> CodeLine:
        """Have a code written again wherever it was refused or deleted by hand."""
        return await self._unit("coupon", lambda connection, context: acting.push(connection, context, text))

    async def take_over(self, channel: str, texts: Sequence[str] = (), *, channels: Sequence[str] = ()) -> TakenOver:
        """Make codes ours that a shop has already; they become good at `channels` as well."""
        with recorded(self.app, "coupon", beside=True):
            async with working(self.app) as work:
                self._must_be_ready(work, [channel, *channels])
                found = await take_over(work.context, work.context.channels[channel], texts, channels)
        return self._look(
            lambda connection, _: TakenOver(channel=channel, codes=tuple(_taken(connection, one) for one in found))
        )


def _lines(connection: Connection, limit: int) -> list[PersonLine]:
    rows = people.newest(connection, limit)
    names = [row.person for row in rows]
    balances = ledger.balances(connection, [points(name) for name in names])
    channels: dict[str, set[str]] = {}
    for one in people.customers_of(connection, names):
        channels.setdefault(one.person, set()).add(one.channel)
    return [
        PersonLine(
            person=row.person, since=row.created_at, contact=_contact(connection, row.person),
            channels=", ".join(sorted(channels.get(row.person, ()))), points=balances.get(points(row.person), 0),
        )
        for row in rows
    ]  # fmt: skip


def _contact(connection: Connection, person: str) -> str:
    found = people.contacts_of(connection, person)
    return masked(Contact(found[0].kind, found[0].value)) if found else ""


def _taken(connection: Connection, one: Taken) -> TakenCode:
    coupon = making.lookup(connection, one.code)
    terms = coupons.campaign(connection, coupon.campaign) if coupon is not None else None
    if coupon is None or terms is None or one.kind == "foreign":
        return TakenCode(code=one.code, state=one.kind, reason=one.reason)
    counter = Counter("uses", coupon.code)
    left = None if terms.uses is None else ledger.balances(connection, [counter]).get(counter, 0)
    return TakenCode(
        code=one.code, state=one.kind, says=looking.says(terms.terms), used=one.used, left=left, reason=one.reason
    )
