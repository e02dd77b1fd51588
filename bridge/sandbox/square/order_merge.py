"""Sparse order updates: what is given replaces, lists are matched by `uid`, `fields_to_clear` deletes.

Source: developer.squareup.com/docs/orders-api/manage-orders/update-orders, "Sparse Order objects".
"""

import re
from typing import Any

from bridge.sandbox.square.errors import bad_request
from bridge.sandbox.square.values import Json

_STEP = re.compile(r"(\w+)(?:\[([^\]]+)\])?\Z")


def merge(target: Json, given: Json, *, allowed: list[str] | None = None) -> None:
    """Lay a sparse object over another one; with `allowed`, other fields are read-only and ignored."""
    for name, value in given.items():
        if value is None or (allowed is not None and name not in allowed):
            continue
        old = target.get(name)
        if isinstance(value, dict) and isinstance(old, dict):
            merge(old, value)
        elif isinstance(value, list) and isinstance(old, list) and _have_uids(old):
            _merge_list(old, value)
        else:
            target[name] = value


def clear_fields(order: Json, paths: list[str]) -> Json:
    """Delete by dot notation, e.g. `line_items[uid].note`, `fulfillments[uid]`, `reference_id`."""
    for path in paths:
        *before, last = path.split(".")
        here: Any = order
        for step in before:
            here = _step(here, step, path)
        _delete(here, last, path)
    return order


def _have_uids(parts: list[Any]) -> bool:
    return all(isinstance(part, dict) and "uid" in part for part in parts)


def _merge_list(old: list[Json], given: list[Json]) -> None:
    by_uid = {part["uid"]: part for part in old}
    for part in given:
        known = by_uid.get(part.get("uid", ""))
        if known is None:
            old.append(part)
        else:
            merge(known, part)


def _read(step: str, path: str) -> tuple[str, str | None]:
    found = _STEP.match(step)
    if found is None:
        raise bad_request(f"`{path}` is not a field path.", "fields_to_clear")
    return found[1], found[2]


def _step(here: Any, step: str, path: str) -> Any:
    name, uid = _read(step, path)
    inner = here.get(name)
    if uid is not None:
        inner = next((part for part in inner or () if part.get("uid") == uid), None)
    if inner is None:
        raise bad_request(f"`{path}` does not exist.", "fields_to_clear")
    return inner


def _delete(here: Any, step: str, path: str) -> None:
    name, uid = _read(step, path)
    if uid is None:
        here.pop(name, None)
    else:
        _step(here, step, path)
        here[name] = [part for part in here[name] if part.get("uid") != uid]
