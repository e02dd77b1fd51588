"""Init: which settings each platform asks for, and a config made of the answers."""

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any

from bridge.app.configfile import config_text
from bridge.app.errors import AppError
from bridge.app.wiring import connector_module
from bridge.config import Loaded, did_you_mean, parse
from connectors import PLATFORMS

__all__ = ["Question", "config_of", "nested", "questions", "typed"]

# Where every setting has a default, these are the ones a person has to give (either of two ways in).
_WORTH_ASKING = {"shopify": ("shop", "access_token")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One setting to ask for."""

    key: str
    help: str
    secret: bool


def questions(platform: str) -> Sequence[Question]:
    """Return what a person must say to connect a platform: settings without a default, and those worth asking."""
    worth = _WORTH_ASKING.get(platform, ())
    return [
        Question(key=one.name, help=one.metadata.get("help", ""), secret=bool(one.metadata.get("secret")))
        for one in fields(connector_module(platform).Settings)
        if one.name in worth or (one.default is MISSING and one.default_factory is MISSING)
    ]


def nested(pairs: Sequence[str]) -> dict[str, Any]:
    """Read NAME.KEY=VALUE pairs, as `--set` takes them, into tables; raises AppError."""
    tree: dict[str, Any] = {}
    for pair in pairs:
        path, equals, value = pair.partition("=")
        keys = path.split(".")
        if not equals or len(keys) < 2 or not all(keys):
            raise AppError(
                f"{pair!r} is not NAME.KEY=VALUE", next_step="such as --set shop.url=https://shop.example", exit_code=2
            )
        table = tree
        for key in keys[:-1]:
            table = table.setdefault(key, {})
        table[keys[-1]] = typed(value)
    return tree


def typed(text: str) -> object:
    """Read a value as TOML would where it is true, false or a whole number; text otherwise."""
    if text in {"true", "false"}:
        return text == "true"
    return int(text) if text.isascii() and text.isdigit() and not (len(text) > 1 and text[0] == "0") else text


def config_of(
    channels: Mapping[str, Mapping[str, object]], *, database: str, file: Path, environment: Mapping[str, str]
) -> tuple[str, Loaded]:
    """Return the text of a config with these channels, and what it reads as; raises ConfigError where that is wrong."""
    for name, table in channels.items():
        platform = table.get("platform")
        if platform not in PLATFORMS:
            text = f"channel {name} has platform {platform!r}" if platform else f"channel {name} has no platform"
            raise AppError(text, next_step=did_you_mean(str(platform), PLATFORMS), exit_code=2)
    text = config_text(channels, database)
    loaded = parse(text, file=file, environment=environment)
    for name, table in channels.items():
        loaded.settings(name, connector_module(str(table["platform"])).Settings)
    return text, loaded
