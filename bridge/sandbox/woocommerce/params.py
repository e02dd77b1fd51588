"""Requests as PHP sees them: bracketed query names, the order in which sources win, and the query written back."""

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, quote_plus

_BRACKETS = re.compile(r"\[([^\]]*)\]")


@dataclass(slots=True)
class Call:
    """One REST request. `params` is what WP_REST_Request::get_param answers from: JSON over form over query over path."""

    method: str
    shape: tuple[str, ...]
    ids: list[int]
    names: list[str]
    query: dict[str, Any]
    params: dict[str, Any] = field(default_factory=dict)
    edit: bool = False
    batch: bool = False

    def has(self, name: str) -> bool:
        """Tell whether a parameter is set in PHP's sense: there and not null."""
        return self.params.get(name) is not None

    def fields(self) -> frozenset[str] | None:
        """Return the names asked for by `_fields`, None for all.

        A nested name ("categories.id") matches no field and yields nothing (recorded, products 007)."""
        wanted = self.query.get("_fields")
        if not wanted:
            return None
        names = wanted if isinstance(wanted, list) else str(wanted).split(",")
        return frozenset(str(name).strip() for name in names)


def php_query(text: str) -> dict[str, Any]:
    """Parse a query or form as PHP does: the last of equal names wins, `a[]` and `a[x]` make arrays."""
    found: dict[str, Any] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        if "[" not in name or name.startswith("["):
            found[name.replace(".", "_").replace(" ", "_")] = value
        else:
            _put(found, name, value)
    return {name: listed(value) for name, value in found.items()}


def _put(found: dict[str, Any], name: str, value: str) -> None:
    head, *_ = name.split("[", 1)
    keys = _BRACKETS.findall(name)
    spot = found.get(head)
    if not isinstance(spot, dict):
        spot = found[head] = {}
    for key in keys[:-1]:
        spot = spot.setdefault(key or str(len(spot)), {})
        if not isinstance(spot, dict):
            return
    spot[keys[-1] or str(len(spot))] = value


def listed(value: Any) -> Any:
    """Turn PHP arrays with the keys 0..n-1 into lists."""
    if not isinstance(value, dict):
        return value
    inner = {key: listed(item) for key, item in value.items()}
    if list(inner) == [str(place) for place in range(len(inner))]:
        return list(inner.values())
    return inner


def php_build_query(params: dict[str, Any]) -> str:
    """Write parameters as build_query does, arrays as `name[0]`, true as 1."""
    parts: list[str] = []
    for name, value in params.items():
        _flatten(parts, quote_plus(name), value)
    return "&".join(parts)


def _flatten(parts: list[str], name: str, value: Any) -> None:
    if isinstance(value, (list, dict)):
        rows = enumerate(value) if isinstance(value, list) else value.items()
        for key, item in rows:
            _flatten(parts, f"{name}%5B{key}%5D", item)
    else:
        parts.append(f"{name}={quote_plus('1' if value is True else str(value))}")
