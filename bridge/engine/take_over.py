"""Codes that a shop had before us become ours: their terms, and the uses that were made there already.

What its coupon says beyond our terms is left to the shop, with the reason: taking it over would loosen it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime

from sqlalchemy.engine import Connection

from bridge.contract.errors import Refused
from bridge.contract.loyalty import CouponsPort, CouponState
from bridge.domain.coupons import CouponTerms, normal_code, uses, valid_code
from bridge.domain.ledger import Movement
from bridge.engine import codes
from bridge.engine.collect import drain_orders
from bridge.engine.context import Channel, Context
from bridge.engine.desk import Desk
from bridge.engine.report import ChannelReport
from bridge.engine.rewards import OVERLAP
from bridge.store import code_listings, code_uses
from bridge.store import coupons as store
from bridge.store.code_listings import CodeListing
from bridge.store.code_uses import CodeUse
from bridge.store.coupons import Campaign, Coupon

__all__ = ["BEFORE", "Taken", "take_over"]

# What stands for the orders of before, whose number alone is known.
BEFORE = "before it was taken over"


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What became of a code: "taken", "joined" (ours already, now on this channel too), "known", "foreign" for `reason`."""

    code: str
    kind: str
    reason: str = ""
    used: int = 0


async def take_over(
    context: Context, channel: Channel, wanted: Sequence[str] = (), channels: Sequence[str] = ()
) -> list[Taken]:
    """Take over codes of a channel (`wanted`, or all); they become good at `channels` as well. Raises the port's errors.

    Orders are read first: what they say was used is in the shop's count, and is not booked again.
    """
    port = channel.connector.coupons
    if port is None:
        raise Refused(f"{channel.connector.platform} has no codes of its own", where=channel.name)
    await drain_orders(context, channel, ChannelReport())
    result: list[Taken] = []
    if wanted:
        found = await port.find([normal_code(one) for one in wanted])
        result += _kept(context, channel, found, channels)
        missing = {normal_code(one) for one in wanted} - {normal_code(one.code) for one in found}
        return result + [Taken(code=one, kind="foreign", reason="it is not there") for one in sorted(missing)]
    return result + await _everything(context, channel, port, channels)


async def _everything(context: Context, channel: Channel, port: CouponsPort, channels: Sequence[str]) -> list[Taken]:
    result: list[Taken] = []
    async for page in port.all():
        result += _kept(context, channel, page.items, channels)
        result += [Taken(code=one.id, kind="foreign", reason=one.reason) for one in page.bad]
        context.progress("taking codes over", channel.name, len(result), page.total)
    return result


def _kept(context: Context, channel: Channel, found: Sequence[CouponState], channels: Sequence[str]) -> list[Taken]:
    return context.database.write(
        lambda connection: [_one(connection, context, channel, one, channels) for one in found]
    )


def _one(
    connection: Connection, context: Context, channel: Channel, state: CouponState, channels: Sequence[str]
) -> Taken:
    code = normal_code(state.code)
    known = store.find(connection, [code]).get(code)
    reason = _foreign(connection, context, state, code)
    if known is not None:
        return _join(connection, context, channel, state, known)
    if reason:
        return Taken(code=code, kind="foreign", reason=reason)
    assert state.terms is not None
    now, names = context.now(), tuple(dict.fromkeys((channel.name, *channels)))
    campaign = Campaign(
        name=code, terms=state.terms, policy="shared", channels=names, uses=state.limit, created_at=now,
        note=f"taken over from {channel.name}",
    )  # fmt: skip
    # An order from before this moment is in the shop's own count.
    row = Coupon(code=code, campaign=code, created_at=now + OVERLAP)
    codes.create(connection, context, campaign, [row])
    _there(connection, context, channel, code, state)
    return Taken(code=code, kind="taken", used=state.used or 0)


def _foreign(connection: Connection, context: Context, state: CouponState, code: str) -> str:
    """Say why a code stays the shop's; "" where nothing speaks against it."""
    if state.terms is None:
        return state.foreign or "it says something that terms cannot"
    ends, used = state.terms.ends_at, state.used
    reasons = (
        (not valid_code(code), "not every platform could have such a code: 3 to 40 letters, digits, - and _"),
        (store.campaign(connection, code) is not None, "a campaign of ours has this name"),
        (not state.active, "it is switched off there"),
        (ends is not None and ends <= context.now(), "it has ended"),
        (state.limit is not None and used is None, "the shop does not say how often it was used"),
        (state.limit is not None and used is not None and used >= state.limit, "it is used up"),
    )
    return next((text for applies, text in reasons if applies), "")


def _join(connection: Connection, context: Context, channel: Channel, state: CouponState, known: Coupon) -> Taken:
    """The same code in another shop: its uses count as well, where it takes off the same."""
    terms = store.campaign(connection, known.campaign)
    listing = code_listings.find_listings(connection, [known.code]).get(known.code, {}).get(channel.name)
    assert terms is not None
    if listing is not None and listing.external_id == state.id:
        return Taken(code=known.code, kind="known")
    other = _differing(terms.terms, state, context.now())
    if other or terms.policy != "shared" or not terms.solo:
        reason = f"a code of ours has this name, and is another in this: {', '.join(other) or 'how it is shared'}"
        return Taken(code=known.code, kind="foreign", reason=reason)
    store.save_campaign(connection, replace(terms, channels=tuple(dict.fromkeys((*terms.channels, channel.name)))))
    _there(connection, context, channel, known.code, state)
    return Taken(code=known.code, kind="joined", used=state.used or 0)


def _differing(ours: CouponTerms, state: CouponState, now: datetime) -> list[str]:
    """Name what a shop's coupon says otherwise. A beginning that is past is none: some shops always note one."""
    if state.terms is None:
        return [state.foreign or "it says something that terms cannot"]
    mine, theirs = (
        replace(one, starts_at=None) if one.starts_at is not None and one.starts_at <= now else one
        for one in (ours, state.terms)
    )
    return [one.name for one in fields(CouponTerms) if getattr(mine, one.name) != getattr(theirs, one.name)]


def _there(connection: Connection, context: Context, channel: Channel, code: str, state: CouponState) -> None:
    """Note that a code is on the channel, and what was used there: where nothing differs from what is wanted, nothing is written."""
    now = context.now()
    row = CodeListing(
        channel=channel.name, code=code, external_id=state.id, group_id=state.group_id, shown="?",
        shown_most=state.limit if state.active else 0, used_there=state.used, verified_at=now,
    )  # fmt: skip
    code_listings.save_listings(connection, [row])
    if state.used:
        before = CodeUse(
            channel=channel.name, order_id=BEFORE, code=code, count=state.used, counted_there=state.used, at=now
        )
        code_uses.save_uses(connection, [before])
    if state.limit is not None and state.used:
        _count(connection, context, channel, code, state.used, now)
    codes.settle(connection, context, [code])
    aimed = code_listings.find_listings(connection, [code])[code][channel.name]
    if aimed.active == state.active and aimed.most == state.limit:
        code_listings.save_listings(connection, [replace(aimed, shown=aimed.wanted)])


def _count(connection: Connection, context: Context, channel: Channel, code: str, used: int, now: datetime) -> None:
    desk = Desk(connection, context, now)
    desk.move(
        Movement(
            counter=uses(code), delta=-used, why="sale", unique=f"taken over/{channel.name}/{code}", channel=channel.name, source="",
            occurred_at=now, note=f"used at {channel.name} before it was taken over",
        )
    )  # fmt: skip
    desk.close()
