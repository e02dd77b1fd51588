"""The Merchant API over HTTP: JSON, page tokens, and many calls in one batch."""

from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Sequence
from datetime import datetime

from bridge.contract.errors import NeedsPerson, TryLater
from bridge.wire.budget import Budget
from bridge.wire.http import Http, Request, Response, Surroundings
from bridge.wire.paging import by_cursor
from bridge.wire.payload import Payload, text
from connectors.google.access import Access
from connectors.google.batching import BOUNDARY, Part, Piece, pack, unpack
from connectors.google.judge import judge
from connectors.google.limits import LIMITS
from connectors.google.settings import Settings

__all__ = ["Client"]


class Client:
    """One account. A stock write may be overtaken by a newer one: so none is repeated on its own."""

    def __init__(self, settings: Settings, around: Surroundings, *, where: str) -> None:
        for name in ("account", "data_source"):
            if not getattr(settings, name).strip():
                raise NeedsPerson(f"no {name}", where=where, next_step=f"set the channel's `{name}`")
        self.where = where
        self.now = around.now
        self.account = f"accounts/{settings.account.strip()}"
        self.source = f"{self.account}/dataSources/{settings.data_source.strip()}"
        stock = settings.stock_source.strip()
        self.stock_source = f"{self.account}/dataSources/{stock}" if stock else ""
        self._labels = f"{settings.language.strip()}~{settings.feed_label.strip()}"
        self.access = Access(settings, around, where=where)
        self.http = Http(
            around,
            where=where,
            base_url=settings.url,
            budget=Budget(capacity=LIMITS.burst, per_second=LIMITS.per_second, time=around.time, sleep=around.sleep),
            concurrency=LIMITS.concurrency,
            sign=self.access.sign,
            judge=judge,
            refresh=self.access.renew,
            secrets=(settings.service_account,),
        )
        self.access.on_token = self.http.redact.add

    def name(self, sku: str) -> str:
        """Return the last part of a product's name in the encoded form, which takes any character."""
        return urlsafe_b64encode(f"{self._labels}~{sku}".encode()).rstrip(b"=").decode()

    async def get(self, path: str, op: str, params: tuple[tuple[str, str], ...] = ()) -> tuple[Payload, Response]:
        """Read something."""
        response = await self.http.send(Request(method="GET", path=path, op=op, params=params, repeatable=True))
        try:
            payload = response.json()
        except TryLater as error:
            error.where = error.where or self.where
            raise
        return payload if isinstance(payload, dict) else {}, response

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

    async def aclose(self) -> None:
        """Close both pools."""
        await self.http.aclose()
        await self.access.http.aclose()
