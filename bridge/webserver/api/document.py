"""The OpenAPI document: written from the table that is served, so that the two cannot differ."""

from typing import Any

import msgspec
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from bridge.webserver.api.operation import KEY, Operation
from bridge.webserver.api.problems import Problem, ProblemBody
from bridge.webserver.api.shapes import PLAIN
from bridge.webserver.api.table import OPERATIONS

__all__ = ["Document", "openapi"]

_REF = "#/components/schemas/{name}"
_ALWAYS = (401, 403, 405, 422, 503)
_ON_CHANGE = (400, 413)
_WORDS = {
    400: "The Idempotency-Key is missing, or the body is no JSON.",
    401: "No token, or one that is not in the config.",
    403: "The token lacks the scope.",
    404: "It is not there; `next` may say what was meant.",
    405: "Another method is wanted.",
    409: "It cannot be done as things stand: `detail` says why.",
    413: "The body is too large.",
    415: "The body is not application/json.",
    422: "Something in it is not as described, or the key was used for another call.",
    503: "The database cannot be used now.",
}


class Document:
    """GET /api/v1/openapi.json, for everybody: it tells nothing that the source does not."""

    def __init__(self) -> None:
        self._body = msgspec.json.encode(openapi())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] in {"GET", "HEAD"}:
            answer = Response(self._body, media_type="application/json")
        else:
            answer = Problem(405, "this can only be read", scope["path"], "use GET", {"allow": "GET"}).answer()
        await answer(scope, receive, send)


def openapi() -> dict[str, Any]:
    """Return the document."""
    kinds: list[Any] = [ProblemBody, *(one.answer for one in OPERATIONS), *(one.body for one in OPERATIONS if one.body)]
    kinds += [one.query for one in OPERATIONS]
    schemas, components = msgspec.json.schema_components(kinds, ref_template=_REF)
    refs = dict(zip((id(kind) for kind in kinds), schemas, strict=True))
    paths: dict[str, Any] = {}
    for one in OPERATIONS:
        paths.setdefault(one.path, {})[one.method.lower()] = _operation(one, refs, components)
    # Their fields stand in the document as parameters.
    for one in OPERATIONS:
        components.pop(one.query.__name__, None)
    return {
        "openapi": "3.1.0",
        "info": {"title": "The bridge", "version": "1", "description": _ABOUT},
        "servers": [{"url": "/api/v1"}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "description": "From `bridge token`."}},
        },
        "security": [{"token": []}],
    }


_ABOUT = (
    "Availability, holds, sales and counts of tills that have no connector, and customers' points and codes. Every POST carries an "
    "Idempotency-Key: the same call with the same key is done once and answered alike for 14 days. What was refused changed nothing."
)


def _operation(one: Operation, refs: dict[int, Any], components: dict[str, Any]) -> dict[str, Any]:
    scopes = " or ".join(one.scopes)
    found: dict[str, Any] = {
        "operationId": one.name,
        "summary": one.about,
        "description": f"Scope: {scopes}.",
        "parameters": [*_path_parameters(one), *_query_parameters(one, refs, components), *_headers(one)],
        "responses": _responses(one, refs),
    }
    if one.body is not None:
        found["requestBody"] = {
            "required": not one.bare,
            "content": {"application/json": {"schema": refs[id(one.body)]}},
        }
    return found


def _path_parameters(one: Operation) -> list[dict[str, Any]]:
    names = [part[1:-1] for part in one.path.split("/") if part.startswith("{")]
    schema = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": PLAIN}
    return [{"name": name, "in": "path", "required": True, "schema": schema} for name in names]  # fmt: skip


def _query_parameters(one: Operation, refs: dict[int, Any], components: dict[str, Any]) -> list[dict[str, Any]]:
    shape = components[refs[id(one.query)]["$ref"].rpartition("/")[2]]
    return [
        {"name": name, "in": "query", "required": False, "schema": schema}
        for name, schema in shape["properties"].items()
    ]


def _headers(one: Operation) -> list[dict[str, Any]]:
    if not one.changes:
        return []
    schema = {"type": "string", "pattern": f"^{KEY}$"}
    about = "A new one with each new call, the same one when the call is sent again."
    return [{"name": "Idempotency-Key", "in": "header", "required": True, "schema": schema, "description": about}]


def _responses(one: Operation, refs: dict[int, Any]) -> dict[str, Any]:
    answer = {"application/json": {"schema": refs[id(one.answer)]}}
    found: dict[str, Any] = {str(status): {"description": "Done.", "content": answer} for status in one.statuses}
    codes = {*_ALWAYS, *one.problems, *(_ON_CHANGE if one.changes else ()), *((415,) if one.body else ())}
    problem = {"application/problem+json": {"schema": refs[id(ProblemBody)]}}
    for code in sorted(codes):
        found[str(code)] = {"description": _WORDS[code], "content": problem}
    return found
