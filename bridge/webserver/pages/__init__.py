"""The page that people look at."""

from starlette.routing import BaseRoute

from bridge.webserver.web import Web

__all__ = ["routes"]


def routes(web: Web) -> list[BaseRoute]:
    """Return the page's routes."""
    del web
    return []
