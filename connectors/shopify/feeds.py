"""Cursors of "what changed since": the newest change seen, less an overlap.

Searching by `updated_at` goes through an index that lags behind the data by an unstated time, so the last minutes are read
again. Once the newest change is older than any lag can be, the overlap is dropped; and when nothing follows it, its second is
passed: a stock write of ours stamps hundreds of records with one second, and a quiet feed must stay one small page.
"""

from datetime import UTC, datetime, timedelta

__all__ = ["OVERLAP", "SETTLED", "advance", "begin", "changed_since"]

OVERLAP = timedelta(minutes=5)
SETTLED = timedelta(minutes=20)
_SECOND = timedelta(seconds=1)


def begin(at: datetime) -> str:
    """Return the cursor for everything changed since `at`."""
    return _stamp(at - OVERLAP)


def advance(cursor: str, newest: datetime | None, at: datetime, *, last: bool) -> str:
    """Return the cursor after a page whose newest change is `newest`, answered at the platform's time `at`.

    `last`: no page follows, so every change of that second was read, if none of them can still be on its way to the index.
    """
    if newest is None:
        return cursor
    settled = at - SETTLED
    whole = newest + _SECOND if last else newest
    reached = whole if newest <= settled else max(newest - OVERLAP, settled)
    return _stamp(max(datetime.fromisoformat(cursor), reached))


def changed_since(cursor: str) -> str:
    """Return the search for what changed at the cursor or later; the quotes are needed for a time."""
    return f"updated_at:>='{cursor}'"


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
