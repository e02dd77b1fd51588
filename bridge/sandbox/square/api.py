"""The HTTP side: authorisation, versions, throttling, JSON in and out. One route table, no state of its own."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from email.utils import format_datetime
from inspect import isawaitable
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from starlette.types import Message, Receive, Scope, Send

from bridge.sandbox.kit.bodies import read_body
from bridge.sandbox.kit.faults import Fault
from bridge.sandbox.kit.platform import Now, Sleep
from bridge.sandbox.square.errors import INVALID, SquareError, invalid, not_found, rate_limited
from bridge.sandbox.square.state import State
from bridge.sandbox.square.values import Json

CURRENT = "2026-09-16"
_VERSION = re.compile(r"\d{4}-\d{2}-\d{2}\Z")


@dataclass(frozen=True, slots=True)
class Call:
    """One request, read and authorised."""

    body: Json
    query: dict[str, str]
    part: str
    version: str


Handler = Callable[[State, Call], Json | Awaitable[Json]]


@dataclass(frozen=True, slots=True)
class Route:
    """What answers a path, and what the token must allow."""

    handler: Handler
    scopes: tuple[str, ...]
    writes_catalog: bool = False


@dataclass(frozen=True, slots=True)
class Routes:
    """Fixed paths by (method, path); paths with one variable part by (method, text before, text after)."""

    fixed: dict[tuple[str, str], Route]
    open: dict[tuple[str, str, str], Route]

    def find(self, method: str, path: str) -> tuple[Route, str]:
        """Find who answers; raises 404 for an unknown path and 405 for a known one."""
        route = self.fixed.get((method, path))
        if route is not None:
            return route, ""
        known = any(one[1] == path for one in self.fixed)
        for (verb, before, after), route in self.open.items():
            part = path[len(before) : len(path) - len(after)]
            if path.startswith(before) and path.endswith(after) and part and "/" not in part:
                if verb == method:
                    return route, part
                known = True
        if known:
            raise SquareError(405, INVALID, "METHOD_NOT_ALLOWED", "Method Not Allowed")
        raise not_found("Resource not found.")


class Api:
    """The ASGI app of one seller."""

    def __init__(self, state: State, routes: Routes, now: Now, sleep: Sleep) -> None:
        self.state = state
        self.routes = routes
        self.now = now
        self.sleep = sleep
        self.is_writing_catalog = False
        self.second = (0, 0)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        version = headers.get("square-version") or CURRENT
        try:
            answer, status = await self._answer(scope, headers, version, await read_body(receive)), 200
        except SquareError as error:
            answer, status = {"errors": [error.as_json()]}, error.status
        await self._send(send, status, version, msgspec.json.encode(answer))

    def headers(self, version: str = CURRENT) -> dict[str, str]:
        """Return the headers of every answer."""
        return {
            "content-type": "application/json",
            "date": format_datetime(self.now(), usegmt=True),
            "square-version": version,
        }

    def throttle(self, fault: Fault) -> tuple[int, dict[str, str], bytes]:
        """Answer as Square does when it is asked too often; it names no time to wait, so neither does this."""
        del fault
        return 429, self.headers(), msgspec.json.encode({"errors": [rate_limited().as_json()]})

    async def _answer(self, scope: Scope, headers: dict[str, str], version: str, raw: bytes) -> Json:
        route, part = self.routes.find(scope["method"], scope["path"].rstrip("/"))
        self.state.token.check(headers.get("authorization"), route.scopes, self.now())
        self._count_call()
        if not _VERSION.match(version):
            detail = f"`{version}` is not a valid Square-Version."
            raise invalid("INVALID_SQUARE_VERSION_FORMAT", detail)
        query = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
        call = Call(_json(raw), query, part, version)
        if route.writes_catalog:
            return await self._write_catalog(route, call)
        return await self._handle(route, call)

    async def _handle(self, route: Route, call: Call) -> Json:
        answer = route.handler(self.state, call)
        return await answer if isawaitable(answer) else answer

    async def _write_catalog(self, route: Route, call: Call) -> Json:
        """Let one catalog write through at a time; others meanwhile get 429 (specification, UpsertCatalogObject)."""
        if self.is_writing_catalog:
            raise rate_limited()
        if not self.state.options.catalog_write_seconds:
            return await self._handle(route, call)
        self.is_writing_catalog = True
        try:
            await self.sleep(self.state.options.catalog_write_seconds)
            return await self._handle(route, call)
        finally:
            self.is_writing_catalog = False

    def _count_call(self) -> None:
        most = self.state.options.calls_per_second
        if most is None:
            return
        second = int(self.now().timestamp())
        count = self.second[1] + 1 if self.second[0] == second else 1
        self.second = (second, count)
        if count > most:
            raise rate_limited()

    async def _send(self, send: Send, status: int, version: str, content: bytes) -> None:
        pairs = {**self.headers(version), "content-length": str(len(content))}
        raw = [(name.encode(), value.encode("latin-1")) for name, value in pairs.items()]
        start: Message = {"type": "http.response.start", "status": status, "headers": raw}
        await send(start)
        await send({"type": "http.response.body", "body": content})


def _json(raw: bytes) -> Json:
    if not raw:
        return {}
    try:
        body: Any = msgspec.json.decode(raw)
    except msgspec.DecodeError:
        body = None
    if not isinstance(body, dict):
        raise invalid("EXPECTED_JSON_BODY", "The request body is not a JSON object.")
    return body
