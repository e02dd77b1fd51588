"""The page that people look at: rendered on the server, without a script."""

from typing import Any

from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from bridge.webserver.pages.acts import Acts
from bridge.webserver.pages.door import Door
from bridge.webserver.pages.gate import Gate
from bridge.webserver.pages.loyal_acts import LoyalActs
from bridge.webserver.pages.loyal_views import LoyalViews
from bridge.webserver.pages.site import Site
from bridge.webserver.pages.views import Views
from bridge.webserver.security import SecureHeaders
from bridge.webserver.web import Web

__all__ = ["routes"]

_KINDS = {"css": "text/css; charset=utf-8", "svg": "image/svg+xml"}


def routes(web: Web) -> list[BaseRoute]:
    """Return the page's routes. The last one answers every GET that nobody else has taken: it belongs behind all others."""
    site = Site(web)
    gate, views, acts = Gate(site), Views(site), Acts(site)
    loyal, clerk = LoyalViews(site), LoyalActs(site)
    shown = {
        "/": views.overview,
        "/search": views.search,
        "/why": views.why,
        "/orders": views.orders,
        "/order": views.order,
        "/trouble": views.trouble,
        "/parked": views.parked,
        "/webhooks": views.hooks,
        "/events": views.events,
        "/customers": loyal.desk,
        "/customer": loyal.customer,
        "/code": loyal.code,
    }
    door = Door(gate, frozenset(shown))
    return [
        *(_route(path, gate.looking(page)) for path, page in shown.items()),
        _route("/login", door.show),
        _route("/login", door.enter, "POST"),
        _route("/logout", gate.acting(door.leave), "POST"),
        _route("/approve", gate.acting(acts.approve), "POST"),
        _route("/retry", gate.acting(acts.retry), "POST"),
        _route("/customers", gate.acting(loyal.find), "POST"),
        _route("/code/claim", gate.acting(clerk.claim), "POST"),
        _route("/code/capture", gate.acting(clerk.capture), "POST"),
        _route("/code/release", gate.acting(clerk.release), "POST"),
        _route("/code/close", gate.acting(clerk.close), "POST"),
        _route("/static/{name}", _asset(site)),
        _route("/{rest:path}", gate.looking(views.missing)),
    ]


def _route(path: str, endpoint: Any, method: str = "GET") -> Route:
    return Route(path, endpoint, methods=[method], middleware=[Middleware(SecureHeaders)])


def _asset(site: Site) -> Any:
    async def endpoint(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in site.assets:
            return site.error(None, 404, "there is no such file", "go to the first page")
        kept = {"cache-control": "public, max-age=31536000, immutable"}
        return Response(site.assets[name], media_type=_KINDS[name.rpartition(".")[2]], headers=kept)

    return endpoint
