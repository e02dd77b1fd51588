"""The HTTP side of the Graph API: tokens, limits, paging, JSON in and out."""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from email.utils import format_datetime
from math import ceil
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from starlette.types import Message, Receive, Scope, Send

from bridge.sandbox.kit.bodies import read_body
from bridge.sandbox.kit.faults import Fault
from bridge.sandbox.kit.surface import Item
from bridge.sandbox.meta.fields import GraphError, check, problem, read
from bridge.sandbox.meta.state import State

Json = dict[str, Any]
_VERSION = re.compile(r"/v\d+\.\d+(?=/)")
_MOST = 5000
_PAGE = 25
_LARGEST_PAGE = 1000


class Api:
    """The ASGI app of one catalogue."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.hour = (0, 0)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        extra: dict[str, str] = {}
        try:
            self.state.catalogue.settle()
            params = _params(scope, headers, await read_body(receive))
            answer, status = self._answer(scope["method"], scope["path"], headers, params), 200
        except GraphError as error:
            answer, status = _body(error), error.status
            extra = self._usage(3600 - self.state.now().timestamp() % 3600) if error.code == 80014 else {}
        await self._send(send, status, extra, msgspec.json.encode(answer))

    def throttle(self, fault: Fault) -> tuple[int, dict[str, str], bytes]:
        """Answer as Meta does to too many calls: the wait is in a header, in whole minutes."""
        error = _limited()
        return error.status, {**self._headers(), **self._usage(fault.seconds)}, msgspec.json.encode(_body(error))

    def _answer(self, method: str, path: str, headers: Mapping[str, str], params: Json) -> Json:
        place = _VERSION.sub("", path, count=1).strip("/")
        self._authorise(headers, params)
        catalog = self.state.options.catalog_id
        routes = {
            ("GET", "me/permissions"): self._permissions,
            ("GET", catalog): self._catalog,
            ("GET", f"{catalog}/products"): self._products,
            ("POST", f"{catalog}/items_batch"): self._items_batch,
            ("GET", f"{catalog}/check_batch_request_status"): self._status,
        }
        handler = routes.get((method, place))
        if handler is None:
            what = f"Unsupported {method.lower()} request. Object with ID '{place.split('/')[0]}' does not exist, cannot be loaded"
            raise GraphError(f"{what} due to missing permissions, or does not support this operation.", 100, subcode=33)
        if method != "GET":
            self._permitted()
        self._count_call()
        return handler(params)

    def _authorise(self, headers: Mapping[str, str], params: Json) -> None:
        options = self.state.options
        given = params.pop("access_token", "") or headers.get("authorization", "").removeprefix("Bearer ")
        if not given:
            raise GraphError("An access token is required to request this resource.", 104)
        if not hmac.compare_digest(str(given).encode(), options.token.encode()):
            raise GraphError("Invalid OAuth access token - Cannot parse access token", 190, status=401)
        if self.state.revoked:
            raise GraphError(
                "Error validating access token: The session has been invalidated.", 190, status=401, subcode=460
            )
        proof = params.pop("appsecret_proof", "")
        right = hmac.new(options.app_secret.encode(), options.token.encode(), hashlib.sha256).hexdigest()
        if (proof or options.proof) and proof != right:
            raise GraphError(
                "API calls from the server require an appsecret_proof argument", 100, kind="GraphMethodException"
            )

    def _permitted(self) -> None:
        if "catalog_management" not in self.state.options.permissions:
            raise GraphError("(#10) Requires catalog_management permission to manage the object", 10, status=403)

    def _permissions(self, params: Json) -> Json:
        del params
        return {"data": [{"permission": name, "status": "granted"} for name in self.state.options.permissions]}

    def _catalog(self, params: Json) -> Json:
        options = self.state.options
        shown = {
            "id": options.catalog_id, "name": options.name, "vertical": "commerce",
            "product_count": len(self.state.catalogue.items),
        }  # fmt: skip
        return _only(shown, params)

    def _products(self, params: Json) -> Json:
        items = sorted(
            (item for item in self.state.catalogue.items.values() if _fits(item, params)), key=lambda item: item.number
        )
        size = min(int(params.get("limit") or _PAGE), _LARGEST_PAGE)
        after = _cursor(params["after"]) if params.get("after") else 0
        rest = [item for item in items if item.number > after]
        page = rest[:size]
        answer: Json = {"data": [_only(read(item, self.state.catalogue.currency), params) for item in page]}
        if page:
            cursors = {"before": _mark(page[0].number), "after": _mark(page[-1].number)}
            more = {"next": "https://graph.facebook.com/next"} if len(rest) > size else {}
            answer["paging"] = {"cursors": cursors, **more}
        return answer

    def _items_batch(self, params: Json) -> Json:
        if params.get("item_type") != "PRODUCT_ITEM":
            raise problem("(#100) The parameter item_type is required")
        requests = _list(params.get("requests"))
        if not 1 <= len(requests) <= _MOST:
            raise problem(f"(#100) Param requests must have between 1 and {_MOST} elements")
        upsert = str(params.get("allow_upsert", True)).lower() != "false"
        faults = {line: found for line, one in enumerate(requests) if (found := _wrong(one))}
        good = [one for line, one in enumerate(requests) if line not in faults]
        told = [
            {
                "retailer_id": str((requests[line].get("data") or {}).get("id", "")),
                "errors": [{"message": text} for text in found],
            }
            for line, found in faults.items()
        ]
        handles = [self.state.take_in(good, upsert=upsert).handle] if good else []
        return {"handles": handles, **({"validation_status": told} if told else {})}

    def _status(self, params: Json) -> Json:
        batch = self.state.batches.get(str(params.get("handle", "")))
        if batch is None:
            raise problem("(#100) Invalid handle")
        wanted = str(params.get("load_ids_of_invalid_requests", "")).lower() == "true"
        return {
            "data": [
                {
                    "handle": batch.handle, "status": batch.status, "errors_total_count": len(batch.errors),
                    "errors": batch.errors[:10], "warnings": [], "warnings_total_count": 0,
                    "ids_of_invalid_requests": [error["id"] for error in batch.errors] if wanted else [],
                }
            ]
        }  # fmt: skip

    def _count_call(self) -> None:
        most = self.state.options.calls_per_hour
        if most is None:
            return
        hour = int(self.state.now().timestamp() // 3600)
        count = self.hour[1] + 1 if self.hour[0] == hour else 1
        self.hour = (hour, count)
        if count > most:
            raise _limited()

    def _headers(self) -> dict[str, str]:
        return {
            "content-type": "application/json; charset=UTF-8",
            "date": format_datetime(self.state.now(), usegmt=True),
        }

    def _usage(self, seconds: float) -> dict[str, str]:
        usage = {"type": "catalog_batch", "call_count": 100, "total_cputime": 20, "total_time": 20}
        usage["estimated_time_to_regain_access"] = ceil(seconds / 60)
        return {"x-business-use-case-usage": msgspec.json.encode({self.state.options.catalog_id: [usage]}).decode()}

    async def _send(self, send: Send, status: int, extra: dict[str, str], content: bytes) -> None:
        pairs = {**self._headers(), **extra, "content-length": str(len(content))}
        raw = [(name.encode(), value.encode("latin-1")) for name, value in pairs.items()]
        start: Message = {"type": "http.response.start", "status": status, "headers": raw}
        await send(start)
        await send({"type": "http.response.body", "body": content})


def _limited() -> GraphError:
    text = "There have been too many calls for the batch uploads to this catalog account. Wait a bit and try again."
    return GraphError(f"(#80014) {text}", 80014)


def _body(error: GraphError) -> Json:
    body: Json = {
        "message": error.message,
        "type": error.kind,
        "code": error.code,
        "fbtrace_id": "AbCdEfGhIjKlMnOpQrStUv",
    }
    return {"error": body if error.subcode is None else {**body, "error_subcode": error.subcode}}


def _wrong(request: Json) -> list[str]:
    data = request.get("data")
    if not isinstance(data, dict) or not str(data.get("id") or "").strip():
        return ["Missing required field: id"]
    if request.get("method") not in {"CREATE", "UPDATE", "DELETE"}:
        return [f"Invalid method: {request.get('method')}"]
    return [] if request["method"] == "DELETE" else check(data, whole=request["method"] == "CREATE")


def _fits(item: Item, params: Json) -> bool:
    rule = msgspec.json.decode(params["filter"]) if params.get("filter") else {}
    return _matches(item, rule)


def _matches(item: Item, rule: Json) -> bool:
    if "or" in rule:
        return any(_matches(item, one) for one in rule["or"])
    known = {"retailer_id": item.id, "retailer_product_group_id": item.group or item.id}
    for name, test in rule.items():
        if name not in known or set(test) - {"is_any", "eq"}:
            raise problem(f"(#100) Invalid filter: {name}")
        if known[name] not in [*test.get("is_any", ()), *([test["eq"]] if "eq" in test else ())]:
            return False
    return True


def _only(shown: Json, params: Json) -> Json:
    """Show the fields that were asked for; an id always comes along."""
    wanted = params.get("fields") or "id,name,retailer_id"
    names = msgspec.json.decode(wanted) if str(wanted).startswith("[") else str(wanted).split(",")
    return {name: value for name, value in shown.items() if name in {"id", *names}}


def _list(value: Any) -> list[Json]:
    found = msgspec.json.decode(value) if isinstance(value, str) else value
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise problem("(#100) Param requests must be an array")
    return found


def _mark(number: int) -> str:
    return base64.urlsafe_b64encode(f"QVFI{number}".encode()).decode()


def _cursor(text: str) -> int:
    try:
        return int(base64.urlsafe_b64decode(text).decode().removeprefix("QVFI"))
    except ValueError as error:
        raise problem("(#100) Invalid cursor") from error


def _params(scope: Scope, headers: Mapping[str, str], raw: bytes) -> Json:
    """Join query and body, which may be JSON or a form: the Graph API takes a parameter wherever it stands."""
    query: Json = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
    if not raw:
        return query
    if "json" not in headers.get("content-type", ""):
        return {**query, **dict(parse_qsl(raw.decode(), keep_blank_values=True))}
    try:
        body = msgspec.json.decode(raw)
    except msgspec.DecodeError as error:
        raise problem("(#100) The request body is not JSON") from error
    if not isinstance(body, dict):
        raise problem("(#100) The request body is not a JSON object")
    return {**query, **body}
