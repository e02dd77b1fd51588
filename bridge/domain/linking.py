"""Which listing is which SKU: exact SKU first, then barcode, else by hand. A doubtful match is a finding, never a guess."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

__all__ = ["Candidate", "Finding", "FindingKind", "Links", "link"]

FindingKind = Literal["duplicate_sku", "duplicate_barcode", "other_case", "no_sku", "orphan", "taken", "untracked"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A listing that could be linked: what the channel shows of it. `stock_id` tells shared numbers from duplicates."""

    channel: str
    variant_id: str
    sku: str | None
    barcode: str | None
    stock_id: str | None
    title: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something a merchant should look at, with what to do about it."""

    kind: FindingKind
    channel: str
    key: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """The outcome: (channel, variant id) -> (SKU, how), the SKUs first seen, and the findings."""

    linked: Mapping[tuple[str, str], tuple[str, str]]
    fresh: Mapping[str, str]
    findings: tuple[Finding, ...]


def link(candidates: Iterable[Candidate], known: Iterable[str], barcodes: Mapping[str, str]) -> Links:
    """Link unlinked listings of all channels.

    `known` are the SKUs that exist already, `barcodes` their barcodes (barcode -> SKU, unambiguous ones only). A listing
    whose SKU nobody knows founds it; one without SKU is linked by its barcode.
    """
    linked: dict[tuple[str, str], tuple[str, str]] = {}
    fresh: dict[str, str] = {}
    findings: list[Finding] = []
    pool = list(candidates)
    names = {sku.casefold(): sku for sku in known}
    doubles = _doubles(pool, findings)
    for one in pool:
        if one.sku and (one.channel, one.sku) not in doubles:
            _by_sku(one, names, linked, fresh, findings)
    by_barcode = _unambiguous(pool, linked, barcodes)
    for one in pool:
        if not one.sku:
            _by_barcode(one, pool, by_barcode, linked, findings)
    return Links(linked=linked, fresh=fresh, findings=tuple(findings))


def _unambiguous(
    pool: list[Candidate], linked: Mapping[tuple[str, str], tuple[str, str]], barcodes: Mapping[str, str]
) -> dict[str, str]:
    """Add the barcodes that this run's listings teach; one that two SKUs carry says nothing about a third listing."""
    meant = {barcode: {sku} for barcode, sku in barcodes.items()}
    for one in pool:
        if one.barcode and (one.channel, one.variant_id) in linked:
            meant.setdefault(one.barcode, set()).add(linked[one.channel, one.variant_id][0])
    return {barcode: next(iter(skus)) for barcode, skus in meant.items() if len(skus) == 1}


def _doubles(pool: list[Candidate], findings: list[Finding]) -> set[tuple[str, str]]:
    holders: dict[tuple[str, str], list[Candidate]] = defaultdict(list)
    for one in pool:
        if one.sku:
            holders[one.channel, one.sku].append(one)
    doubles = set()
    for (channel, sku), several in sorted(holders.items()):
        if len({one.stock_id or one.variant_id for one in several}) > 1:
            ids = ", ".join(sorted(one.variant_id for one in several))
            text = f"SKU {sku} is on {len(several)} listings ({ids}): give each its own SKU, or {_by_hand(several[0], sku)}"
            findings.append(Finding(kind="duplicate_sku", channel=channel, key=sku, text=text))
            doubles.add((channel, sku))
    return doubles


def _by_sku(
    one: Candidate,
    names: dict[str, str],
    linked: dict[tuple[str, str], tuple[str, str]],
    fresh: dict[str, str],
    findings: list[Finding],
) -> None:
    sku = one.sku or ""
    canonical = names.get(sku.casefold())
    if canonical is not None and canonical != sku:
        text = f"SKU {sku} differs from {canonical} only in case: correct it on {one.channel}, or {_by_hand(one, canonical)}"
        findings.append(Finding(kind="other_case", channel=one.channel, key=sku, text=text))
        return
    if canonical is None:
        names[sku.casefold()] = sku
        fresh[sku] = one.title
    linked[one.channel, one.variant_id] = (sku, "sku")


def _by_barcode(
    one: Candidate,
    pool: list[Candidate],
    by_barcode: Mapping[str, str],
    linked: dict[tuple[str, str], tuple[str, str]],
    findings: list[Finding],
) -> None:
    same = [other for other in pool if other.barcode and other.barcode == one.barcode and other.channel == one.channel]
    sku = by_barcode.get(one.barcode or "")
    if len(same) > 1:
        ids = ", ".join(sorted(other.variant_id for other in same))
        text = (
            f"barcode {one.barcode} is on {len(same)} listings without SKU ({ids}): give each a SKU, or {_by_hand(one)}"
        )
        findings.append(Finding(kind="duplicate_barcode", channel=one.channel, key=one.variant_id, text=text))
    elif sku and not any(channel == one.channel and to == sku for (channel, _), (to, _) in linked.items()):
        linked[one.channel, one.variant_id] = (sku, "barcode")
    else:
        name = f"{one.title} ({one.variant_id})" if one.title else one.variant_id
        text = f"{name} has no SKU and no barcode that means one SKU: give it a SKU, or {_by_hand(one)}"
        findings.append(Finding(kind="no_sku", channel=one.channel, key=one.variant_id, text=text))


def _by_hand(one: Candidate, sku: str = "SKU") -> str:
    return f"`bridge link {one.channel} {one.variant_id} {sku}`"
