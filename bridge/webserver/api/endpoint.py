"""One path of the API: who calls, may they, is the call well formed; then the App does it, and the answer is written."""

import hashlib
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import msgspec
from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from bridge.app.errors import AppError
from bridge.app.serving import Kept, Once
from bridge.config.model import TokenTable
from bridge.store.errors import StoreError
from bridge.webserver.api.operation import KEY, Call, Operation
from bridge.webserver.api.problems import Problem, problem_of
from bridge.webserver.api.shapes import PLAIN
from bridge.webserver.auth import token_of
from bridge.webserver.web import Web

__all__ = ["MOST_BYTES", "Endpoint", "nowhere"]

# A sale of 500 lines with the longest SKUs stays below it.
MOST_BYTES = 256 * 1024

T = TypeVar("T")


async def nowhere(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer for a path that is not in the table."""
    problem = Problem(404, "there is no such path", scope["path"], "GET /api/v1/openapi.json describes all there are")
    await problem.answer()(scope, receive, send)


class Endpoint:
    """The operations of one path, by method."""

    def __init__(self, web: Web, operations: Mapping[str, Operation]) -> None:
        self._web = web
        self._operations = operations

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        where = f"{request.method} {request.url.path}"
        try:
            answer = await self._answer(request)
        except Problem as problem:
            answer = problem.answer()
        except (AppError, StoreError) as error:
            answer = problem_of(error, where).answer()
        await answer(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        operation = self._operation(request)
        token = self._token(request, operation)
        query = _query(request, operation)
        path = _path(request)
        if not operation.changes:
            call = Call(path=path, query=query, body=None)
            answer = await self._aside(lambda: operation.run(self._web.app.serving, call))
            return Response(msgspec.json.encode(answer), media_type="application/json")
        key = _key(request)
        body = await _body(request, operation)
        call = Call(
            path=path, query=query, body=body, once=Once(token=token.name, key=key, digest=_digest(request, body))
        )
        return await self._changed(operation, call)

    async def _changed(self, operation: Operation, call: Call) -> Response:
        serving = self._web.app.serving
        await self._aside(lambda: serving.must_know(operation.names(call.body)))
        kept: Kept = operation.run(serving, call)
        if not kept.repeated:
            self._web.poke()
        headers = {"idempotency-replayed": "true"} if kept.repeated else {}
        return Response(kept.body, kept.status, headers=headers, media_type="application/json")

    async def _aside(self, look: Callable[[], T]) -> T:
        """Look in a thread of its own, so that a long search holds up no webhook. One in memory has one connection for all."""
        database = self._web.app.database
        if database.url.database in {None, "", ":memory:"}:
            return look()
        return await to_thread.run_sync(look)

    def _operation(self, request: Request) -> Operation:
        method = "GET" if request.method == "HEAD" else request.method
        found = self._operations.get(method)
        if found is None:
            allowed = ", ".join(sorted(self._operations))
            raise Problem(405, f"{method} is not possible here", request.url.path, f"use {allowed}", {"allow": allowed})
        return found

    def _token(self, request: Request, operation: Operation) -> TokenTable:
        token = token_of(self._web.app.loaded.config.tokens, request.headers.get("authorization", ""))
        if token is None:
            raise Problem(
                401, "a token is wanted, and this is none that we know", "Authorization",
                'send "Authorization: Bearer TOKEN"; `bridge token` makes one, to be put into the config',
                {"www-authenticate": 'Bearer realm="bridge"'},
            )  # fmt: skip
        if not set(token.scopes) & set(operation.scopes):
            scopes = " or ".join(operation.scopes)
            raise Problem(
                403, f"the token {token.name} may not do this: it needs the scope {scopes}", "Authorization",
                f"add the scope to [[tokens]] {token.name} in the config, or use another token",
            )  # fmt: skip
        return token


def _query(request: Request, operation: Operation) -> Any:
    given = dict(request.query_params)
    if len(given) < len(request.query_params.multi_items()):
        raise Problem(422, "a parameter is given twice", "query", "give it once")
    return _checked(given, operation.query, "query", strict=False)


def _path(request: Request) -> Mapping[str, str]:
    found: Mapping[str, str] = request.path_params
    for value in found.values():
        if not re.search(PLAIN, value):
            raise Problem(404, "nothing has such a name", request.url.path, "spell it as the lists of the API do")
    return found


def _key(request: Request) -> str:
    key = request.headers.get("idempotency-key", "")
    if not re.fullmatch(KEY, key):
        raise Problem(
            400, "every POST needs a key: 1 to 200 visible ASCII characters", "Idempotency-Key",
            "send a new one, such as a UUID, with each new call, and the same one when the call is sent again",
        )  # fmt: skip
    return key


async def _body(request: Request, operation: Operation) -> Any:
    raw = await _bytes(request)
    if operation.body is None:
        if raw.strip() not in {b"", b"{}"}:
            raise Problem(422, "this call takes no body", "body", "leave the body out")
        return None
    if operation.bare and not raw.strip():
        return operation.body()
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Problem(415, f"the body is {kind or 'of no type'}", "Content-Type", "send application/json")
    try:
        value = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Problem(400, f"the body is no JSON: {error}", "body", "send one JSON object in UTF-8") from error
    return _checked(_whole(value), operation.body, "body", strict=True)


def _whole(value: Any) -> Any:
    """Write 3.0 as 3: to JSON they are one number, and some languages know no other."""
    if isinstance(value, dict):
        return {name: _whole(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_whole(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


async def _bytes(request: Request) -> bytes:
    too_large = Problem(413, f"the body is larger than {MOST_BYTES // 1024} KiB", "body", "send it in parts")
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > MOST_BYTES:
        raise too_large
    taken = bytearray()
    async for part in request.stream():
        taken += part
        if len(taken) > MOST_BYTES:
            raise too_large
    return bytes(taken)


def _checked(value: Any, kind: type[T], where: str, *, strict: bool) -> T:
    try:
        # The names in JSON, not Python's objects: a time is text, a list is an array.
        return msgspec.convert(value, kind, strict=strict, builtin_types=())
    except msgspec.ValidationError as error:
        what, _, path = str(error).partition(" - at `$")
        place = where + path.rstrip("`")
        raise Problem(422, what, place, "GET /api/v1/openapi.json describes what is wanted") from error


def _digest(request: Request, body: Any) -> str:
    """The same call has the same fingerprint, however its JSON is spaced."""
    whole = b"\n".join([request.method.encode(), request.url.path.encode(), msgspec.json.encode(body)])
    return hashlib.sha256(whole).hexdigest()
