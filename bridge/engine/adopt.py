"""Adopt: first contact with a channel. Read everything, link, compare; write nothing there.

The ledger opens with the numbers of the channel the merchant names; until then a channel is only read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy.engine import Connection

from bridge.contract.errors import NeedsPerson
from bridge.contract.feed import Page
from bridge.contract.ports import Identity
from bridge.domain.catalog import Level, Product
from bridge.domain.ledger import Counter
from bridge.domain.position import Position, adopted
from bridge.engine.collect import drain_orders
from bridge.engine.context import Channel, Context
from bridge.engine.desk import Desk
from bridge.engine.examine import open_counter
from bridge.engine.following import park_bad
from bridge.engine.linking import link_all, place_levels, place_listings
from bridge.engine.report import ChannelReport
from bridge.store import channels, ledger, listings, notes, positions
from bridge.store.commitments import sold_since

__all__ = ["Difference", "compare", "meet", "open_ledger", "read_channel"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One SKU whose numbers differ between channels; `value` is the gap times the price, in minor units of `currency`."""

    sku: str
    place: str
    numbers: dict[str, int]
    gap: int
    value: int
    currency: str


async def meet(context: Context, channel: Channel) -> Identity:
    """Ask the channel who it is, and settle which of its locations is which of our places."""
    identity = await channel.connector.account.check()
    if identity.missing:
        missing = ", ".join(identity.missing)
        raise NeedsPerson(
            f"the credentials lack: {missing}",
            where=channel.name,
            next_step="grant these in the platform's admin and try again",
        )
    _place(channel, identity)
    ahead = identity.now - context.now()

    def note(connection: Connection) -> None:
        platform = channel.connector.platform
        channels.met(connection, channel.name, platform, identity.currency, channel.places, channel.home)
        channels.heed_clock(connection, channel.name, ahead)

    context.database.write(note)
    channel.currency = identity.currency
    return identity


def _place(channel: Channel, identity: Identity) -> None:
    known = {location.id: location for location in identity.locations}
    fixed = channel.connector.limits.fixed_locations
    strangers = sorted(set(channel.places) - known.keys() - {""})
    if strangers and known:
        raise NeedsPerson(
            f"there is no location {strangers[0]}; there are: {_names(identity)}",
            where=channel.name,
            next_step=f"correct [channels.{channel.name}.locations]",
        )
    if not channel.places:
        active = [location.id for location in identity.locations if location.active and location.id not in fixed]
        if len(active) > 1:
            raise NeedsPerson(
                f"there are several locations: {_names(identity)}",
                where=channel.name,
                next_step=f'name the ones to keep in step in [channels.{channel.name}.locations], such as "{active[0]}" = "main"',
            )
        channel.places = {active[0] if active else "": "main"}
    written = [location for location in channel.places if location not in fixed]
    channel.home = channel.home or next(iter(written or channel.places))


def _names(identity: Identity) -> str:
    return ", ".join(f'"{location.id}" ({location.name})' for location in identity.locations)


async def read_channel(context: Context, channel: Channel, identity: Identity, report: ChannelReport) -> None:
    """Read the whole channel: catalogue, numbers, and the orders of the recent past (so that their later changes make sense)."""
    start = identity.now
    levels = await _catalog(context, channel, report)
    if not channel.connector.limits.stock_in_catalog:
        levels = await _numbers(context, channel)
    context.database.write(lambda connection: _begin_feeds(connection, context, channel, identity))
    await drain_orders(context, channel, report)
    context.database.write(lambda connection: _place_numbers(connection, context, channel, levels))
    await _steady(context, channel, start, report)
    context.database.write(lambda connection: place_listings(connection, channel))
    # Only the numbers tell what is not tracked.
    context.database.write(lambda connection: link_all(connection, context))


async def _catalog(context: Context, channel: Channel, report: ChannelReport) -> list[Level]:
    levels: list[Level] = []
    async for page in channel.connector.catalog.all():

        def keep(connection: Connection, page: Page[Product] = page) -> None:
            listings.record(connection, channel.name, page.items, context.now())
            park_bad(connection, context, channel.name, "catalog", page.bad)

        context.database.write(keep)
        levels.extend(page.levels)
        report.products += len(page.items)
        report.bad += len(page.bad)
        context.progress("reading the catalogue", channel.name, report.products, page.total)
    context.database.write(lambda connection: link_all(connection, context))
    return levels


async def _numbers(context: Context, channel: Channel) -> list[Level]:
    levels: list[Level] = []
    async for page in channel.connector.stock.scan():
        levels.extend(page.items)
        context.progress("reading stock", channel.name, len(levels), page.total)
    return levels


def _begin_feeds(connection: Connection, context: Context, channel: Channel, identity: Identity) -> None:
    port = channel.connector
    now = context.now()
    if port.orders is not None and channels.cursor(connection, channel.name, "orders") is None:
        cursor = port.orders.changes.begin(identity.now - context.rules.history)
        channels.set_cursor(connection, channel.name, "orders", cursor, now)
    if notes.get_meta(connection, "opened") is not None:
        # Stamps are whole seconds: a sale of that very second counts.
        channels.starts(connection, channel.name, identity.now - timedelta(seconds=1))
    channels.set_cursor(connection, channel.name, "catalog", port.catalog.changes.begin(identity.now), now)
    if port.stock.changes is not None:
        channels.set_cursor(connection, channel.name, "stock", port.stock.changes.begin(identity.now), now)


def _place_numbers(connection: Connection, context: Context, channel: Channel, levels: Sequence[Level]) -> None:
    """Believe the channel's numbers, unless the ledger is open and the position known: then they are examined like any read."""
    place_levels(connection, channel, levels)
    found = positions.by_keys(connection, channel.name, [level.key for level in levels])
    row = channels.get(connection, channel.name)
    if row is not None and row.adopted_at is not None:
        return
    numbers = {level.key: level for level in levels}
    fresh = [adopted(position, numbers[key].quantity, numbers[key].as_of) for key, position in found.items()]
    positions.save(connection, fresh)
    if notes.get_meta(connection, "opened") is not None:
        _settle_all(connection, context, fresh)


async def _steady(context: Context, channel: Channel, start: datetime, report: ChannelReport) -> None:
    """Read again what was sold while we were reading: whole-second stamps leave it open whether a number had the sale inside."""
    for _ in range(10):
        recent = context.database.read(partial(sold_since, channel=channel.name, start=start))
        if not recent:
            return
        await context.sleep(2.5)
        levels = await channel.connector.stock.read(recent[: channel.connector.limits.read_batch])
        start = min((level.as_of for level in levels), default=context.now()) - timedelta(seconds=1)
        await drain_orders(context, channel, report)
        context.database.write(partial(_place_numbers, context=context, channel=channel, levels=levels))


def compare(connection: Connection, context: Context) -> list[Difference]:
    """List the SKUs whose channels show different numbers, the most valuable gap first."""
    shown: dict[tuple[str, str], dict[str, int]] = {}
    for position in positions.every(connection):
        channel = context.channels.get(position.channel)
        if position.shown is not None and not position.gone and not (channel and channel.keeps(position.key)):
            shown.setdefault((position.sku, position.place), {})[position.channel] = position.shown
    prices = _prices(connection, context)
    found = []
    for (sku, place), numbers in shown.items():
        gap = max(numbers.values()) - min(numbers.values())
        if gap:
            price, currency = prices.get(sku, (0, ""))
            found.append(
                Difference(sku=sku, place=place, numbers=numbers, gap=gap, value=gap * price, currency=currency)
            )
    return sorted(found, key=lambda one: (-one.value, -one.gap, one.sku))


def _prices(connection: Connection, context: Context) -> dict[str, tuple[int, str]]:
    """A price of each SKU in minor units, with the currency of the channel that shows it."""
    rows = listings.prices(connection)
    return {sku: (price, context.channels[name].currency) for sku, name, price in rows if name in context.channels}


def open_ledger(connection: Connection, context: Context, source: str, names: Sequence[str]) -> int:
    """Open the ledger with the numbers of channel `source` (SKUs it lacks: with the next channel that has them).

    Numbers that are not believed come last, those of a surface never count.

    `source` "ledger" keeps an open ledger as it is and only lets the channels `names` be written to. Returns how many
    counters were opened.
    """
    now = context.now()
    rows = [row for row in positions.every(connection) if not row.gone and row.shown is not None]
    able = [row for row in rows if _may_open(context, row)]
    ranked = sorted(able, key=lambda row: (row.channel != source, not _believed(context, row), row.channel))
    counters = {Counter("stock", row.sku, row.place) for row in able if row.sku not in context.rules.kits}
    known = ledger.opened(connection, counters)
    desk = Desk(connection, context, now)
    ahead = {name: channels.clock(connection, name) for name in {row.channel for row in rows}}
    fresh: set[Counter] = set()
    for row in ranked:
        counter = Counter("stock", row.sku, row.place)
        if counter in counters and counter not in known and counter not in fresh:
            fresh.add(counter)
            open_counter(desk, counter, row.shown or 0, row.base_at or now, row.channel, ahead[row.channel])
    desk.close()
    _settle_all(connection, context, rows)
    notes.set_meta(connection, "opened", source)
    for name in names:
        channels.adopt(connection, name, now)
    return len(fresh)


def _may_open(context: Context, row: Position) -> bool:
    """A surface shows what others have: its numbers open nothing."""
    channel = context.channels.get(row.channel)
    return channel is None or channel.sells or channel.keeps(row.key)


def _believed(context: Context, row: Position) -> bool:
    channel = context.channels.get(row.channel)
    return channel is None or channel.believed or channel.keeps(row.key)


def _settle_all(connection: Connection, context: Context, rows: Sequence[Position]) -> None:
    desk = Desk(connection, context, context.now())
    for row in rows:
        desk.touch(row.sku)
    desk.close()
