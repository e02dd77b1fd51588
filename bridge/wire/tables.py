"""Tables that a connector keeps as data beside its code: sites, currencies, rates, carriers."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

__all__ = ["Carriers", "table"]


@cache
def table(package: str, name: str) -> Mapping[str, Any]:
    """Read `<name>.toml` of a connector's package (`__package__`), once."""
    return tomllib.loads(files(package).joinpath(f"{name}.toml").read_text("utf-8"))


class Carriers:
    """A platform's codes of carriers, each with the names that shops give it, which are compared by their letters and digits alone."""

    def __init__(self, names: Mapping[str, Sequence[str]], *, other: str) -> None:
        self._names = names
        self._other = other
        self._codes = {_letters(name): code for code, known in names.items() for name in (code, *known)}

    def code(self, name: str) -> str:
        """Return the platform's code of a carrier, its word for others where it has none."""
        return self._codes.get(_letters(name), self._other)

    def name(self, code: str) -> str:
        """Return how people write a carrier that the platform names; the code itself where that is unknown."""
        return next(iter(self._names.get(code, ())), code)


def _letters(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.casefold())
