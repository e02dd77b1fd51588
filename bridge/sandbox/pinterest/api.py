"""The HTTP side of the Pinterest API v5: tokens, limits, bookmarks, JSON in and out."""

import base64
from collections.abc import Mapping
from datetime import timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from starlette.types import Message, Receive, Scope, Send

from bridge.sandbox.kit.bodies import read_body
from bridge.sandbox.kit.faults import Fault
from bridge.sandbox.kit.surface import Item
from bridge.sandbox.pinterest.fields import metadata, read
from bridge.sandbox.pinterest.state import Batch, State

Json = dict[str, Any]
_MOST = 1000
_LARGEST_PAGE = 250
_OPERATIONS = {"CREATE", "UPDATE", "UPSERT", "DELETE"}


class PinterestError(Exception):
    """A refusal: {"code", "message"} under an HTTP status."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


class Api:
    """The ASGI app of one account."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.windows: dict[str, tuple[int, int]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        raw, extra = await read_body(receive), dict[str, str]()
        try:
            self.state.catalogue.settle()
            query = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
            answer, status = self._answer(scope["method"], scope["path"], headers, query, raw), 200
        except PinterestError as error:
            answer, status = {"code": error.code, "message": error.message}, error.status
            extra = {"x-ratelimit-reset": "60"} if status == 429 else {}
        await self._send(send, status, extra, msgspec.json.encode(answer))

    def throttle(self, fault: Fault) -> tuple[int, dict[str, str], bytes]:
        """Answer as Pinterest does to too many calls."""
        error = _limited()
        body = msgspec.json.encode({"code": error.code, "message": error.message})
        return error.status, {**self._headers(), "x-ratelimit-reset": f"{fault.seconds:g}"}, body

    def _answer(self, method: str, path: str, headers: Mapping[str, str], query: dict[str, str], raw: bytes) -> Json:
        if (method, path) == ("POST", "/v5/oauth/token"):
            return self._token(headers, raw)
        scope = "catalogs:write" if (method, path) == ("POST", "/v5/catalogs/items/batch") else "catalogs:read"
        self._authorise(headers, scope)
        self._count_call()
        if method == "GET" and path.startswith("/v5/catalogs/items/batch/"):
            return self._batch(path.rpartition("/")[2])
        if (method, path) == ("GET", "/v5/catalogs"):
            return self._catalogs()
        body = _json(raw) if method == "POST" else {}
        if (method, path) == ("POST", "/v5/catalogs/items"):
            return self._items(body)
        if (method, path) == ("POST", "/v5/catalogs/items/batch"):
            return self._take_in(body, raw)
        if (method, path) == ("POST", "/v5/catalogs/products/get_by_product_group_filters"):
            return self._products(body, query)
        raise PinterestError(404, 4, f"{method} {path} not found")

    def _token(self, headers: Mapping[str, str], raw: bytes) -> Json:
        options, form = self.state.options, dict(parse_qsl(raw.decode()))
        given = headers.get("authorization", "").removeprefix("Basic ")
        if given != base64.b64encode(f"{options.app_id}:{options.app_secret}".encode()).decode():
            raise PinterestError(401, 2, "Authentication failed.")
        if (
            form.get("grant_type") != "refresh_token"
            or form.get("refresh_token") != options.refresh_token
            or self.state.revoked
        ):
            raise PinterestError(401, 283, "Your refresh token is invalid or has expired.")
        ends = self.state.now() + timedelta(days=60)
        return {
            "response_type": "refresh_token", "access_token": self.state.issue(), "token_type": "bearer",
            "expires_in": options.token_seconds, "scope": " ".join(options.scopes), "refresh_token": options.refresh_token,
            "refresh_token_expires_in": 5_184_000, "refresh_token_expires_at": int(ends.timestamp()),
        }  # fmt: skip

    def _authorise(self, headers: Mapping[str, str], scope: str) -> None:
        ends = self.state.tokens.get(headers.get("authorization", "").removeprefix("Bearer "))
        if ends is None or ends <= self.state.now() or self.state.revoked:
            raise PinterestError(401, 2, "Authentication failed.")
        if scope not in self.state.options.scopes:
            raise PinterestError(403, 3, f"Authorization failed: missing scope {scope}.")

    def _catalogs(self) -> Json:
        options = self.state.options
        found = {"id": options.catalog_id, "name": options.name, "catalog_type": "RETAIL"}
        stamp = self.state.now().strftime("%Y-%m-%dT%H:%M:%S")
        return {"items": [{**found, "created_at": stamp, "updated_at": stamp}], "bookmark": None}

    def _items(self, body: Json) -> Json:
        self._check(body, body.get("filters") or {})
        wanted = (body.get("filters") or {}).get("item_ids")
        if not isinstance(wanted, list) or not 1 <= len(wanted) <= _MOST:
            raise PinterestError(400, 1, f"Invalid request: item_ids must have between 1 and {_MOST} entries")
        items = self.state.catalogue.items
        return {
            "items": [
                read(items[sku], self.state.catalogue.currency) if sku in items else _unknown(sku) for sku in wanted
            ]
        }

    def _take_in(self, body: Json, raw: bytes) -> Json:
        self._check(body, body)
        entries = body.get("items")
        if not isinstance(entries, list) or not 1 <= len(entries) <= _MOST:
            raise PinterestError(400, 1, f"Invalid request: items must have between 1 and {_MOST} entries")
        for entry in entries:
            self._check_entry(entry)
        batch, is_new = self.state.take_in(entries, raw)
        shown = _shown(batch)
        return {**shown, "items": []} if is_new else {**shown, "created_time": None, "items": []}

    def _check_entry(self, entry: Json) -> None:
        if not entry.get("item_id") or entry.get("operation") not in _OPERATIONS:
            raise PinterestError(400, 1, f"Invalid request: {entry} has no item_id or operation")
        if entry["operation"] == "UPSERT" and self.state.options.feed:
            raise PinterestError(403, 29, "UPSERT is restricted to users without a feed data source.")

    def _batch(self, batch_id: str) -> Json:
        batch = self.state.batches.get(batch_id)
        if batch is None:
            raise PinterestError(404, 4331, "Sorry! We could not find your batch ID.")
        return _shown(batch)

    def _products(self, body: Json, query: dict[str, str]) -> Json:
        self._check({**body, "language": body.get("locale")}, body)
        size = min(int(query.get("page_size") or 25), _LARGEST_PAGE)
        after = int(base64.b64decode(query["bookmark"])) if query.get("bookmark") else 0
        found = sorted(self.state.catalogue.items.values(), key=lambda item: item.number)
        rest = [item for item in found if item.number > after and _fits(item, body.get("filters") or {})]
        page = rest[:size]
        bookmark = base64.b64encode(str(page[-1].number).encode()).decode() if len(rest) > size else None
        return {"items": [metadata(item, self.state.catalogue.currency) for item in page], "bookmark": bookmark}

    def _check(self, body: Json, catalog: Json) -> None:
        if not body.get("country") or not body.get("language"):
            raise PinterestError(400, 1, "Invalid request: country and language are required")
        if catalog.get("catalog_type") != "RETAIL":
            raise PinterestError(400, 1, "Invalid request: catalog_type is required")
        if catalog.get("catalog_id") not in {None, self.state.options.catalog_id}:
            raise PinterestError(404, 4180, "Sorry! We could not find your catalog.")

    def _count_call(self) -> None:
        options, now = self.state.options, int(self.state.now().timestamp())
        for name, most, seconds in (("m", options.calls_per_minute, 60), ("d", options.calls_per_day, 86_400)):
            window, count = self.windows.get(name, (0, 0))
            self.windows[name] = (now // seconds, count + 1 if window == now // seconds else 1)
            if most is not None and self.windows[name][1] > most:
                raise _limited()

    def _headers(self) -> dict[str, str]:
        return {"content-type": "application/json", "date": format_datetime(self.state.now(), usegmt=True)}

    async def _send(self, send: Send, status: int, extra: dict[str, str], content: bytes) -> None:
        pairs = {**self._headers(), **extra, "content-length": str(len(content))}
        raw = [(name.encode(), value.encode("latin-1")) for name, value in pairs.items()]
        start: Message = {"type": "http.response.start", "status": status, "headers": raw}
        await send(start)
        await send({"type": "http.response.body", "body": content})


def _limited() -> PinterestError:
    return PinterestError(429, 8, "You have exceeded your rate limit. Try again later.")


def _unknown(sku: str) -> Json:
    error = {"attribute": "item_id", "code": 152, "message": "The item does not exist in the catalog."}
    return {"catalog_type": "RETAIL", "item_id": sku, "errors": [error]}


def _shown(batch: Batch) -> Json:
    times = {"created_time": batch.created.strftime("%Y-%m-%dT%H:%M:%S"), "completed_time": None}
    if batch.completed:
        times["completed_time"] = batch.completed.strftime("%Y-%m-%dT%H:%M:%S")
    return {"batch_id": batch.id, "catalog_type": "RETAIL", "status": batch.status, "items": batch.records, **times}


def _fits(item: Item, filters: Json) -> bool:
    if "any_of" in filters:
        return any(_matches(item, one) for one in filters["any_of"])
    return all(_matches(item, one) for one in filters.get("all_of") or ())


def _matches(item: Item, rule: Json) -> bool:
    known = {
        "ITEM_ID": item.id,
        "ITEM_GROUP_ID": item.group,
        "AVAILABILITY": "IN_STOCK" if item.available else "OUT_OF_STOCK",
    }
    for name, criteria in rule.items():
        if name not in known:
            raise PinterestError(
                409,
                4183,
                "Catalog product group filters failed validation, please ensure all filters are set correctly.",
            )
        if (known[name] in criteria["values"]) == bool(criteria.get("negated")):
            return False
    return True


def _json(raw: bytes) -> Json:
    try:
        body = msgspec.json.decode(raw)
    except msgspec.DecodeError:
        body = None
    if not isinstance(body, dict):
        raise PinterestError(400, 1, "Invalid request: the body is not a JSON object")
    return body
