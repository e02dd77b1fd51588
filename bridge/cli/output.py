"""What commands print: tables for people, JSON for programs."""

import dataclasses
import sys
from collections.abc import Hashable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import cache
from types import NoneType
from typing import Any, cast, get_args

__all__ = ["ago", "clock", "emit", "number", "say", "signed", "table"]

_ROWS = 1_000
_PLAIN = frozenset({str, int, float, bool, datetime, NoneType})


def emit(value: object, *, pretty: bool = True) -> None:
    """Print a value as JSON, its properties `ok` and `exit_code` included where it has them; all on one line if not `pretty`.

    Written piece by piece: a plan of 300,000 rows never stands in memory as text.
    """
    for piece in _pieces(value, "\n" if pretty else ""):
        sys.stdout.write(piece)
    sys.stdout.write("\n")


def _pieces(value: object, line: str) -> Iterator[str]:
    """Yield the JSON of a value; `line` is the line break with today's indent, or nothing."""
    if isinstance(value, list | tuple) and _all_rows(value):
        yield from _rows(value, line)
    elif isinstance(value, list | tuple):
        yield from _inside("[", "]", ((b"", item) for item in value), line)
    elif isinstance(value, dict):
        yield from _inside("{", "}", ((_encode(str(key)) + b": ", item) for key, item in value.items()), line)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type) and not (members := _members(value)).flat:
        yield from _inside("{", "}", ((_encode(key) + b": ", item) for key, item in members.pairs), line)
    else:
        yield _encode(value).decode()


def _inside(start: str, end: str, items: Iterable[tuple[bytes, object]], line: str) -> Iterator[str]:
    deeper, separator = f"{line}  " if line else "", start
    for key, item in items:
        yield f"{separator}{deeper}{key.decode()}"
        yield from _pieces(item, deeper)
        separator = ","
    yield f"{start}{end}" if separator == start else f"{line}{end}"


def _all_rows(value: Sequence[object]) -> bool:
    kinds = set(map(type, value))
    return len(kinds) == 1 and _is_row(kinds.pop())


@cache
def _is_row(kind: Any) -> bool:
    """Whether this is a dataclass whose every value goes on one line."""
    if not dataclasses.is_dataclass(kind) or _derived(cast(Hashable, kind)):
        return False
    return all(_PLAIN.issuperset(get_args(one.type) or (one.type,)) for one in dataclasses.fields(kind))


def _rows(value: Sequence[object], line: str) -> Iterator[str]:
    """Yield the same as `_inside`, many rows at a time: one by one a large plan takes longer to print than to make."""
    import msgspec

    deeper, separator = f"{line}  " if line else "", "["
    for start in range(0, len(value), _ROWS):
        # Within the JSON of a row a line break is always written \\n, so these stand between rows.
        text = msgspec.json.Encoder().encode_lines(value[start : start + _ROWS]).decode()
        yield f"{separator}{deeper}" + text[:-1].replace("\n", f",{deeper}")
        separator = ","
    yield f"{line}]"


@dataclasses.dataclass(frozen=True, slots=True)
class _Members:
    """What a dataclass shows of itself. `flat`: nothing but its own plain fields, so it goes on one line."""

    pairs: list[tuple[str, object]]
    flat: bool


def _members(value: Any) -> _Members:
    kind = cast(Hashable, type(value))
    pairs = [(name, getattr(value, name)) for name in _names(kind)]
    flat = not _derived(kind) and not any(isinstance(item, list | tuple | dict) for _, item in pairs)
    return _Members([*pairs, *((name, getattr(value, name)) for name in _derived(kind))], flat)


@cache
def _names(kind: Any) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(kind))


@cache
def _derived(kind: Any) -> tuple[str, ...]:
    return tuple(name for name in ("ok", "exit_code") if isinstance(getattr(kind, name, None), property))


def _encode(value: object) -> bytes:
    import msgspec

    return msgspec.json.encode(value)


def say(text: str = "") -> None:
    """Print a line."""
    print(text)


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table; columns whose name ends in > are numbers, set to the right. Nothing without rows."""
    cells = [["" if cell is None else str(cell) for cell in row] for row in rows]
    if not cells:
        return
    # Loading rich costs as much as all the rest of `bridge status`: only where somebody looks.
    (_rich if sys.stdout.isatty() else _plain_table)(title, columns, cells)


def _rich(title: str, columns: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    drawn = Table(title=title or None, box=SIMPLE_HEAD, title_justify="left", title_style="bold")
    for name in columns:
        drawn.add_column(name.rstrip(">"), justify="right" if name.endswith(">") else "left")
    for row in cells:
        drawn.add_row(*(Text(cell) for cell in row))
    Console().print(drawn)


def _plain_table(title: str, columns: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
    names = [name.rstrip(">") for name in columns]
    widths = [max(len(line[index]) for line in (names, *cells)) for index in range(len(names))]
    if title:
        print(title)
    for line in (names, *cells):
        parts = [
            cell.rjust(width) if column.endswith(">") else cell.ljust(width)
            for cell, width, column in zip(line, widths, columns, strict=True)
        ]
        print("  " + "  ".join(parts).rstrip())
    print()


def clock(moment: datetime | None) -> str:
    """Return a moment as people read it, in UTC."""
    return "-" if moment is None else f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def ago(seconds: float | None) -> str:
    """Return an age in one unit: "45 s", "12 min", "3 h", "2 d"."""
    if seconds is None:
        return "-"
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def number(value: int | None) -> str:
    """Return a number, "-" for none."""
    return "-" if value is None else f"{value:,}"


def signed(value: int) -> str:
    """Return a change with its sign."""
    return f"{value:+,}"
