"""The web server: webhooks, probes, API and page, as one ASGI application."""

from starlette.applications import Starlette

from bridge.webserver import api, hooks, pages, probes
from bridge.webserver.web import Web

__all__ = ["build"]


def build(web: Web) -> Starlette:
    """Return the application. Webhooks come first: they are most of what arrives."""
    return Starlette(routes=[*hooks.routes(web), *probes.routes(web), *api.routes(web), *pages.routes(web)])
