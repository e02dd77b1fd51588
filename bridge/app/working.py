"""Around every command that works with channels: connect, know the channels, be alone, note the run."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from bridge.app.beside import at_work
from bridge.app.errors import AppError
from bridge.app.wiring import channel_of, events_of, outside, rules_of
from bridge.engine.adopt import meet
from bridge.engine.context import Channel, Context
from bridge.engine.rules import apply_rules, in_force
from bridge.store import channels, notes
from bridge.store.errors import BusyError
from bridge.wire.http import Surroundings

if TYPE_CHECKING:
    from bridge.app.app import App

__all__ = ["Working", "context_of", "recorded", "working"]


@dataclass(slots=True, kw_only=True)
class Working:
    """The context of one command; `left_out` are configured channels that are not adopted."""

    context: Context
    left_out: tuple[str, ...] = ()

    @property
    def channels(self) -> Sequence[Channel]:
        """The channels that are worked with."""
        return list(self.context.channels.values())


@asynccontextmanager
async def working(
    app: "App", *, only: Sequence[str] = (), adopted: bool = True, attempts: int = 5
) -> AsyncIterator[Working]:
    """Connect to channels (`only` these, if named) and close them at the end.

    `adopted`: leave out those that are not adopted; raises AppError when none is left.
    """
    around = app.surroundings or outside(attempts)
    names, left_out = _chosen(app, only, adopted=adopted)
    built: dict[str, Channel] = {}
    context = context_of(app, built, around)
    try:
        for name in names:
            built[name], warnings = channel_of(app.loaded, name, around)
            for warning in warnings:
                app.warn(warning)
        if adopted:
            for channel in built.values():
                await _known(context, channel)
            _apply_rules(app, context)
        yield Working(context=context, left_out=left_out)
    finally:
        for channel in built.values():
            if channel.connector.close is not None:
                await channel.connector.close()


def _apply_rules(app: "App", context: Context) -> None:
    """A daemon keeps to the rules it began with: with others in the config, we would undo each other's work."""
    try:
        with app.database.alone("bridge"):
            app.database.write(lambda connection: apply_rules(connection, context))
    except BusyError as error:
        if app.database.read(lambda connection: in_force(connection, context)):
            return
        if not error.daemon:
            raise
        step = "have it read the config: `systemctl reload bridge`, or send it SIGHUP"
        raise AppError(f"{error.other} works by an older config", next_step=step) from error


def context_of(app: "App", built: Mapping[str, Channel], around: Surroundings | None = None) -> Context:
    """Return a context with these channels: with none, for work on the database alone."""
    around = around or app.surroundings or outside()
    return Context(
        database=app.database,
        channels=built,
        rules=rules_of(app.loaded.config),
        now=around.now,
        sleep=around.sleep,
        rng=around.rng,
        progress=app.progress,
        events=events_of(app.loaded.config),
    )


def _chosen(app: "App", only: Sequence[str], *, adopted: bool) -> tuple[list[str], tuple[str, ...]]:
    for name in only:
        app.must_have(name)
    names = [name for name in app.loaded.config.channels if not only or name in only]
    if not adopted:
        return names, ()
    rows = {row.channel: row for row in app.database.read(channels.all_channels)}
    ready = [name for name in names if name in rows and rows[name].adopted_at is not None]
    left_out = tuple(name for name in names if name not in ready)
    if not ready:
        which = left_out[0] if len(left_out) == 1 else "a channel"
        step = "run `bridge adopt` to compare the numbers, then `bridge adopt --open CHANNEL` to say whose count"
        raise AppError(f"{which} is not adopted, so nothing is written there yet" if only else "no channel is adopted yet",
                       next_step=step, exit_code=3)  # fmt: skip
    return ready, left_out


async def _known(context: Context, channel: Channel) -> None:
    """Fill in places, home and currency from the database where nothing in the config says otherwise: no call is spent."""
    row = context.database.read(lambda connection: channels.get(connection, channel.name))
    places = {} if row is None else msgspec.json.decode(row.locations, type=dict[str, str])
    same_places = bool(places) and channel.places in ({}, places)
    if row is None or not same_places or channel.home not in {"", row.home}:
        await meet(context, channel)
        return
    channel.places, channel.home, channel.currency = places, row.home, row.currency


@dataclass(slots=True)
class Run:
    """A run that is under way; `summary` is kept with it."""

    outcome: str = "done"
    summary: dict[str, Any] = field(default_factory=dict)


@contextmanager
def recorded(app: "App", command: str, *, beside: bool = False) -> Iterator[Run]:
    """Be at work on the database, alone or (`beside`) along with a daemon, and note the run with its outcome.

    Raises BusyError naming the other.
    """
    with at_work(app, command, beside=beside):
        number = app.database.write(lambda connection: notes.begin_run(connection, command, app.now()))
        run = Run()
        try:
            yield run
        except Exception as error:
            run.outcome = f"failed: {type(error).__name__}"
            raise
        except BaseException:
            run.outcome = "stopped"
            raise
        finally:
            summary = {**run.summary, "outcome": run.outcome}
            app.database.write(lambda connection: notes.end_run(connection, number, summary, app.now()))
