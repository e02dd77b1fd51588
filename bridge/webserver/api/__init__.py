"""/api/v1: for tills and scripts that no connector speaks for. One table says what there is; routes and document follow from it."""

import re

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
    api = Router([Route("/openapi.json", Document()), *found], redirect_slashes=False, default=nowhere)
    mount = Mount("/api/v1", app=api)
    # Starlette's `.*` ends at a line break: such a path would be answered by whoever serves the rest, and in plain text.
    mount.path_regex = re.compile(mount.path_regex.pattern, re.DOTALL)
    return [mount]
