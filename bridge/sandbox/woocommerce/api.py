"""The HTTP face: WordPress's rewrite, authentication, dispatch order, headers. An ASGI app."""

from email.utils import formatdate
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

import msgspec
from starlette.types import Receive, Scope, Send

from bridge.sandbox.woocommerce import (
    coupon_routes,
    customer_routes,
    order_routes,
    product_routes,
    refund_routes,
    schema,
    site_routes,
    variation_routes,
    webhook_routes,
)
from bridge.sandbox.woocommerce.auth import Asked, check_rights
from bridge.sandbox.woocommerce.errors import RestError, denied, no_route
from bridge.sandbox.woocommerce.listing import Reply
from bridge.sandbox.woocommerce.params import Call, php_query
from bridge.sandbox.woocommerce.routing import NAME, NUMBER, Endpoint, Route
from bridge.sandbox.woocommerce.shop import Woo
from bridge.sandbox.woocommerce.site import ApiKey

_JSON = msgspec.json.Encoder()
_READ = msgspec.json.Decoder()
_FIXED = [
    (b"content-type", b"application/json; charset=UTF-8"),
    (b"x-robots-tag", b"noindex"),
    (b"x-content-type-options", b"nosniff"),
    (b"access-control-expose-headers", b"X-WP-Total, X-WP-TotalPages, Link"),
    (b"access-control-allow-headers", b"Authorization, X-WP-Nonce, Content-Disposition, Content-MD5, Content-Type"),
    (b"expires", b"Wed, 11 Jan 1984 05:00:00 GMT"),
    (b"cache-control", b"no-cache, must-revalidate, max-age=0, no-store, private"),
]
_NOT_FOUND = b'<!DOCTYPE html>\n<html lang="en-US"><head><title>Page not found</title></head><body><h1>Page not found</h1></body></html>\n'
_METHOD_ORDER = ("GET", "POST", "PUT", "PATCH", "DELETE")


@lru_cache(maxsize=1024)
def http_date(seconds: int) -> bytes:
    """Write epoch seconds as a Date header."""
    return formatdate(seconds, usegmt=True).encode()


class Api:
    """Answers /wp-json/ and ?rest_route= for one shop."""

    def __init__(self, woo: Woo) -> None:
        self.woo = woo
        routes: list[Route] = [*product_routes.ROUTES, *variation_routes.routes(modern=woo.site.modern)]
        routes += [*order_routes.ROUTES, *refund_routes.ROUTES, *coupon_routes.ROUTES, *site_routes.ROUTES]
        routes += [*customer_routes.ROUTES, *webhook_routes.ROUTES]
        self.routes = {route.shape: route for route in routes}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        body = await _read_body(receive)
        status, headers, content = await self.answer(_Incoming(scope, body, self.woo.site.prefix))
        date = (b"date", http_date(self.woo.site.clock()))
        length = (b"content-length", str(len(content)).encode())
        await send({"type": "http.response.start", "status": status, "headers": [date, length, *headers]})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else content})

    async def answer(self, incoming: "_Incoming") -> tuple[int, list[tuple[bytes, bytes]], bytes]:
        """Answer one request completely."""
        plain = self.woo.site.settings.permalinks == "plain"
        rest = None if plain else incoming.rest_path()
        # Keys are looked for only under /wp-json/wc: by ?rest_route= everybody is a stranger (recorded, errors 235).
        if rest is None and "rest_route" in incoming.query:
            rest, incoming.anonymous = str(incoming.query.pop("rest_route")), True
        if rest is None:
            return 404, [(b"content-type", b"text/html; charset=UTF-8")], _NOT_FOUND
        reply, allow = await self._reply(incoming, rest)
        extra = {"Link": f'<{self.woo.site.host}/wp-json/>; rel="https://api.w.org/"', **reply.headers}
        if allow:
            extra["Allow"] = ", ".join(allow)
        headers = [(name.lower().encode(), value.encode()) for name, value in extra.items()]
        return reply.status, [*_FIXED, *headers], _JSON.encode(reply.body)

    async def _reply(self, incoming: "_Incoming", rest: str) -> tuple[Reply, tuple[str, ...]]:
        try:
            key = self._identify(incoming, rest)
            path = rest.strip("/")
            if not path:
                return Reply(site_routes.index(self.woo)), ("GET",)
            call, route = self._match(incoming, path)
            if incoming.effective == "OPTIONS":
                return Reply({"namespace": "wc/v3", "methods": list(_allowed(route)), "endpoints": []}), _allowed(route)
            reply = await self._answered(incoming, call, route, key)
            # What is allowed is asked of each method when all is done: of a deleted customer, nothing (recorded, 192).
            return reply, self._allow(route, call) if key is not None and key.manages else ()
        except RestError as error:
            return Reply(error.body(), error.status), ()

    async def _answered(self, incoming: "_Incoming", call: Call, route: Route, key: ApiKey | None) -> Reply:
        try:
            return await self._dispatch(incoming, call, route, key)
        except RestError as error:
            return Reply(error.body(), error.status)

    def _allow(self, route: Route, call: Call) -> tuple[str, ...]:
        checks = {name: endpoint.allowed for name, endpoint in route.methods.items()}
        return tuple(name for name in _allowed(route) if (check := checks[name]) is None or check(self.woo, call))

    def _identify(self, incoming: "_Incoming", rest: str) -> ApiKey | None:
        if incoming.anonymous or not rest.strip("/").startswith("wc/"):
            return None
        key = self.woo.authentication.identify(incoming.asked())
        if key is not None:
            check_rights(key, incoming.effective)
        return key

    def _match(self, incoming: "_Incoming", path: str) -> tuple[Call, Route]:
        parts = path.split("/")
        if parts[:2] != ["wc", "v3"]:
            raise no_route()
        parts = parts[2:]
        shape = tuple(NUMBER if part.isdigit() else part for part in parts)
        named: list[str] = []
        route = self.routes.get(shape)
        if route is None and parts[:1] == ["settings"]:
            named, shape = parts[1:], ("settings", *([NAME] * len(parts[1:])))
            route = self.routes.get(shape)
        if route is None or (incoming.effective not in _methods(route)):
            raise no_route()
        ids = [int(part) for part in parts if part.isdigit()]
        return Call(incoming.effective, shape, ids, named, incoming.query), route

    async def _dispatch(self, incoming: "_Incoming", call: Call, route: Route, key: ApiKey | None) -> Reply:
        """Check in WordPress's order: JSON, arguments, rights; so a stranger's bad argument is a 400."""
        endpoint = route.methods["GET" if call.method == "HEAD" else call.method]
        call.params = {**incoming.query, **incoming.body_params()}
        schema.check(endpoint.schema, call.params)
        self._check_user(endpoint, call, key)
        return await endpoint.handler(self.woo, call)

    def _check_user(self, endpoint: Endpoint, call: Call, key: ApiKey | None) -> None:
        if endpoint.public or (key is not None and key.manages):
            return
        # The object is looked up before the rights: what does not exist is denied to nobody.
        if endpoint.exists is None or endpoint.exists(self.woo, call):
            raise denied(endpoint.right, known_user=key is not None)


def _methods(route: Route) -> tuple[str, ...]:
    return (*route.methods, "OPTIONS", *(("HEAD",) if "GET" in route.methods else ()))


def _allowed(route: Route) -> tuple[str, ...]:
    return tuple(method for method in _METHOD_ORDER if method in route.methods)


class _Incoming:
    """One HTTP request as PHP would see it."""

    def __init__(self, scope: Scope, body: bytes, prefix: str) -> None:
        self.headers: dict[str, str] = {
            name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]
        }
        self.method = str(scope["method"])
        self.raw_path: str = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1").split("?")[0]
        self.query = php_query(scope["query_string"].decode("latin-1"))
        self.prefix = prefix
        self.body = body
        self.anonymous = False
        # TLS ends at a proxy in front of the shop more often than not.
        self.secure = str(self.headers.get("x-forwarded-proto", scope.get("scheme"))) == "https"
        override = str(self.query.get("_method", "")) or self.headers.get("x-http-method-override", "")
        self.effective = override.upper() or self.method

    def rest_path(self) -> str | None:
        """Return the path below /wp-json, None for other pages."""
        path: str = unquote(self.raw_path).removeprefix(self.prefix)
        if path != "/wp-json" and not path.startswith("/wp-json/"):
            return None
        return path.removeprefix("/wp-json") or "/"

    def asked(self) -> Asked:
        """Return what authentication looks at; PHP fills $_POST for form posts only."""
        form = php_query(self.body.decode("utf-8", "replace")) if self.method == "POST" and self._is_form() else {}
        authorization = self.headers.get("authorization", "")
        return Asked(self.method, self.raw_path, self.secure, authorization, self.query, form)

    def _is_form(self) -> bool:
        return self.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")

    def body_params(self) -> dict[str, Any]:
        """Return the parameters of a JSON or form body."""
        if not self.body:
            return {}
        if self._is_form():
            return php_query(self.body.decode("utf-8", "replace"))
        if "json" not in self.headers.get("content-type", ""):
            return {}
        try:
            found = _READ.decode(self.body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            told = {"json_error_code": 4, "json_error_message": "Syntax error"}
            raise RestError("rest_invalid_json", "Invalid JSON body passed.", 400, **told) from error
        return found if isinstance(found, dict) else {}


async def _read_body(receive: Receive) -> bytes:
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)
