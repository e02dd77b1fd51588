"""What App methods return: plain frozen values that a command prints and `--json` shows as they are."""

from dataclasses import dataclass, field
from datetime import datetime

__all__ = [
    "AdoptedChannel", "Adoption", "Approval", "AuditedChannel", "Audits", "ChannelCheck", "ChannelLinks", "ChannelPlan",
    "ChannelRun", "ChannelStatus", "Check", "ConflictLine", "CountLine", "CounterLine", "DaemonChannel", "DaemonStatus",
    "DifferenceLine", "DriftLine", "FindingLine", "HoldLine", "JobLine", "LedgerCheck", "LinkReport", "Linked",
    "LocationLine", "MovementLine", "ParkedLine", "Plan", "PlannedField", "PlannedOrder", "PlannedWrite", "PositionLine",
    "Retried", "RunLine", "Status", "SyncRun", "Why",
]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLine:
    """A run of a command. `ended_at` is None for one that is under way or was killed."""

    command: str
    started_at: datetime
    ended_at: datetime | None
    outcome: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelStatus:
    """One channel as the database knows it. `open`: positions whose write is still to come; ages in seconds.

    `accepted`: of those in flight, what the platform has taken in and carries out later; `edits_accepted`: product edits of which it
    has said the same. `put_off`: of those to come, what its
    limits of a day hold up; the first of them goes on at `put_off_until`. `codes_open` and `points_open`: codes still to be written
    there, and customers still to be shown other points.
    """

    channel: str
    platform: str
    adopted_at: datetime | None
    positions: int = 0
    open: int = 0
    in_flight: int = 0
    suspects: int = 0
    parked: int = 0
    gone: int = 0
    oldest_verified_at: datetime | None = None
    oldest_age: float | None = None
    accepted: int = 0
    edits_accepted: int = 0
    put_off: int = 0
    put_off_until: datetime | None = None
    codes_open: int = 0
    points_open: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DaemonChannel:
    """One channel as `bridge run` sees it: ok, late, failing, or resting (a person must act). `heard_age`: seconds since it was read;
    `poll`: seconds between two polls (0: it does not say).
    """

    channel: str
    state: str
    heard_at: datetime | None
    heard_age: float | None
    error: str
    poll: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class JobLine:
    """A job of the schedule: `every` so many seconds; `error` is how its last turn failed ("" = it did not)."""

    name: str
    every: float
    next_at: datetime | None
    last_at: datetime | None = None
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DaemonStatus:
    """`bridge run`, by its last sign of life. Where that is old it died; `ended_at` is when it last ended in order."""

    running: bool
    since: datetime | None = None
    ended_at: datetime | None = None
    seen_at: datetime | None = None
    seen_age: float | None = None
    address: str = ""
    process: int | None = None
    channels: tuple[DaemonChannel, ...] = ()
    jobs: tuple[JobLine, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """The whole house. `opened_from`: whose numbers opened the ledger (None: not open yet)."""

    database: str
    opened_from: str | None
    channels: tuple[ChannelStatus, ...]
    daemon: DaemonStatus
    last_run: RunLine | None
    skus: int
    findings: int
    parked: int
    conflicts: int
    codes: int = 0
    persons: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class MovementLine:
    """One movement of the ledger."""

    id: int
    sku: str
    place: str
    delta: int
    why: str
    channel: str
    source: str
    note: str
    occurred_at: datetime
    recorded_at: datetime
    balance: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CounterLine:
    """A SKU's counter at one place: the balance, what holds take off it, and the newest movements (newest first)."""

    place: str
    balance: int
    available: int
    opened_at: datetime | None
    opened_from: str
    movements: tuple[MovementLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionLine:
    """What a channel shows of a SKU and what it should show. `age`: seconds since a read last agreed.

    `waiting_for`: the platform that has accepted the write in flight; `waits_until`: its limits of a day hold the write up.
    """

    channel: str
    stock_id: str
    location: str
    place: str
    shown: int | None
    target: int | None
    verified_at: datetime | None
    age: float | None
    in_flight: bool
    suspect: int | None
    parked: str
    gone: bool
    waiting_for: str = ""
    waits_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftLine:
    """A lost or doubled update on a channel, found and repaired."""

    channel: str
    place: str
    shown: int
    found: int
    at: datetime
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CountLine:
    """Somebody said what a channel shows, and was believed."""

    channel: str
    place: str
    quantity: int
    expected: int
    at: datetime
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldLine:
    """A reservation."""

    id: str
    sku: str
    place: str
    quantity: int
    state: str
    created_at: datetime
    expires_at: datetime | None
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EditLine:
    """A product field that a channel's platform has accepted and not carried out yet."""

    channel: str
    field: str
    value: str
    waiting_for: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """Everything that makes a SKU's numbers what they are. `parts`: the components, if it is a kit; `edits`: on their way."""

    sku: str
    title: str
    parts: dict[str, int]
    counters: tuple[CounterLine, ...]
    channels: tuple[PositionLine, ...]
    holds: tuple[HoldLine, ...]
    counts: tuple[CountLine, ...]
    drifts: tuple[DriftLine, ...]
    edits: tuple[EditLine, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ConflictLine:
    """Both sides changed a field: the winner's value stands, the other was lost."""

    id: int
    kind: str
    key: str
    field: str
    channel: str
    ours: str | None
    theirs: str | None
    winner: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ParkedLine:
    """One item set aside, with the reason."""

    id: int
    subject: str
    channel: str
    key: str
    reason: str
    since: datetime
    attempts: int

    @property
    def is_question(self) -> bool:
        """Whether it asks something of a person (two who may be one, somebody who asks for their data): no other try answers it."""
        return self.subject in {"customer", "privacy"}


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingLine:
    """Something in the catalogue that a merchant should look at."""

    kind: str
    channel: str
    key: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LocationLine:
    """A location of a channel; `place` is which of ours it is ("" = not kept in step)."""

    id: str
    name: str
    active: bool
    place: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelCheck:
    """What `check` found on one channel. `needs_person` tells who acts next on the problem."""

    channel: str
    platform: str
    ok: bool
    name: str = ""
    currency: str = ""
    version: str = ""
    clock_skew: float | None = None
    locations: tuple[LocationLine, ...] = ()
    notes: tuple[str, ...] = ()
    problem: str = ""
    next: str = ""
    needs_person: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerCheck:
    """The proof of the ledger: every balance against its movements, every order's effects against its movements."""

    counters: int
    movements: int
    orders: int
    wrong_balances: tuple[str, ...]
    wrong_orders: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether everything adds up."""
        return not self.wrong_balances and not self.wrong_orders


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A whole check."""

    channels: tuple[ChannelCheck, ...]
    ledger: LedgerCheck | None = None

    @property
    def exit_code(self) -> int:
        """0 all is well, 1 something failed, 3 a person must act."""
        if self.ledger is not None and not self.ledger.ok:
            return 1
        if any(one.needs_person for one in self.channels):
            return 3
        return 0 if all(one.ok for one in self.channels) else 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelLinks:
    """How a channel's listings are linked."""

    channel: str
    listings: int
    by_sku: int
    by_barcode: int
    by_hand: int
    unlinked: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkReport:
    """All links and what could not be linked."""

    channels: tuple[ChannelLinks, ...]
    findings: tuple[FindingLine, ...]
    orphans: tuple[FindingLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Linked:
    """A link made or taken back by hand."""

    channel: str
    variant_id: str
    sku: str | None
    before: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AdoptedChannel:
    """What reading a channel for the first time found. `adopted`: it was adopted before, and was not read again."""

    channel: str
    platform: str
    name: str
    currency: str
    products: int = 0
    orders: int = 0
    bad: int = 0
    positions: int = 0
    units: int = 0
    adopted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DifferenceLine:
    """One SKU that channels show differently; `value` is the gap in money, None where no price is known."""

    sku: str
    place: str
    numbers: dict[str, int]
    gap: int
    value: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Adoption:
    """The report of `adopt`, and what was opened."""

    channels: tuple[AdoptedChannel, ...]
    differences: tuple[DifferenceLine, ...]
    gap_units: int
    gap_value: tuple[str, ...]
    findings: tuple[FindingLine, ...]
    opened_from: str | None = None
    counters_opened: int = 0
    written_to: tuple[str, ...] = ()


# Not frozen: a plan may have hundreds of thousands of them, and a frozen one takes three times as long to make.
@dataclass(slots=True, kw_only=True)
class PlannedWrite:
    """One number to write, and why. `held`: the guard holds it back until a person approves; `waits_until`: the day's limits do."""

    sku: str
    place: str
    stock_id: str
    location: str
    shown: int
    target: int
    delta: int
    held: bool
    reason: str
    waits_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelPlan:
    """One channel's writes. `halted` says why the guard would hold rows back, `held` how many."""

    channel: str
    writes: int
    units: int
    calls: int
    halted: str
    held: int
    rows: tuple[PlannedWrite, ...] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedField:
    """One product field to write (or a product to create), and why."""

    channel: str
    key: str
    field: str
    before: str | None
    after: str | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedOrder:
    """Something to do on `channel` because of an order of `source`: mirror, fulfil, cancel or refund."""

    channel: str
    source: str
    order_id: str
    action: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedCode:
    """A code that `sync` would write, switch off, or (`action` "refused") not write, for `reason`. `limit` None: no limit."""

    channel: str
    code: str
    action: str
    says: str
    limit: int | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoyalPlan:
    """How many codes a channel gets, how many it cannot have, and to how many customers it will show other points."""

    channel: str
    codes: int
    refused: int
    points: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Every write that `sync` would make now. `loyalty` has a row for a channel with codes or points to be written, or refused."""

    channels: tuple[ChannelPlan, ...]
    fields: tuple[PlannedField, ...] = ()
    orders: tuple[PlannedOrder, ...] = ()
    codes: tuple[PlannedCode, ...] = ()
    loyalty: tuple[LoyalPlan, ...] = ()
    left_out: tuple[str, ...] = ()
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def exit_code(self) -> int:
        """3 where the guard or a channel that is not adopted wants a person, 1 where a channel could not be read."""
        if self.left_out or any(one.held for one in self.channels):
            return 3
        return 1 if self.errors else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelRun:
    """What a run did on one channel; `error` says why it stopped early there."""

    channel: str
    products: int
    orders: int
    movements: int
    calls: int
    written: int
    edits: int
    drifts: int
    fields: int
    mirrored: int
    parked: tuple[str, ...]
    error: str
    needs_person: bool
    codes: int = 0
    points: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncRun:
    """A whole run. `open`: positions still to be written; `waiting`: numbers that need another look.

    `accepted`: numbers that platforms carry out later, and `edits_accepted` product edits; `put_off`: numbers that limits of a day hold up.

    `halted`: channels whose plan the guard holds back, with the reason. `parked`: all that is set aside, of earlier runs too.
    """

    channels: tuple[ChannelRun, ...]
    left_out: tuple[str, ...]
    halted: dict[str, str]
    open: int
    waiting: int
    parked: int
    rounds: int
    seconds: float
    exit_code: int
    accepted: int = 0
    edits_accepted: int = 0
    put_off: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditedChannel:
    """What re-reading a whole channel found."""

    channel: str
    numbers: int
    edits: int
    drifts: int
    waiting: int
    error: str = ""
    needs_person: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Audits:
    """An audit of one or all channels."""

    channels: tuple[AuditedChannel, ...]
    left_out: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """0 done, 1 a channel failed or a number is not settled yet, 3 a person must act."""
        if self.left_out or any(one.needs_person for one in self.channels):
            return 3
        return 1 if any(one.error or one.waiting for one in self.channels) else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Retried:
    """Items taken back in, and those that cannot be retried this way."""

    retried: tuple[ParkedLine, ...]
    refused: tuple[ParkedLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """Rows that the guard held back and may be written now."""

    channel: str
    rows: int
    units: int
