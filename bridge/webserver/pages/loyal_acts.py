"""What a clerk does with a code: claims a use and keys the discount in, then captures or releases it; or closes the code.

Each page carries a name of its own (`once`), and so does each form on it: sent twice, by a double click or by a page that is loaded
again, it is done once.
"""

import hashlib
import re

import msgspec
from starlette.responses import RedirectResponse, Response

from bridge.app.answers import ClaimAnswer
from bridge.app.errors import AppError
from bridge.app.loyal_results import CodeLine
from bridge.app.serving import Kept, Once
from bridge.webserver.pages.site import Site, Visit, link

__all__ = ["LoyalActs"]

# The page is no token: no token has this name.
_PAGE = ""
_ONCE = re.compile(r"[\w-]{8,64}", re.ASCII)


class LoyalActs:
    """What there is to do with codes."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._loyal = site.web.app.serving.loyal

    async def claim(self, visit: Visit) -> Response:
        """POST /code/claim"""
        form = visit.form
        who = form.get("customer", "").replace("\x00", "").strip()
        if len(who) > 320:
            raise AppError("that is nobody's e-mail or phone", next_step="leave it out, or type it in again")
        kept = self._loyal.claim(_once(visit), form.get("code", ""), form.get("channel", ""), None, named=who)
        claim = msgspec.json.decode(kept.body, type=ClaimAnswer)
        until = f" until {claim.expires_at:%H:%M} UTC" if claim.expires_at is not None else ""
        told = f"Key in at {claim.channel}: {claim.discount.says}. It is promised{until}: capture it once it is paid."
        return self._back(visit, kept, claim.code, told)

    async def capture(self, visit: Visit) -> Response:
        """POST /code/capture"""
        order = visit.form.get("order", "").replace("\x00", "").strip()
        if len(order) > 120 or not order.isprintable():
            raise AppError("that is no number of an order", next_step="leave it out, or copy it from the till")
        kept = self._loyal.capture(_once(visit), visit.form.get("claim", ""), order)
        claim = msgspec.json.decode(kept.body, type=ClaimAnswer)
        return self._back(visit, kept, claim.code, f"Used at {claim.channel}.")

    async def release(self, visit: Visit) -> Response:
        """POST /code/release"""
        kept = self._loyal.release(_once(visit), visit.form.get("claim", ""))
        claim = msgspec.json.decode(kept.body, type=ClaimAnswer)
        return self._back(visit, kept, claim.code, f"The use at {claim.channel} is given back.")

    async def close(self, visit: Visit) -> Response:
        """POST /code/close"""
        kept = self._loyal.close(_once(visit), visit.form.get("code", ""))
        code = msgspec.json.decode(kept.body, type=CodeLine)
        return self._back(visit, kept, code.code, f"{code.code} is closed; it goes off every channel now.")

    def _back(self, visit: Visit, kept: Kept, code: str, notice: str) -> Response:
        if kept.repeated:
            # What was answered then may be over by now.
            notice = "That was done already: this is how it stands."
        else:
            self._site.web.poke()
        self._site.notify(visit.session, notice)
        return RedirectResponse(link("/code", code=code), status_code=303)


def _once(visit: Visit) -> Once:
    """The name of this very form: that of its page, and a fingerprint of what it says."""
    key = visit.form.get("once", "")
    if not _ONCE.fullmatch(key):
        raise AppError("the form is not whole", next_step="load the page of the code again")
    said = {name: value for name, value in visit.form.items() if name not in {"form", "once"}}
    digest = hashlib.sha256(msgspec.json.encode([visit.request.url.path, said], order="sorted")).hexdigest()
    return Once(token=_PAGE, key=f"{key}-{digest[:16]}", digest=digest)
