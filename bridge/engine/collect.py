"""Collect: what changed on a channel, from its feeds into the ledger. Numbers are read first, orders drained after."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TypeVar

from sqlalchemy.engine import Connection

from bridge.contract.feed import Bad, Page
from bridge.domain.catalog import Level, Product, StockKey
from bridge.domain.orders import Order
from bridge.domain.position import Position, read, too_early
from bridge.engine.booking import book, rebook
from bridge.engine.context import Channel, Context
from bridge.engine.examine import examine
from bridge.engine.linking import link_all, place_levels, place_listings, position_name
from bridge.engine.noting import park
from bridge.engine.report import ChannelReport
from bridge.store import channels, listings, positions

__all__ = ["Collected", "audit_catalog", "collect", "drain_orders", "mark_gone", "read_again"]

T = TypeVar("T")


@dataclass(slots=True, kw_only=True)
class Collected:
    """What has to be read again, and which products changed."""

    waiting: set[StockKey] = field(default_factory=set)
    products: set[str] = field(default_factory=set)


async def collect(context: Context, channel: Channel, report: ChannelReport) -> Collected:
    """Read all feeds of a channel from where we stopped, and examine the numbers they carry."""
    result = Collected()
    levels = await _catalog(context, channel, report, result)
    levels += await _stock(context, channel)
    await drain_orders(context, channel, report)
    result.waiting = await examine_levels(context, channel, levels, report)
    return result


async def _catalog(context: Context, channel: Channel, report: ChannelReport, result: Collected) -> list[Level]:
    levels: list[Level] = []

    def keep(connection: Connection, page: Page[Product]) -> None:
        went = listings.record(connection, channel.name, page.items, context.now())
        if went or listings.has_unlinked(connection, channel.name, [one.id for one in page.items]):
            _relink(connection, context, channel)
        _note_reads(connection, channel, page.levels)
        levels.extend(page.levels)
        result.products.update(one.id for one in page.items)
        report.products += len(page.items)

    await _follow(context, channel, "catalog", channel.connector.catalog.changes.since, keep, report)
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
        await _follow(context, channel, "stock", feed.since, keep, ChannelReport())
    return levels


def _note_reads(connection: Connection, channel: Channel, levels: Sequence[Level]) -> None:
    """Remember differing numbers with the cursor behind them, so that a crash before their examination forgets none."""
    place_levels(connection, channel, levels)
    quantities = {level.key: level for level in levels if level.quantity is not None}
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

    await _follow(context, channel, "orders", channel.connector.orders.changes.since, keep, report)


async def _follow(
    context: Context,
    channel: Channel,
    feed: str,
    since: Callable[[str], AsyncIterator[Page[T]]],
    keep: Callable[[Connection, Page[T]], None],
    report: ChannelReport,
) -> None:
    """Store each page together with the cursor behind it, in one transaction: a crash loses nothing and skips nothing."""
    cursor = context.database.read(lambda connection: channels.cursor(connection, channel.name, feed))
    assert cursor is not None, f"{channel.name} has no {feed} cursor: adopt sets it"
    done = 0
    async for page in since(cursor):

        def store(connection: Connection, page: Page[T] = page) -> None:
            keep(connection, page)
            park_bad(connection, context, channel.name, feed, page.bad)
            channels.set_cursor(connection, channel.name, feed, page.cursor, context.now())

        context.database.write(store)
        report.bad += len(page.bad)
        done += len(page.items)
        context.progress(f"reading {feed}", channel.name, done, page.total)


def park_bad(connection: Connection, context: Context, channel: str, feed: str, bad: Sequence[Bad]) -> None:
    """Set aside what could not be understood: what it is, why, and what a person does about it."""
    subject = {"orders": "order", "catalog": "product"}.get(feed, feed)
    for one in bad:
        reason = (
            f"{_name(connection, channel, subject, one.id)}: {one.reason}; correct it on {channel}, then `bridge retry`"
        )
        park(connection, context, subject, channel, one.id, reason)


def _name(connection: Connection, channel: str, subject: str, key: str) -> str:
    """Return what a merchant calls it, as far as it was ever understood."""
    if subject == "stock":
        return listings.shared_stock(connection, channel, [key]).get(key, f"stock {key}")
    known = listings.product(connection, channel, key) if subject == "product" else None
    return known.title if known else f"{subject} {key}"


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
        found = examine(connection, context, channel, levels, causes)
        rebook(connection, context, channel)
        report.edits += found.edits
        report.drifts += found.drifts
        return found.waiting

    return context.database.write(unit)


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
        levels = await channel.connector.stock.read(part)
        await drain_orders(context, channel, report)
        waiting |= await examine_levels(context, channel, levels, report)
        missing = set(part) - {level.key for level in levels}
        if missing:
            context.database.write(lambda connection, gone=missing: mark_gone(connection, context, channel, gone))  # type: ignore[misc]
    return waiting


def mark_gone(connection: Connection, context: Context, channel: Channel, keys: set[StockKey]) -> None:
    """Note that these numbers are no more on the channel, and have a person told: nothing is written or awaited there."""
    found = positions.by_keys(connection, channel.name, keys)
    rows = [replace(one, gone=True, suspect=None, suspect_at=None, in_flight=None) for one in found.values()]
    positions.save(connection, rows)
    for one in found.values():
        reason = f"{one.sku} is no more on {channel.name}: link another listing, or leave it"
        park(connection, context, "position", channel.name, position_name(one), reason)
