"""Writes config files: TOML text, mode 0600, never over an existing file."""

import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from bridge.config import ConfigError, Problem

__all__ = ["config_text", "must_be_new", "write_new"]

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def config_text(channels: Mapping[str, Mapping[str, object]], database: str = "bridge.db") -> str:
    """Return a config with these channels; a mapping among a channel's values becomes a table of its own."""
    lines = [f"database = {_value(database)}", ""]
    for name, table in channels.items():
        lines.extend(_table(f"channels.{_key(name)}", table))
    return "\n".join(lines)


def _table(header: str, table: Mapping[str, object]) -> Iterator[str]:
    yield f"[{header}]"
    for key, value in table.items():
        if not isinstance(value, Mapping):
            yield f"{_key(key)} = {_value(value)}"
    yield ""
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _table(f"{header}.{_key(key)}", value)


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _value(name)


def _value(value: object) -> str:
    # A JSON string is a TOML basic string as well; so are true, false and whole numbers.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def must_be_new(file: Path) -> None:
    """Raise ConfigError where there is a file already: before anybody answers questions for nothing."""
    if file.exists() or file.is_symlink():
        step = "edit it, or name another file"
        raise ConfigError(str(file), [Problem(0, "is there already; it is not overwritten")], step)


def write_new(file: Path, text: str) -> None:
    """Write a file that only its owner may read; raises ConfigError where there is one already."""
    must_be_new(file)
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise ConfigError(str(file), [Problem(0, f"cannot be written: {error.strerror}")]) from error
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        out.write(text)
