"""Rows of a stock write where a platform takes whole numbers: split, checked and written down, and what became of them. Pure."""

from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec

from bridge.contract.errors import BridgeError, Gone, Refused
from bridge.contract.limits import Limits
from bridge.contract.stock import Cause, Prepared, Rejected, StockChange
from bridge.domain.catalog import Level, StockKey

__all__ = ["NamesNoCauses", "check", "found", "prepared", "rejection", "target"]


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
