"""What a run did, in numbers and in sentences for people."""

from dataclasses import dataclass, field

from bridge.contract.errors import BridgeError, NeedsPerson

__all__ = ["ChannelReport", "Report"]


@dataclass(slots=True, kw_only=True)
class ChannelReport:
    """One channel's part of a run. `error` is why it stopped early ("" = it did not)."""

    products: int = 0
    orders: int = 0
    movements: int = 0
    writes: int = 0
    written: int = 0
    rejected: int = 0
    edits: int = 0
    drifts: int = 0
    codes: int = 0
    points: int = 0
    bad: int = 0
    fields: int = 0
    created: int = 0
    mirrored: int = 0
    passed_on: int = 0
    parked: list[str] = field(default_factory=list)
    error: str = ""
    needs_person: bool = False

    def fail(self, error: BridgeError) -> None:
        """Note why the channel stopped; the others go on."""
        self.error = str(error)
        self.needs_person = isinstance(error, NeedsPerson)


@dataclass(slots=True, kw_only=True)
class Report:
    """A whole run. `open` is how many positions still differ at its end, parked ones left out.

    `accepted`: numbers that a platform has taken in and carries out later, and `edits_accepted` product edits;
    `put_off`: those that its limits of a day hold up.
    """

    channels: dict[str, ChannelReport] = field(default_factory=dict)
    open: int = 0
    waiting: int = 0
    accepted: int = 0
    edits_accepted: int = 0
    put_off: int = 0
    rounds: int = 0

    def of(self, channel: str) -> ChannelReport:
        """Return the channel's part."""
        return self.channels.setdefault(channel, ChannelReport())

    @property
    def exit_code(self) -> int:
        """0 done, 1 failed, 3 needs a person. Numbers in doubt are no failure: the next run decides about them."""
        parts = self.channels.values()
        if any(part.needs_person or part.parked for part in parts):
            return 3
        return 1 if self.open or any(part.error for part in parts) else 0
