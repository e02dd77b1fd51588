"""What every page shares: the templates, the style sheet, what is said once after something was done, and how an error is told."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import jinja2
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from bridge.webserver.auth import Session
from bridge.webserver.pages import charts, words
from bridge.webserver.web import Web

__all__ = ["Site", "Visit"]

_HERE = Path(__file__).parent
_NOTICES = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One request of somebody who may look. `session` is None for a script with a token: it reads and does nothing else."""

    request: Request
    session: Session | None
    form: Mapping[str, str] = field(default_factory=dict, repr=False)

    def asked(self, name: str) -> str:
        """Return a parameter of the address, "" if it is not given. PostgreSQL knows no text with a NUL in it."""
        return self.request.query_params.get(name, "").replace("\x00", "").strip()


@cache
def assets() -> Mapping[str, bytes]:
    """Return the style sheets and pictures, by name."""
    return {path.name: path.read_bytes() for path in (_HERE / "static").iterdir()}


def asset(name: str) -> str:
    """Return the address of a style sheet or picture, which changes whenever its content does: browsers keep it for ever."""
    return f"/static/{name}?{hashlib.sha256(assets()[name]).hexdigest()[:12]}"


@cache
def _environment() -> jinja2.Environment:
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(words.FILTERS)
    made.globals.update(bars=charts.bars, share=charts.share, asset=asset, link=link)
    return made


class Site:
    """Renders pages."""

    def __init__(self, web: Web) -> None:
        self.web = web
        self.assets = assets()
        self._notices: dict[str, str] = {}

    def page(self, template: str, visit: Visit, *, status: int = 200, **values: Any) -> Response:
        """Render a page for somebody who may look."""
        session = visit.session
        form, notice = ("", "") if session is None else (session.form, self._notices.pop(session.id, ""))
        return self.bare(template, status=status, path=visit.request.url.path, form=form, notice=notice, **values)

    def bare(self, template: str, *, status: int = 200, **values: Any) -> Response:
        """Render a page that anybody may see."""
        shown = {"path": "", "form": "", "notice": "", **values}
        return HTMLResponse(_environment().get_template(template).render(shown), status_code=status)

    def notify(self, session: Session | None, text: str) -> None:
        """Say on a person's next page what came of what was done. Kept in memory only, and only for the newest hundred."""
        if session is not None:
            self._notices[session.id] = text
        while len(self._notices) > _NOTICES:
            self._notices.pop(next(iter(self._notices)))

    def error(self, visit: Visit | None, status: int, what: str, step: str, where: str = "") -> Response:
        """Tell an error: what, where, and what to do next."""
        values = {"what": what, "step": step, "where": where, "inside": visit is not None}
        if visit is None:
            return self.bare("error.html", status=status, **values)
        return self.page("error.html", visit, status=status, **values)


def link(page: str, **query: str) -> str:
    """Return the address of a page with a query; what is empty is left out."""
    told = {name: value for name, value in query.items() if value}
    return f"{page}?{urlencode(told, errors='replace')}" if told else page
