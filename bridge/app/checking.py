"""Check: credentials, scopes, clock, locations, one call or a few per channel; and the proof of the ledger."""

import asyncio
from typing import TYPE_CHECKING

from sqlalchemy.engine import Connection

from bridge.app.results import ChannelCheck, Check, LedgerCheck, LocationLine
from bridge.app.wiring import channel_of, outside
from bridge.contract.errors import BridgeError, NeedsPerson
from bridge.contract.ports import Identity
from bridge.engine.context import Channel
from bridge.engine.lane import possible_age
from bridge.engine.polling import possible_poll
from bridge.store import ledger as ledger_store
from bridge.store import listings, positions, queries

if TYPE_CHECKING:
    from bridge.app.app import App

__all__ = ["check"]

# A platform's Date header has whole seconds and the answer travels; below this a clock is right.
_SKEW = 60.0


async def check(app: "App", *, ledger: bool) -> Check:
    """Ask every channel who we are there; nothing is written. `ledger` proves the balances as well."""
    names = app.loaded.config.channels
    found = await asyncio.gather(*(_channel(app, name) for name in names))
    return Check(channels=tuple(found), ledger=app.database.read(prove) if ledger else None)


async def _channel(app: "App", name: str) -> ChannelCheck:
    platform = app.loaded.config.channels[name].platform
    try:
        # Somebody waits for the answer, so a dead address is tried twice, not five times.
        channel, warnings = channel_of(app.loaded, name, app.surroundings or outside(attempts=2))
        for warning in warnings:
            app.warn(warning)
        try:
            return _judged(app, channel, await channel.connector.account.check())
        finally:
            if channel.connector.close is not None:
                await channel.connector.close()
    except BridgeError as error:
        needs_person = isinstance(error, NeedsPerson)
        return ChannelCheck(
            channel=name,
            platform=platform,
            ok=False,
            problem=error.what,
            next=error.next_step,
            needs_person=needs_person,
        )


def _judged(app: "App", channel: Channel, identity: Identity) -> ChannelCheck:
    skew = (app.now() - identity.now).total_seconds()
    problem, step = _problem(channel, identity)
    notes = list(identity.notes)
    if abs(skew) > _SKEW and not any("clock" in note for note in notes):
        notes.append(f"this machine's clock is {skew:+.0f} s off the platform's: synchronise it (NTP)")
    notes.extend(_too_old(app, channel))
    notes.extend(_too_often(app, channel))
    notes.extend(_earns_nothing(app, channel, identity))
    places = channel.places or _only(identity)
    return ChannelCheck(
        channel=channel.name,
        platform=channel.connector.platform,
        ok=not problem,
        name=identity.name,
        currency=identity.currency,
        version=identity.version,
        clock_skew=round(skew, 1),
        locations=tuple(
            LocationLine(id=one.id, name=one.name, active=one.active, place=places.get(one.id, ""))
            for one in identity.locations
        ),
        notes=tuple(notes),
        problem=problem,
        next=step,
        needs_person=bool(problem),
    )


def _too_old(app: "App", channel: Channel) -> list[str]:
    """Say which audit.max_age the platform's limits allow, where they do not allow the one wished for."""
    wished = app.loaded.config.audit.max_age
    numbers = app.database.read(lambda connection: positions.count(connection, channel.name))
    possible = possible_age(channel.connector.limits, numbers)
    if possible <= wished:
        return []
    hours = possible.total_seconds() / 3600
    return [
        f"audit.max_age cannot be kept: {numbers:,} numbers can be read again every {hours:.1f} hours within the platform's limits"
    ]


def _too_often(app: "App", channel: Channel) -> list[str]:
    """Say how often the platform's limits allow a channel to be polled, where they do not allow what was wished for."""
    products = app.database.read(lambda connection: listings.product_count(connection, channel.name))
    possible = possible_poll(channel.connector.limits, products)
    if channel.poll is None or possible <= channel.poll:
        return []
    what = f"channels.{channel.name}.poll cannot be kept: {products:,} products can be polled every"
    return [f"{what} {possible.total_seconds():.0f} s within the platform's limits, and are"]


def _earns_nothing(app: "App", channel: Channel, identity: Identity) -> list[str]:
    """Say that purchases at a channel in another currency than the rules of points know are worth no points."""
    table, mode = app.loaded.config.points, app.loaded.config.channels[channel.name].points
    if table is None or channel.connector.orders is None or mode == "off" or identity.currency in {"", table.currency}:
        return []
    return [f"purchases here earn no points: they are in {identity.currency}, [points] is in {table.currency}"]


def _only(identity: Identity) -> dict[str, str]:
    active = [one.id for one in identity.locations if one.active]
    return {active[0]: "main"} if len(active) == 1 else {}


def _problem(channel: Channel, identity: Identity) -> tuple[str, str]:
    section = f"[channels.{channel.name}.locations]"
    known = {one.id for one in identity.locations}
    listed = ", ".join(f'"{one.id}" ({one.name})' for one in identity.locations)
    if identity.missing:
        return (
            f"the credentials lack: {', '.join(identity.missing)}",
            "grant these in the platform's admin and try again",
        )
    if known and (strangers := sorted(set(channel.places) - known)):
        return f"there is no location {strangers[0]}; there are: {listed}", f"correct {section}"
    if not channel.places and sum(one.active for one in identity.locations) > 1:
        return f"there are several locations: {listed}", f'name those to keep in step in {section}, as "ID" = "main"'
    return "", ""


def prove(connection: Connection) -> LedgerCheck:
    """Prove that every balance is the sum of its movements, and every order has moved what its snapshot says."""
    balances = [
        f"{c}: balance {balance}, movements add up to {total}" for c, balance, total in ledger_store.prove(connection)
    ]
    effects = [
        f"{channel} order {order}: {key} at {place} should have moved {wanted:+d}, the ledger has {moved:+d}"
        for channel, order, key, place, wanted, moved in queries.wrong_orders(connection)
    ]
    return LedgerCheck(
        counters=queries.size(connection, "counters"),
        movements=queries.size(connection, "movements"),
        orders=queries.size(connection, "orders"),
        wrong_balances=tuple(balances),
        wrong_orders=tuple(effects),
    )
