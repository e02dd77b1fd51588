"""`map.toml`: which of a marketplace's categories our products belong to, and what their listings say about themselves there."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from bridge.config.errors import ConfigError, Problem, did_you_mean
from bridge.config.text import Lines, read_toml
from bridge.domain.listing_map import Category, ListingMap

__all__ = ["read_map"]

_Text = Annotated[str, Field(min_length=1)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class _CategoryTable(_Table):
    """[[category]]: the tag of what belongs there ("" = everything), the marketplace's name of it, and its aspects."""

    id: _Text
    tag: str = ""
    fixed: dict[_Text, _Text] = {}
    options: dict[_Text, _Text] = {}


class _Map(_Table):
    category: Annotated[list[_CategoryTable], Field(min_length=1)]


def read_map(file: Path) -> ListingMap:
    """Read a mapping file; raises ConfigError with the file and the line."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(str(file), [Problem(0, f"cannot be read: {error}")]) from error
    raw = read_toml(str(file), text)
    lines = Lines(text)
    try:
        found = _Map.model_validate(raw)
    except ValidationError as error:
        raise ConfigError(str(file), [_problem(one, lines) for one in error.errors()]) from error
    if problems := _unreachable(found, lines):
        raise ConfigError(str(file), problems)
    return ListingMap(
        categories=tuple(
            Category(tag=one.tag, id=one.id, fixed=one.fixed, options=one.options) for one in found.category
        )
    )


def _unreachable(found: _Map, lines: Lines) -> list[Problem]:
    """Say which categories no product can reach: the first that fits is taken, and one without a tag fits all."""
    problems, seen = [], set[str]()
    for index, one in enumerate(found.category):
        line, tag = lines.of(("category", index)), one.tag.casefold()
        if "" in seen:
            problems.append(Problem(line, f"category {one.id} is never reached: one without a tag stands before it"))
        elif tag in seen:
            problems.append(
                Problem(line, f"category {one.id} is never reached: there is another one with the tag {one.tag!r}")
            )
        seen.add(tag)
    return problems


def _problem(error: ErrorDetails, lines: Lines) -> Problem:
    path: tuple[Any, ...] = tuple(part for part in error["loc"] if part != "[key]")
    line, key, kind = lines.of(path), ".".join(str(part) for part in path if isinstance(part, str)), error["type"]
    if kind == "extra_forbidden":
        allowed = _CategoryTable.model_fields if len(path) > 1 else _Map.model_fields
        return Problem(line, f"unknown key {path[-1]}: {did_you_mean(str(path[-1]), frozenset(allowed))}")
    if kind == "missing":
        step = ": begin one with [[category]]" if path == ("category",) else ""
        return Problem(line, f"{key} is missing{step}")
    said = error["msg"]
    return Problem(line, f"{key}: {said[0].lower()}{said[1:]}")
