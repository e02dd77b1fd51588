"""Login and logout."""

import asyncio
from datetime import timedelta

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from bridge.webserver import auth
from bridge.webserver.pages.gate import COOKIE, Gate
from bridge.webserver.pages.site import Visit
from bridge.webserver.pages.words import lasting
from bridge.webserver.security import FormError, caller, stays_here

__all__ = ["Door"]

_QUEUE = 8  # logins that may wait for their password to be compared: each takes 64 MiB while it is


class Door:
    """Lets people in. `pages` are the addresses that a login may lead to."""

    def __init__(self, gate: Gate, pages: frozenset[str]) -> None:
        config = gate.site.web.app.loaded.config
        self._gate = gate
        self._pages = pages
        self._password = config.web.password
        self._secure = config.daemon.public_url.startswith("https://")
        self._throttle = auth.Throttle()
        self._comparing = asyncio.Lock()
        self._waiting = 0

    async def show(self, request: Request) -> Response:
        """GET /login"""
        session = self._gate.session(request)
        target = stays_here(request.query_params.get("next", "/"), self._pages)
        if session is not None and session.logged_in:
            return RedirectResponse(target, status_code=303)
        return self._page(target)

    async def enter(self, request: Request) -> Response:
        """POST /login"""
        session = self._gate.session(request)
        if session is None:
            return self._page("/", 403, "This form is too old. Enter the password again.")
        try:
            form = await self._gate.genuine(request, session)
        except FormError as error:
            return self._page("/", error.status, f"{error.what.capitalize()}. Enter the password again.")
        target = stays_here(form.get("next", "/"), self._pages)
        return await self._try(request, form.get("password", ""), target)

    async def leave(self, visit: Visit) -> Response:
        """POST /logout"""
        if visit.session is not None:
            self._gate.sessions.end(visit.session)
        answer = RedirectResponse("/login", status_code=303)
        answer.delete_cookie(COOKIE, httponly=True, samesite="lax", secure=self._secure)
        return answer

    async def _try(self, request: Request, password: str, target: str) -> Response:
        address, now = caller(request), self._gate.site.web.app.now()
        wait = self._throttle.wait(address, now)
        if wait or self._waiting >= _QUEUE:
            return self._slow(target, wait or timedelta(seconds=5))
        if not auth.is_hash(self._password):
            return self._page(target, 403)
        self._throttle.tried(address, now)
        if not await self._fits(password):
            return self._page(target, 403, "That is not the password.")
        self._throttle.passed(address)
        answer = RedirectResponse(target, status_code=303)
        self._give(answer, self._gate.sessions.begin(logged_in=True))
        return answer

    async def _fits(self, password: str) -> bool:
        """Compare beside the event loop, one at a time: it takes 50 ms, in which webhooks must not wait."""
        self._waiting += 1
        try:
            async with self._comparing:
                return await asyncio.to_thread(auth.password_fits, self._password, password)
        finally:
            self._waiting -= 1

    def _slow(self, target: str, wait: timedelta) -> Response:
        seconds = max(1, round(wait.total_seconds()))
        answer = self._page(target, 429, f"Too many wrong passwords. Try again in {lasting(seconds)}.")
        answer.headers["retry-after"] = str(seconds)
        return answer

    def _page(self, target: str, status: int = 200, problem: str = "") -> Response:
        """The login form, with a session of its own: what is sent must come from this very form."""
        session = self._gate.sessions.begin(logged_in=False)
        state = "open" if auth.is_hash(self._password) else "wrong" if self._password else "none"
        answer = self._gate.site.bare(
            "login.html", status=status, state=state, target=target, problem=problem, token=session.form
        )
        self._give(answer, session)
        return answer

    def _give(self, answer: Response, session: auth.Session) -> None:
        left = session.until - int(self._gate.site.web.app.now().timestamp())
        answer.set_cookie(
            COOKIE, self._gate.sessions.cookie(session), max_age=left, path="/", httponly=True, samesite="lax", secure=self._secure
        )  # fmt: skip
