"""The API for scripts and tills, below /api/v1."""

from starlette.routing import BaseRoute

from bridge.webserver.web import Web

__all__ = ["routes"]


def routes(web: Web) -> list[BaseRoute]:
    """Return the API's routes."""
    del web
    return []
