"""What the flows work with: channels, rules, the store, and the outside world, all passed in."""

import asyncio
import random
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, Protocol

from sqlalchemy.engine import Connection

from bridge.contract.ports import Connector
from bridge.domain.allotment import Rule
from bridge.domain.catalog import StockKey
from bridge.domain.earning import PointsRules
from bridge.domain.effects import Bindings, Restock
from bridge.domain.guard import GuardRule
from bridge.domain.pricing import PriceRule
from bridge.engine.events import Events
from bridge.store import listings
from bridge.store.database import Database

__all__ = ["Channel", "Context", "Documents", "Loyalty", "Mirroring", "Progress", "Rules", "Silent", "Source"]


# Readings of the orders feed that a saved-up limit keeps for the polls.
_FOR_POLLS = 2


class Source(Protocol):
    """Where orders come from: a channel, or a till without connector that reports its sales (bridge/engine/reported.py).

    `late_orders`: they may reach us, or the platform, long after they were placed. `over_the_counter`: the goods left the
    shelf when they were sold.
    """

    @property
    def name(self) -> str: ...

    @property
    def late_orders(self) -> bool: ...

    @property
    def over_the_counter(self) -> bool: ...

    def bindings(self, connection: Connection, variant_ids: set[str]) -> Bindings:
        """Return what these variants are to us."""


@dataclass(slots=True, kw_only=True)
class Channel:
    """One configured channel: its connector, and what the merchant decided about it.

    `places` maps the channel's locations to ours; empty means "its only location is main" (filled at the first contact).
    `home` is the location assumed where the platform names none. `counts_from`: whether numbers people set there count (None:
    as the platform's limits have it).
    `poll`: how often its feeds are read (None: as suits the platform).
    `drained_at`: when the orders feed was last read to its end; `_drained_until`: when the platform's limit has forgotten all readings
    of it.
    `written` are the numbers we wrote since the last reading of numbers began: what it saw of them may be older than the write.
    `turn` is held by whoever writes there, for one call or a batch: numbers, products and orders take turns, so that what sold out waits
    for no long list of prices.
    """

    name: str
    connector: Connector
    places: dict[str, str] = field(default_factory=dict)
    home: str = ""
    counts_from: bool | None = None
    counts: Literal["sellable", "shelf"] = "sellable"
    restock: Restock = "always"
    price: PriceRule = field(default_factory=PriceRule)
    create: bool = False
    currency: str = ""
    poll: timedelta | None = None
    written: set[StockKey] = field(default_factory=set)
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    drained_at: datetime | None = None
    _drained_until: datetime | None = None

    def drained(self, begun: datetime) -> None:
        """The orders feed was read to its end; the reading began at this moment."""
        self.drained_at = begun
        every = timedelta(seconds=self.connector.limits.orders_every)
        self._drained_until = max(self._drained_until or begun, begun) + every

    def may_drain(self, now: datetime) -> bool:
        """Whether the orders may be read between two polls: always, or as long as the platform's limit has something saved up."""
        limits = self.connector.limits
        if not limits.orders_every or self._drained_until is None:
            return True
        used = (self._drained_until - now) / timedelta(seconds=limits.orders_every)
        return used <= max(0, limits.orders_burst - 1 - _FOR_POLLS)

    @property
    def sells(self) -> bool:
        """Whether anybody can buy there; a surface only shows."""
        return self.connector.orders is not None

    @property
    def believed(self) -> bool:
        """Whether numbers that people set there count: never on a surface, where nobody keeps stock."""
        limits = self.connector.limits
        if self.counts_from is not None:
            return self.counts_from and self.sells
        believed = not limits.absolute if limits.counts_believed is None else limits.counts_believed
        return believed and self.sells

    def keeps(self, key: StockKey) -> bool:
        """Whether the platform alone moves this number (goods in its own warehouse): it is believed, and never written."""
        return key.location in self.connector.limits.fixed_locations

    @property
    def late_orders(self) -> bool:
        """Whether orders may reach the platform long after they were placed."""
        return self.connector.limits.late_orders

    @property
    def over_the_counter(self) -> bool:
        """Never by itself: a platform says of each line what has been shipped or handed over."""
        return False

    def bindings(self, connection: Connection, variant_ids: set[str]) -> Bindings:
        """Return what these variants are to us."""
        variants = listings.bound(connection, self.name, variant_ids)
        return Bindings(variants=variants, places=self.places, home=self.home, restock=self.restock)


@dataclass(frozen=True, slots=True, kw_only=True)
class Documents:
    """Who owns which product field, and who else may change it. Keys are field names, values channel names."""

    owners: Mapping[str, str] = field(default_factory=dict)
    writers: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mirroring:
    """Orders of the channels in `sources` are mirrored to `home` ("" = nothing is mirrored)."""

    home: str = ""
    sources: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Loyalty:
    """What the merchant decided about points and codes. `points` None: no points are given.

    `country` is assumed for phone numbers without a prefix (ISO 3166, "" = none is). `notice` is how long before points expire their
    owner is told, `remind` how long before an unused code ends (zero: never). `own` are channels that give points by themselves (their
    own programme earns, ours does not), `hidden` those that show none. `lasts` is how long a code made of points can be used.
    `reward` are the points that both sides get when a code of theirs brings a new customer. `tills` are sources without a connector that
    may claim codes (engine/reported.py names them).
    """

    points: PointsRules | None = None
    country: str = ""
    notice: timedelta = timedelta(days=14)
    remind: timedelta = timedelta(days=3)
    own: frozenset[str] = frozenset()
    hidden: frozenset[str] = frozenset()
    lasts: timedelta = timedelta(days=1)
    reward: int = 0
    tills: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The merchant's rules from the config."""

    allotment: Sequence[Rule] = ()
    guard: GuardRule = field(default_factory=GuardRule)
    kits: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    documents: Documents = field(default_factory=Documents)
    mirroring: Mirroring = field(default_factory=Mirroring)
    grace: timedelta = timedelta(seconds=5)
    history: timedelta = timedelta(days=60)
    track: bool = False
    loyalty: Loyalty = field(default_factory=Loyalty)


class Progress(Protocol):
    """Where long work says how far it is."""

    def __call__(self, stage: str, channel: str, done: int, total: int | None) -> None:
        """`stage` is a verb phrase ("reading orders"); `total` is None while nobody knows it."""


def Silent(stage: str, channel: str, done: int, total: int | None) -> None:  # noqa: N802 - reads as a kind of Progress
    """Say nothing."""


@dataclass(slots=True, kw_only=True)
class Context:
    """Everything a flow may touch. `events` is None where nobody is told of anything."""

    database: Database
    channels: Mapping[str, Channel]
    rules: Rules
    now: Callable[[], datetime]
    sleep: Callable[[float], Awaitable[None]]
    rng: random.Random
    progress: Progress = Silent
    events: Events | None = None

    def new_key(self) -> str:
        """Return a fresh key for a write."""
        return str(uuid.UUID(int=self.rng.getrandbits(128), version=4))
