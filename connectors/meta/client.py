"""The Graph API over HTTP: the token in a header, the proof beside it, cursors for pages."""

import hashlib
import hmac
from collections.abc import AsyncIterator
from dataclasses import replace

from bridge.wire.api import Answer, JsonApi, Params
from bridge.wire.http import Http, Request, Response, Surroundings
from bridge.wire.paging import by_cursor
from bridge.wire.payload import Payload, part, text
from bridge.wire.settings import demand
from connectors.meta.judge import judge
from connectors.meta.limits import LIMITS
from connectors.meta.settings import Settings

__all__ = ["Client"]


class Client(JsonApi):
    """One catalogue. Writes say what is there, but a second one may overtake a newer: so none is repeated on its own."""

    def __init__(self, settings: Settings, around: Surroundings, *, where: str) -> None:
        demand(settings, ("access_token", "catalog_id"), where)
        self.catalog = settings.catalog_id.strip()
        self._settings = settings
        http = Http(
            around, where=where, base_url=settings.url, concurrency=LIMITS.concurrency, sign=self._sign, judge=judge,
            budget=around.budget(capacity=LIMITS.burst, per_second=LIMITS.per_second),
            secrets=(settings.access_token, settings.app_secret),
        )  # fmt: skip
        super().__init__(around, http, root=f"{settings.version.strip('/')}/")

    async def ask(self, request: Request) -> Answer:
        """Send a call; its path begins with the catalogue where it is empty or starts with a slash."""
        place = self.catalog if request.path[:1] in {"", "/"} else ""
        return await super().ask(replace(request, path=f"{place}{request.path}"))

    def pages(self, path: str, op: str, params: Params) -> AsyncIterator[tuple[Payload, Response, bool]]:
        """Walk an edge's pages: each with its answer, and whether it is the last."""

        async def fetch(cursor: str | None) -> tuple[tuple[Payload, Response, bool], str | None]:
            payload, response = await self.get(path, op, (*params, *((("after", cursor),) if cursor else ())))
            paging = part(payload, "paging")
            # `next` is the whole address of the next page, token and all: only that it is there is of use.
            following = text(part(paging, "cursors"), "after") if paging.get("next") else ""
            return (payload, response, not following), following or None

        return by_cursor(fetch)

    async def _sign(self, request: Request) -> Request:
        """Put the token into a header: in the address it would come back in every page's `next`."""
        headers = {
            **request.headers,
            "authorization": f"Bearer {self._settings.access_token}",
            "accept": "application/json",
        }
        return replace(request, headers=headers, params=(*request.params, *self._proof()))

    def _proof(self) -> Params:
        """HMAC-SHA256 of the token, keyed with the app's secret (docs/graph-api/guides/secure-requests)."""
        secret, token = self._settings.app_secret, self._settings.access_token
        return (
            (("appsecret_proof", hmac.new(secret.encode(), token.encode(), hashlib.sha256).hexdigest()),)
            if secret
            else ()
        )
