"""The control door `/__sandbox/`: the verbs of shoppers, clerks and saboteurs over HTTP, as JSON."""

from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from bridge.sandbox.kit.faults import Faults
from bridge.sandbox.kit.platform import RefusedError, Shop

VERBS = ("seed", "sale", "refund", "cancel", "fulfil", "edit_order", "count", "edit_product", "delete_product")
# Those of the platforms that know customers and codes.
LOYAL = (
    "add_customer", "edit_customer", "delete_customer", "customers", "add_coupon", "edit_coupon", "delete_coupon", "coupons",
    "give_points", "redeem", "expire_points",
)  # fmt: skip


def door(name: str, shop: Shop, faults: Faults, credentials: dict[str, str]) -> Starlette:
    """Build the control door of one stand-in."""
    verbs = (*VERBS, *(verb for verb in LOYAL if hasattr(shop, verb)))

    async def index(_: Request) -> JSONResponse:
        return JSONResponse({"platform": name, "credentials": credentials, "verbs": verbs})

    async def act(request: Request) -> JSONResponse:
        verb = request.path_params["verb"]
        if verb not in verbs:
            return JSONResponse({"error": f"no such verb: {verb}", "verbs": verbs}, 404)
        return _answer(getattr(shop, verb), await request.json())

    async def stock(_: Request) -> JSONResponse:
        return JSONResponse(shop.stock())

    async def orders(_: Request) -> JSONResponse:
        return JSONResponse(shop.orders())

    async def calls(_: Request) -> JSONResponse:
        return JSONResponse(faults.calls)

    async def fault(request: Request) -> JSONResponse:
        if request.method == "DELETE":
            faults.clear()
        elif request.method == "POST":
            return _answer(lambda **rule: faults.add(**rule) and faults.listing(), await request.json())
        return JSONResponse(faults.listing())

    return Starlette(
        routes=[
            Route("/__sandbox/", index),
            Route("/__sandbox/stock", stock),
            Route("/__sandbox/orders", orders),
            Route("/__sandbox/calls", calls),
            Route("/__sandbox/faults", fault, methods=["GET", "POST", "DELETE"]),
            Route("/__sandbox/{verb}", act, methods=["POST"]),
        ]
    )


def _answer(verb: Any, arguments: dict[str, Any]) -> JSONResponse:
    try:
        return JSONResponse({"result": verb(**arguments)})
    except RefusedError as error:
        return JSONResponse({"error": str(error)}, 409)
    except (TypeError, ValueError, KeyError) as error:
        return JSONResponse({"error": f"{type(error).__name__}: {error}"}, 400)


class WithDoor:
    """Sends `/__sandbox/...` to the control door and everything else to the platform's API."""

    def __init__(self, api: ASGIApp, control: ASGIApp) -> None:
        self.api = api
        self.control = control

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        inside = scope["type"] == "http" and scope["path"].startswith("/__sandbox")
        await (self.control if inside else self.api)(scope, receive, send)
