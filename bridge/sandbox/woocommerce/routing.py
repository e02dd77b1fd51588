"""What a route is: handlers by method, the arguments they check, and the rights they ask for."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from bridge.sandbox.woocommerce.errors import RestError, too_many_items
from bridge.sandbox.woocommerce.listing import Reply
from bridge.sandbox.woocommerce.params import Call
from bridge.sandbox.woocommerce.schema import Schema
from bridge.sandbox.woocommerce.shop import Woo
from bridge.sandbox.woocommerce.values import php_int

Handler = Callable[[Woo, Call], Awaitable[Reply]]
NUMBER = "#"
NAME = "*"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One method of a route. `exists` lets a missing thing be reported before the rights are checked; `allowed` is what the
    Allow header says of this method where that depends on the thing."""

    handler: Handler
    right: str
    schema: Schema = field(default_factory=dict)
    exists: Callable[[Woo, Call], bool] | None = None
    public: bool = False
    allowed: Callable[[Woo, Call], bool] | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """A path shape with its methods, in the order of the Allow header."""

    shape: tuple[str, ...]
    methods: dict[str, Endpoint]


def editable(endpoint: Endpoint) -> dict[str, Endpoint]:
    """Serve POST, PUT and PATCH alike, as WP_REST_Server::EDITABLE does."""
    return dict.fromkeys(("POST", "PUT", "PATCH"), endpoint)


def batch(create: Handler | None, update: Handler, delete: Handler, defaults: dict[str, Any]) -> Handler:
    """Make a batch handler of the single handlers, without their argument checks: batch_items builds its requests by hand."""

    async def run(woo: Woo, call: Call) -> Reply:
        groups = {name: call.params.get(name) for name in ("create", "update", "delete")}
        rows = {name: list(group) for name, group in groups.items() if isinstance(group, list) and group}
        if sum(len(group) for group in rows.values()) > 100:
            raise too_many_items()
        handlers = {"create": create, "update": update, "delete": delete}
        answer = {}
        for name, group in rows.items():
            handler = handlers[name]
            if handler is not None:
                answer[name] = [row for item in group if (row := await _one(woo, call, name, item, handler, defaults))]
        return Reply(answer or [])

    return run


async def _one(woo: Woo, call: Call, group: str, item: Any, handler: Handler, defaults: dict[str, Any]) -> Any:
    params, shown = _params(group, item, defaults)
    key = php_int(params.get("id") or 0)
    if group == "delete" and key == 0:
        return None
    # A batch create never takes an id; the other two are addressed by it, below the parent of the path.
    ids = call.ids if group == "create" else [*call.ids, key]
    inner = Call(call.method, call.shape, ids, [], {}, params, edit=True, batch=True)
    try:
        return (await handler(woo, inner)).body
    except RestError as error:
        return {"id": shown, "error": error.body()}


def _params(group: str, item: Any, defaults: dict[str, Any]) -> tuple[dict[str, Any], Any]:
    if group == "delete":
        return {"id": item, "force": True}, php_int(item)
    given = item if isinstance(item, dict) else {}
    if group == "create":
        return {**defaults, **given}, 0
    return given, given.get("id")
