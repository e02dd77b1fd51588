"""The pages that are looked at: each reads one picture, beside the event loop, and renders it."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from starlette.responses import RedirectResponse, Response

from bridge.app import picture
from bridge.engine.hooks import hook_url
from bridge.webserver.pages.site import Site, Visit, link

__all__ = ["Views"]

T = TypeVar("T")


class Views:
    """What there is to see."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._app = site.web.app

    async def overview(self, visit: Visit) -> Response:
        """GET /"""
        shown = await self._read(lambda: picture.overview(self._app))
        health = {one.channel: one for one in self._site.web.health().channels}
        live = visit.asked("live") == "1"
        return self._site.page("overview.html", visit, picture=shown, health=health, live=live)

    async def search(self, visit: Visit) -> Response:
        """GET /search: goes straight to a SKU that is called so, lists what is like it otherwise."""
        text = visit.asked("q")
        found = await self._read(lambda: picture.find(self._app, text)) if text else None
        if found is not None and found.exact is not None:
            return RedirectResponse(link("/why", sku=found.exact), status_code=303)
        return self._site.page("search.html", visit, text=text, found=found)

    async def why(self, visit: Visit) -> Response:
        """GET /why"""
        why = await self._read(lambda: self._app.why(visit.asked("sku"), limit=30))
        return self._site.page("why.html", visit, why=why)

    async def orders(self, visit: Visit) -> Response:
        """GET /orders"""
        text, channel, before = visit.asked("number"), visit.asked("channel"), visit.asked("before")
        page = await self._read(lambda: picture.orders(self._app, text=text, channel=channel, before=before))
        return self._site.page("orders.html", visit, page=page, text=text, channel=channel, first=not before)

    async def order(self, visit: Visit) -> Response:
        """GET /order"""
        lines = await self._read(lambda: picture.order(self._app, visit.asked("channel"), visit.asked("id")))
        return self._site.page("order.html", visit, lines=lines)

    async def trouble(self, visit: Visit) -> Response:
        """GET /trouble"""
        return self._site.page("trouble.html", visit, trouble=await self._read(lambda: picture.trouble(self._app)))

    async def parked(self, visit: Visit) -> Response:
        """GET /parked"""
        return self._site.page("parked.html", visit, parked=await self._read(lambda: picture.parked(self._app)))

    async def hooks(self, visit: Visit) -> Response:
        """GET /webhooks"""
        channels, failures = await self._read(lambda: picture.hooks(self._app))
        public = self._app.loaded.config.daemon.public_url
        urls = {one.channel: hook_url(public, one.channel) if public else "" for one in channels}
        return self._site.page("webhooks.html", visit, channels=channels, failures=failures, urls=urls)

    async def events(self, visit: Visit) -> Response:
        """GET /events"""
        return self._site.page("events.html", visit, outbox=await self._read(lambda: picture.outbox(self._app)))

    async def missing(self, visit: Visit) -> Response:
        """GET of anything else"""
        return self._site.error(visit, 404, "there is no such page", "go to the overview, or search for a SKU")

    async def _read(self, look: Callable[[], T]) -> T:
        """Read in a thread: a page over 300,000 numbers takes some tenths of a second, in which webhooks must not wait."""
        return await asyncio.to_thread(look)
