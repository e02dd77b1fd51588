"""Worlds to measure in: stand-ins with a catalogue, the bridge adopted on them, and a count of the calls it makes."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy.engine import Connection

from bridge.app import App
from bridge.app.configfile import config_text
from bridge.config.load import parse
from bridge.contract.ports import Connector
from bridge.domain.guard import GuardRule
from bridge.domain.ledger import Movement, stock
from bridge.engine.context import Context, Rules, Silent
from bridge.engine.desk import Desk
from bridge.rehearsal.world import HOSTS, World, build
from bridge.sandbox import FIRST, STAND_INS
from bridge.sandbox.kit.loop import START, SimulatedLoop, run_simulated
from bridge.store.database import Database
from bridge.store.listings import known_skus
from bridge.wire.http import Surroundings

__all__ = [
    "NO_GUARD",
    "PLATFORMS",
    "app_of",
    "calls",
    "connector_of",
    "goods",
    "grown_goods",
    "receive",
    "settings_of",
    "simulated",
    "world",
]

T = TypeVar("T")
# The journeys measured for issue after issue; bench.push_calls takes every platform.
PLATFORMS = FIRST
# A benchmark moves the whole stock at once on purpose.
NO_GUARD = GuardRule(zero=1_000_000, percent=1e9)
_ONE_PLACE = {name: facts.options for name, facts in STAND_INS.items()}


def simulated(story: Callable[[SimulatedLoop], Awaitable[T]], *, start: datetime = START) -> T:
    """Run a story under simulated time: waiting for a rate limit costs nothing real."""
    loop = SimulatedLoop(start)
    asyncio.set_event_loop(loop)

    async def told() -> T:
        return await story(loop)

    try:
        return run_simulated(told(), loop)
    finally:
        asyncio.set_event_loop(None)


def goods(count: int, *, stock: int = 10) -> list[dict[str, Any]]:
    """Return simple products, one SKU each."""
    return [
        {"title": f"Good {number}", "variants": [{"sku": f"GOOD-{number:06d}", "price": "9.90", "stock": stock}]}
        for number in range(count)
    ]


def grown_goods(parents: int, each: int, *, stock: int = 10) -> list[dict[str, Any]]:
    """Return products with `each` variations."""
    return [
        {
            "title": f"Good {number}",
            "options": ["Size"],
            "variants": [
                {"sku": f"GOOD-{number:05d}-{size}", "price": "9.90", "stock": stock, "options": {"Size": f"{size}"}}
                for size in range(each)
            ],
        }
        for number in range(parents)
    ]


def world(
    loop: SimulatedLoop,
    products: Sequence[dict[str, Any]],
    *,
    database: str = ":memory:",
    platforms: Sequence[str] = PLATFORMS,
    overrides: Mapping[str, Mapping[str, Any]] | None = None,
) -> World:
    """Make a world whose platforms all hold these products."""
    made = build(
        platforms,
        database=Database(database),
        now=loop.now,
        time=loop.time,
        seed=1,
        rules=Rules(guard=NO_GUARD),
        options=_ONE_PLACE,
        overrides=overrides,
    )
    for platform in made.platforms.values():
        platform.shop.seed(list(products))
    return made


def calls(made: World) -> dict[str, int]:
    """Return how many API calls each stand-in has answered so far."""
    return {name: sum(platform.faults.calls.values()) for name, platform in made.platforms.items()}


def receive(made: World, units: int) -> int:
    """Book `units` more of every SKU into the ledger (goods that came in); return how many numbers change by it."""
    context = made.context

    def unit(connection: Connection) -> int:
        desk = Desk(connection, context, context.now())
        names = known_skus(connection)
        for sku in names:
            desk.move(_receipt(sku, units, context))
        desk.close()
        return len(names)

    return made.database.write(unit)


def _receipt(sku: str, units: int, context: Context) -> Movement:
    unique = f"bench/{context.new_key()}/{sku}"
    counter = stock(sku, "main")
    return Movement(
        counter=counter,
        delta=units,
        why="receipt",
        unique=unique,
        channel="",
        source="bench",
        occurred_at=context.now(),
    )


@contextmanager
def app_of(made: World, folder: Path) -> Any:
    """Open the App that `bridge` commands call, on the world's platforms and clock, with its own database in `folder`."""
    text = config_text({name: {"platform": name, **settings_of(made, name)} for name in made.platforms})
    loaded = parse(text, file=folder / "config.toml", environment={})
    with App.open(loaded, surroundings=made.around, progress=Silent, warn=_fail) as app:
        yield app


def settings_of(made: World, name: str) -> dict[str, object]:
    """Return the connector's settings for one of the world's platforms."""
    known = {one.name for one in fields(import_module(f"connectors.{name}").Settings)}
    given: dict[str, object] = {key: value for key, value in made.platforms[name].credentials.items() if key in known}
    return {**given, "url": f"https://{HOSTS[name]}"} if "url" in known else given


def connector_of(name: str, settings: Mapping[str, object], around: Surroundings) -> Connector:
    """Make a platform's connector from its settings."""
    module = import_module(f"connectors.{name}")
    connector: Connector = module.connect(module.Settings(**settings), around, where=name)
    return connector


def _fail(text: str) -> None:
    raise AssertionError(f"the app warns: {text}")
