"""Find the config, read it, and say precisely what is wrong with it."""

import dataclasses
import os
import stat
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path as FilePath
from typing import Any, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from bridge.config.errors import ConfigError, Problem, did_you_mean
from bridge.config.listing_map import read_map
from bridge.config.model import EVENT_TYPES, PRODUCT_FIELDS, ChannelTable, Config
from bridge.config.text import Lines, Path, expand, read_toml

__all__ = ["Loaded", "find", "load", "parse"]

S = TypeVar("S")
# The setting that a connector gets from the channel's `map`, read and checked.
_MAP = "listing_map"
_NAME = r"letters, digits, - and _"
_RESERVED = frozenset({"ledger", "bridge"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A config that was read, with what is needed to speak about it: its file and its lines.

    `raw` is the file before variables were put in; it tells which secrets stand in it literally.
    """

    file: FilePath
    config: Config
    lines: Lines = field(repr=False)
    raw: Mapping[str, Any] = field(repr=False)

    @property
    def database(self) -> str:
        """The database's address; a relative path counts from the config file's folder."""
        text = self.config.database
        return text if "://" in text else str((self.file.parent / text).resolve())

    def settings(self, channel: str, cls: type[S]) -> S:
        """Return a connector's settings for a channel; raises ConfigError naming the line, never a secret's value."""
        return _Settings(self, channel, cls).read()

    def warnings(self, channel: str, cls: type[Any]) -> Iterator[str]:
        """Say what is unwise: secrets in a file that others may read."""
        mode = self.file.stat().st_mode if self.file.exists() else 0
        if not mode & (stat.S_IRWXG | stat.S_IRWXO):
            return
        table = self.raw.get("channels", {}).get(channel, {})
        for one in dataclasses.fields(cls):
            if one.metadata.get("secret") and table.get(one.name) and "${" not in table[one.name]:
                yield f"{self.file} holds {channel}'s {one.name} and others may read the file: chmod 600 {self.file}"

    def error(self, path: Path, text: str, next_step: str = "") -> ConfigError:
        """Return an error about one key."""
        return ConfigError(str(self.file), [Problem(self.lines.of(path), text)], next_step)


def find(option: str | None, environment: Mapping[str, str] = os.environ) -> FilePath:
    """Return the config's path: --config, $BRIDGE_CONFIG, or config.toml here; raises ConfigError where there is no file."""
    named = option or environment.get("BRIDGE_CONFIG") or "config.toml"
    file = FilePath(named)
    if not file.is_file():
        step = "run `bridge init`, or name the file with --config FILE or BRIDGE_CONFIG"
        raise ConfigError(named, [Problem(0, "there is no such config file")], step)
    return file


def load(file: FilePath, environment: Mapping[str, str] = os.environ) -> Loaded:
    """Read a config file; raises ConfigError."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(str(file), [Problem(0, f"cannot be read: {error}")]) from error
    return parse(text, file=file, environment=environment)


def parse(text: str, *, file: FilePath, environment: Mapping[str, str]) -> Loaded:
    """Read a config from its text; raises ConfigError."""
    raw = read_toml(str(file), text)
    lines = Lines(text)
    problems: list[Problem] = []

    def missing(path: Path, name: str) -> None:
        text = f"{path[-1]} wants the variable {name}, which is not set (or write ${{{name}:-default}})"
        problems.append(Problem(lines.of(path), text))

    values = expand(raw, environment, missing)
    if problems:
        raise ConfigError(str(file), problems, "set it where the bridge is started")
    try:
        config = Config.model_validate(_split(values))
    except ValidationError as error:
        raise ConfigError(str(file), [_problem(one, lines) for one in error.errors()]) from error
    problems.extend(Problem(lines.of(path), text) for path, text in _strangers(config))
    if problems:
        raise ConfigError(str(file), problems)
    return Loaded(file=file, config=config, lines=lines, raw=raw)


def _split(values: dict[str, Any]) -> dict[str, Any]:
    """Put the connectors' own keys aside: they are checked by the connector's settings once it is loaded."""
    channels = values.get("channels")
    if not isinstance(channels, dict):
        return values
    own = ChannelTable.own_keys()
    tables = {}
    for name, table in channels.items():
        if not isinstance(table, dict):
            tables[name] = table
            continue
        kept = {key: value for key, value in table.items() if key in own}
        tables[name] = {**kept, "settings": {key: value for key, value in table.items() if key not in own}}
    return {**values, "channels": tables}


def _problem(error: ErrorDetails, lines: Lines) -> Problem:
    path = tuple(part for part in error["loc"] if part not in {"settings", "[key]"})
    key = ".".join(str(part) for part in path)
    return Problem(
        lines.of(path), f"{key} {_said(error, path)}" if error["type"] != "extra_forbidden" else _said(error, path)
    )


def _said(error: ErrorDetails, path: Path) -> str:
    kind, context = error["type"], error.get("ctx", {})
    if kind == "extra_forbidden":
        around = ".".join(str(part) for part in path[:-1])
        return f"unknown key {path[-1]}{f' in {around}' if around else ''}: {did_you_mean(str(path[-1]), _allowed(path[:-1]))}"
    if kind == "missing":
        return f"is missing{': name at least one, as [channels.shop]' if path == ('channels',) else ''}"
    if kind == "too_short":
        return "is empty: name at least one, as [channels.shop]"
    given = error["input"] if isinstance(error["input"], str | int | bool) else type(error["input"]).__name__
    if kind == "literal_error":
        return f"cannot be {given!r}: allowed is {context['expected']}"
    if kind == "value_error":
        return f"cannot be {given!r}: {context['error']}"
    return f"cannot be {given!r}: {error['msg'][0].lower()}{error['msg'][1:]}"


def _allowed(path: Path) -> frozenset[str]:
    """The keys that the table at a path takes."""
    model: Any = Config
    for part in path:
        inner = model.model_fields[part].annotation if _is_model(model) and part in model.model_fields else model
        model = _certain(inner) if _is_model(model) else _inside(model)
    while not _is_model(model) and typing.get_args(model):
        model = _inside(model)
    if model is ChannelTable:
        return ChannelTable.own_keys()
    if not _is_model(model):
        return frozenset()
    return frozenset(one.alias or name for name, one in model.model_fields.items())


def _certain(kind: Any) -> Any:
    """The table of a key that may be left out."""
    inner = [one for one in typing.get_args(kind) if one is not types.NoneType]
    return inner[0] if isinstance(kind, types.UnionType) and len(inner) == 1 else kind


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and not isinstance(kind, types.GenericAlias) and issubclass(kind, BaseModel)


def _inside(kind: Any) -> Any:
    """What a dict's values or a list's items are."""
    parts = typing.get_args(kind)
    inner = parts[-1] if parts and typing.get_origin(kind) is not typing.Annotated else (parts[0] if parts else kind)
    return typing.get_args(inner)[0] if typing.get_origin(inner) is typing.Annotated else inner


def _strangers(config: Config) -> Iterator[tuple[Path, str]]:
    """Find names that mean nothing: channels that are not configured, fields that do not exist."""
    names = frozenset(config.channels)
    for name in names:
        if name in _RESERVED or not name.replace("-", "").replace("_", "").isalnum():
            yield (
                ("channels", name),
                f"a channel cannot be called {name!r}: use {_NAME}, and not {' or '.join(sorted(_RESERVED))}",
            )
    for path, name in _mentions(config):
        owners = names | {"bridge"} if path[0] == "products" else names
        if name not in owners:
            yield path, f"there is no channel {name!r}: {did_you_mean(name, owners)}"
    for name in config.products.fields:
        if name not in PRODUCT_FIELDS:
            yield (
                ("products", "fields", name),
                f"there is no product field {name}: {did_you_mean(name, PRODUCT_FIELDS)}",
            )
    if config.orders.mirror and not config.orders.home:
        yield ("orders", "mirror"), "orders are mirrored to orders.home, which is not given"
    if config.orders.home in config.orders.mirror:
        yield ("orders", "mirror"), f"{config.orders.home} is orders.home: its own orders are there already"
    yield from _receivers(config)
    yield from _points(config)
    for kit, parts in config.kits.items():
        if not parts or any(part in config.kits for part in parts):
            yield ("kits", kit), f"kit {kit} needs components, and none of them may be a kit itself"


def _points(config: Config) -> Iterator[tuple[Path, str]]:
    """Find rules of points that say nothing, or nothing certain."""
    points = config.points
    if points is None:
        if config.coupons.reward:
            yield ("coupons", "reward"), "a reward is given in points, and no points are given: add a [points] table"
        return
    if points.code_lasts <= timedelta(0):
        yield ("points", "code_lasts"), "a code made of points has to last for some time, such as 24h"
    for index, rule in enumerate(points.rule):
        if rule.since is not None and rule.until is not None and rule.until <= rule.since:
            yield ("points", "rule", index, "until"), "the rule ends before it begins: look at its two dates"
    for index, tier in enumerate(points.tier):
        before = points.tier[:index]
        if any(one.name == tier.name for one in before):
            yield ("points", "tier", index, "name"), f"there is another tier called {tier.name!r}"
        if any(one.spend == tier.spend for one in before):
            yield ("points", "tier", index, "spend"), f"there is another tier from {tier.spend} on"


def _receivers(config: Config) -> Iterator[tuple[Path, str]]:
    """Find events that do not exist, and names given twice: a token's and a target's name stand in the database."""
    for table, names in (
        ("tokens", [one.name for one in config.tokens]),
        ("events", [one.name for one in config.events]),
    ):
        for index, name in enumerate(names):
            if name in names[:index]:
                yield (
                    (table, index, "name"),
                    f"there is another one in [[{table}]] called {name!r}: give each its own name",
                )
    for index, target in enumerate(config.events):
        for kind in set(target.types) - set(EVENT_TYPES):
            yield ("events", index, "types"), f"there is no event {kind!r}: {did_you_mean(kind, EVENT_TYPES)}"


def _mentions(config: Config) -> Iterator[tuple[Path, str]]:
    for index, policy in enumerate(config.policy):
        if policy.channel is not None:
            yield ("policy", index, "channel"), policy.channel
    for index, one in enumerate(config.points.rule if config.points else ()):
        if one.channel is not None:
            yield ("points", "rule", index, "channel"), one.channel
    if config.orders.home:
        yield ("orders", "home"), config.orders.home
    for index, name in enumerate(config.orders.mirror):
        yield ("orders", "mirror", index), name
    if config.products.owner:
        yield ("products", "owner"), config.products.owner
    for key, rule in config.products.fields.items():
        for name in (rule.owner, *rule.writers):
            yield ("products", "fields", key), name


class _Settings(typing.Generic[S]):
    """Reads a connector's settings dataclass from a channel's table."""

    def __init__(self, loaded: Loaded, channel: str, cls: type[S]) -> None:
        self.loaded = loaded
        self.channel = channel
        self.cls = cls
        self.given = loaded.config.channels[channel].settings
        fields = {one.name: one for one in dataclasses.fields(cls)}  # type: ignore[arg-type]
        self.mapped = fields.pop(_MAP, None) is not None
        self.fields = fields
        self.problems: list[Problem] = []

    def read(self) -> S:
        kinds = typing.get_type_hints(self.cls)
        for key in self.given.keys() - self.fields.keys():
            allowed = self.fields.keys() | ChannelTable.own_keys()
            self._note(key, f"unknown key {key} in channels.{self.channel}: {did_you_mean(key, allowed)}")
        values = {key: self._value(key, kinds[key]) for key in self.given.keys() & self.fields.keys()}
        for name, one in self.fields.items():
            required = one.default is dataclasses.MISSING and one.default_factory is dataclasses.MISSING
            if required and not self.given.get(name):
                self._note(name, f"channels.{self.channel}.{name} is missing: {one.metadata.get('help', '')}")
        named = self.loaded.config.channels[self.channel].map
        if named and not self.mapped:
            platform = self.loaded.config.channels[self.channel].platform
            self._note("map", f"channels.{self.channel}.map: {platform} takes products as they are, without a map")
        if self.problems:
            raise ConfigError(str(self.loaded.file), self.problems)
        if named:
            values[_MAP] = read_map(self.loaded.file.parent / named)
        return self.cls(**values)

    def _value(self, key: str, kind: Any) -> Any:
        try:
            return TypeAdapter(kind).validate_python(self.given[key], strict=True)
        except ValidationError as error:
            about = self.fields[key].metadata.get("help", "")
            said = error.errors()[0]["msg"]
            self._note(key, f"channels.{self.channel}.{key}: {said[0].lower()}{said[1:]} ({about})")
            return None

    def _note(self, key: str, text: str) -> None:
        self.problems.append(Problem(self.loaded.lines.of(("channels", self.channel, key)), text))
