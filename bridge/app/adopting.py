"""Adopt: read channels for the first time, report how their numbers differ, and open the ledger when told whose count."""

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

from sqlalchemy.engine import Connection

from bridge.app.errors import AppError
from bridge.app.looking import finding_lines
from bridge.app.results import AdoptedChannel, Adoption, DifferenceLine
from bridge.app.working import Working, recorded, working
from bridge.domain.money import Money
from bridge.engine.adopt import Difference, compare, meet, open_ledger, read_channel
from bridge.engine.context import Channel, Context
from bridge.engine.report import ChannelReport
from bridge.store import channels, listings, notes, queries

if TYPE_CHECKING:
    from bridge.app.app import App

__all__ = ["adopt", "open_with"]


async def adopt(app: "App", names: Sequence[str], source: str | None) -> Adoption:
    """Read the named channels (all, if none are named) and compare; with a `source`, open the ledger with its numbers."""
    _must_be_a_source(app, source)
    with recorded(app, "adopt") as run:
        async with working(app, only=names, adopted=False) as work:
            app.database.write(lambda connection: listings.set_kits(connection, work.context.rules.kits))
            found = [await _read(work.context, channel) for channel in work.channels]
            result = app.database.read(lambda connection: _report(connection, work.context, found))
            if source is None:
                run.outcome = "compared"
                return result
            return _opened(app, work, result, source)


async def open_with(app: "App", adoption: Adoption, source: str) -> Adoption:
    """Open the ledger after a report that a person has seen, without reading everything again."""
    _must_be_a_source(app, source)
    with recorded(app, "adopt"):
        async with working(app, only=[one.channel for one in adoption.channels], adopted=False) as work:
            return _opened(app, work, adoption, source)


def _must_be_a_source(app: "App", source: str | None) -> None:
    if source is None:
        return
    if source != "ledger":
        app.must_have(source)
    elif app.database.read(lambda connection: notes.get_meta(connection, "opened")) is None:
        raise AppError(
            "the ledger is not open yet, so it has no numbers to keep",
            next_step=f"name a channel whose numbers count: --open {' or --open '.join(app.loaded.config.channels)}",
            exit_code=2,
        )


async def _read(context: Context, channel: Channel) -> AdoptedChannel:
    row = context.database.read(lambda connection: channels.get(connection, channel.name))
    was_adopted = row is not None and row.adopted_at is not None
    identity = await meet(context, channel)
    report = ChannelReport()
    if not was_adopted:
        await read_channel(context, channel, identity, report)
    total = context.database.read(queries.channel_totals).get(channel.name)
    return AdoptedChannel(
        channel=channel.name,
        platform=channel.connector.platform,
        name=identity.name,
        currency=identity.currency,
        products=report.products,
        orders=report.orders,
        bad=report.bad,
        positions=total.positions if total else 0,
        units=total.units if total else 0,
        adopted=was_adopted,
    )


def _report(connection: Connection, context: Context, found: Sequence[AdoptedChannel]) -> Adoption:
    differences = compare(connection, context)
    money: dict[str, int] = defaultdict(int)
    for one in differences:
        if one.currency:
            money[one.currency] += one.value
    return Adoption(
        channels=tuple(found),
        differences=tuple(_difference(one) for one in differences),
        gap_units=sum(one.gap for one in differences),
        gap_value=tuple(str(Money(minor, currency)) for currency, minor in sorted(money.items())),
        findings=finding_lines(connection),
        opened_from=notes.get_meta(connection, "opened"),
    )


def _difference(one: Difference) -> DifferenceLine:
    value = str(Money(one.value, one.currency)) if one.currency else None
    return DifferenceLine(sku=one.sku, place=one.place, numbers=one.numbers, gap=one.gap, value=value)


def _opened(app: "App", work: Working, result: Adoption, source: str) -> Adoption:
    from dataclasses import replace

    named = work.context.channels.get(source)
    if named is not None and not named.sells:
        step = "name a channel where goods are sold: its numbers count"
        raise AppError(
            f"{source} only shows what others have, so it cannot open the ledger",
            where=source,
            next_step=step,
            exit_code=2,
        )
    names = [channel.name for channel in work.channels]
    opened = app.database.write(lambda connection: open_ledger(connection, work.context, source, names))
    return replace(result, opened_from=source, counters_opened=opened, written_to=tuple(names))
