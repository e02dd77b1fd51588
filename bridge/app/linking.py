"""Links: what is linked to what, what cannot be, and links made by hand."""

from typing import TYPE_CHECKING, Any

from sqlalchemy.engine import Connection

from bridge.app.errors import AppError
from bridge.app.looking import finding_lines, unknown_sku
from bridge.app.results import ChannelLinks, FindingLine, Linked, LinkReport
from bridge.app.working import context_of, recorded, working
from bridge.domain.catalog import StockKey
from bridge.engine.collect import drain_orders, examine_levels
from bridge.engine.context import Channel, Context
from bridge.engine.linking import link_all
from bridge.engine.report import ChannelReport
from bridge.store import channels, documents, listings, positions, queries

if TYPE_CHECKING:
    from bridge.app.app import App

__all__ = ["link_by_hand", "report", "unlink"]


def report(connection: Connection) -> LinkReport:
    """Return matches per channel, findings, and SKUs that only one channel has."""
    totals = queries.link_totals(connection)
    return LinkReport(
        channels=tuple(_totals(name, totals[name]) for name in sorted(totals)),
        findings=finding_lines(connection),
        orphans=tuple(
            FindingLine(
                kind="orphan",
                channel=row.channel,
                key=row.variant_id,
                text=f"{row.sku} ({row.title}) is on no other channel",
            )
            for row in queries.orphans(connection)
        ),
    )


def _totals(channel: str, by: dict[str | None, int]) -> ChannelLinks:
    return ChannelLinks(
        channel=channel,
        listings=sum(by.values()),
        by_sku=by.get("sku", 0),
        by_barcode=by.get("barcode", 0),
        by_hand=by.get("hand", 0),
        unlinked=by.get(None, 0),
    )


async def link_by_hand(app: "App", channel: str, variant_id: str, sku: str, *, new: bool) -> Linked:
    """Say that a listing is this SKU (`new`: one that is not known yet), and read its number."""
    app.must_have(channel)
    with recorded(app, "link"):
        before = app.database.write(lambda connection: _bind(connection, app, channel, variant_id, sku, new=new))
        await _read_number(app, channel, variant_id)
        return Linked(channel=channel, variant_id=variant_id, sku=sku, before=before)


async def unlink(app: "App", channel: str, variant_id: str) -> Linked:
    """Take a link by hand back: the listing is linked by its own SKU or barcode again, if by anything."""
    app.must_have(channel)
    with recorded(app, "link"):
        before = app.database.write(lambda connection: _unbind(connection, app, channel, variant_id))
        return Linked(channel=channel, variant_id=variant_id, sku=None, before=before)


def _bind(connection: Connection, app: "App", channel: str, variant_id: str, sku: str, *, new: bool) -> str | None:
    row = _row(connection, channel, variant_id)
    if queries.title(connection, sku) is None:
        if not new:
            raise unknown_sku(connection, sku)
        listings.add_skus(connection, {sku: row.title}, app.now())
    for other in queries.linked_to(connection, channel, sku):
        if other.variant_id != variant_id and (other.stock_id is None or other.stock_id != row.stock_id):
            raise AppError(
                f"{sku} is linked to listing {other.variant_id} there already",
                where=channel,
                next_step=f"a SKU has one number on a channel; `bridge link --undo {channel} {other.variant_id}` frees it"
                if other.how == "hand"
                else "give one of the two listings another SKU on the platform",
            )
    if row.sku != sku:
        _forget_number(connection, channel, row)
    listings.bind(connection, [(channel, variant_id, sku, "hand")])
    documents.mark_variants(connection, [(channel, variant_id)])
    link_all(connection, context_of(app, {}))
    return str(row.sku) if row.sku else None


def _unbind(connection: Connection, app: "App", channel: str, variant_id: str) -> str | None:
    row = _row(connection, channel, variant_id)
    if row.how != "hand" or row.sku is None:
        how = f"linked by its {row.how}" if row.sku else "not linked"
        raise AppError(
            f"listing {variant_id} is {how}, not by hand", where=channel, next_step="change it on the platform"
        )
    _forget_number(connection, channel, row)
    listings.bind(connection, [(channel, variant_id, None, None)])
    documents.mark_variants(connection, [(channel, variant_id)])
    link_all(connection, context_of(app, {}))
    return str(row.sku)


def _row(connection: Connection, channel: str, variant_id: str) -> Any:
    row = queries.listing(connection, channel, variant_id)
    if row is None:
        raise AppError(
            f"there is no listing {variant_id}",
            where=channel,
            next_step="`bridge link` shows the listings by their ids",
        )
    return row


def _forget_number(connection: Connection, channel: str, row: Any) -> None:
    """A position belongs to one SKU: under another it begins anew. A write on its way must end first."""
    if row.stock_id and not positions.forget(connection, channel, row.stock_id):
        raise AppError(f"a write to {row.sku} is under way", where=channel, next_step="run `bridge sync`, then link")


async def _read_number(app: "App", name: str, variant_id: str) -> None:
    """A feed tells only what changes, so a listing linked just now would have no number until the next audit."""
    row = app.database.read(lambda connection: queries.listing(connection, name, variant_id))
    known = app.database.read(lambda connection: channels.get(connection, name))
    if row is None or not row.stock_id or known is None or known.adopted_at is None:
        return
    async with working(app, only=[name]) as work:
        await _examine(work.context, work.channels[0], row.stock_id)


async def _examine(context: Context, channel: Channel, stock_id: str) -> None:
    report = ChannelReport()
    levels = await channel.connector.stock.read([StockKey(stock_id, place) for place in channel.places])
    await drain_orders(context, channel, report)
    await examine_levels(context, channel, levels, report)
