"""Collect: what changed on a channel, from its feeds into the ledger. Numbers are read first, orders drained after."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from itertools import chain
from typing import TypeVar

from sqlalchemy.engine import Connection

from bridge.contract.errors import BridgeError
from bridge.contract.feed import Page
from bridge.domain.catalog import Level, Product, StockKey
from bridge.domain.orders import Order
from bridge.domain.people import Customer
from bridge.domain.position import Position, read, too_early
from bridge.engine import codes
from bridge.engine.acquaintance import meet_customers
from bridge.engine.booking import book, rebook
from bridge.engine.context import Channel, Context
from bridge.engine.examine import examine
from bridge.engine.following import begin_feed, follow, park_bad
from bridge.engine.linking import link_all, place_levels, place_listings, position_name
from bridge.engine.loyalty import aside, loyal
from bridge.engine.noting import park
from bridge.engine.points_push import drain_points, take_in_points
from bridge.engine.report import ChannelReport
from bridge.store import channels, listings, positions

__all__ = [
    "Collected",
    "audit_catalog",
    "audit_customers",
    "collect",
    "collect_loyalty",
    "collect_people",
    "drain_orders",
    "mark_gone",
    "read_again",
]

T = TypeVar("T")
# So many orders of a backlog are booked in one transaction: a number that many of them move is read and written once.
_AT_ONCE = 1_000
_PATIENCE = timedelta(seconds=2)


@dataclass(slots=True, kw_only=True)
class Collected:
    """What has to be read again, and which products changed."""

    waiting: set[StockKey] = field(default_factory=set)
    products: set[str] = field(default_factory=set)


async def collect(context: Context, channel: Channel, report: ChannelReport) -> Collected:
    """Read all feeds of a channel from where we stopped, and examine the numbers they carry."""
    result = Collected()
    channel.written.clear()
    levels = await _catalog(context, channel, report, result)
    levels += await _stock(context, channel)
    # Whose an account is must be known before an order that names nothing else of its buyer.
    await collect_people(context, channel, report)
    await drain_orders(context, channel, report)
    await collect_loyalty(context, channel, report)
    result.waiting = await examine_levels(context, channel, levels, report)
    return result


async def _catalog(context: Context, channel: Channel, report: ChannelReport, result: Collected) -> list[Level]:
    levels: list[Level] = []

    def keep(connection: Connection, page: Page[Product]) -> None:
        fresh = listings.news(connection, channel.name, page.items)
        went = listings.record(connection, channel.name, fresh, context.now())
        if went or listings.has_unlinked(connection, channel.name, [one.id for one in page.items]):
            _relink(connection, context, channel)
        _note_reads(connection, channel, page.levels)
        levels.extend(page.levels)
        result.products.update(one.id for one in fresh)
        report.products += len(fresh)

    await follow(context, channel, "catalog", channel.connector.catalog.changes.since, keep, report)
    return levels


async def audit_catalog(context: Context, channel: Channel, report: ChannelReport) -> None:
    """Read the whole catalogue; what the channel lists no more is marked gone."""
    seen: set[str] = set()
    async for page in channel.connector.catalog.all():

        def keep(connection: Connection, page: Page[Product] = page) -> None:
            listings.record(connection, channel.name, page.items, context.now())
            park_bad(connection, context, channel.name, "catalog", page.bad)

        context.database.write(keep)
        seen.update(one.id for one in page.items)
        seen.update(one.id for one in page.bad)
        context.progress("auditing the catalogue", channel.name, len(seen), page.total)

    def forget(connection: Connection) -> None:
        listings.forget_others(connection, channel.name, seen, context.now())
        _relink(connection, context, channel)

    context.database.write(forget)
    report.products += len(seen)


def _relink(connection: Connection, context: Context, channel: Channel) -> None:
    link_all(connection, context)
    place_listings(connection, channel)
    for position in positions.sweep(connection, channel.name):
        reason = f"{position.sku} was deleted on {channel.name}: its stock goes on elsewhere; create it again there, or leave it"
        park(connection, context, "position", channel.name, position_name(position), reason)
    rebook(connection, context, channel)


async def _stock(context: Context, channel: Channel) -> list[Level]:
    levels: list[Level] = []
    feed = channel.connector.stock.changes

    def keep(connection: Connection, page: Page[Level]) -> None:
        _note_reads(connection, channel, page.items)
        levels.extend(page.items)

    if feed is not None:
        await follow(context, channel, "stock", feed.since, keep, ChannelReport())
    return levels


def _note_reads(connection: Connection, channel: Channel, levels: Sequence[Level]) -> None:
    """Remember differing numbers with the cursor behind them, so that a crash before their examination forgets none."""
    place_levels(connection, channel, levels)
    quantities = {level.key: level for level in _telling(channel, levels) if level.quantity is not None}
    found = positions.by_keys(connection, channel.name, quantities)
    visible_after = timedelta(seconds=channel.connector.limits.visible_after)
    fresh = [
        read(row, quantities[key].quantity or 0, quantities[key].as_of)
        for key, row in found.items()
        if row.shown is not None
        and row.shown != quantities[key].quantity
        and row.in_flight is None
        and not too_early(row, quantities[key].as_of, visible_after)
    ]
    positions.save(connection, fresh)


async def drain_orders(context: Context, channel: Channel, report: ChannelReport) -> None:
    """Read the orders feed to its end and book what is new; nothing to do where nobody can buy."""
    if channel.connector.orders is None:
        return

    def keep(connection: Connection, page: Page[Order]) -> None:
        channels.heed_clock(connection, channel.name, page.as_of - context.now())
        booked = book(connection, context, channel, page.items)
        report.orders += booked.orders
        report.movements += booked.movements

    feed = channel.connector.orders.changes

    def since(cursor: str) -> AsyncIterator[Page[Order]]:
        return _bundled(context, feed.since(cursor))

    begun = context.now()
    await follow(context, channel, "orders", since, keep, report)
    channel.drained(begun)


async def collect_people(context: Context, channel: Channel, report: ChannelReport) -> None:
    """Read which customers of a channel changed, where the merchant has points or codes."""
    port = channel.connector.customers
    if port is None or port.changes is None or not loyal(context):
        return

    def keep(connection: Connection, page: Page[Customer]) -> None:
        meet_customers(connection, context, channel, page)

    begin_feed(context, channel, "customers", port.changes.begin)
    async with aside(context, channel, "customers"):
        await follow(context, channel, "customers", port.changes.since, keep, report)


async def collect_loyalty(context: Context, channel: Channel, report: ChannelReport) -> None:
    """Read what a channel tells of points, where the merchant has them; its orders were read a moment ago."""
    if not loyal(context):
        return
    begun = context.now()
    async with aside(context, channel, "points", "reading"):
        await drain_points(context, channel, report)
        await take_in_points(context, channel, report)
    context.database.write(lambda connection: codes.confirm(connection, context, channel.name, begun))


async def audit_customers(context: Context, channel: Channel) -> None:
    """Read every customer of a channel: some platforms cannot say who changed."""
    port = channel.connector.customers
    if port is None or not loyal(context):
        return
    async with aside(context, channel, "customers", "all"):
        async for page in port.all():
            context.database.write(partial(meet_customers, context=context, channel=channel, page=page))


async def _bundled(context: Context, pages: AsyncIterator[Page[Order]]) -> AsyncIterator[Page[Order]]:
    """Join the pages of a backlog into larger ones; the page of a quiet feed, and what has just happened, goes on at once."""
    held: list[Page[Order]] = []
    begun = context.now()
    try:
        async for page in pages:
            held.append(page)
            if sum(len(one.items) for one in held) >= _AT_ONCE or context.now() - begun >= _patience(page):
                yield _joined(held)
                held, begun = [], context.now()
    except BridgeError:
        # A feed that fails half-way goes on from there next time.
        if held:
            yield _joined(held)
        raise
    if held:
        yield _joined(held)


def _patience(page: Page[Order]) -> timedelta:
    """How long orders may be held: what happened long ago may wait a little longer for the pages behind it."""
    newest = max((one.updated_at for one in page.items), default=page.as_of)
    return max(_PATIENCE, (page.as_of - newest) / 10)


def _joined(pages: Sequence[Page[Order]]) -> Page[Order]:
    """Make one page of several that follow each other."""
    items = tuple(chain.from_iterable(one.items for one in pages))
    bad = tuple(chain.from_iterable(one.bad for one in pages))
    return replace(pages[-1], items=items, bad=bad)


async def examine_levels(
    context: Context, channel: Channel, levels: Sequence[Level], report: ChannelReport
) -> set[StockKey]:
    """Examine numbers that were read before the orders were drained; return the keys to read again."""
    if not levels:
        return set()
    causes = []
    if channel.connector.limits.names_causes:
        differing = context.database.read(lambda connection: _to_explain(connection, channel, levels))
        if differing:
            since = min(position.verified_at or position.base_at or context.now() for position in differing)
            causes = list(await channel.connector.stock.causes([one.key for one in differing], since))

    def unit(connection: Connection) -> set[StockKey]:
        place_levels(connection, channel, levels)
        found = examine(connection, context, channel, _telling(channel, levels), causes)
        rebook(connection, context, channel)
        report.edits += found.edits
        report.drifts += found.drifts
        return found.waiting

    return context.database.write(unit)


def _telling(channel: Channel, levels: Sequence[Level]) -> list[Level]:
    """Those not written meanwhile: a lane pushes while it reads, and a number from before a write is no news."""
    return [level for level in levels if level.key not in channel.written]


def _to_explain(connection: Connection, channel: Channel, levels: Sequence[Level]) -> list[Position]:
    """The numbers whose cause is asked for: those that differ; where the shelf is counted, a count may agree by chance."""
    quantities = {level.key: level.quantity for level in levels}
    found = [one for one in positions.by_keys(connection, channel.name, quantities).values() if one.shown is not None]
    return [one for one in found if channel.counts == "shelf" or one.shown != quantities[one.key]]


async def read_again(
    context: Context, channel: Channel, keys: Sequence[StockKey], report: ChannelReport
) -> set[StockKey]:
    """Read these numbers, drain the orders, and examine; return the keys that still wait for a verdict."""
    waiting: set[StockKey] = set()
    size = channel.connector.limits.read_batch
    for start in range(0, len(keys), size):
        part = keys[start : start + size]
        channel.written.clear()
        levels = await channel.connector.stock.read(part)
        if _worth_draining(context, channel, levels):
            await drain_orders(context, channel, report)
        waiting |= await examine_levels(context, channel, levels, report)
        missing = set(part) - {level.key for level in levels}
        if missing:
            context.database.write(lambda connection, gone=missing: mark_gone(connection, context, channel, gone))  # type: ignore[misc]
    return waiting


def _worth_draining(context: Context, channel: Channel, levels: Sequence[Level]) -> bool:
    """Whether the orders are read before these numbers are judged. Where the platform lets them be read seldom, a look that finds
    everything as it should be does not use up what the next difference needs."""
    every = timedelta(seconds=channel.connector.limits.orders_every)
    if not every or channel.drained_at is None or context.now() - channel.drained_at >= every:
        return True
    return bool(context.database.read(lambda connection: _to_explain(connection, channel, levels)))


def mark_gone(connection: Connection, context: Context, channel: Channel, keys: set[StockKey]) -> None:
    """Note that these numbers are no more on the channel, and have a person told: nothing is written or awaited there."""
    found = positions.by_keys(connection, channel.name, keys)
    rows = [replace(one, gone=True, suspect=None, suspect_at=None, in_flight=None) for one in found.values()]
    positions.save(connection, rows)
    for one in found.values():
        reason = f"{one.sku} is no more on {channel.name}: link another listing, or leave it"
        park(connection, context, "position", channel.name, position_name(one), reason)
