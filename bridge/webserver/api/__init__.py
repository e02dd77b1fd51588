"""/api/v1: for tills and scripts that no connector speaks for. One table says what there is; routes and document follow from it."""

from starlette.routing import BaseRoute, Mount, Route, Router

from bridge.webserver.api.document import Document
from bridge.webserver.api.endpoint import Endpoint, nowhere
from bridge.webserver.api.operation import Operation
from bridge.webserver.api.table import OPERATIONS
from bridge.webserver.web import Web

__all__ = ["routes"]


def routes(web: Web) -> list[BaseRoute]:
    """Return the API's routes, with the document that describes them."""
    paths: dict[str, list[BaseRoute]] = {}
    for one in OPERATIONS:
        if one.path not in paths:
            mine: dict[str, Operation] = {other.method: other for other in OPERATIONS if other.path == one.path}
            paths[one.path] = [Route(one.route, Endpoint(web, mine))]
    found = [route for group in paths.values() for route in group]
    return [
        Mount(
            "/api/v1", app=Router([Route("/openapi.json", Document()), *found], redirect_slashes=False, default=nowhere)
        )
    ]
