"""Settling one document over all channels: pure. What is taken into our copy, what was agreed, what has to be written where.

Owners are heard first, then those who may write, and only then is anything written: so a change travels from any side to
all others in one pass, and what was just taken is never written back to where it came from.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import msgspec

from bridge.domain.merge import Conflict, Merged, merge
from bridge.engine.documents_fields import FieldWrite, Terms
from bridge.store.documents import Agreed, Fields, Kind, Value

__all__ = ["Document", "Refusal", "Settled", "Sheet", "settle"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A document as one channel shows it (`theirs`), with what was last agreed there."""

    channel: str
    product_id: str
    id: str
    theirs: Mapping[str, Value]
    agreed: Mapping[str, Agreed]


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A document: our copy (`ours`), and its sheet on each channel."""

    kind: Kind
    key: str
    ours: Mapping[str, Value]
    sheets: tuple[Sheet, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A field that cannot be written, and why; said once, until something about it changes."""

    write: FieldWrite
    reason: str


@dataclass(slots=True, kw_only=True)
class Settled:
    """The outcome: our copy afterwards, the bases by (channel, id), writes to make, conflicts per channel, refusals."""

    ours: Fields
    bases: dict[tuple[str, str], dict[str, Agreed]] = field(default_factory=dict)
    writes: list[FieldWrite] = field(default_factory=list)
    conflicts: list[tuple[str, Conflict]] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)


def settle(document: Document, terms: Mapping[str, Terms]) -> Settled:
    """Settle a document between the channels that have a sheet of it."""
    work = _Settling(document, terms)
    for owned in (True, False):
        for sheet in document.sheets:
            work.take(sheet, owned=owned)
    for sheet in document.sheets:
        work.compare(sheet)
    return work.result


class _Settling:
    def __init__(self, document: Document, terms: Mapping[str, Terms]) -> None:
        self.document = document
        self.terms = terms
        bases = {(sheet.channel, sheet.id): dict(sheet.agreed) for sheet in document.sheets}
        self.result = Settled(ours=dict(document.ours), bases=bases)

    def take(self, sheet: Sheet, *, owned: bool) -> None:
        """Hear the channel about the fields it owns, or about those it may write."""
        owners = self.terms[sheet.channel].owners
        merged = self._merge(sheet, {name for name in sheet.theirs if (owners.get(name) == sheet.channel) is owned})
        for name in merged.take:
            value = sheet.theirs[name]
            self.result.ours[name] = value
            self._base(sheet)[name] = Agreed(value, value)
        if owned:
            self.result.conflicts.extend((sheet.channel, one) for one in merged.conflicts)

    def compare(self, sheet: Sheet) -> None:
        """With our copy settled, note what agrees and plan what does not."""
        merged = self._merge(sheet, sheet.theirs)
        base = self._base(sheet)
        for name in merged.agreed:
            now = Agreed(self._wanted(sheet, name), sheet.theirs[name])
            before = base.get(name)
            if before is None or (before.wanted, before.returned) != (now.wanted, now.returned):
                base[name] = now
        for lost in merged.conflicts:
            self._lose(sheet, lost)
        for name in merged.write:
            self._write(sheet, name, is_conflict=any(lost.field == name for lost in merged.conflicts))

    def _merge(self, sheet: Sheet, names: Iterable[str]) -> Merged:
        terms, base = self.terms[sheet.channel], self._base(sheet)
        chosen = [name for name in names if name in sheet.theirs]
        return merge(
            {name: base[name].returned for name in chosen if name in base},
            {name: self._mine(sheet, name) for name in chosen if name in self.result.ours},
            {name: sheet.theirs[name] for name in chosen},
            channel=sheet.channel,
            owners=terms.owners,
            writers=terms.writers,
        )

    def _mine(self, sheet: Sheet, name: str) -> Value:
        """Our value in the channel's own form: what it returned when it was given this very value."""
        wanted, before = self._wanted(sheet, name), self._base(sheet).get(name)
        return before.returned if before is not None and before.wanted == wanted else wanted

    def _wanted(self, sheet: Sheet, name: str) -> Value:
        try:
            return self.terms[sheet.channel].wanted(name, self.result.ours[name])
        except ValueError:
            return self.result.ours[name]

    def _lose(self, sheet: Sheet, lost: Conflict) -> None:
        """Record a conflict once, although the write that ends it may take more than one run."""
        note = f"lost {msgspec.json.encode(lost.theirs).decode()}"
        before = self._base(sheet)[lost.field]
        if before.note != note:
            self._base(sheet)[lost.field] = Agreed(before.wanted, before.returned, note)
            self.result.conflicts.append((sheet.channel, lost))

    def _write(self, sheet: Sheet, name: str, *, is_conflict: bool) -> None:
        terms = self.terms[sheet.channel]
        if not terms.writable:
            return
        write = FieldWrite(
            channel=sheet.channel, kind=self.document.kind, key=self.document.key, product_id=sheet.product_id, id=sheet.id,
            field=name, before=sheet.theirs[name], after=self._wanted(sheet, name),
            reason=self._reason(sheet, name, is_conflict=is_conflict),
        )  # fmt: skip
        try:
            terms.wanted(name, self.result.ours[name])
        except ValueError as error:
            self._base(sheet)[name] = Agreed(write.after, write.before, "refused")
            self.result.refusals.append(Refusal(write=write, reason=str(error)))
        else:
            self.result.writes.append(write)

    def _reason(self, sheet: Sheet, name: str, *, is_conflict: bool) -> str:
        owner = self.terms[sheet.channel].owners[name]
        if is_conflict:
            return f"{sheet.channel} changed it, and {owner} owns it"
        if name not in self._base(sheet):
            return f"{owner} owns it"
        return f"it has changed since {sheet.channel} was last written to"

    def _base(self, sheet: Sheet) -> dict[str, Agreed]:
        return self.result.bases[sheet.channel, sheet.id]
