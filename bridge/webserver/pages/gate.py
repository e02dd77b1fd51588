"""Who gets through: people with a session, scripts with a token, and forms that came from one of our own pages."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from hmac import compare_digest
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from bridge.app.errors import AppError
from bridge.config.errors import ConfigError
from bridge.contract.errors import BridgeError, NeedsPerson
from bridge.store.errors import BusyError, StoreError
from bridge.webserver.auth import Session, Sessions, token_of
from bridge.webserver.pages.site import Site, Visit
from bridge.webserver.security import FormError, from_here, read_form

__all__ = ["AGAIN", "COOKIE", "Gate", "Page"]

COOKIE = "bridge_session"
AGAIN = "load the page again and send it once more"
Page = Callable[[Visit], Awaitable[Response]]
Endpoint = Callable[[Request], Awaitable[Response]]
_BUG = "the log says more: report what stands there; everything else goes on"
_log = logging.getLogger(__name__)
_SLOWEST_FORM = 10.0  # seconds until the whole of a form must have arrived


class Gate:
    """Stands before every page."""

    def __init__(self, site: Site) -> None:
        app = site.web.app
        config = app.loaded.config
        self.site = site
        self.sessions = Sessions(app.database, config.web.password, config.web.session, app.now)
        self._tokens = config.tokens
        self._public_url = config.daemon.public_url

    def session(self, request: Request) -> Session | None:
        """Return the session of a request's cookie, whether somebody has logged in with it or not."""
        cookie = request.cookies.get(COOKIE)
        return self.sessions.read(cookie) if cookie else None

    def looking(self, show: Page) -> Endpoint:
        """Make a page that those see who may look: a person who has logged in, or a script with a token that may read."""

        async def endpoint(request: Request) -> Response:
            visit = self._visitor(request)
            return visit if isinstance(visit, Response) else await self._told(visit, show, senseless=404)

        return endpoint

    def acting(self, act: Page) -> Endpoint:
        """Make the receiver of a form that only a person who has logged in can send, and only from one of our own pages."""

        async def endpoint(request: Request) -> Response:
            session = self.session(request)
            if session is None or not session.logged_in:
                return self.site.error(None, 403, "you are logged out, and nothing was done", "log in and do it again")
            visit = Visit(request=request, session=session)
            try:
                visit = Visit(request=request, session=session, form=await self.genuine(request, session))
            except FormError as error:
                return self.site.error(visit, error.status, f"{error.what}; nothing was done", AGAIN)
            return await self._told(visit, act, senseless=409)

        return endpoint

    async def genuine(self, request: Request, session: Session) -> dict[str, str]:
        """Return a form's fields; raises FormError for one that is not of a page that we gave this session."""
        if not from_here(request.headers, self._public_url):
            raise FormError(403, "this form was sent from another site")
        try:
            async with asyncio.timeout(_SLOWEST_FORM):
                form = await read_form(request)
        except TimeoutError as error:
            raise FormError(408, "the form did not arrive in time") from error
        if not compare_digest(form.get("form", "").encode(), session.form.encode()):
            raise FormError(403, "this form is no longer valid")
        return form

    def _visitor(self, request: Request) -> Visit | Response:
        if "authorization" in request.headers:
            return self._script(request)
        session = self.session(request)
        if session is not None and session.logged_in:
            return Visit(request=request, session=session)
        target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return RedirectResponse("/login" if target == "/" else f"/login?{urlencode({'next': target})}", status_code=303)

    def _script(self, request: Request) -> Visit | Response:
        token = token_of(self._tokens, request.headers["authorization"])
        if token is None:
            step = "`bridge token NAME --scope read` makes one and prints what to put into the config"
            answer = self.site.error(None, 401, "this token is not known", step)
            answer.headers["www-authenticate"] = 'Bearer realm="bridge"'
            return answer
        if "read" not in token.scopes:
            step = 'add "read" to its scopes in the config'
            return self.site.error(None, 403, f"the token {token.name} may not read", step)
        return Visit(request=request, session=None)

    async def _told(self, visit: Visit, do: Page, *, senseless: int) -> Response:
        """Do it; what is nobody's bug becomes a page that says what to do. `senseless`: the status of a request without sense."""
        try:
            return await do(visit)
        except AppError as error:
            return self._error(visit, senseless, error)
        except (BusyError, NeedsPerson, ConfigError) as error:
            return self._error(visit, 409, error)
        except (StoreError, BridgeError) as error:
            return self._error(visit, 503, error)
        except Exception:  # noqa: BLE001 - the border of a request: whoever looks is told, the log has the rest
            _log.exception("%s %s: this should not happen", visit.request.method, visit.request.url.path)
            return self.site.error(visit, 500, "this is a mistake in the bridge itself", _BUG)

    def _error(self, visit: Visit, status: int, error: Exception) -> Response:
        what, step = str(getattr(error, "what", error)), getattr(error, "next_step", "")
        return self.site.error(visit, status, what, step, getattr(error, "where", ""))
