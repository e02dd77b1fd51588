"""The web server: webhooks, probes, API and page, as one ASGI application."""

from starlette.applications import Starlette

from bridge.webserver.api import routes as api
from bridge.webserver.hooks import routes as hooks
from bridge.webserver.pages import routes as pages
from bridge.webserver.probes import routes as probes
from bridge.webserver.web import Web

__all__ = ["build"]


def build(web: Web) -> Starlette:
    """Return the application. Webhooks come first: they are most of what arrives."""
    return Starlette(routes=[*hooks(web), *probes(web), *api(web), *pages(web)])
