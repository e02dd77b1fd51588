"""Linking: listings become SKUs, and linked listings with a number become positions."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from sqlalchemy.engine import Connection

from bridge.domain.catalog import Level, StockKey
from bridge.domain.linking import Finding, link
from bridge.domain.position import Position
from bridge.engine.context import Channel, Context
from bridge.store import listings, notes, positions

__all__ = ["freed", "link_all", "place_levels", "place_listings", "position_name"]


def link_all(connection: Connection, context: Context) -> Sequence[Finding]:
    """Link every listing that can be linked without a guess, and record what cannot as findings."""
    links = link(listings.candidates(connection), listings.known_skus(connection), listings.barcodes(connection))
    linked, taken = listings.unclaimed(connection, links.linked)
    now = context.now()
    listings.add_skus(connection, links.fresh, now)
    listings.bind(connection, [(channel, variant, sku, how) for (channel, variant), (sku, how) in linked.items()])
    findings = [*links.findings, *taken, *listings.untracked(connection)]
    listings.replace_findings(connection, findings, now)
    return findings


def place_levels(connection: Connection, channel: Channel, levels: Iterable[Level]) -> None:
    """Make positions for numbers that have none yet and belong to a linked listing at a known place."""
    wanted = {level.key for level in levels if level.key.location in channel.places}
    known = positions.by_keys(connection, channel.name, wanted)
    missing = wanted - known.keys()
    gone = {key for key, one in known.items() if one.gone}
    owners = listings.shared_stock(connection, channel.name, {key.stock_id for key in missing | gone})
    # A number outlives its listing (Square goes on naming the count of a deleted variation): only a living listing revives it.
    revived = [freed(connection, replace(known[key], gone=False)) for key in gone if key.stock_id in owners]
    fresh = [_position(channel, key, owners[key.stock_id]) for key in missing if key.stock_id in owners]
    positions.save(connection, revived + fresh)


def position_name(position: Position) -> str:
    """How a position is called where it is parked: stock id and location."""
    return f"{position.key.stock_id}@{position.key.location}"


def freed(connection: Connection, position: Position) -> Position:
    """The number is kept there (again): what was parked because it was not is due anew; what the guard holds is not."""
    notes.unpark(connection, "position", position.channel, [position_name(position)])
    return position if position.parked.startswith("guard: ") else replace(position, parked="")


def place_listings(connection: Connection, channel: Channel) -> None:
    """Make a position for every linked listing that has none: the channel told no number for it, perhaps it keeps none."""
    home = channel.home if channel.home in channel.places else next(iter(channel.places), None)
    if home is not None:
        fresh = [
            _position(channel, StockKey(stock_id, home), sku)
            for stock_id, sku in listings.unplaced(connection, channel.name)
        ]
        positions.save(connection, fresh)


def _position(channel: Channel, key: StockKey, sku: str) -> Position:
    return Position(channel=channel.name, key=key, sku=sku, place=channel.places[key.location])
