"""What the page is given: plain frozen values. Ages are in seconds."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bridge.app.results import ConflictLine, DriftLine, FindingLine, MovementLine, ParkedLine
from bridge.domain.orders import Order

__all__ = [
    "ChannelPicture", "Delay", "Effect", "EventTarget", "Found", "Held", "HooksPicture", "Hour", "OrderLines", "OrderPage",
    "OrderPicture", "Outbox", "Overview", "ParkedPicture", "Trouble",
]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Hour:
    """How often something happened in the hour that began then."""

    begin: datetime
    value: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Delay:
    """How long news took to arrive everywhere. `half` and `most`: at most so many milliseconds for 50 % and 99 % of `count`.

    They are bounds of the classes that are counted (None: longer than the last bound).
    """

    count: int
    half: int | None = None
    most: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelPicture:
    """What a channel shows against the ledger. Ages in seconds; `asked` is the newest poll, `heard` the newest webhook."""

    channel: str
    platform: str
    adopted_at: datetime | None
    resting: str = ""
    agree: int = 0
    differ: int = 0
    in_flight: int = 0
    unknown: int = 0
    held: int = 0
    doubtful: int = 0
    gone: int = 0
    asked_age: float | None = None
    heard_age: float | None = None
    oldest_sku: str | None = None
    oldest_age: float | None = None
    written: tuple[Hour, ...] = ()
    calls: tuple[Hour, ...] = ()
    delay: Delay = Delay(count=0)

    @property
    def numbers(self) -> int:
        """How many numbers there are."""
        return self.agree + self.differ + self.in_flight + self.unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """The whole house at a moment. `delay` and `drifts` are of the last 24 hours."""

    at: datetime
    opened_from: str | None
    skus: int
    findings: int
    parked: int
    conflicts: int
    drifts: int
    delay: Delay
    channels: tuple[ChannelPicture, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a search found. `exact`: the one SKU that was meant; `near`: what may have been meant, where nothing was found."""

    exact: str | None = None
    hits: tuple[tuple[str, str], ...] = ()
    near: tuple[tuple[str, str], ...] = ()
    more: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What an order takes from a counter now (negative) or puts there. `before`: that part of it was booked before the ledger opened."""

    sku: str
    place: str
    net: int
    before: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderPicture:
    """One order as it stands. `kind` is "mirror" for one that the bridge made there; `unlinked` counts lines of unknown products."""

    channel: str
    order_id: str
    number: str
    status: str
    placed_at: datetime
    updated_at: datetime
    kind: str
    unlinked: int
    effects: tuple[Effect, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderPage:
    """Orders, newest change first; `older` says where to go on (None: that was all). `channels`: all that have orders."""

    orders: tuple[OrderPicture, ...]
    channels: tuple[str, ...]
    older: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLines:
    """One order with its lines, the movements it made, and the mirror it has or is: (state, channel, order id there, reason)."""

    order: OrderPicture
    snapshot: Order
    movements: tuple[MovementLine, ...]
    mirror: tuple[str, str, str | None, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What was not as it had to be, newest first."""

    drifts: tuple[tuple[str, DriftLine], ...]
    conflicts: tuple[ConflictLine, ...]
    findings: tuple[FindingLine, ...]
    findings_total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Numbers that the guard holds back on a channel: how many, and the largest changes as (SKU, place, shown, target)."""

    total: int
    rows: tuple[tuple[str, str, int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ParkedPicture:
    """Plans that wait for approval, and single items set aside (the oldest first; `total` of them)."""

    plans: tuple[tuple[ParkedLine, Held], ...]
    items: tuple[ParkedLine, ...]
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HooksPicture:
    """A channel's webhooks as the database knows them; `received` and `failed` of the last 24 hours, `secrets` as (since, until)."""

    channel: str
    last_age: float | None
    waiting: int
    received: int
    failed: int
    secrets: tuple[tuple[datetime | None, datetime | None], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EventTarget:
    """Where the events for one target stand: state -> (how many, age of the oldest in seconds)."""

    name: str
    url: str
    types: tuple[str, ...]
    states: dict[str, tuple[int, float | None]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outbox:
    """All targets, and the newest events that one has not taken."""

    targets: tuple[EventTarget, ...]
    failures: tuple[Any, ...]
