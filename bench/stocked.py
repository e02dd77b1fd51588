"""A database as it is after an adoption, written straight into the store: for benchmarks that only look at it."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bridge.store import channels, notes, schema
from bridge.store.database import Database
from bridge.store.tables import counters, listings, movements, positions, skus

__all__ = ["stocked"]

_Rows = dict[sa.Table, list[dict[str, Any]]]
_PART = 5_000
_STOCK = 20


def stocked(
    database: Database,
    count: int,
    platforms: Mapping[str, str],
    *,
    now: datetime,
    off_every: int = 0,
    everywhere: bool = False,
) -> None:
    """Fill an empty database with `count` SKUs on these channels (name -> platform).

    Every number is as it should be, except on every `off_every`th SKU, of which 2 units were sold on the first channel and
    the others do not show it yet. `everywhere`: 2 units were lost in the house instead, and no channel shows it yet.
    """
    schema.ensure(database)
    then = now - timedelta(hours=1)
    database.write(lambda connection: _channels(connection, platforms, then))
    for start in range(0, count, _PART):
        part = range(start, min(start + _PART, count))
        rows = _skus(part, list(platforms), then, off_every, "" if everywhere else next(iter(platforms)))
        database.write(lambda connection, rows=rows: _insert(connection, rows))  # type: ignore[misc]


def _channels(connection: Connection, platforms: Mapping[str, str], then: datetime) -> None:
    for name, platform in platforms.items():
        channels.met(connection, name, platform, "USD", {"": "main"}, "")
        channels.adopt(connection, name, then)
        for feed in ("catalog", "orders", "stock"):
            channels.set_cursor(connection, name, feed, "", then)
    notes.set_meta(connection, "opened", next(iter(platforms)))


def _skus(part: range, names: list[str], then: datetime, off_every: int, seller: str) -> _Rows:
    def off(number: int) -> int:
        return 2 if off_every and number % off_every == 0 else 0

    return {
        skus: [{"sku": _sku(one), "title": f"Good {one}", "created_at": then} for one in part],
        counters: [_counter(one, off(one), names[0], then) for one in part],
        movements: [row for one in part for row in _movements(one, off(one), seller, then)],
        listings: [_listing(one, name) for one in part for name in names],
        positions: [
            _position(one, name, 0 if name == seller else off(one), off(one), then) for one in part for name in names
        ],
    }


def _insert(connection: Connection, rows: _Rows) -> None:
    for table, values in rows.items():
        connection.execute(table.insert(), values)


def _sku(number: int) -> str:
    return f"GOOD-{number:06d}"


def _counter(number: int, off: int, channel: str, then: datetime) -> dict[str, Any]:
    row = {"kind": "stock", "key": _sku(number), "place": "main", "balance": _STOCK - off}
    return {**row, "opened_at": then, "opened_from": channel}


def _movements(number: int, off: int, channel: str, then: datetime) -> Iterator[dict[str, Any]]:
    same = {"kind": "stock", "key": _sku(number), "place": "main", "channel": channel, "occurred_at": then}
    same |= {"recorded_at": then}
    opening = {"delta": _STOCK, "why": "opening", "unique_key": f"opening/{number}", "source": "", "note": "opening"}
    yield {**same, **opening}
    if off:
        note = f"order {number}" if channel else f"breakage {number}"
        yield {
            **same,
            "delta": -off,
            "why": "sale" if channel else "correction",
            "unique_key": f"sale/{number}",
            "source": f"{number}",
            "note": note,
        }


def _listing(number: int, channel: str) -> dict[str, Any]:
    return {
        "channel": channel, "variant_id": f"{number}", "product_id": f"{number}", "shown_sku": _sku(number), "title": f"Good {number}",
        "price": 990, "stock_id": f"{number}", "sku": _sku(number), "how": "sku",
    }  # fmt: skip


def _position(number: int, channel: str, wrong: int, off: int, then: datetime) -> dict[str, Any]:
    return {
        "channel": channel, "stock_id": f"{number}", "location": "", "sku": _sku(number), "place": "main",
        "shown": _STOCK - off + wrong, "target": _STOCK - off, "base_at": then, "base": "opening", "verified_at": then,
    }  # fmt: skip
