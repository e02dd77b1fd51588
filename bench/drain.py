"""One process that drains an orders feed from a recording, and what it took."""

import asyncio
import gc
import multiprocessing
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bench.machine import peak_mb, resident_mb
from bench.playback import Playback
from bench.worlds import connector_of, simulated
from bridge.engine.collect import drain_orders
from bridge.engine.context import Channel, Context, Rules
from bridge.engine.report import ChannelReport
from bridge.sandbox.kit.loop import SimulatedLoop
from bridge.store import channels, ledger, positions
from bridge.store.database import Database
from bridge.store.tables import counters
from bridge.wire.http import Surroundings

__all__ = ["Job", "Taken", "drain"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What to drain: the recording and the database in `folder`, the channel, the settings of all channels.

    `lines` are the order lines in it and `sold` the units of each SKU: what must be in the ledger afterwards. `early` is
    after how many lines the memory is looked at for the first time.
    """

    folder: Path
    channel: str
    settings: Mapping[str, Mapping[str, object]]
    now: datetime
    orders: int
    lines: int
    early: int
    stock: int
    sold: Mapping[str, int]

    @property
    def database(self) -> str:
        """Where the database is."""
        return str(self.folder / "bridge.db")


@dataclass(slots=True, kw_only=True)
class Taken:
    """What it took. `early_mb` and `late_mb` are the memory held after `Job.early` lines and at the end."""

    seconds: float = 0.0
    cpu: float = 0.0
    pages: int = 0
    early_mb: float = 0.0
    late_mb: float = 0.0
    peak_mb: float = 0.0
    problems: list[str] = field(default_factory=list)


def drain(job: Job) -> Taken:
    """Drain in a process of its own: its memory is the bridge's alone."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    worker = context.Process(target=_work, args=(there, job))
    worker.start()
    there.close()
    try:
        taken: Taken = here.recv()
    finally:
        worker.join()
    return taken


def _work(told: Pipe, job: Job) -> None:
    gc.set_threshold(50_000, 20, 20)  # as the command does (bridge/cli/group.py)
    told.send(simulated(lambda loop: _drained(loop, job), start=job.now))


async def _drained(loop: SimulatedLoop, job: Job) -> Taken:
    database = Database(job.database)
    played = Playback(job.folder)
    around = Surroundings(
        now=loop.now, time=loop.time, sleep=asyncio.sleep, rng=random.Random(1), transport=played, timeout=60.0
    )
    built = {name: _channel(database, name, values, around) for name, values in job.settings.items()}
    taken = Taken()
    early = job.early * job.orders // job.lines

    def look(stage: str, channel: str, done: int, total: int | None) -> None:
        del stage, channel, total
        if not taken.early_mb and done >= early:
            taken.early_mb = resident_mb()

    context = Context(
        database=database, channels=built, rules=Rules(), now=loop.now, sleep=asyncio.sleep, rng=random.Random(1), progress=look
    )  # fmt: skip
    start, cpu = time.perf_counter(), time.process_time()
    await drain_orders(context, built[job.channel], ChannelReport())
    taken.seconds, taken.cpu = time.perf_counter() - start, time.process_time() - cpu
    taken.pages, taken.late_mb, taken.peak_mb = played.answered, resident_mb(), peak_mb()
    taken.problems = database.read(lambda connection: _problems(connection, job))
    for channel in built.values():
        if channel.connector.close is not None:
            await channel.connector.close()
    database.close()
    return taken


def _channel(database: Database, name: str, settings: Mapping[str, object], around: Surroundings) -> Channel:
    row: Any = database.read(lambda connection: channels.get(connection, name))
    places = msgspec.json.decode(row.locations, type=dict[str, str])
    connector = connector_of(name, settings, around)
    return Channel(name=name, connector=connector, places=places, home=row.home, currency=row.currency)


def _problems(connection: Connection, job: Job) -> list[str]:
    """Say what is wrong in the database now: the ledger, and the targets of all channels."""
    found = [f"{one}: balance {balance}, movements {total}" for one, balance, total in ledger.prove(connection)]
    due = {sku: job.stock - units for sku, units in job.sold.items()}
    for row in connection.execute(sa.select(counters)):
        if row.balance != due.get(row.key, job.stock):
            found.append(f"{row.key}: the ledger has {row.balance}, {due.get(row.key, job.stock)} is right")
    for position in positions.every(connection):
        if position.target != due.get(position.sku, job.stock):
            found.append(f"{position.channel} {position.sku}: target {position.target}")
    return found
