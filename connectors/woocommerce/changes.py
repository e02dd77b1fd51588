"""Reading what changed after a moment, exactly: WooCommerce compares whole seconds, and strictly.

`modified_after` leaves out what changed in the very second of the cursor (observed on 8.9 to 11.0), and numbered pages
of a list sorted by change shift while people work. So each page asks anew, from one second before the newest row of
the page before; nothing can slip between two pages. Only where a single second holds more than a page, rows are read
by id, and the cursor then goes no further than the moment when that began.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bridge.wire.paging import by_cursor
from connectors.woocommerce.mapping import moment
from connectors.woocommerce.rest import Rest, Row, Rows

__all__ = ["OVERLAP", "Changes", "Step", "later", "stamp"]

# A row is stamped before it is committed; this is how late it may show up and still be seen.
OVERLAP = timedelta(seconds=15)
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One page of changed rows, and the cursor to go on from once it is stored."""

    rows: tuple[Row, ...]
    at: datetime
    cursor: str


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the reading stands. `page` is 0 while sorted by change; `until` bounds the cursor while read by id."""

    after: datetime
    page: int = 0
    until: datetime | None = None

    @classmethod
    def parse(cls, text: str) -> "_Place":
        after, _, rest = text.partition("|")
        page, _, until = rest.partition("|")
        return cls(_parse(after), int(page or 0), _parse(until) if until else None)

    def __str__(self) -> str:
        return f"{stamp(self.after)}|{self.page}|{stamp(self.until) if self.until else ''}"


class Changes:
    """The change list of one resource."""

    def __init__(self, rest: Rest, op: str, path: str, fields: str) -> None:
        self._rest = rest
        self._op = op
        self._path = path
        self._fields = fields

    def since(self, cursor: str) -> AsyncIterator[Step]:
        """Read what changed after the cursor, oldest first; at least one step."""

        async def fetch(position: str | None) -> tuple[Step, str | None]:
            return await self._step(_Place.parse(position or cursor))

        return by_cursor(fetch)

    async def _step(self, place: _Place) -> tuple[Step, str | None]:
        page = await self._read(place)
        cursor, follow = _by_id(place, page) if place.page else _by_change(place, page)
        step = Step(rows=tuple(page.rows), at=page.at, cursor=stamp(cursor))
        return step, str(follow) if follow else None

    async def _read(self, place: _Place) -> Rows:
        return await self._rest.rows(
            self._op,
            self._path,
            modified_after=stamp(place.after),
            dates_are_gmt="true",  # without it the shop's local time is compared, and changes are missed
            orderby="id" if place.page else "modified",
            order="asc",
            page=str(place.page or 1),
            _fields=self._fields,
        )


def _by_change(place: _Place, page: Rows) -> tuple[datetime, _Place | None]:
    stamps = (moment(row.get("date_modified_gmt")) for row in page.rows)
    newest = max((when for when in stamps if when is not None), default=None)
    if newest is None:
        return place.after, None
    if page.pages <= 1:
        return max(place.after, _settled(newest, page.at)), None
    onward = newest - _SECOND
    if onward > place.after:
        return onward, _Place(onward)
    return place.after, _Place(place.after, 1, page.at - OVERLAP)


def _by_id(place: _Place, page: Rows) -> tuple[datetime, _Place | None]:
    if page.pages > place.page:
        return place.after, _Place(place.after, place.page + 1, place.until)
    return max(place.after, place.until or place.after), None


def _settled(newest: datetime, now: datetime) -> datetime:
    return newest if now - newest > OVERLAP else newest - OVERLAP


def stamp(when: datetime) -> str:
    """Write a moment the way WooCommerce wants it: UTC, whole seconds, no zone."""
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")


def later(one: str, other: str) -> str:
    """Return the later of two cursors."""
    return max(one, other, key=_parse)


def _parse(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=UTC)
