"""Three-way merge of documents, field by field, against the last agreed base (design, section 4)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

__all__ = ["Conflict", "Merged", "merge"]

Fields = Mapping[str, object]
Verdict = Literal["agreed", "take", "write", "leave"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """A change that was lost: both sides changed a field, or one changed it who may not; the winner's value counts."""

    field: str
    ours: object
    theirs: object
    winner: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """`take`: fields to take into our copy; `write`: fields to write to the channel; `agreed`: fields equal on both sides."""

    take: dict[str, object] = field(default_factory=dict)
    write: dict[str, object] = field(default_factory=dict)
    agreed: dict[str, object] = field(default_factory=dict)
    conflicts: tuple[Conflict, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """What there is to know about one field."""

    agreed_before: bool
    known: bool
    we_changed: bool
    they_changed: bool
    is_owner: bool
    may_write: bool

    def verdict(self) -> Verdict:
        if not self.known:
            return "take" if self.may_write else "leave"
        if self.we_changed and self.they_changed:
            return "take" if self.is_owner else "write"
        if self.they_changed:
            return "take" if self.may_write else "write"
        return "write"

    def is_conflict(self, verdict: Verdict) -> bool:
        """Something is lost only where there was an agreement to change: at first contact the owner's value simply counts."""
        lost_theirs = verdict == "write" and self.they_changed
        lost_ours = verdict == "take" and self.known and self.we_changed
        return self.agreed_before and (lost_theirs or lost_ours)


def merge(
    base: Fields,
    ours: Fields,
    theirs: Fields,
    *,
    channel: str,
    owners: Mapping[str, str],
    writers: Mapping[str, frozenset[str]],
) -> Merged:
    """Merge what `channel` shows (`theirs`) with our copy (`ours`), both since `base`.

    `owners` names each field's owner, `writers` who else may change it. A field without an owner is never written. A field
    absent from `base` was never agreed: the owner's side counts.
    """
    found: dict[Verdict, dict[str, object]] = {"agreed": {}, "take": {}, "write": {}, "leave": {}}
    conflicts: list[Conflict] = []
    for name in sorted(theirs.keys() & owners.keys()):
        mine, their = ours.get(name), theirs[name]
        case = _case(name, base, ours, theirs, channel == owners[name], channel in writers.get(name, frozenset()))
        verdict: Verdict = "agreed" if case.known and mine == their else case.verdict()
        found[verdict][name] = mine if verdict == "write" else their
        if verdict != "agreed" and case.is_conflict(verdict):
            conflicts.append(Conflict(field=name, ours=mine, theirs=their, winner=owners[name]))
    return Merged(take=found["take"], write=found["write"], agreed=found["agreed"], conflicts=tuple(conflicts))


def _case(name: str, base: Fields, ours: Fields, theirs: Fields, is_owner: bool, is_writer: bool) -> _Case:
    agreed_before = name in base
    return _Case(
        agreed_before=agreed_before,
        known=name in ours,
        we_changed=name in ours and (not agreed_before or base[name] != ours[name]),
        they_changed=not agreed_before or base[name] != theirs[name],
        is_owner=is_owner,
        may_write=is_owner or is_writer,
    )
