"""Rows of a stock write where a platform takes whole numbers: split, checked and written down, and what became of them."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime

import msgspec

from bridge.contract.errors import BridgeError, Gone, Refused, TryLater
from bridge.contract.limits import Limits
from bridge.contract.stock import Cause, Outcome, Prepared, Rejected, StockChange
from bridge.domain.catalog import Level, StockKey
from bridge.wire.paging import slices

__all__ = [
    "NamesNoCauses",
    "check",
    "found",
    "one_by_one",
    "prepared",
    "record_by_record",
    "rejection",
    "target",
    "together",
]


class NamesNoCauses:
    """Part of a stock port where the platform keeps no log of who changed a number."""

    async def causes(self, keys: Sequence[StockKey], since: datetime) -> Sequence[Cause]:
        """Name none: there is no change log that could be asked."""
        del keys, since
        return []


def check(changes: Sequence[StockChange], most: int) -> None:
    """Raise Refused for a batch that is empty, longer than `most`, or names a record twice."""
    if not 1 <= len(changes) <= most:
        raise Refused(f"a stock batch has 1 to {most} rows, not {len(changes)}")
    if len({change.key for change in changes}) < len(changes):
        raise Refused("a stock batch names each record once")


def target(change: StockChange, limits: Limits) -> int:
    """Return the number that is to be there; raises Refused for one that the platform does not take."""
    number = change.shown + change.delta
    if not limits.stock_min <= number <= limits.stock_max:
        what = f"{change.key.stock_id}: {number} units, and {limits.stock_min} to {limits.stock_max:,} are taken there"
        raise Refused(what, next_step="set a cap for this channel ([[policy]])")
    return number


def together(
    changes: Sequence[StockChange], record: Callable[[StockChange], str], most: int
) -> list[Sequence[StockChange]]:
    """Split rows into calls about one record each, of at most so many rows; the records in the order in which they come first."""
    return [some for rows in _by_record(changes, record).values() for some in slices(rows, most)]


def prepared(body: object, changes: Sequence[StockChange], key: str) -> Prepared:
    """Write the call down."""
    return Prepared(key=key, body=msgspec.json.encode(body).decode(), changes=tuple(changes))


def rejection(key: StockKey, error: BridgeError) -> Rejected:
    """Say of one row what the error of its call says."""
    if isinstance(error, Gone):
        return Rejected(key=key, kind="gone", reason=error.what, code=error.code)
    return Rejected(
        key=key, kind="invalid" if isinstance(error, Refused) else "retry", reason=error.what, code=error.code
    )


def found(keys: Iterable[StockKey], levels: Iterable[Level]) -> list[Level]:
    """Return the levels of these keys, in their order; what is no more is left out."""
    there = {level.key: level for level in levels}
    return [there[key] for key in keys if key in there]


async def one_by_one(
    changes: Sequence[StockChange], write: Callable[[StockChange], Awaitable[datetime | Rejected]]
) -> list[datetime | Rejected]:
    """Write each row by a call of its own, all at once: the time at which it was taken in, or why it was not.

    A call that may have taken effect, or that only a person can mend, is no matter of one row: its error is raised, and says whether
    others may have taken effect. So is the first error where no row at all was taken in.
    """
    answers = await asyncio.gather(*map(write, changes), return_exceptions=True)
    told = [_told(change.key, answer) for change, answer in zip(changes, answers, strict=True)]
    taken = any(isinstance(one, datetime) for one in told)
    errors = [one for one in told if isinstance(one, BridgeError)]
    worst = next(filter(_is_grave, errors), None if taken or not errors else errors[0])
    if worst is not None:
        worst.maybe_applied = worst.maybe_applied or taken
        raise worst
    rows = zip(changes, told, strict=True)
    return [rejection(change.key, one) if isinstance(one, BridgeError) else one for change, one in rows]


async def record_by_record(
    changes: Sequence[StockChange],
    record: Callable[[StockChange], str],
    write: Callable[[str, Sequence[StockChange]], Awaitable[Sequence[Outcome]]],
) -> list[Outcome]:
    """Write the rows of one record after another; the outcomes come in the order of the rows.

    A refusal, or that the record is no more, concerns its rows alone. Any other error is raised, and says whether records before it may
    have been written.
    """
    outcomes: dict[StockKey, Outcome] = {}
    for name, rows in _by_record(changes, record).items():
        try:
            done = await write(name, rows)
        except (Refused, Gone) as error:
            done = [rejection(one.key, error) for one in rows]
        except BridgeError as error:
            error.maybe_applied = error.maybe_applied or bool(outcomes)
            raise
        outcomes |= {one.key: one for one in done}
    return [outcomes[change.key] for change in changes]


def _by_record(changes: Sequence[StockChange], record: Callable[[StockChange], str]) -> dict[str, list[StockChange]]:
    grouped: dict[str, list[StockChange]] = {}
    for change in changes:
        grouped.setdefault(record(change), []).append(change)
    return grouped


def _told(key: StockKey, answer: datetime | Rejected | BaseException) -> datetime | Rejected | BridgeError:
    if isinstance(answer, Gone | Refused):
        return rejection(key, answer)
    if isinstance(answer, BaseException) and not isinstance(answer, BridgeError):
        raise answer
    return answer


def _is_grave(error: BridgeError) -> bool:
    return error.maybe_applied or not isinstance(error, TryLater)
