"""Writing codes to a channel: what differs, in the fewest calls; lost answers are looked up before anything is written again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy.engine import Connection

from bridge.contract.errors import Refused, TryLater
from bridge.contract.loyalty import CouponResult, CouponsPort, CouponState, CouponWrite
from bridge.engine import codes
from bridge.engine.codes import Goods, goods_of
from bridge.engine.context import Channel, Context
from bridge.engine.noting import park
from bridge.engine.report import ChannelReport
from bridge.store import code_listings, code_uses, notes
from bridge.store import coupons as store
from bridge.store.code_listings import CodeListing
from bridge.store.coupons import Campaign

__all__ = ["plan_codes", "push_codes", "recover_codes", "verify_codes"]

# Rows looked at together; a batch is cut from them.
_AT_ONCE = 2_000
_TRIES = 3
# A platform that makes codes after its answer has made them by then, or never will.
_LATER = timedelta(minutes=10)


@dataclass(slots=True)
class _Round:
    """Rows of one turn, and what is written of them."""

    rows: dict[str, CodeListing] = field(default_factory=dict)
    writes: list[CouponWrite] = field(default_factory=list)


async def push_codes(context: Context, channel: Channel, report: ChannelReport) -> None:
    """Write what differs until nothing does, or what is left waits for an answer."""
    port = channel.connector.coupons
    if port is None:
        return
    while (turn := context.database.read(lambda connection: _turn(connection, channel))).writes:
        batches = port.batches(turn.writes)
        # What holds a campaign's codes is made with the first of them; the rest needs its id.
        made = all(one.group_id or not one.group for one in turn.writes) or not channel.connector.limits.coupon_groups
        for part in batches if made else batches[:1]:
            await _write(context, channel, port, part, turn.rows, report)
            context.progress("writing codes", channel.name, report.codes, None)


def _turn(connection: Connection, channel: Channel) -> _Round:
    rows = code_listings.work(connection, channel.name, _AT_ONCE)
    return _Round({row.code: row for row in rows}, _writes(connection, channel, rows))


def _writes(connection: Connection, channel: Channel, rows: Sequence[CodeListing]) -> list[CouponWrite]:
    coupons = store.find(connection, [row.code for row in rows])
    terms = store.campaigns_of(connection, {one.campaign for one in coupons.values()})
    groups = code_listings.group_ids(connection, channel.name, [one.name for one in terms.values() if not one.solo])
    limited = {name: goods_of(connection, one.terms, channel.name) for name, one in terms.items()}
    return [
        _one(row, terms[coupons[row.code].campaign], groups, limited[coupons[row.code].campaign]) for row in rows
    ]  # fmt: skip


def _one(row: CodeListing, terms: Campaign, groups: Mapping[str, str], limited: tuple[Goods, Goods]) -> CouponWrite:
    return CouponWrite(
        code=row.code, terms=terms.terms, limit=row.most, active=row.active, only=limited[0], excluded=limited[1], id=row.external_id,
        group="" if terms.solo else terms.name, group_id=row.group_id or groups.get(terms.name, ""),
        one_person=terms.kind == "points",
    )  # fmt: skip


async def _write(
    context: Context,
    channel: Channel,
    port: CouponsPort,
    batch: Sequence[CouponWrite],
    rows: Mapping[str, CodeListing],
    report: ChannelReport,
) -> None:
    key = context.new_key()
    sent = [rows[one.code] for one in batch]
    context.database.write(
        lambda connection: code_listings.save_listings(connection, [replace(one, key=key) for one in sent])
    )
    try:
        results = await port.write(batch, key)
    except TryLater as error:
        if not error.maybe_applied:
            context.database.write(lambda connection: _put_back(connection, key))
        raise
    except Refused as error:
        results = [CouponResult(code=one.code, kind="refused", reason=str(error)) for one in batch]
    report.codes += sum(one.kind == "done" for one in results)
    context.database.write(lambda connection: _record(connection, context, channel, key, sent, results))


def _put_back(connection: Connection, key: str) -> None:
    code_listings.save_listings(
        connection, [replace(row, key=None) for row in code_listings.in_flight_of(connection, key)]
    )


def _record(
    connection: Connection,
    context: Context,
    channel: Channel,
    key: str,
    sent: Sequence[CodeListing],
    results: Sequence[CouponResult],
) -> None:
    """Note what became of a batch. What is wanted may have changed since it was sent: that is read anew."""
    now = {row.code: row for row in code_listings.in_flight_of(connection, key)}
    counted = code_uses.used_by(connection, [one.code for one in results if one.kind == "gone"])
    changed = [
        _after(context, now[before.code], before, result, counted.get(before.code, {}).get(channel.name, 0))
        for before, result in zip(sent, results, strict=True)
        if before.code in now
    ]
    code_listings.save_listings(connection, changed)
    own = _own(connection, [row.code for row in changed if row.reason])
    for row in changed:
        if row.reason and row.code not in own:
            park(connection, context, "coupon", channel.name, row.code, row.reason)
    settled = [row.code for row in changed if not row.reason and row.key is None]
    notes.unpark(connection, "coupon", channel.name, settled)
    codes.settle(connection, context, [row.code for row in changed if row.cut_at is not None or row.reason])


def _own(connection: Connection, wanted: Sequence[str]) -> set[str]:
    """Those made of somebody's points: a shop where they have no account cannot have theirs, and nobody need see to it."""
    coupons = store.find(connection, wanted)
    terms = store.campaigns_of(connection, {one.campaign for one in coupons.values()})
    return {code for code, one in coupons.items() if terms[one.campaign].kind == "points"}


def _after(
    context: Context, row: CodeListing, sent: CodeListing, result: CouponResult, counted: int = 0
) -> CodeListing:
    known = replace(row, external_id=result.id or row.external_id, group_id=result.group_id or row.group_id)
    if result.kind == "done":
        return _done(context, known, sent)
    if result.kind == "later":
        return replace(known, tries=row.tries + 1, verified_at=context.now())
    again = result.kind == "retry" or (result.kind == "taken" and result.id not in {"", row.external_id})
    if again and row.tries < _TRIES:
        return replace(known, key=None, tries=row.tries + 1)
    if result.kind == "gone":
        return _anew(context, row) if _taken_out(row, counted) else _vanished(context, row)
    if result.kind == "taken":
        reason = f"{row.channel} has another coupon {row.code}: rename it there, or choose another code"
        return _refused(row, reason)
    return _refused(known, result.reason or f"{row.channel} did not take {row.code}")


def _done(context: Context, row: CodeListing, sent: CodeListing) -> CodeListing:
    most = sent.most if sent.active else 0
    return replace(
        row, key=None, shown=sent.wanted, shown_most=most, verified_at=context.now(), tries=0, reason="", cut_at=_cut(context, row, most)
    )  # fmt: skip


def _cut(context: Context, row: CodeListing, most: int | None) -> datetime | None:
    """Since when a channel accepts less than it might have before; the orders that are read from then on confirm it."""
    return context.now() if most is not None and row.ceiling > max(most, row.allotted) else row.cut_at


def _taken_out(row: CodeListing, counted: int) -> bool:
    """Whether a code accepted nothing there: it may be ourselves who took it out of its campaign. One that was used is not made again:
    the channel would count its uses from 0, and accept them a second time."""
    return row.shown_most == 0 and not counted and not row.used_there


def _anew(context: Context, row: CodeListing) -> CodeListing:
    return replace(row, key=None, external_id="", shown="", shown_most=0, verified_at=context.now())


def _vanished(context: Context, row: CodeListing) -> CodeListing:
    """Nothing is accepted there any more; what was, its orders will tell."""
    return replace(
        row, key=None, external_id="", shown="", shown_most=0, reason=_deleted(row), cut_at=context.now(), verified_at=context.now()
    )  # fmt: skip


def _refused(row: CodeListing, reason: str) -> CodeListing:
    """What was there before goes on as it was; where nothing ever was, nothing is accepted."""
    never = not row.shown and not row.external_id and row.cut_at is None
    return replace(row, key=None, reason=reason, ceiling=0 if never else row.ceiling)


def _deleted(row: CodeListing) -> str:
    return f"{row.code} was deleted by hand on {row.channel}: `bridge coupon push {row.code}` makes it again"


async def recover_codes(context: Context, channel: Channel) -> None:
    """Look up the codes of whose write nobody knows what became; they are written again where they are not as they should be."""
    port = channel.connector.coupons
    rows = context.database.read(lambda connection: code_listings.in_flight(connection, channel.name)) if port else []
    if port is None or not rows:
        return
    # All at once: where many are asked for, a platform reads whole lists, which takes fewer calls.
    found = {one.code.upper(): one for one in await port.find([row.code for row in rows])}
    for start in range(0, len(rows), _AT_ONCE):
        part = rows[start : start + _AT_ONCE]
        context.database.write(lambda connection, part=part: _found(connection, context, part, found))  # type: ignore[misc]


def _found(
    connection: Connection, context: Context, rows: Sequence[CodeListing], found: Mapping[str, CouponState]
) -> None:
    """What is there keeps its id; where it does not say what it should, it is written again, which is harmless.

    What the platform said it would make later has time until then.
    """
    known = [(row, found.get(row.code)) for row in rows if row.code in found or not _awaited(row, context.now())]
    code_listings.save_listings(
        connection,
        [
            replace(
                row, key=None, external_id=state.id if state else "",
                group_id=(state.group_id if state else "") or row.group_id,
                shown=_agreed(row, state), shown_most=_limit(state), used_there=state.used if state else row.used_there,
                verified_at=context.now(), cut_at=_cut(context, row, _limit(state)), tries=0 if state else row.tries,
            )
            for row, state in known
        ],
    )  # fmt: skip


def _awaited(row: CodeListing, now: datetime) -> bool:
    return not row.external_id and row.tries > 0 and row.verified_at is not None and row.verified_at + _LATER > now


def _agreed(row: CodeListing, state: CouponState | None) -> str:
    if state is None:
        return ""
    same = state.active == row.active and (not state.active or state.limit == row.most)
    return row.wanted if same else "?"


def _limit(state: CouponState | None) -> int | None:
    return 0 if state is None or not state.active else state.limit


async def verify_codes(context: Context, channel: Channel, report: ChannelReport, most: int = 250) -> None:
    """Look the codes up that were not looked at for longest: the channel's own count, and what somebody changed there by hand."""
    port = channel.connector.coupons
    rows = (
        context.database.read(lambda connection: code_listings.listings_of(connection, channel.name, most))
        if port
        else []
    )
    rows = [row for row in rows if row.key is None]
    if port is None or not rows:
        return
    found = {one.code.upper(): one for one in await port.find([row.code for row in rows])}
    context.database.write(lambda connection: _verify(connection, context, channel, rows, found, report))


def _verify(
    connection: Connection,
    context: Context,
    channel: Channel,
    rows: Sequence[CodeListing],
    found: Mapping[str, CouponState],
    report: ChannelReport,
) -> None:
    now = {
        code: mine.get(channel.name)
        for code, mine in code_listings.find_listings(connection, [row.code for row in rows]).items()
    }
    changed = []
    for before in rows:
        row, state = now.get(before.code), found.get(before.code)
        if row is None or row.key is not None or row.shown != before.shown:
            continue
        if state is None and row.shown_most == 0:
            changed.append(replace(row, verified_at=context.now()))
            continue
        if state is None:
            changed.append(_vanished(context, row))
            park(connection, context, "coupon", channel.name, row.code, _deleted(row))
            report.drifts += 1
            continue
        edited = state.active != (row.shown_most != 0) or (state.active and state.limit != row.shown_most)
        report.drifts += edited
        changed.append(
            replace(
                row, used_there=state.used if state.used is not None else row.used_there, shown="?" if edited else row.shown,
                verified_at=context.now(),
            )
        )  # fmt: skip
    code_listings.save_listings(connection, changed)
    codes.settle(connection, context, [row.code for row in changed])


def plan_codes(connection: Connection, channel: Channel) -> list[tuple[CodeListing, CouponWrite]]:
    """Return what `push_codes` would write now."""
    rows = code_listings.work(connection, channel.name, _AT_ONCE)
    return list(zip(rows, _writes(connection, channel, rows), strict=True))
