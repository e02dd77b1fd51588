"""What an operation of the API is: its path, who may call it, what goes in and what comes out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from bridge.app.serving import Once, Serving
from bridge.webserver.api import shapes

__all__ = ["KEY", "Call", "Operation", "Scope"]

# What an Idempotency-Key looks like, as a regular expression.
KEY = "[!-~]{1,200}"
Scope = Literal["read", "stock", "holds", "loyalty"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call, read and checked. `body` and `once` are None for one that only looks."""

    path: Mapping[str, str]
    query: Any
    body: Any
    once: Once | None = None

    @property
    def once_only(self) -> Once:
        """Who calls under which key: whatever changes something is called with one."""
        assert self.once is not None
        return self.once


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One thing the API does. `scopes`: a token with any of them may. `names`: the SKUs that a call names, to be known. `bare`: the body
    may be left out, all in it has a default.

    `run` returns the answer, or what was kept of it where something changes.
    """

    method: Literal["GET", "POST"]
    path: str
    name: str
    about: str
    scopes: tuple[Scope, ...]
    run: Callable[[Serving, Call], Any]
    answer: Any
    statuses: tuple[int, ...] = (200,)
    problems: tuple[int, ...] = ()
    query: type[Any] = shapes.Nothing
    body: type[Any] | None = None
    bare: bool = False
    names: Callable[[Any], set[str]] = field(default=lambda _: set())

    @property
    def changes(self) -> bool:
        """Whether it changes anything."""
        return self.method == "POST"

    @property
    def route(self) -> str:
        """The path as Starlette matches it: SKUs and order numbers may have slashes in them."""
        return self.path.replace("{sku}", "{sku:path}").replace("{order_id}", "{order_id:path}")
