"""The application: one object that commands and daemons call. Each method is one intention of a person.

A method imports what it needs when it is called: looking at the database must not wait for HTTP clients to load.
"""

import difflib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Self

from bridge.app.errors import AppError
from bridge.config import Loaded
from bridge.store import schema
from bridge.store.database import Database

if TYPE_CHECKING:
    from bridge.app import results
    from bridge.app.hooking import Webhooks
    from bridge.app.loyal import Loyal
    from bridge.app.serving import Serving
    from bridge.app.syncing import What
    from bridge.engine.context import Context, Progress
    from bridge.wire.http import Surroundings

__all__ = ["App"]


def _quiet(stage: str, channel: str, done: int, total: int | None) -> None:
    del stage, channel, done, total


class App:
    """One config and one database, opened. `surroundings` is the outside world, the real one if None (tests pass theirs).

    `warn` takes what a person should read and that stops nothing.
    """

    def __init__(
        self,
        loaded: Loaded,
        database: Database,
        *,
        surroundings: "Surroundings | None",
        progress: "Progress",
        warn: Callable[[str], None],
    ) -> None:
        self.loaded = loaded
        self.database = database
        self.surroundings = surroundings
        self.progress = progress
        self.warn = warn
        # The daemon's context, while it runs: what the API changes follows from the same rules and is told to the same targets.
        self.live: Context | None = None
        # Whether a command has worked along with a daemon in another process.
        self.beside = False

    @classmethod
    def open(
        cls,
        loaded: Loaded,
        *,
        surroundings: "Surroundings | None" = None,
        progress: "Progress | None" = None,
        warn: Callable[[str], None] = lambda _: None,
    ) -> Self:
        """Open the config's database, bringing it to the current schema; raises StoreError where that cannot be."""
        database = Database(loaded.database)
        try:
            schema.ensure(database)
        except BaseException:
            database.close()
            raise
        return cls(loaded, database, surroundings=surroundings, progress=progress or _quiet, warn=warn)

    @classmethod
    def unsaved(cls, loaded: Loaded, *, surroundings: "Surroundings | None" = None) -> Self:
        """Open an App that keeps nothing: to check a config before anything of it is written."""
        database = Database("sqlite:///:memory:")
        schema.ensure(database)
        return cls(loaded, database, surroundings=surroundings, progress=_quiet, warn=lambda _: None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the database."""
        self.database.close()

    def now(self) -> datetime:
        """The time, in UTC."""
        return self.surroundings.now() if self.surroundings else datetime.now(UTC)

    @property
    def next_step(self) -> str:
        """What brings a change of the database to the channels."""
        poll = self.loaded.config.daemon.poll.total_seconds()
        return f"`bridge run` takes it up within {poll:g} s" if self.beside else "Next: `bridge sync`"

    def must_have(self, channel: str) -> None:
        """Raise AppError unless the config has this channel."""
        names = list(self.loaded.config.channels)
        if channel not in names:
            close = difflib.get_close_matches(channel, names, n=1)
            step = f"did you mean {close[0]}?" if close else f"there are: {', '.join(names)}"
            raise AppError(f"there is no channel {channel}", next_step=step, exit_code=2)

    def must_know(self, sku: str) -> None:
        """Raise AppError unless the SKU is known."""
        from bridge.app import looking
        from bridge.store import queries

        if self.database.read(lambda connection: queries.title(connection, sku)) is None:
            raise self.database.read(lambda connection: looking.unknown_sku(connection, sku))

    # Looking: the database only.

    def status(self) -> "results.Status":
        """How things stand, channel by channel."""
        from bridge.app import looking

        return self.database.read(lambda connection: looking.status(connection, self))

    def why(self, sku: str, *, limit: int = 10) -> "results.Why":
        """What makes a SKU's numbers what they are; raises AppError for an unknown one."""
        from bridge.app import looking

        return self.database.read(lambda connection: looking.why(connection, self, sku, limit))

    def history(self, sku: str | None = None, *, limit: int = 50) -> "list[results.MovementLine]":
        """The newest movements of the ledger, newest first."""
        from bridge.app import looking

        return self.database.read(lambda connection: looking.history(connection, sku, limit))

    def conflicts(self, *, limit: int = 50) -> "list[results.ConflictLine]":
        """Fields that both sides changed, newest first."""
        from bridge.app import looking

        return self.database.read(lambda connection: looking.conflict_lines(connection, limit))

    def parked(self) -> "list[results.ParkedLine]":
        """Everything that was set aside, oldest first."""
        from bridge.app import looking
        from bridge.store import queries

        return [looking.parked_line(row) for row in self.database.read(queries.parked_rows)]

    def links(self) -> "results.LinkReport":
        """Matches, findings and orphans."""
        from bridge.app import linking

        return self.database.read(linking.report)

    def holds(self, *, everything: bool = False) -> "list[results.HoldLine]":
        """Open reservations, or all there ever were."""
        from bridge.app import mending

        return self.database.read(lambda connection: mending.list_holds(connection, everything=everything))

    @property
    def serving(self) -> "Serving":
        """What the API asks: look-ups, holds, and what tills report."""
        from bridge.app.serving import Serving

        return Serving(self)

    @property
    def loyalty(self) -> "Loyal":
        """Customers, points and codes."""
        from bridge.app.loyal import Loyal

        return Loyal(self)

    # Working: channels are called.

    async def check(self, *, ledger: bool = False) -> "results.Check":
        """Verify credentials, scopes, clock and locations of every channel; `ledger` proves the balances too."""
        from bridge.app import checking

        return await checking.check(self, ledger=ledger)

    async def adopt(self, names: Sequence[str] = (), *, source: str | None = None) -> "results.Adoption":
        """Read channels for the first time and compare; with `source` open the ledger with that channel's numbers."""
        from bridge.app import adopting

        return await adopting.adopt(self, names, source)

    async def open_ledger(self, adoption: "results.Adoption", source: str) -> "results.Adoption":
        """Open the ledger after a person has read the report."""
        from bridge.app import adopting

        return await adopting.open_with(self, adoption, source)

    async def plan(
        self,
        what: "What" = "all",
        *,
        only: Sequence[str] = (),
        skus: Sequence[str] = (),
        offline: bool = False,
        limit: int | None = None,
    ) -> "results.Plan":
        """Every write that `sync` would make now; nothing is written on any channel."""
        from bridge.app import planning

        return await planning.plan(self, what, only=only, skus=skus, offline=offline, limit=limit)

    async def sync(
        self, what: "What" = "all", *, only: Sequence[str] = (), skus: Sequence[str] = ()
    ) -> "results.SyncRun":
        """Read every adopted channel and write what differs."""
        from bridge.app import syncing

        return await syncing.sync(self, what, only=only, skus=skus)

    async def audit(self, only: Sequence[str] = ()) -> "results.Audits":
        """Re-read every number of the channels."""
        from bridge.app import syncing

        return await syncing.audit(self, only)

    async def webhooks(
        self, only: Sequence[str] = (), *, repair: bool = False, fresh_secret: bool = False
    ) -> "Webhooks":
        """What the platforms tell us by webhook; mended, or signed with a new secret, if asked for."""
        from bridge.app import hooking

        return await hooking.webhooks(self, only, repair=repair, fresh_secret=fresh_secret)

    async def link(self, channel: str, variant_id: str, sku: str, *, new: bool = False) -> "results.Linked":
        """Link a listing by hand."""
        from bridge.app import linking

        return await linking.link_by_hand(self, channel, variant_id, sku, new=new)

    async def unlink(self, channel: str, variant_id: str) -> "results.Linked":
        """Take a link by hand back."""
        from bridge.app import linking

        return await linking.unlink(self, channel, variant_id)

    async def retry(self, ids: Sequence[int] | None) -> "results.Retried":
        """Take parked items back in; None means all."""
        from bridge.app import mending

        return await mending.retry(self, ids)

    def approve(self, channel: str) -> "results.Approval":
        """Let the next sync write what the guard held back on a channel."""
        from bridge.app import mending
        from bridge.app.beside import at_work

        self.must_have(channel)
        with at_work(self, "approve", beside=True):
            return self.database.write(lambda connection: mending.approve(connection, channel))

    async def add_hold(
        self, sku: str, quantity: int, *, place: str = "main", lasts: timedelta | None = None, note: str = ""
    ) -> "results.HoldLine":
        """Reserve units of a SKU."""
        from bridge.app import mending

        return await mending.add_hold(self, sku, quantity, place, lasts, note)

    async def release_hold(self, hold_id: str) -> "results.HoldLine":
        """Give the units of a hold back."""
        from bridge.app import mending

        return await mending.release_hold(self, hold_id)

    def shell(self, channel: str) -> dict[str, object]:
        """The official client of a channel's platform, authenticated, as names for a Python prompt."""
        from bridge.app import wiring

        self.must_have(channel)
        built, warnings = wiring.channel_of(self.loaded, channel, self.surroundings or wiring.outside())
        for warning in warnings:
            self.warn(warning)
        opener = built.connector.shell
        if opener is None:
            raise AppError(f"{built.connector.platform} has no official client", where=channel)
        return opener()
