"""The HTTP side of the Merchant API: tokens, quota, page tokens, batches of calls, JSON in and out."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qsl, unquote

import msgspec
from starlette.types import Message, Receive, Scope, Send

from bridge.sandbox.google.batch import calls_in, joined
from bridge.sandbox.google.fields import GoogleError, invalid, read
from bridge.sandbox.google.state import State
from bridge.sandbox.google.tokens import GRANT, BadAssertion, check
from bridge.sandbox.kit.bodies import read_body
from bridge.sandbox.kit.faults import Fault
from bridge.sandbox.kit.surface import Item

Json = dict[str, Any]
_BATCH = re.compile(r"/batch/(\w+)/v1\Z")
_MOST_IN_A_BATCH = 1000
_LARGEST_PAGE = 1000


class TokenError(Exception):
    """A refusal of the token service."""


class Api:
    """The ASGI app of one account, its token service included."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.minute = (0, 0)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        raw = await read_body(receive)
        self.state.catalogue.settle()
        path = scope.get("raw_path", b"").decode("latin-1") or scope["path"]
        query = scope["query_string"].decode("latin-1")
        status, kind, content = self._answer(scope["method"], path, query, headers, raw)
        extra = {"retry-after": "30"} if status == 429 else {}
        await self._send(send, status, {"content-type": kind, **extra}, content)

    def throttle(self, fault: Fault) -> tuple[int, dict[str, str], bytes]:
        """Answer as Google does when a quota is used up."""
        headers = {**self._headers(), "content-type": "application/json", "retry-after": f"{fault.seconds:g}"}
        return 429, headers, msgspec.json.encode(_exhausted().body())

    def _answer(
        self, method: str, path: str, query: str, headers: Mapping[str, str], raw: bytes
    ) -> tuple[int, str, bytes]:
        kind = "application/json; charset=UTF-8"
        try:
            if (method, path) == ("POST", "/token"):
                return 200, kind, msgspec.json.encode(self._token(raw))
            batch = _BATCH.match(path)
            if batch and method == "POST":
                return self._batch(batch[1], headers, raw)
            return 200, kind, msgspec.json.encode(self._call(method, path, query, headers, raw))
        except GoogleError as error:
            return error.code, kind, msgspec.json.encode(error.body())
        except TokenError as error:
            body = {"error": "invalid_grant", "error_description": str(error)}
            return 400, kind, msgspec.json.encode(body)

    def _batch(self, api: str, headers: Mapping[str, str], raw: bytes) -> tuple[int, str, bytes]:
        """Carry out each call by itself, and answer the last first: nobody promises the order."""
        self._authorise(headers)
        calls = calls_in(headers.get("content-type", ""), raw)
        if not 1 <= len(calls) <= _MOST_IN_A_BATCH:
            raise invalid("batch", f"a batch has 1 to {_MOST_IN_A_BATCH} calls")
        answers = []
        for call in calls:
            path, _, query = call.target.partition("?")
            try:
                if not path.startswith(f"/{api}/v1/"):
                    raise GoogleError(404, "NOT_FOUND", f"{path} is no path of this API")
                answers.append(
                    (call.id, 200, self._call(call.method, path, query, {**headers, **call.headers}, call.body))
                )
            except GoogleError as error:
                answers.append((call.id, error.code, error.body()))
        kind, content = joined(answers[::-1])
        return 200, kind, content

    def _call(self, method: str, path: str, query: str, headers: Mapping[str, str], raw: bytes) -> Json:
        self._authorise(headers)
        self._count_call()
        params, account = dict(parse_qsl(query)), self.state.options.account
        body: Json = msgspec.json.decode(raw) if raw.strip() else {}
        base = re.match(rf"/(\w+)/v1/accounts/{account}(?:/(.*))?\Z", path)
        if base is None:
            raise GoogleError(403, "PERMISSION_DENIED", f"The caller does not have access to {path}")
        api, rest = base[1], base[2] or ""
        if (api, rest, method) == ("accounts", "", "GET"):
            options = self.state.options
            name = f"accounts/{account}"
            return {
                "name": name,
                "accountId": account,
                "accountName": options.name,
                "languageCode": "en-US",
                "timeZone": {"id": "Etc/UTC"},
            }
        if (api, rest, method) == ("accounts", "users/me", "GET"):
            rights = list(self.state.options.rights)
            return {
                "name": f"accounts/{account}/users/{self.state.options.email}",
                "accessRights": rights,
                "state": "VERIFIED",
            }
        if method != "GET" and not {"STANDARD", "ADMIN"} & set(self.state.options.rights):
            raise GoogleError(403, "PERMISSION_DENIED", "The caller may not change the account.")
        if api == "datasources" and method == "GET":
            return self._source(rest)
        if api == "products":
            return self._products(method, rest, params, body)
        if api == "inventories":
            return self._inventories(method, rest, body)
        raise GoogleError(404, "NOT_FOUND", "Requested entity was not found.")

    def _products(self, method: str, rest: str, params: dict[str, str], body: Json) -> Json:
        if (method, rest) == ("GET", "products"):
            return self._list(params)
        kind, _, last = rest.partition("/")
        if (method, kind) == ("GET", "products") and last:
            return self._product(self._item(_sku(last)))
        if (method, rest) == ("POST", "productInputs:insert"):
            return self._insert(params, body)
        if kind == "productInputs" and method in {"PATCH", "DELETE"}:
            self._source_of(params)
            return self._patch(_sku(last), params, body) if method == "PATCH" else self._delete(_sku(last))
        raise GoogleError(404, "NOT_FOUND", "Requested entity was not found.")

    def _list(self, params: dict[str, str]) -> Json:
        size = min(int(params.get("pageSize") or 25), _LARGEST_PAGE)
        after = int(params.get("pageToken") or 0)
        rest = [
            item
            for item in sorted(self.state.catalogue.items.values(), key=lambda one: one.number)
            if item.number > after
        ]
        answer: Json = {"products": [self._product(item) for item in rest[:size]]} if rest else {}
        return {**answer, "nextPageToken": str(rest[size - 1].number)} if len(rest) > size else answer

    def _product(self, item: Item) -> Json:
        account, name = self.state.options.account, f"en~US~{item.id}"
        shown: Json = {
            "name": f"accounts/{account}/products/{name}", "offerId": item.id, "contentLanguage": "en", "feedLabel": "US",
            "base64EncodedName": f"accounts/{account}/products/{_encoded(name)}",
            "dataSource": f"accounts/{account}/dataSources/{self.state.options.data_source}",
            "productAttributes": read(item, self.state.catalogue.currency),
        }  # fmt: skip
        version = self.state.versions.get(item.id)
        return {**shown, "versionNumber": str(version)} if version else shown

    def _insert(self, params: dict[str, str], body: Json) -> Json:
        source, sku = self._source_of(params), str(body.get("offerId") or "").strip()
        if not sku or not body.get("contentLanguage") or not body.get("feedLabel"):
            raise invalid("offerId", "offerId, contentLanguage and feedLabel are required")
        version = int(body["versionNumber"]) if body.get("versionNumber") else None
        if source == self.state.options.supplemental:
            self.state.supplement(sku, body.get("productAttributes") or {})
        else:
            self.state.insert(sku, body.get("productAttributes") or {}, version)
        return self._input(sku, body)

    def _patch(self, sku: str, params: dict[str, str], body: Json) -> Json:
        if body.get("versionNumber"):
            raise invalid("versionNumber", "must not be set for updates")
        given = body.get("productAttributes") or {}
        mask = [name for name in (params.get("updateMask") or "").split(",") if name]
        fields = {name.removeprefix("productAttributes.") for name in mask} or set(given)
        self.state.patch(sku, {name: given.get(name) for name in fields})
        return self._input(sku, body)

    def _delete(self, sku: str) -> Json:
        self.state.delete(sku)
        return {}

    def _input(self, sku: str, body: Json) -> Json:
        name = f"accounts/{self.state.options.account}/productInputs/en~US~{sku}"
        labels = {"offerId": sku, "contentLanguage": "en", "feedLabel": "US"}
        return {**body, **labels, "name": name, "product": name.replace("productInputs", "products")}

    def _inventories(self, method: str, rest: str, body: Json) -> Json:
        found = re.match(r"products/([^/]+)/localInventories(:insert)?\Z", rest)
        if found is None:
            raise GoogleError(404, "NOT_FOUND", "Requested entity was not found.")
        sku = _sku(found[1])
        if found[2] and method == "POST":
            attributes = body.get("localInventoryAttributes") or {}
            self.state.put_local(sku, str(body.get("storeCode") or ""), attributes)
            return self._entry(sku, body["storeCode"], attributes)
        local = self._item(sku).more.get("local", {})
        return {"localInventories": [self._entry(sku, store, one) for store, one in local.items()]} if local else {}

    def _entry(self, sku: str, store: str, attributes: Json) -> Json:
        name = f"accounts/{self.state.options.account}/products/en~US~{sku}/localInventories/{store}"
        return {
            "name": name,
            "account": self.state.options.account,
            "storeCode": store,
            "localInventoryAttributes": attributes,
        }

    def _item(self, sku: str) -> Item:
        found = self.state.catalogue.items.get(sku)
        if found is None:
            raise GoogleError(404, "NOT_FOUND", f"Product {sku} not found.")
        return found

    def _source(self, rest: str) -> Json:
        options, number = self.state.options, rest.removeprefix("dataSources/")
        if number not in {options.data_source, options.supplemental}:
            raise GoogleError(404, "NOT_FOUND", f"Data source {number} not found.")
        kind = "primaryProductDataSource" if number == options.data_source else "supplementalProductDataSource"
        name = f"accounts/{options.account}/dataSources/{number}"
        return {
            "name": name,
            "dataSourceId": number,
            "displayName": f"Source {number}",
            "input": options.source,
            kind: {},
        }

    def _source_of(self, params: dict[str, str]) -> str:
        name = params.get("dataSource", "")
        prefix = f"accounts/{self.state.options.account}/dataSources/"
        if not name.startswith(prefix):
            raise invalid("dataSource", "is required")
        self._source(f"dataSources/{name.removeprefix(prefix)}")
        return name.removeprefix(prefix)

    def _token(self, raw: bytes) -> Json:
        form = dict(parse_qsl(raw.decode()))
        if form.get("grant_type") != GRANT:
            raise TokenError("Bad Request")
        try:
            check(form.get("assertion", ""), self.state.options.email, self.state.audience, self.state.now())
        except BadAssertion as error:
            raise TokenError(str(error)) from error
        return {
            "access_token": self.state.issue(),
            "expires_in": self.state.options.token_seconds,
            "token_type": "Bearer",
        }

    def _authorise(self, headers: Mapping[str, str]) -> None:
        state = self.state
        ends = state.tokens.get(headers.get("authorization", "").removeprefix("Bearer "))
        if state.revoke_after is not None:
            state.revoked = state.revoked or state.revoke_after <= 0
            state.revoke_after -= 1
        if ends is None or ends <= state.now() or state.revoked:
            raise GoogleError(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.")
        if not state.options.access:
            raise GoogleError(403, "PERMISSION_DENIED", "The caller does not have access to the account.")
        if not state.options.registered:
            raise GoogleError(401, "UNAUTHENTICATED", "GCP project is not registered with the merchant account.")

    def _count_call(self) -> None:
        most = self.state.options.calls_per_minute
        minute = int(self.state.now().timestamp() // 60)
        self.minute = (minute, self.minute[1] + 1 if self.minute[0] == minute else 1)
        if most is not None and self.minute[1] > most:
            raise _exhausted()

    def _headers(self) -> dict[str, str]:
        return {"date": format_datetime(self.state.now(), usegmt=True)}

    async def _send(self, send: Send, status: int, extra: dict[str, str], content: bytes) -> None:
        pairs = {**self._headers(), **extra, "content-length": str(len(content))}
        raw = [(name.encode(), value.encode("latin-1")) for name, value in pairs.items()]
        start: Message = {"type": "http.response.start", "status": status, "headers": raw}
        await send(start)
        await send({"type": "http.response.body", "body": content})


def _exhausted() -> GoogleError:
    return GoogleError(
        429, "RESOURCE_EXHAUSTED", "Quota exceeded for quota metric 'Requests' and limit 'Requests per minute'."
    )


def _encoded(name: str) -> str:
    return urlsafe_b64encode(name.encode()).rstrip(b"=").decode()


def _sku(segment: str) -> str:
    """Read the last part of a name: plain (en~US~sku), or encoded."""
    name = unquote(segment)
    if "~" not in name:
        try:
            name = urlsafe_b64decode(name + "=" * (-len(name) % 4)).decode()
        except ValueError as error:
            raise invalid("name", f"Invalid name: {segment}") from error
    parts = name.split("~", 2)
    if len(parts) < 3:
        raise invalid("name", f"Invalid name: {segment}")
    return parts[2]
