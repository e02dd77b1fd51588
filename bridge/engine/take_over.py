"""Codes that a shop had before us become ours: their terms, and the uses that were made there already.

What its coupon says beyond our terms is left to the shop, with the reason: taking it over would loosen it.

A shop's count names no orders, and its stamps are whole seconds: which of the newest orders are in the count, no time can say. So the
count and the orders are read until nothing came between them; the newest orders are booked one by one, the rest as one use of before.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta

from sqlalchemy.engine import Connection

from bridge.contract.errors import Refused
from bridge.contract.loyalty import CouponsPort, CouponState
from bridge.domain.coupons import CouponTerms, normal_code, uses, valid_code
from bridge.domain.ledger import Movement
from bridge.domain.orders import Order
from bridge.engine import codes
from bridge.engine.collect import drain_orders
from bridge.engine.context import Channel, Context
from bridge.engine.desk import Desk
from bridge.engine.report import ChannelReport
from bridge.engine.rewards import OVERLAP, book_again
from bridge.store import channels as channel_store
from bridge.store import code_listings, code_uses, orders
from bridge.store import coupons as store
from bridge.store.code_listings import CodeListing
from bridge.store.code_uses import CodeUse
from bridge.store.coupons import Campaign, Coupon

__all__ = ["BEFORE", "Taken", "take_over"]

# What stands for the orders of before, whose number alone is known.
BEFORE = "before it was taken over"
# Orders this new are booked one by one. It is more than a clock may differ unnoticed.
_NEW = timedelta(seconds=10)
# A code that is used again and again while it is read is left for another time.
_ROUNDS = 5


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
    """Take over codes of a channel (`wanted`, or all); they become good at `channels` as well. Raises the port's errors."""
    port = channel.connector.coupons
    if port is None:
        raise Refused(f"{channel.connector.platform} has no codes of its own", where=channel.name)
    taking = _TakingOver(context, channel, port, channels)
    if not wanted:
        return await taking.everything()
    since = taking.moment()
    result = await taking.some(await port.find([normal_code(one) for one in wanted]), since)
    missing = {normal_code(one) for one in wanted} - {one.code for one in result}
    return result + [_foreign_one(one, "it is not there") for one in sorted(missing)]


def _foreign_one(code: str, reason: str) -> Taken:
    return Taken(code=code, kind="foreign", reason=reason)


# Orders by the code that they used, and their ids.
Users = Mapping[str, Mapping[str, Order]]


@dataclass(slots=True)
class _TakingOver:
    context: Context
    channel: Channel
    port: CouponsPort
    channels: Sequence[str]

    def moment(self) -> datetime:
        """Return from when on an order may be in the count that is read next, or not; orders of before are in it."""
        row = self.context.database.read(lambda connection: channel_store.get(connection, self.channel.name))
        since = self.context.now() - _NEW
        return since if row is None or row.adopted_at is None else max(since, row.adopted_at)

    async def everything(self) -> list[Taken]:
        result: list[Taken] = []
        since = self.moment()
        async for page in self.port.all():
            result += await self.some(page.items, since)
            result += [_foreign_one(one.id, one.reason) for one in page.bad]
            self.context.progress("taking codes over", self.channel.name, len(result), page.total)
            since = self.moment()
        return result

    async def some(self, found: Iterable[CouponState], since: datetime) -> list[Taken]:
        """Take over what was read since a moment; a code that is used again and again meanwhile is left, with the reason."""
        states = {normal_code(one.code): one for one in found}
        known = await self._users(states, since)
        busy = known
        for _ in range(_ROUNDS):
            if not busy:
                break
            states |= {normal_code(one.code): one for one in await self.port.find(sorted(busy))}
            now = await self._users(busy, since)
            busy = {code: now.get(code, {}) for code, by in busy.items() if now.get(code) != by}
            known = {**known, **busy}
        left = [_foreign_one(code, "it is being used right now: take it over once it is quiet") for code in busy]
        quiet = [one for code, one in states.items() if code not in busy]
        return self.context.database.write(lambda connection: self._take(connection, quiet, known, since)) + left

    async def _users(self, codes: Iterable[str], since: datetime) -> Users:
        """Read what is new of the orders, and return those that used these codes since."""
        await drain_orders(self.context, self.channel, ChannelReport())
        return self.context.database.read(lambda connection: self._newest(connection, set(codes), since))

    def _newest(self, connection: Connection, codes: set[str], since: datetime) -> Users:
        found: dict[str, dict[str, Order]] = {}
        since += channel_store.clock(connection, self.channel.name)
        for order in orders.placed_since(connection, self.channel.name, since):
            for code in {normal_code(one) for one in order.codes} & codes:
                found.setdefault(code, {})[order.id] = order
        return found

    def _take(
        self, connection: Connection, states: Sequence[CouponState], known: Users, since: datetime
    ) -> list[Taken]:
        """`known`: the orders that are in the counts of `states`. The daemon may have booked others since."""
        result = [_one(connection, self.context, self.channel, one, self.channels, since) for one in states]
        ours = {one.code for one in result if one.kind in {"taken", "joined"}}
        used = self._newest(connection, ours, since)
        book_again(connection, self.context, self.channel.name, {order for by in used.values() for order in by})
        for state in states:
            code = normal_code(state.code)
            if code in ours:
                news = _running(used.get(code, {})) - _running(known.get(code, {}))
                _there(connection, self.context, self.channel, code, state, (state.used or 0) + news)
        return result


def _running(by: Mapping[str, Order]) -> int:
    return sum(order.status != "cancelled" for order in by.values())


def _one(
    connection: Connection,
    context: Context,
    channel: Channel,
    state: CouponState,
    channels: Sequence[str],
    since: datetime,
) -> Taken:
    code = normal_code(state.code)
    known = store.find(connection, [code]).get(code)
    reason = _foreign(connection, context, state, code)
    if known is not None:
        return _join(connection, context, channel, state, known)
    if reason:
        return _foreign_one(code, reason)
    assert state.terms is not None
    now, names = context.now(), tuple(dict.fromkeys((channel.name, *channels)))
    campaign = Campaign(
        name=code, terms=state.terms, policy="shared", channels=names, uses=state.limit, created_at=now,
        note=f"taken over from {channel.name}",
    )  # fmt: skip
    # An order from before `since` is in the shop's own count.
    row = Coupon(code=code, campaign=code, created_at=since + OVERLAP)
    codes.create(connection, context, campaign, [row])
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
        return _foreign_one(known.code, reason)
    store.save_campaign(connection, replace(terms, channels=tuple(dict.fromkeys((*terms.channels, channel.name)))))
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


def _there(
    connection: Connection, context: Context, channel: Channel, code: str, state: CouponState, used: int
) -> None:
    """Note that a code is on the channel, and was used there `used` times in all: where nothing differs from what is wanted, nothing is
    written."""
    now = context.now()
    row = CodeListing(
        channel=channel.name, code=code, external_id=state.id, group_id=state.group_id, shown="?",
        shown_most=state.limit if state.active else 0, used_there=state.used, verified_at=now,
    )  # fmt: skip
    code_listings.save_listings(connection, [row])
    one_by_one = code_uses.used_by(connection, [code]).get(code, {}).get(channel.name, 0)
    before = max(used - one_by_one, 0)
    if before:
        use = CodeUse(channel=channel.name, order_id=BEFORE, code=code, count=before, counted_there=before, at=now)
        code_uses.save_uses(connection, [use])
    if state.limit is not None and before:
        _count(connection, context, channel, code, before, now)
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
