"""The pages about customers and codes: a clerk's desk, a person's points, a code's life."""

import asyncio
import secrets
from collections.abc import Callable
from typing import TypeVar

from starlette.responses import RedirectResponse, Response

from bridge.app.errors import AppError, Missing
from bridge.app.loyal_claims import is_limited
from bridge.app.loyal_serving import Named, Unreadable
from bridge.webserver.pages.qr import qr
from bridge.webserver.pages.site import Site, Visit, link
from bridge.webserver.pages.terms import told

__all__ = ["LoyalViews"]

T = TypeVar("T")


class LoyalViews:
    """What there is to see of points and codes. Contacts are masked everywhere, and stand in no address."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._loyal = site.web.app.serving.loyal

    async def desk(self, visit: Visit) -> Response:
        """GET /customers: where a customer is looked up, and a code is typed or scanned."""
        return self._desk(visit)

    async def find(self, visit: Visit) -> Response:
        """POST /customers: goes to whoever has this contact or account. A form, so that no contact is kept with an address."""
        text = visit.form.get("who", "").replace("\x00", "").strip()
        try:
            found = await self._read(lambda: self._loyal.find(_kind(text), text))
        except (Missing, Unreadable) as error:
            return self._desk(visit, problem=error, about="who")
        return RedirectResponse(link("/customer", person=found.person), status_code=303)

    async def customer(self, visit: Visit) -> Response:
        """GET /customer"""
        view = await self._read(lambda: self._loyal.view(visit.asked("person")))
        return self._site.page("customer.html", visit, view=view)

    async def code(self, visit: Visit) -> Response:
        """GET /code: goes to the address of the code that was meant, however it was typed."""
        text = visit.asked("code")
        try:
            life = await self._read(lambda: self._loyal.life(text))
        except Missing as error:
            return self._desk(visit, problem=error, about="code", text=text)
        code = life.status.code
        if code.code != text:
            return RedirectResponse(link("/code", code=code.code), status_code=303)
        return self._site.page(
            "code.html", visit, life=life, code=code, words=told(life.campaign), qr=qr(code.code), limited=is_limited(life.campaign),
            once=secrets.token_urlsafe(12),
        )  # fmt: skip

    def _desk(self, visit: Visit, *, problem: AppError | None = None, about: str = "", text: str = "") -> Response:
        """`about` is the field that the problem is about; what was typed into the other one is said nowhere."""
        status = 200 if problem is None else 404 if isinstance(problem, Missing) else 422
        return self._site.page("customers.html", visit, status=status, problem=problem, about=about, text=text[:60])

    async def _read(self, look: Callable[[], T]) -> T:
        return await asyncio.to_thread(look)


def _kind(text: str) -> Named:
    """Tell what was typed: an address has an @, an account a colon, all else is a number."""
    return "email" if "@" in text else "account" if ":" in text else "phone"
