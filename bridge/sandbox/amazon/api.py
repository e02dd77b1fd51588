"""The HTTP side: one table of operations; the token service, the file store and the queue have paths of their own."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qsl, unquote

import msgspec
from starlette.types import Message, Receive, Scope, Send

from bridge.sandbox.amazon.access import GrantError
from bridge.sandbox.amazon.errors import AmazonError, invalid, quota
from bridge.sandbox.amazon.seller import Seller
from bridge.sandbox.amazon.signature import SqsError, check
from bridge.sandbox.amazon.throttle import RATES, Buckets
from bridge.sandbox.amazon.values import Json
from bridge.sandbox.kit.bodies import read_body
from bridge.sandbox.kit.faults import Fault
from bridge.sandbox.kit.platform import Now

Answer = tuple[int, bytes, str]
_JSON = "application/json"
_CSV = ("marketplaceIds", "includedData", "identifiers", "sellerSkus", "fulfillmentStatuses")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request, read and authorised. `parts` are the variable pieces of its path, decoded."""

    parts: tuple[str, ...]
    query: dict[str, str]
    body: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """What answers a path, the role it needs, or the scope of a grantless token."""

    name: str
    method: str
    path: re.Pattern[str]
    act: Callable[[Seller, Call], Json | None]
    role: str = ""
    scope: str = ""
    status: int = 200
    market: bool = False


class Api:
    """The ASGI app of one seller account."""

    def __init__(self, seller: Seller, operations: tuple[Operation, ...], now: Now) -> None:
        self.seller = seller
        self.operations = operations
        self.now = now
        self.buckets = Buckets(now)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        self.seller.state.settle()
        status, content, kind = await self._answer(scope, headers, await read_body(receive))
        await self._send(send, status, {**self.headers(), "content-type": kind}, content)

    def headers(self) -> dict[str, str]:
        """Return the headers of every answer."""
        return {"date": format_datetime(self.now(), usegmt=True), "x-amzn-requestid": "sandbox"}

    def throttle(self, fault: Fault) -> tuple[int, dict[str, str], bytes]:
        """Answer as Amazon does when it is asked too often; it names no time to wait."""
        del fault
        return 429, {**self.headers(), "content-type": _JSON}, msgspec.json.encode(quota().as_json())

    async def _answer(self, scope: Scope, headers: dict[str, str], raw: bytes) -> Answer:
        try:
            return await self._serve(scope, headers, raw)
        except (GrantError, SqsError) as error:
            return error.status, msgspec.json.encode(error.body), _JSON
        except AmazonError as error:
            return error.status, msgspec.json.encode(error.as_json()), _JSON

    async def _serve(self, scope: Scope, headers: dict[str, str], raw: bytes) -> Answer:
        path = scope["path"]
        if path == "/auth/o2/token":
            form = dict(parse_qsl(raw.decode("latin-1")))
            return 200, msgspec.json.encode(self.seller.state.access.exchange(form, self.now())), _JSON
        if path.startswith("/__documents/"):
            return self._store(scope["method"], path, headers, raw)
        if path.startswith("/__sqs"):
            check(path, headers, raw, self.now())
            answer = await self.seller.queue.answer(headers.get("x-amz-target", ""), _json(raw))
            return 200, msgspec.json.encode(answer), "application/x-amz-json-1.0"
        return self._operate(scope, headers, raw)

    def _store(self, method: str, path: str, headers: dict[str, str], raw: bytes) -> Answer:
        feeds = self.seller.feeds
        if method == "PUT":
            return feeds.upload(path, headers.get("content-type", ""), raw), b"", "application/xml"
        found = feeds.download(path) if method == "GET" else None
        return (200, found, "application/octet-stream") if found is not None else (404, b"", "application/xml")

    def _operate(self, scope: Scope, headers: dict[str, str], raw: bytes) -> Answer:
        operation, parts = self._find(
            scope["method"], (scope.get("raw_path") or scope["path"].encode()).decode("latin-1")
        )
        access = self.seller.state.access
        access.check(headers.get("x-amz-access-token"), operation.role, operation.scope, self.now())
        if self.seller.state.options.throttled:
            self.buckets.take(operation.name)
        query = _query(scope["query_string"].decode("latin-1"))
        if operation.market and query.get("marketplaceIds") != self.seller.state.options.marketplace:
            raise invalid("Invalid marketplaceIds.")
        body = operation.act(self.seller, Call(parts=parts, query=query, body=_json(raw)))
        return operation.status, b"" if body is None else msgspec.json.encode(body), _JSON

    def _find(self, method: str, path: str) -> tuple[Operation, tuple[str, ...]]:
        known = False
        for operation in self.operations:
            match = operation.path.fullmatch(path)
            if match is not None and operation.method == method:
                return operation, tuple(unquote(part) for part in match.groups())
            known = known or match is not None
        if known:
            raise AmazonError(405, "MethodNotAllowed", "The method is not allowed for this resource.")
        raise AmazonError(404, "ResourceNotFound", "The path does not exist.")

    async def _send(self, send: Send, status: int, headers: dict[str, str], content: bytes) -> None:
        pairs = {**headers, "content-length": str(len(content))}
        raw = [(name.encode(), value.encode("latin-1")) for name, value in pairs.items()]
        start: Message = {"type": "http.response.start", "status": status, "headers": raw}
        await send(start)
        await send({"type": "http.response.body", "body": content})


def operation(name: str, method: str, path: str, act: Callable[[Seller, Call], Json | None], **more: Any) -> Operation:
    """Describe an operation; `{}` in the path is a variable piece."""
    assert name in RATES, name
    pattern = re.compile(re.escape(path).replace(r"\{\}", "([^/]+)"))
    return Operation(name=name, method=method, path=pattern, act=act, **more)


def _query(text: str) -> dict[str, str]:
    """Lists come with commas between, or as the same name several times."""
    found: dict[str, str] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        found[name] = f"{found[name]},{value}" if name in found and name in _CSV else value
    return found


def _json(raw: bytes) -> Json:
    try:
        body: Any = msgspec.json.decode(raw) if raw else {}
    except msgspec.DecodeError:
        body = None
    if not isinstance(body, dict):
        raise invalid("Request has missing or invalid parameters and cannot be parsed.")
    return body
