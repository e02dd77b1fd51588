"""The HTTP side: the key and the token, the rate limits, JSON and forms in, JSON out. No state but the count of calls."""

import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from starlette.types import Receive, Scope, Send

from bridge.sandbox.etsy.errors import EtsyError, bad, not_found
from bridge.sandbox.etsy.state import State
from bridge.sandbox.etsy.values import Json
from bridge.sandbox.kit.bodies import read_body
from bridge.sandbox.kit.faults import Fault
from bridge.sandbox.kit.platform import Now

DAY = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Call:
    """One request, read and authorised."""

    state: State
    parts: dict[str, str]
    query: list[tuple[str, str]]
    body: Json

    @property
    def known(self) -> dict[str, str]:
        """The query, last value of a name."""
        return dict(self.query)


@dataclass(frozen=True, slots=True)
class Route:
    """What answers a method and a path ("/listings/{listing_id}"), and the scope it needs ("": the key alone)."""

    method: str
    path: str
    handler: Callable[[Call], Any]
    scope: str = ""
    status: int = 200

    @property
    def pattern(self) -> re.Pattern[str]:
        """The path as a pattern."""
        return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", self.path) + r"\Z")


class Api:
    """The ASGI app of one shop. `token` answers the token service."""

    def __init__(self, state: State, routes: tuple[Route, ...], now: Now) -> None:
        self.state = state
        self.routes = [(route, route.pattern) for route in routes]
        self.now = now
        self.calls: deque[float] = deque()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        raw = await read_body(receive)
        try:
            status, answer = self._answer(scope, headers, raw)
            more: dict[str, str] = {}
        except EtsyError as error:
            status, answer, more = error.status, error.as_json(), error.headers
        content = b"" if status == 204 else msgspec.json.encode(answer)
        await _send(send, status, {**self.headers(), **more}, content)

    def headers(self) -> dict[str, str]:
        """Return the headers of every answer."""
        options, now = self.state.options, self.now().timestamp()
        second = sum(1 for at in self.calls if at > now - 1)
        return {
            "content-type": "application/json", "date": format_datetime(self.now(), usegmt=True),
            "x-limit-per-second": str(options.calls_per_second), "x-limit-per-day": str(options.calls_per_day),
            "x-remaining-this-second": str(max(0, options.calls_per_second - second)),
            "x-remaining-today": str(max(0, options.calls_per_day - len(self.calls))),
        }  # fmt: skip

    def throttle(self, fault: Fault) -> tuple[int, dict[str, str], bytes]:
        """Answer as Etsy does when it is asked too often."""
        headers = {**self.headers(), "retry-after": f"{fault.seconds:g}"}
        return 429, headers, msgspec.json.encode({"error": "You have exceeded your rate limit."})

    def _answer(self, scope: Scope, headers: dict[str, str], raw: bytes) -> tuple[int, Any]:
        method, path = scope["method"], scope["path"]
        body = _body(headers.get("content-type", ""), raw)
        if path == "/v3/public/oauth/token" and method == "POST":
            return 200, self.state.access.exchange(body)
        route, parts = self._find(method, path)
        self.state.access.check(headers.get("x-api-key", ""), headers.get("authorization", ""), route.scope)
        self._count()
        if parts.get("shop_id", str(self.state.options.shop_id)) != str(self.state.options.shop_id):
            raise EtsyError(403, "The user does not own this shop.")
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        return route.status, route.handler(Call(self.state, parts, query, body))

    def _find(self, method: str, path: str) -> tuple[Route, dict[str, str]]:
        inside, known = path.removeprefix("/v3/application"), False
        for route, pattern in self.routes if inside != path else ():
            if match := pattern.match(inside):
                if route.method == method:
                    return route, match.groupdict()
                known = True
        raise EtsyError(405, "Method not allowed") if known else not_found()

    def _count(self) -> None:
        """Per second and over a sliding day (developers.etsy.com/documentation/essentials/rate-limits)."""
        options, now = self.state.options, self.now().timestamp()
        while self.calls and self.calls[0] <= now - DAY:
            self.calls.popleft()
        if len(self.calls) >= options.calls_per_day:
            wait = self.calls[0] + DAY - now
            raise EtsyError(429, "You have exceeded your rate limit.", headers={"retry-after": f"{wait:.0f}"})
        if len(self.calls) >= options.calls_per_second and self.calls[-options.calls_per_second] > now - 1:
            raise EtsyError(429, "You have exceeded your rate limit.", headers={"retry-after": "1"})
        self.calls.append(now)


def _body(kind: str, raw: bytes) -> Json:
    """Read a form, or JSON: Etsy takes either where its specification says form (etsy-python sends JSON throughout)."""
    if not raw:
        return {}
    if kind.startswith("application/x-www-form-urlencoded"):
        return _form(parse_qsl(raw.decode("utf-8", "replace"), keep_blank_values=True))
    try:
        body: Any = msgspec.json.decode(raw)
    except msgspec.DecodeError:
        body = None
    if not isinstance(body, dict):
        raise bad("The request body is not a JSON object.")
    return body


def _form(pairs: list[tuple[str, str]]) -> Json:
    read: Json = {}
    for name, value in pairs:
        plain = {"true": True, "false": False}.get(value, value)
        if name.endswith("[]"):
            read.setdefault(name[:-2], []).append(plain)
        else:
            read[name] = plain
    return read


async def _send(send: Send, status: int, headers: dict[str, str], content: bytes) -> None:
    pairs = {**headers, "content-length": str(len(content))}
    raw = [(name.encode(), value.encode("latin-1")) for name, value in pairs.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": content})
