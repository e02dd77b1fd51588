"""The config as text: TOML with ${VARIABLES}, and the line on which each key stands."""

import re
import tomllib
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from bridge.config.errors import ConfigError, Problem

__all__ = ["Lines", "Path", "expand", "read_toml"]

Path = tuple[str | int, ...]

_KEY = r"""(?:"(?:[^"\\]|\\.)*"|'[^']*'|[A-Za-z0-9_-]+)"""
_ASSIGN = re.compile(rf"^\s*({_KEY}(?:\s*\.\s*{_KEY})*)\s*=(.*)$")
_HEADER = re.compile(r"^\s*(\[\[?)(.+?)(\]\]?)\s*(?:#.*)?$")
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(:-([^}]*))?\}")
_SYNTAX = re.compile(r"^(.*?) \(at (?:line (\d+), column \d+|end of document)\)$")


def read_toml(file: str, text: str) -> dict[str, Any]:
    """Parse TOML (numbers with a point stay exact); raises ConfigError with the line."""
    try:
        return tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        found = _SYNTAX.match(str(error))
        what, line = (found[1], int(found[2] or text.count("\n") + 1)) if found else (str(error), 0)
        hint = 'text stands in quotes: name = "value"'
        raise ConfigError(file, [Problem(line, f"this is not TOML: {what}")], hint) from error


class Lines:
    """Finds the line of a key: `("channels", "shop", "url")`, with an index for each `[[table]]`."""

    def __init__(self, text: str) -> None:
        self._lines: dict[Path, int] = {}
        self._counts: dict[Path, int] = {}
        self._table: Path = ()
        inside = ""
        for number, line in enumerate(text.splitlines(), start=1):
            inside = self._line(number, line, inside)

    def of(self, path: Path) -> int:
        """Return the line of the key, or of the nearest table around it; 0 if there is none."""
        for length in range(len(path), 0, -1):
            if path[:length] in self._lines:
                return self._lines[path[:length]]
        return 0

    def _line(self, number: int, line: str, inside: str) -> str:
        """Take in one line; `inside` is the quote of a multi-line string that is open, "" if none."""
        if inside:
            return "" if inside in line else inside
        header = _HEADER.match(line)
        if header and (keys := _keys(header[2])) is not None:
            self._enter(keys, number, is_array=header[1] == "[[")
            return ""
        assign = _ASSIGN.match(line)
        if assign is None:
            return ""
        for length in range(1, len(path := _keys(assign[1]) or ()) + 1):
            self._lines.setdefault(self._table + path[:length], number)
        return next((quote for quote in ('"""', "'''") if assign[2].count(quote) == 1), "")

    def _enter(self, keys: Path, number: int, *, is_array: bool) -> None:
        if is_array:
            index = self._counts.get(keys, 0)
            self._counts[keys] = index + 1
            keys = (*keys, index)
        for length in range(1, len(keys) + 1):
            self._lines.setdefault(keys[:length], number)
        self._table = keys


def _keys(text: str) -> Path | None:
    try:
        found: Any = tomllib.loads(f"{text} = 0")
    except tomllib.TOMLDecodeError:
        return None
    keys: list[str] = []
    while isinstance(found, dict):
        key = next(iter(found))
        keys.append(key)
        found = found[key]
    return tuple(keys)


def expand(value: Any, variables: Mapping[str, str], missing: Callable[[Path, str], None], path: Path = ()) -> Any:
    """Return the value with ${NAME} and ${NAME:-default} replaced in every string; reports each variable that is not set."""
    if isinstance(value, dict):
        return {key: expand(item, variables, missing, (*path, key)) for key, item in value.items()}
    if isinstance(value, list):
        return [expand(item, variables, missing, (*path, index)) for index, item in enumerate(value)]
    if not isinstance(value, str):
        return value

    def replace(found: re.Match[str]) -> str:
        name, has_default, default = found[1], found[2], found[3]
        # As in a shell: an empty variable takes the default too.
        if content := variables.get(name, ""):
            return content
        if not has_default and name not in variables:
            missing(path, name)
        return default or ""

    return _VARIABLE.sub(replace, value)
