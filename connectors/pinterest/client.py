"""The Pinterest API over HTTP: JSON, and bookmarks for pages."""

from collections.abc import AsyncIterator

from bridge.contract.limits import Limits
from bridge.wire.access import Access
from bridge.wire.api import JsonApi
from bridge.wire.http import Response, Surroundings
from bridge.wire.paging import by_cursor
from bridge.wire.payload import Payload, text
from bridge.wire.settings import demand
from connectors.pinterest.access import Grants
from connectors.pinterest.judge import judge
from connectors.pinterest.settings import Settings

__all__ = ["Client"]

_NEEDED = ("app_id", "app_secret", "refresh_token", "country", "language", "catalog_id")


class Client(JsonApi):
    """One catalogue. Writes say what is there, but a second one may overtake a newer: so none is repeated on its own."""

    def __init__(self, settings: Settings, around: Surroundings, limits: Limits, *, where: str) -> None:
        demand(settings, _NEEDED, where)
        self.grants = Grants(settings, around, where=where)
        access = Access(self.grants, now=around.now)
        http = self.grants.service.pool(access, url=settings.url, judge=judge, limits=limits)
        super().__init__(around, http, self.grants.service.http, root="/v5")

    def pages(self, path: str, op: str, body: object, size: int) -> AsyncIterator[tuple[Payload, Response, bool]]:
        """Walk a list's pages: each with its answer, and whether it is the last."""

        async def fetch(cursor: str | None) -> tuple[tuple[Payload, Response, bool], str | None]:
            params = (("page_size", str(size)), *((("bookmark", cursor),) if cursor else ()))
            payload, response = await self.post(path, op, body, params)
            following = text(payload, "bookmark") or None
            return (payload, response, following is None), following

        return by_cursor(fetch)
