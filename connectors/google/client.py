"""The Merchant API over HTTP: JSON, page tokens, and many calls in one batch."""

from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Sequence
from datetime import datetime

from bridge.contract.errors import BridgeError, TryLater
from bridge.wire.access import Access
from bridge.wire.api import JsonApi
from bridge.wire.batching import BOUNDARY, Part, Piece, pack, unpack
from bridge.wire.http import Request, Response, Surroundings
from bridge.wire.paging import by_cursor
from bridge.wire.payload import Payload, text
from bridge.wire.settings import demand
from connectors.google.access import Grants
from connectors.google.judge import judge
from connectors.google.limits import LIMITS
from connectors.google.settings import Settings

__all__ = ["Client"]


class Client(JsonApi):
    """One account. A stock write may be overtaken by a newer one: so none is repeated on its own."""

    def __init__(self, settings: Settings, around: Surroundings, *, where: str) -> None:
        demand(settings, ("account", "data_source"), where)
        self.account = f"accounts/{settings.account.strip()}"
        self.source = f"{self.account}/dataSources/{settings.data_source.strip()}"
        stock = settings.stock_source.strip()
        self.stock_source = f"{self.account}/dataSources/{stock}" if stock else ""
        self._labels = f"{settings.language.strip()}~{settings.feed_label.strip()}"
        grants = Grants(settings, around, where=where)
        access = Access(grants, now=around.now)
        http = grants.service.pool(access, url=settings.url, judge=judge, limits=LIMITS)
        super().__init__(around, http, grants.service.http)

    def name(self, sku: str) -> str:
        """Return the last part of a product's name in the encoded form, which takes any character."""
        return urlsafe_b64encode(f"{self._labels}~{sku}".encode()).rstrip(b"=").decode()

    def pages(self, path: str, op: str, size: int) -> AsyncIterator[tuple[Payload, Response, bool]]:
        """Walk a list's pages: each with its answer, and whether it is the last."""

        async def fetch(cursor: str | None) -> tuple[tuple[Payload, Response, bool], str | None]:
            params = (("pageSize", str(size)), *((("pageToken", cursor),) if cursor else ()))
            payload, response = await self.get(path, op, params)
            following = text(payload, "nextPageToken") or None
            return (payload, response, following is None), following

        return by_cursor(fetch)

    async def together(self, api: str, op: str, pieces: Sequence[Piece]) -> tuple[list[Part], datetime]:
        """Read many things in one call."""
        return await self.batch(api, op, pack(pieces), len(pieces), repeatable=True)

    async def batch(
        self, api: str, op: str, body: bytes, count: int, *, repeatable: bool = False
    ) -> tuple[list[Part], datetime]:
        """Send a batch that was written down before; one answer a call, in their order. Raises TryLater where some are missing."""
        headers = {"content-type": f"multipart/mixed; boundary={BOUNDARY}"}
        response = await self.http.send(
            Request(method="POST", path=f"batch/{api}/v1", op=op, body=body, headers=headers, repeatable=repeatable)
        )
        parts = unpack(response.headers.get("content-type", ""), response.content, count)
        found = [part for part in parts if part is not None]
        if len(found) < count:
            # A page instead of a batch, or one that was cut: `json` tells what came instead.
            if not found:
                response.json()
            raise TryLater(
                f"{op}: {count - len(found)} of {count} answers are missing", where=self.where, maybe_applied=True
            )
        return found, response.at

    def named(self, error: BridgeError) -> BridgeError:
        """Put the channel's name into the error of a call within a batch."""
        error.where = self.where
        return error
