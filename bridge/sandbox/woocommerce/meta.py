"""`meta_data` rows as WC_Data keeps them: addressed by id or by the first row with the key, null deletes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(slots=True)
class Meta:
    """One meta row."""

    id: int
    key: str
    value: Any


def stored(value: Any) -> Any:
    """Return a value as the meta table gives it back: scalars are text, arrays and objects stay what they are."""
    if isinstance(value, bool):
        return "1" if value else ""
    if isinstance(value, (int, float)):
        return f"{value:g}" if isinstance(value, float) else str(value)
    return value


def apply(rows: list[Meta], changes: Any, next_id: Callable[[], int]) -> None:
    """Apply a `meta_data` list of a request body to the rows."""
    for change in changes if isinstance(changes, list) else []:
        if isinstance(change, dict) and (change.get("key") or change.get("id")):
            _apply_one(rows, change, next_id)


def _apply_one(rows: list[Meta], change: dict[str, Any], next_id: Callable[[], int]) -> None:
    row = _find(rows, change)
    value = change.get("value")
    if row is None:
        if value is not None and change.get("key"):
            rows.append(Meta(next_id(), str(change["key"]), stored(value)))
    elif value is None:
        rows.remove(row)
    else:
        row.key = str(change.get("key") or row.key)
        row.value = stored(value)


def _find(rows: list[Meta], change: dict[str, Any]) -> Meta | None:
    if change.get("id"):
        return next((row for row in rows if row.id == change["id"]), None)
    return next((row for row in rows if row.key == change["key"]), None)


def put(rows: list[Meta], key: str, value: Any, next_id: Callable[[], int]) -> None:
    """Set the first row with this key, or add one; None deletes it."""
    _apply_one(rows, {"key": key, "value": value}, next_id)


def get(rows: list[Meta], key: str) -> Any:
    """Return the value of the first row with this key, None without one."""
    return next((row.value for row in rows if row.key == key), None)


def body(rows: list[Meta]) -> list[dict[str, Any]]:
    """Return the rows as the API shows them."""
    return [{"id": row.id, "key": row.key, "value": row.value} for row in rows]
