"""The HTTP side: paths, headers, versions, and the bodies that are not GraphQL answers."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from starlette.types import Message, Receive, Scope, Send

from bridge.sandbox.kit.bodies import read_body
from bridge.sandbox.kit.faults import Fault
from bridge.sandbox.shopify import engine
from bridge.sandbox.shopify.access import Access
from bridge.sandbox.shopify.context import Context
from bridge.sandbox.shopify.cost import Bucket
from bridge.sandbox.shopify.errors import BAD_TOKEN
from bridge.sandbox.shopify.state import State

GRAPHQL = re.compile(r"/admin/api/([^/]+)/graphql\.json")
QUARTERS = (1, 4, 7, 10)
NOT_FOUND_PAGE = b"<!DOCTYPE html><html><head><title>404 Not Found</title></head><body><h1>Not Found</h1></body></html>"
JSON = "application/json; charset=utf-8"
_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder()


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    content: bytes
    content_type: str = JSON
    version: str | None = None


class ShopifyApp:
    """ASGI app of one shop's Admin API."""

    def __init__(self, state: State, access: Access, bucket: Bucket) -> None:
        self.state = state
        self.access = access
        self.bucket = bucket
        self.requests = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        body = await read_body(receive)
        reply = self.answer(scope["method"], scope["path"], dict(scope["headers"]), body)
        await send(self._start(reply))
        await send({"type": "http.response.body", "body": reply.content})

    def answer(self, method: str, path: str, headers: dict[bytes, bytes], body: bytes) -> Reply:
        """Answer one request. Nothing is awaited in here, so each request takes effect at one point."""
        if path == "/admin/oauth/access_token" and method == "POST":
            status, content = self.access.grant(_fields(headers, body), installed=self.state.installed)
            return Reply(status, _encoder.encode(content))
        match = GRAPHQL.fullmatch(path)
        if match is None or method != "POST":
            return Reply(404, NOT_FOUND_PAGE, "text/html; charset=utf-8")
        version = served_version(match.group(1), self.state.now_of())
        if version is None:
            return Reply(404, b'{"errors":"Not Found"}')
        token = headers.get(b"x-shopify-access-token", b"").decode("latin-1")
        if not self.state.installed or not self.access.allows(token):
            return Reply(401, BAD_TOKEN)
        return self._graphql(version, headers, body)

    def _graphql(self, version: str, headers: dict[bytes, bytes], body: bytes) -> Reply:
        if headers.get(b"content-type", b"").startswith(b"application/graphql"):
            request: Any = {"query": body.decode()}
        else:
            try:
                request = _decoder.decode(body)
            except msgspec.DecodeError:
                return Reply(400, b'{"errors":{"query":"Required parameter missing or invalid"}}', version=version)
        if not isinstance(request, dict) or "query" not in request:
            return Reply(400, b'{"errors":{"query":"Required parameter missing or invalid"}}', version=version)
        context = Context(self.state, self.access.keys, self.access.scopes, version)
        answer = engine.run(context, self.bucket, request)
        self.state.webhooks.publish()
        return Reply(200, _encoder.encode(answer), version=version)

    def _start(self, reply: Reply) -> Message:
        self.requests += 1
        headers = {
            "date": http_date(self.state.now_of),
            "content-type": reply.content_type,
            "content-length": str(len(reply.content)),
            "x-request-id": f"{self.requests:08x}-0000-4000-8000-000000000000",
        }
        if reply.version:
            headers["x-shopify-api-version"] = reply.version
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        return {"type": "http.response.start", "status": reply.status, "headers": raw}


def http_date(now: Callable[[], datetime]) -> str:
    """Write the `Date` header."""
    return format_datetime(now().astimezone(UTC), usegmt=True)


def served_version(asked: str, now: datetime) -> str | None:
    """Return the version that answers: a retired one falls forward to the oldest supported; an unknown one is None.

    A version is released on the first day of a quarter and supported for 12 months; the next one is there as a release
    candidate (api/usage/versioning).
    """
    if asked == "unstable":
        return asked
    match = re.fullmatch(r"(\d{4})-(\d{2})", asked)
    if match is None or int(match.group(2)) not in QUARTERS:
        return None
    year, month = now.year, max(quarter for quarter in QUARTERS if quarter <= now.month)
    newest = f"{year + (month == 10)}-{month % 12 + 3 if month != 10 else 1:02d}"
    oldest = f"{year - 1 + (month == 10)}-{month + 3 if month != 10 else 1:02d}"
    return max(asked, oldest) if asked <= newest else None


def throttle(now: Callable[[], datetime]) -> Callable[[Fault], tuple[int, dict[str, str], bytes]]:
    """Return the 429 of the server in front of the API; Retry-After is a float in a string ("2.0")."""

    def answer(fault: Fault) -> tuple[int, dict[str, str], bytes]:
        headers = {
            "date": http_date(now),
            "retry-after": f"{float(fault.seconds or 2):.1f}",
            "content-type": JSON,
        }
        return (
            429,
            headers,
            b'{"errors":"Exceeded 2 calls per second for api client. Reduce request rates to resume uninterrupted service."}',
        )

    return answer


def _fields(headers: dict[bytes, bytes], body: bytes) -> dict[str, Any]:
    """Read a token request, JSON or form."""
    if headers.get(b"content-type", b"").startswith(b"application/json"):
        try:
            content = _decoder.decode(body)
        except msgspec.DecodeError:
            return {}
        return content if isinstance(content, dict) else {}
    return dict(parse_qsl(body.decode("utf-8", "replace")))
