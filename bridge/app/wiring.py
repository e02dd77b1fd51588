"""Builds what the engine works with from the config: connectors by name, channels, rules, the real outside world."""

import asyncio
import random
import re
import time
from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from importlib import import_module
from typing import Any

from bridge.app.vault import DatabaseVault
from bridge.config import ChannelTable, Config, Loaded
from bridge.config.model import PRODUCT_FIELDS, PointsTable
from bridge.contract.errors import NeedsPerson
from bridge.contract.ports import Connector
from bridge.domain.allotment import Rule
from bridge.domain.earning import EarnRule, PointsRules, Tier
from bridge.domain.guard import GuardRule
from bridge.domain.money import Money
from bridge.domain.pricing import PriceRule
from bridge.engine.context import Channel, Documents, Loyalty, Mirroring, Rules
from bridge.engine.events import Events, Target
from bridge.engine.reported import source_of
from bridge.wire.http import Surroundings
from connectors import PLATFORMS

__all__ = ["channel_of", "connector_module", "events_of", "outside", "rules_of"]


def connector_module(platform: str) -> Any:
    """Load a platform's connector: its `Settings`, `LIMITS` and `connect`."""
    return import_module(PLATFORMS[platform])


def outside(attempts: int = 5) -> Surroundings:
    """The real outside world: this machine's clock, the network, randomness from the system."""
    return Surroundings(
        now=lambda: datetime.now(UTC),
        time=time.monotonic,
        sleep=asyncio.sleep,
        rng=random.SystemRandom(),
        attempts=attempts,
    )


def channel_of(loaded: Loaded, name: str, around: Surroundings) -> tuple[Channel, Sequence[str]]:
    """Build a configured channel, and the warnings its settings deserve. Makes no call; raises ConfigError, NeedsPerson."""
    table = loaded.config.channels[name]
    module = connector_module(table.platform)
    settings = loaded.settings(name, module.Settings)
    try:
        connector: Connector = module.connect(settings, _keeping(loaded, around), where=name)
    except NeedsPerson as error:
        # A setting that cannot be right: the file and the line are known here, the platform's rules only there.
        error.what += f" ({loaded.file}, line {loaded.lines.of(('channels', name, _named(error, settings)))})"
        raise
    if table.points == "own" and not connector.limits.earns_itself:
        text = f'channels.{name}.points cannot be "own": {table.platform} gives no points by itself; allowed: "show", "off"'
        raise loaded.error(("channels", name, "points"), text)
    warnings = list(loaded.warnings(name, module.Settings))
    if table.counts_from and connector.orders is None:
        warnings.append(f"counts_from of {name} does nothing: nobody can buy there, so what is set there never counts")
    return _channel(name, table, connector), tuple(warnings)


def _keeping(loaded: Loaded, around: Surroundings) -> Surroundings:
    return replace(around, vault=DatabaseVault(loaded.database))


def _named(error: NeedsPerson, settings: object) -> str:
    """Return the setting that an error speaks of, "" if it names none."""
    words = set(re.findall(r"\w+", f"{error.what} {error.next_step}"))
    return next((one.name for one in fields(settings) if one.name in words), "")  # type: ignore[arg-type]


def _channel(name: str, table: ChannelTable, connector: Connector) -> Channel:
    price = table.price
    return Channel(
        name=name,
        connector=connector,
        places=dict(table.locations),
        home=table.home_location,
        counts_from=table.counts_from,
        counts=table.counts,
        restock=table.restock,
        price=PriceRule(factor=price.factor, rounding=price.rounding, step=price.step),
        create=table.create,
        poll=table.poll,
    )


def rules_of(config: Config) -> Rules:
    """The merchant's rules, as the engine takes them."""
    guard = config.guard
    return Rules(
        allotment=_allotment(config),
        guard=GuardRule(zero=guard.zero, percent=float(guard.percent), free=guard.free),
        kits={kit: dict(parts) for kit, parts in config.kits.items()},
        documents=_documents(config),
        mirroring=Mirroring(home=config.orders.home, sources=frozenset(config.orders.mirror)),
        grace=config.stock.grace,
        history=config.orders.history,
        track=config.stock.track,
        loyalty=_loyalty(config),
    )


def events_of(config: Config) -> Events | None:
    """Who is told of what happens; None where nobody is."""
    targets = [
        Target(name=one.name, url=one.url, secret=one.secret, types=frozenset(one.types), low=one.low)
        for one in config.events
    ]
    return Events(targets) if targets else None


def _loyalty(config: Config) -> Loyalty:
    points, names = config.points, config.channels.items()
    common = Loyalty(
        country=config.customers.country, remind=config.coupons.remind, reward=config.coupons.reward,
        own=frozenset(name for name, table in names if table.points == "own"),
        hidden=frozenset(name for name, table in names if table.points == "off"),
        tills=tuple(source_of(one.name) for one in config.tokens if "loyalty" in one.scopes),
    )  # fmt: skip
    if points is None:
        return common
    rules = _points(points, common.own | common.hidden)
    return replace(common, points=rules, notice=points.notice, lasts=points.code_lasts)


def _points(table: PointsTable, off: frozenset[str]) -> PointsRules:
    """What orders earn: numbers as their shortest text, so that 1 and 1.0 are the same rules."""
    return PointsRules(
        currency=table.currency, earn=_plain(table.earn), value=_plain(table.value), pending_days=_days(table.pending),
        expires_days=None if table.expires is None else _days(table.expires), with_tax=table.include_tax, discounted=table.discounted,
        rules=tuple(
            EarnRule(times=_plain(one.times), sku=one.sku, tag=one.tag, channel=one.channel, since=one.since, until=one.until)
            for one in table.rule
        ),
        tiers=tuple(Tier(name=one.name, spend=_minor(one.spend, table.currency), times=_plain(one.times)) for one in table.tier),
        tier_days=table.tier_days, off=off,
    )  # fmt: skip


def _plain(number: Decimal) -> str:
    return f"{number.normalize():f}"


def _minor(amount: Decimal, currency: str) -> int:
    return Money.rounded(amount, currency).minor


def _days(span: timedelta) -> float:
    return span / timedelta(days=1)


def _allotment(config: Config) -> list[Rule]:
    defaults = Rule(buffer=config.stock.buffer, cap=config.stock.cap)
    rules = [Rule(sku=p.sku, tag=p.tag, channel=p.channel, buffer=p.buffer, cap=p.cap) for p in config.policy]
    return [defaults, *rules]


def _documents(config: Config) -> Documents:
    products = config.products
    owners = dict.fromkeys(PRODUCT_FIELDS, products.owner) if products.owner else {}
    owners |= {name: rule.owner for name, rule in products.fields.items()}
    writers = {name: frozenset(rule.writers) for name, rule in products.fields.items() if rule.writers}
    return Documents(owners=owners, writers=writers)
