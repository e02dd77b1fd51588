"""The forms: what a person sets right with a button. Each does one thing, wakes the daemon, and goes back to the list."""

from starlette.responses import RedirectResponse, Response

from bridge.app.errors import AppError
from bridge.app.results import Retried
from bridge.webserver.pages.site import Site, Visit
from bridge.webserver.pages.words import counted

__all__ = ["Acts"]


class Acts:
    """What there is to do."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._app = site.web.app

    async def approve(self, visit: Visit) -> Response:
        """POST /approve: let a channel's plan through."""
        channel = visit.form.get("channel", "")
        done = self._app.approve(channel)
        self._site.web.poke()
        told = f"{counted(done.rows, 'write')} to {channel} approved ({counted(done.units, 'unit')}): they go out now."
        return self._back(visit, told if done.rows else f"Nothing is held back on {channel} any more.")

    async def retry(self, visit: Visit) -> Response:
        """POST /retry: take one parked item back in, or all of them."""
        done = await self._app.retry(_chosen(visit.form.get("id", "")))
        self._site.web.poke()
        return self._back(visit, _told(done))

    def _back(self, visit: Visit, notice: str) -> Response:
        self._site.notify(visit.session, notice)
        return RedirectResponse("/parked", status_code=303)


def _chosen(text: str) -> list[int] | None:
    """Read which items are meant: a number, or "all"."""
    if text == "all":
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise AppError("the form does not say which item is meant", next_step="load the page of parked items again")
    return [int(text)]


def _told(done: Retried) -> str:
    if not done.retried and not done.refused:
        return "Nothing is parked any more."
    parts = [f"{counted(len(done.retried), 'item')} taken back in."] if done.retried else []
    links = sum(one.subject == "order" for one in done.refused)
    if links:
        parts.append(
            f"{counted(links, 'order')} stayed parked: link the products first with `bridge link CHANNEL LISTING SKU`."
        )
    if any(one.subject == "plan" for one in done.refused):
        parts.append("A plan is approved, not tried again.")
    if any(one.is_question for one in done.refused):
        parts.append("What asks something of you stayed parked: take it off by itself once it is answered.")
    return " ".join(parts)
