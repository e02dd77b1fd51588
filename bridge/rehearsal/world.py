"""A world: stand-ins for the platforms, the connectors that talk to them, and the bridge between, under one clock."""

import asyncio
import importlib
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import ModuleType
from typing import Any

from bridge.contract.ports import Connector
from bridge.domain.ledger import stock
from bridge.engine.adopt import meet, open_ledger, read_channel
from bridge.engine.context import Channel, Context, Progress, Rules, Silent
from bridge.engine.events import Events
from bridge.engine.report import Report
from bridge.engine.rules import apply_rules
from bridge.engine.sync import Sync
from bridge.sandbox import STAND_INS, hosts
from bridge.sandbox.kit.platform import Platform
from bridge.sandbox.kit.transport import InProcess
from bridge.store import channels, ledger, positions, schema
from bridge.store.database import Database
from bridge.wire.http import Surroundings

__all__ = ["HOSTS", "World", "build"]

HOSTS = {name: facts.host for name, facts in STAND_INS.items()}


@dataclass(slots=True)
class World:
    """Everything a rehearsal needs. `restart` stands for a crash: nothing in memory survives it.

    `strangers` are platforms that the bridge does not know yet.
    """

    platforms: dict[str, Platform]
    around: Surroundings
    database: Database
    rules: Rules
    overrides: Mapping[str, Mapping[str, Any]]
    channels: dict[str, Channel] = field(default_factory=dict)
    progress: Progress = Silent
    strangers: set[str] = field(default_factory=set)
    events: Events | None = None
    _places: dict[str, dict[str, str]] = field(default_factory=dict)

    def numbers(self, name: str) -> dict[str, dict[str, int]]:
        """Return a platform's own numbers by SKU and location id (stand-ins may call a location by its name).

        Where the platform has no locations, a stand-in's name for the only place there is says nothing.
        """
        ids = self._places.get(name)
        stock = self.platforms[name].shop.stock()
        if ids == {}:
            return {sku: {"": sum(row.values())} for sku, row in stock.items()}
        known = ids or {}
        return {sku: {known.get(place, place): units for place, units in row.items()} for sku, row in stock.items()}

    def balances(self) -> dict[str, int]:
        """Return what the ledger has of each SKU at our place "main"."""
        rows = self.database.read(lambda connection: list(positions.every(connection)))
        shelves = [stock(sku, "main") for sku in {row.sku for row in rows}]
        found = self.database.read(lambda connection: ledger.balances(connection, shelves))
        return {counter.key: units for counter, units in found.items()}

    @property
    def context(self) -> Context:
        """What the engine works with."""
        return Context(
            database=self.database,
            channels=self.channels,
            rules=self.rules,
            now=self.around.now,
            sleep=self.around.sleep,
            rng=self.around.rng,
            progress=self.progress,
            events=self.events,
        )

    def restart(self) -> None:
        """Start the bridge anew on the same database: connectors and all that was in memory are made again."""
        known = {name: (channel.places, channel.home, channel.currency) for name, channel in self.channels.items()}
        for name, platform in self.platforms.items():
            if name in self.strangers:
                continue
            channel = Channel(name=name, connector=connect(platform, self.around), **self.overrides.get(name, {}))
            if name in known:
                channel.places, channel.home, channel.currency = known[name]
            self.channels[name] = channel

    async def adopt(self, opens: str) -> Report:
        """First contact with the channels that are not adopted yet, and the ledger opened with the numbers of one."""
        report = Report()
        context = self.context
        self.database.write(lambda connection: apply_rules(connection, context))
        rows = self.database.read(channels.all_channels)
        adopted = {row.channel for row in rows if row.adopted_at is not None}
        fresh = [channel for name, channel in self.channels.items() if name not in adopted]
        for channel in fresh:
            locations = (await channel.connector.account.check()).locations
            self._places[channel.name] = {location.name: location.id for location in locations}
            if not channel.places:
                used = {place for row in self.numbers(channel.name).values() for place in row}
                channel.places = {min(used, default=""): "main"}
            identity = await meet(context, channel)
            await read_channel(context, channel, identity, report.of(channel.name))
        names = [channel.name for channel in fresh]
        self.database.write(lambda connection: open_ledger(connection, context, opens, names))
        return report

    async def sync(self) -> Report:
        """One `bridge sync` of stock."""
        context = self.context
        self.database.write(lambda connection: apply_rules(connection, context))
        run = Sync(context, list(self.channels.values()))
        await run.read()
        await run.stock()
        return run.report

    async def close(self) -> None:
        """Close the connectors."""
        for channel in self.channels.values():
            if channel.connector.close is not None:
                await channel.connector.close()
        self.database.close()


def build(
    names: Sequence[str],
    *,
    database: Database,
    now: Callable[[], datetime],
    time: Callable[[], float],
    seed: int,
    rules: Rules | None = None,
    options: Mapping[str, Mapping[str, Any]] | None = None,
    overrides: Mapping[str, Mapping[str, Any]] | None = None,
    clocks: Mapping[str, timedelta] | None = None,
) -> World:
    """Make a world with empty platforms. `options` go to the stand-ins, `overrides` to `Channel`.

    `clocks`: how far the clock of a platform is ahead of ours.
    """
    schema.ensure(database)
    rng = random.Random(seed)
    platforms = {}
    for name in names:
        package: Any = importlib.import_module(f"bridge.sandbox.{name}")
        more = (options or {}).get(name, {})
        clock, luck = _ahead(now, (clocks or {}).get(name)), random.Random(rng.random())
        host = f"https://{HOSTS[name]}"
        platforms[name] = package.build(now=clock, sleep=asyncio.sleep, rng=luck, host=host, **more)
    transport = InProcess({host: platform.app for name, platform in platforms.items() for host in hosts(name)})
    around = Surroundings(
        now=now, time=time, sleep=asyncio.sleep, rng=random.Random(rng.random()), transport=transport, timeout=60.0
    )
    world = World(platforms, around, database, rules or Rules(), overrides or {})
    world.restart()
    return world


def _ahead(now: Callable[[], datetime], offset: timedelta | None) -> Callable[[], datetime]:
    return now if offset is None else lambda: now() + offset


def connect(platform: Platform, around: Surroundings) -> Connector:
    """Make the connector that talks to a stand-in."""
    module: ModuleType = importlib.import_module(f"connectors.{platform.name}")
    names = set(module.Settings.__dataclass_fields__)
    values: dict[str, Any] = {name: value for name, value in platform.credentials.items() if name in names}
    values |= {name: value for name, value in STAND_INS[platform.name].settings.items() if name in names}
    if "url" in names:
        values["url"] = f"https://{HOSTS[platform.name]}"
    connector: Connector = module.connect(module.Settings(**values), around, where=platform.name)
    return connector
