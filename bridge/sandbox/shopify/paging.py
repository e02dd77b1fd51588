"""Relay connections: pages over a search or over a record's own list, with opaque cursors."""

import base64
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import msgspec

from bridge.sandbox.shopify.errors import bad_request
from bridge.sandbox.shopify.search import Search

MAX_PAGE = 250
Key = tuple[Any, int]
_encoder = msgspec.json.Encoder()


def window(args: dict[str, Any]) -> tuple[int, bool]:
    """Return (page size, from the end?); checks what Shopify checks (recorded: bulk-operations-read-arg-validation)."""
    first, last = args.get("first"), args.get("last")
    if first is None and last is None:
        raise bad_request("you must provide one of first or last")
    if first is not None and last is not None:
        raise bad_request("providing both first and last is not supported")
    size = first if first is not None else last
    assert size is not None
    if size < 0:
        raise bad_request(f"{'first' if first is not None else 'last'} must not be negative")
    return size, last is not None


def encode(key: Key) -> str:
    """Write a cursor: the sort value and the id of the last row (form recorded: products-search-pagination)."""
    value, number = key
    if isinstance(value, datetime):
        value = int(value.timestamp()) * 1000
    return base64.b64encode(_encoder.encode({"last_id": number, "last_value": value})).decode()


def decode(cursor: str) -> tuple[Any, int]:
    """Read a cursor."""
    try:
        body = msgspec.json.decode(base64.b64decode(cursor, validate=True))
        return body["last_value"], int(body["last_id"])
    except (ValueError, KeyError, TypeError, msgspec.DecodeError) as error:
        raise bad_request("Invalid cursor for current pagination sort.") from error


def _comparable(key: Key) -> tuple[Any, int]:
    value, number = key
    return (int(value.timestamp()) * 1000 if isinstance(value, datetime) else value), number


def page(rows: Iterable[Any], args: dict[str, Any], key: Callable[[Any], Key]) -> dict[str, Any]:
    """Cut a page out of rows that come in the order asked for."""
    size, from_end = window(args)
    descending = bool(args.get("reverse"))
    after = decode(args["after"]) if args.get("after") else None
    before = decode(args["before"]) if args.get("before") else None
    inside = _between(rows, key, after, before, descending)
    if from_end:
        found = list(inside)
        kept = found[-size:] if size else []
        return _connection(kept, key, has_next=before is not None, has_previous=len(found) > size)
    found = list(islice(inside, size + 1))
    return _connection(found[:size], key, has_next=len(found) > size, has_previous=after is not None)


def _between(
    rows: Iterable[Any], key: Callable[[Any], Key], after: Key | None, before: Key | None, descending: bool
) -> Iterator[Any]:
    for row in rows:
        place = _comparable(key(row))
        if after is not None and (place >= after if descending else place <= after):
            continue
        if before is not None and (place <= before if descending else place >= before):
            return
        yield row


def _connection(rows: list[Any], key: Callable[[Any], Key], *, has_next: bool, has_previous: bool) -> dict[str, Any]:
    return {"nodes": rows, "key": key, "has_next_page": has_next, "has_previous_page": has_previous}


def edges(connection: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the edges of a page."""
    return [{"cursor": encode(connection["key"](row)), "node": row} for row in connection["nodes"]]


def page_info(connection: dict[str, Any]) -> dict[str, Any]:
    """Return the pageInfo of a page."""
    rows, key = connection["nodes"], connection["key"]
    return {
        "has_next_page": connection["has_next_page"],
        "has_previous_page": connection["has_previous_page"],
        "start_cursor": encode(key(rows[0])) if rows else None,
        "end_cursor": encode(key(rows[-1])) if rows else None,
    }


def of_list(rows: Sequence[Any], args: dict[str, Any]) -> dict[str, Any]:
    """Page over a record's own list; the cursor is the place in it."""
    places = {id(row): place for place, row in enumerate(rows)}

    def key(row: Any) -> Key:
        return str(places[id(row)]).zfill(9), places[id(row)]

    return page(reversed(rows) if args.get("reverse") else rows, args, key)


def of_levels(levels: Sequence[Any], args: dict[str, Any]) -> dict[str, Any]:
    """Page over inventory levels; the cursor names item and location, so it stays right while others come and go."""

    def key(level: Any) -> Key:
        return level.location.number, level.item.number

    return page(sorted(levels, key=key, reverse=bool(args.get("reverse"))), args, key)


SORTS: dict[str, Callable[[Any], Any]] = {
    "ID": lambda row: row.number,
    "CREATED_AT": lambda row: row.created_at,
    "PROCESSED_AT": lambda row: row.processed_at,
    "TITLE": lambda row: row.title,
    "NAME": lambda row: row.name,
    "ORDER_NUMBER": lambda row: row.number,
    "SKU": lambda row: row.sku or "",
}


def of_search(search: Search, args: dict[str, Any], sort: str) -> dict[str, Any]:
    """Page over the hits of a search in one of the sort orders."""
    if sort == "UPDATED_AT":
        return _by_change(search, args)
    value = SORTS[sort]

    def key(row: Any) -> Key:
        return value(row), row.number

    if sort == "ID" and not args.get("reverse"):
        start = decode(args["after"])[1] if args.get("after") else 0
        return page(search.hits(start), args, key)
    return page(sorted(search.hits(), key=key, reverse=bool(args.get("reverse"))), args, key)


def _by_change(search: Search, args: dict[str, Any]) -> dict[str, Any]:
    """Walk the change log from the bound of the search; forwards it stops as soon as the page is full."""
    table = search.kind.table(search.state)
    since = search.since()
    if args.get("after") and not args.get("reverse"):
        reached = datetime.fromtimestamp(decode(args["after"])[0] / 1000, UTC)
        since = max(since, reached) if since else reached
    changed = table.by_change(since, search.lag)
    pairs: Iterator[tuple[datetime, Any]] = ((when, row) for when, row in changed if search.matches(row))
    if args.get("reverse"):
        pairs = iter(sorted(pairs, key=lambda pair: (pair[0], pair[1].number), reverse=True))
    connection = page(pairs, args, lambda pair: (pair[0], pair[1].number))
    keys = {row.number: (when, row.number) for when, row in connection["nodes"]}
    connection["nodes"] = [row for _, row in connection["nodes"]]
    connection["key"] = lambda row: keys[row.number]
    return connection
