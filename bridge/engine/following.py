"""Following feeds: each page is stored together with the cursor behind it."""

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from sqlalchemy.engine import Connection

from bridge.contract.feed import Bad, Page
from bridge.engine.context import Channel, Context
from bridge.engine.noting import park
from bridge.engine.report import ChannelReport
from bridge.store import channels, listings

__all__ = ["begin_feed", "follow", "park_bad"]

T = TypeVar("T")


def begin_feed(context: Context, channel: Channel, feed: str, begin: Callable[[datetime], str]) -> None:
    """Set a feed's cursor where it has none yet: what was before it began is not read."""

    def unit(connection: Connection) -> None:
        row = channels.get(connection, channel.name)
        clock = timedelta(seconds=row.clock if row is not None else 0)
        channels.set_cursor(connection, channel.name, feed, begin(context.now() + clock), context.now())

    if context.database.read(lambda connection: channels.cursor(connection, channel.name, feed)) is None:
        context.database.write(unit)


async def follow(
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
