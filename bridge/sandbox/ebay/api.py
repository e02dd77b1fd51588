"""The HTTP side: tokens, scopes, throttling, JSON in and out. One route table, no state of its own."""

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from email.utils import format_datetime
from inspect import isawaitable
from typing import Any
from urllib.parse import parse_qsl, unquote

import msgspec
from starlette.types import Receive, Scope, Send

from bridge.sandbox.ebay.errors import EbayError, denied, invalid, unauthorised
from bridge.sandbox.ebay.state import Json, State
from bridge.sandbox.kit.bodies import read_body
from bridge.sandbox.kit.faults import Fault

__all__ = ["Answer", "Api", "Call", "Route"]


@dataclass(frozen=True, slots=True)
class Call:
    """One request, read and authorised."""

    body: Json
    query: dict[str, str]
    parts: tuple[str, ...]
    headers: dict[str, str]
    raw: bytes = b""


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent back. `place` is the Location of something new."""

    body: Any = None
    status: int = 200
    place: str = ""


Handler = Callable[[State, Call], Answer | Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Route:
    """What answers a path. `scopes`: one of them is needed; `kind` is the token's ("user", "app", "any"; "" for none)."""

    method: str
    path: str
    handler: Handler
    scopes: Sequence[str] = ()
    kind: str = "user"
    worded: bool = False
    pattern: re.Pattern[str] = field(init=False)

    def __post_init__(self) -> None:
        shape = re.sub(r"\{[^}]+\}", "([^/]+)", self.path)
        object.__setattr__(self, "pattern", re.compile(shape + r"/?\Z"))


class Api:
    """The ASGI app of one seller."""

    def __init__(self, state: State, routes: Sequence[Route]) -> None:
        self.state = state
        self.routes = routes
        self._second = (0, 0)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        try:
            answer = await self._answer(scope, await read_body(receive))
        except EbayError as error:
            answer = Answer({"errors": [error.as_json()]}, error.status)
        await self._send(send, answer)

    def throttle(self, fault: Fault) -> tuple[int, dict[str, str], bytes]:
        """Answer as eBay does to too many calls: error 2001, and no time to wait is named."""
        del fault
        return 429, self._headers(), msgspec.json.encode({"errors": [_too_many().as_json()]})

    async def _answer(self, scope: Scope, raw: bytes) -> Answer:
        # The path as it was sent: a SKU may hold a slash that is escaped.
        path = (scope.get("raw_path") or scope["path"].encode()).split(b"?")[0].decode("latin-1")
        route, parts = self._find(scope["method"], path)
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        self._admit(route, headers)
        if route.worded and not headers.get("content-language"):
            raise invalid("header Content-Language")
        query = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
        body = _json(raw) if raw and route.kind else {}
        answer = route.handler(self.state, Call(body, query, parts, headers, raw))
        return await answer if isawaitable(answer) else answer

    def _find(self, method: str, path: str) -> tuple[Route, tuple[str, ...]]:
        known = False
        for route in self.routes:
            if match := route.pattern.match(path):
                if route.method == method:
                    return route, tuple(unquote(part) for part in match.groups())
                known = True
        if known:
            raise EbayError(405, 2004, "Method not allowed", domain="ACCESS")
        raise EbayError(404, 2002, "Resource not found", domain="ACCESS")

    def _admit(self, route: Route, headers: dict[str, str]) -> None:
        if not route.kind:
            return
        grant = self.state.grants.get(headers.get("authorization", "").removeprefix("Bearer "))
        if grant is None or grant.ends <= self.state.now() or (grant.kind == "user" and self.state.revoked):
            raise unauthorised()
        if route.kind not in {"any", grant.kind} or (route.scopes and not grant.scopes & set(route.scopes)):
            raise denied()
        self._count()

    def _count(self) -> None:
        most = self.state.options.calls_per_second
        second = int(self.state.now().timestamp())
        self._second = (second, self._second[1] + 1 if self._second[0] == second else 1)
        if most is not None and self._second[1] > most:
            raise _too_many()

    def _headers(self) -> dict[str, str]:
        return {"content-type": "application/json", "date": format_datetime(self.state.now(), usegmt=True)}

    async def _send(self, send: Send, answer: Answer) -> None:
        content = b"" if answer.body is None else msgspec.json.encode(answer.body)
        pairs = {**self._headers(), "content-length": str(len(content))}
        pairs |= {"location": answer.place} if answer.place else {}
        raw = [(name.encode(), value.encode("latin-1")) for name, value in pairs.items()]
        await send({"type": "http.response.start", "status": answer.status, "headers": raw})
        await send({"type": "http.response.body", "body": content})


def _too_many() -> EbayError:
    return EbayError(429, 2001, "Too many requests.", domain="ACCESS")


def _json(raw: bytes) -> Json:
    try:
        body: Any = msgspec.json.decode(raw)
    except msgspec.DecodeError:
        body = None
    if not isinstance(body, dict):
        raise EbayError(400, 25002, "The request body is not a JSON object.")
    return body
