"""Faults on demand: an ASGI wrapper that makes a stand-in answer badly, late, or not at all.

A cut connection is the important one: *before* the request took effect or *after* it, the client sees the same thing.
"""

import random
import re
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bridge.sandbox.kit.bodies import read_body

Kind = Literal["status", "latency", "cut_before", "cut_after", "throttle", "html", "invalid_json"]
Sleep = Callable[[float], Awaitable[None]]


class CutConnectionError(Exception):
    """The connection ends without a whole answer; a transport turns this into its own read error."""


@dataclass(slots=True, kw_only=True)
class Fault:
    """One rule: which calls (`method`, `path` regex, `body` regex) go wrong, how, how often.

    `times` is how many matching calls it still hits (None: for ever); `chance` is the share of matching calls it hits.
    `seconds` is the latency, or the Retry-After of a throttle.
    """

    kind: Kind
    method: str = ""
    path: str = ""
    body: str = ""
    status: int = 503
    seconds: float = 0.0
    times: int | None = 1
    chance: float = 1.0

    def hits(self, method: str, path: str, body: bytes) -> bool:
        """Tell whether this call is one of those the rule is about."""
        if self.times == 0 or (self.method and self.method != method):
            return False
        if self.body and not re.search(self.body, body.decode("utf-8", "replace")):
            return False
        return re.search(self.path, path) is not None


@dataclass(slots=True)
class Faults:
    """The rules in force on one stand-in, and the count of API calls it has answered."""

    rng: random.Random
    sleep: Sleep
    rules: list[Fault] = field(default_factory=list)
    calls: dict[str, int] = field(default_factory=dict)
    struck: int = 0

    def add(self, **rule: Any) -> Fault:
        """Put a rule in force; the keywords are the fields of `Fault`."""
        fault = Fault(**rule)
        self.rules.append(fault)
        return fault

    def clear(self) -> None:
        """Take back every rule."""
        self.rules.clear()

    def listing(self) -> list[dict[str, Any]]:
        """Return the rules still in force as plain data."""
        return [asdict(rule) for rule in self.rules if rule.times != 0]

    def draw(self, method: str, path: str, body: bytes) -> list[Fault]:
        """Pick the rules that strike this call and use them up."""
        struck = []
        for rule in self.rules:
            if rule.hits(method, path, body) and self.rng.random() < rule.chance:
                struck.append(rule)
                self.struck += rule.kind != "latency"
                if rule.times is not None:
                    rule.times -= 1
        return struck


Throttle = Callable[[Fault], tuple[int, dict[str, str], bytes]]


def plain_throttle(fault: Fault) -> tuple[int, dict[str, str], bytes]:
    """Answer 429 with Retry-After, as a web server in front of a shop does."""
    return 429, {"retry-after": f"{fault.seconds:g}", "content-type": "text/plain"}, b"Too Many Requests"


@dataclass(slots=True)
class FaultyApp:
    """Wraps a stand-in's API: counts its calls and lets the rules in force strike them."""

    app: ASGIApp
    faults: Faults
    throttle: Throttle = plain_throttle

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith("/__sandbox"):
            await self.app(scope, receive, send)
            return
        body = await read_body(receive)
        method, path = scope["method"], scope["path"]
        key = f"{method} {path}"
        self.faults.calls[key] = self.faults.calls.get(key, 0) + 1
        struck = self.faults.draw(method, path, body)
        for fault in struck:
            if fault.kind == "latency":
                await self.faults.sleep(fault.seconds)
        for fault in struck:
            if await self._strike(fault, scope, body, send):
                return
        await self.app(scope, _replay(body), send)

    async def _strike(self, fault: Fault, scope: Scope, body: bytes, send: Send) -> bool:
        if fault.kind == "cut_before":
            raise CutConnectionError
        if fault.kind == "cut_after":
            await self.app(scope, _replay(body), _swallow)
            raise CutConnectionError
        answer = self._answer(fault)
        if answer is None:
            return False
        status, headers, content = answer
        await _send(send, status, headers, content)
        return True

    def _answer(self, fault: Fault) -> tuple[int, dict[str, str], bytes] | None:
        html = {"content-type": "text/html; charset=UTF-8"}
        if fault.kind == "throttle":
            return self.throttle(fault)
        if fault.kind == "status":
            return fault.status, html, f"<html><body><h1>{fault.status}</h1></body></html>".encode()
        if fault.kind == "html":
            return 200, html, b"<!DOCTYPE html><html><title>Maintenance</title><body>Back soon.</body></html>"
        if fault.kind == "invalid_json":
            return 200, {"content-type": "application/json"}, b'{"truncated": [1, 2'
        return None


class CutByServer:
    """Outermost wrapper on a real socket: turns a cut into a half-sent answer, so that the server drops the line."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self.app(scope, receive, send)
        except CutConnectionError:
            start = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1000")]}
            await send(start)
            await send({"type": "http.response.body", "body": b"{", "more_body": True})


def _replay(body: bytes) -> Receive:
    sent = False

    async def receive() -> Message:
        nonlocal sent
        if sent:
            return {"type": "http.disconnect"}
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


async def _swallow(message: Message) -> None:
    del message


async def _send(send: Send, status: int, headers: dict[str, str], content: bytes) -> None:
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    raw.append((b"content-length", str(len(content)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": content})
