"""Points and codes as a whole: whether the merchant has any, what time alone changes, and what is shown on a channel."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy.engine import Connection

from bridge.contract.errors import NeedsPerson, Refused
from bridge.domain.coupons import uses
from bridge.domain.points import points
from bridge.engine import accounts, codes
from bridge.engine.acquaintance import meet_strangers
from bridge.engine.code_push import push_codes, recover_codes
from bridge.engine.context import Channel, Context
from bridge.engine.desk import Desk
from bridge.engine.noting import park
from bridge.engine.points_push import push_points, recover_points
from bridge.engine.report import ChannelReport
from bridge.store import code_uses, coupons, ledger, notes, people
from bridge.store import points as store
from bridge.store.loyal_work import loyal_work

__all__ = ["apply_loyalty", "aside", "held_points", "loyal", "loyalty_in_force", "settle_loyalty", "show_loyalty"]


def loyal(context: Context) -> bool:
    """Whether points are given, or there are codes: where not, no platform is asked about either."""
    return context.rules.loyalty.points is not None or context.database.read(coupons.exist)


def apply_loyalty(connection: Connection, context: Context) -> None:
    """Note the rules of earning that are in force from now on, where they are others than before.

    They name the channels that are "off": what is shown there is nobody's to change any more.
    """
    if not loyalty_in_force(connection, context):
        people.drop_targets(connection, context.rules.loyalty.hidden)
        # Platforms tell the time of an order in whole seconds.
        store.save_rules(connection, context.rules.loyalty.points, context.now().replace(microsecond=0))


def loyalty_in_force(connection: Connection, context: Context) -> bool:
    """Tell whether orders earn by these rules now."""
    known = store.rules(connection)
    return context.rules.loyalty.points == (known[-1][1] if known else None)


def settle_loyalty(connection: Connection, context: Context) -> int:
    """Do what time alone brings: promises and codes of points that are over, points that expire or can be spent now, notices.

    Returns how many codes and accounts changed.
    """
    if not store.rules(connection) and not coupons.exist(connection):
        return 0
    changed = _end_claims(connection, context) + _end_codes(connection, context) + _end_holds(connection, context)
    changed += accounts.mature(connection, context)
    _notices(connection, context)
    return changed


def _end_claims(connection: Connection, context: Context) -> int:
    over = code_uses.overdue_claims(connection, context.now())
    for one in over:
        code_uses.change_claim(connection, one.id, "expired")
        ledger.release_hold(connection, one.id, "expired")
    codes.settle(connection, context, {one.code for one in over})
    return len(over)


def _end_holds(connection: Connection, context: Context) -> int:
    """Codes made of points that nobody used in time: the points are free again, and the codes are closed."""
    over = ledger.overdue_of(connection, "points", context.now())
    for hold in over:
        ledger.release_hold(connection, hold, "expired")
    ended = coupons.with_hold(connection, over)
    coupons.close(connection, [one.code for one in ended], context.now())
    codes.settle(connection, context, [one.code for one in ended])
    _settle_accounts(connection, context, [one.person for one in ended if one.person])
    return len(over)


def _end_codes(connection: Connection, context: Context) -> int:
    """A code whose last day is over is switched off everywhere, whatever the shops' own clocks say."""
    now, ended = context.now(), 0
    for one in coupons.open_campaigns(connection):
        if one.terms.ends_at is not None and one.terms.ends_at <= now:
            coupons.save_campaign(connection, replace(one, closed_at=now))
            codes.settle(connection, context, [coupon.code for coupon in coupons.codes_of(connection, one.name)])
            ended += 1
    return ended


def _settle_accounts(connection: Connection, context: Context, persons: Iterable[str]) -> None:
    desk = Desk(connection, context, context.now())
    accounts.settle(connection, context, desk, persons)
    desk.close()


def _notices(connection: Connection, context: Context) -> None:
    """Tell of points that will expire, and of codes that nobody has used yet."""
    events, rules, now = context.events, context.rules.loyalty, context.now()
    if events is None:
        return
    for person in store.expiring(connection, now, now + rules.notice) if rules.notice else ():
        soon = [
            one
            for one in accounts.look(connection, person, now).lots
            if one.left and one.lot.expires_at is not None and one.lot.expires_at <= now + rules.notice
        ]
        if soon:
            first = min(one.lot.expires_at for one in soon if one.lot.expires_at is not None)
            data = {"person": person, "points": sum(one.left for one in soon), "first_at": first}
            events.loyalty(connection, "points.expiring", person, data, now)
        lots = store.lots_of(connection, [person])[person]
        store.notice(connection, [one.id for one in lots if one.expires_at and one.expires_at <= now + rules.notice])
    for coupon in coupons.ending(connection) if rules.remind else ():
        terms = coupons.campaign(connection, coupon.campaign)
        ends = terms.terms.ends_at if terms is not None else None
        if ends is not None and _remind_at(coupon.created_at or now, ends, rules.remind) <= now < ends:
            left = ledger.balances(connection, [uses(coupon.code)]).get(uses(coupon.code), 0)
            if left > 0:
                data = {"code": coupon.code, "person": coupon.person, "ends_at": ends, "uses_left": left}
                events.loyalty(connection, "coupon.unused", coupon.code, data, now)
            coupons.remind(connection, [coupon.code])


def _remind_at(made: datetime, ends: datetime, before: timedelta) -> datetime:
    """When a code's owner is reminded: so long before its end, but not of one that they have only just got."""
    return max(ends - before, made + (ends - made) / 2)


async def show_loyalty(context: Context, channel: Channel, report: ChannelReport) -> None:
    """Settle lost answers, then write codes and points as far as they differ: what ends goes out first.

    Whose points they are is asked before.
    """
    port = channel.connector.customers
    if port is None and channel.connector.coupons is None and channel.connector.points is None:
        return
    work = context.database.read(lambda connection: loyal_work(connection, channel.name))
    if "coupons" in work:
        async with aside(context, channel, "coupons"):
            await recover_codes(context, channel)
            await push_codes(context, channel, report)
    if "people" in work and port is not None:
        async with aside(context, channel, "customers", "strangers"):
            await meet_strangers(context, channel, port)
    if "points" in work or "people" in work:
        async with aside(context, channel, "points"):
            await recover_points(context, channel, report)
            await push_points(context, channel, report)


@asynccontextmanager
async def aside(context: Context, channel: Channel, subject: str, step: str = "") -> AsyncIterator[None]:
    """What a channel will not do with points or codes (no programme, no scope) is a person's business: its stock goes on.

    It is told until the same `step` succeeds.
    """
    name, key = channel.name, f"{channel.name}/{step}" if step else channel.name
    try:
        yield
    except (NeedsPerson, Refused) as error:
        reason = str(error)
        context.database.write(lambda connection: park(connection, context, subject, name, key, reason))
    else:
        if context.database.read(lambda connection: notes.is_parked(connection, subject, name, key)):
            context.database.write(lambda connection: notes.unpark(connection, subject, name, [key]))


def held_points(connection: Connection, person: str) -> int:
    """Points of a person that are promised to codes."""
    return ledger.held(connection, [points(person)]).get(points(person), 0)
