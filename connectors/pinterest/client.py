"""The Pinterest API over HTTP: JSON, and bookmarks for pages."""

from collections.abc import AsyncIterator

from bridge.contract.errors import NeedsPerson, TryLater
from bridge.contract.limits import Limits
from bridge.wire.budget import Budget
from bridge.wire.http import Http, Request, Response, Surroundings
from bridge.wire.paging import by_cursor
from bridge.wire.payload import Payload, text
from connectors.pinterest.access import Access
from connectors.pinterest.judge import judge
from connectors.pinterest.settings import Settings

__all__ = ["Client"]

Params = tuple[tuple[str, str], ...]
_NEEDED = ("app_id", "app_secret", "refresh_token", "country", "language", "catalog_id")


class Client:
    """One catalogue. Writes say what is there, but a second one may overtake a newer: so none is repeated on its own."""

    def __init__(self, settings: Settings, around: Surroundings, limits: Limits, *, where: str) -> None:
        for name in _NEEDED:
            if not getattr(settings, name).strip():
                raise NeedsPerson(f"no {name}", where=where, next_step=f"set the channel's `{name}`")
        self.where = where
        self.now, self.sleep = around.now, around.sleep
        self.access = Access(settings, around, where=where)
        self.http = Http(
            around,
            where=where,
            base_url=settings.url,
            budget=Budget(capacity=limits.burst, per_second=limits.per_second, time=around.time, sleep=around.sleep),
            concurrency=limits.concurrency,
            sign=self.access.sign,
            judge=judge,
            refresh=self.access.renew,
            secrets=(settings.app_secret, settings.refresh_token),
        )
        self.access.on_token = self.http.redact.add

    async def get(self, path: str, op: str, params: Params = ()) -> tuple[Payload, Response]:
        """Read something."""
        return await self._call(Request(method="GET", path=f"/v5{path}", op=op, params=params, repeatable=True))

    async def ask(self, path: str, op: str, body: object, params: Params = ()) -> tuple[Payload, Response]:
        """Ask a question that has a body."""
        request = Request(method="POST", path=f"/v5{path}", op=op, params=params, repeatable=True)
        return await self._call(request.with_json(body))

    async def write(self, path: str, op: str, body: bytes) -> tuple[Payload, Response]:
        """Send a body that was written down before, byte for byte, and once."""
        headers = {"content-type": "application/json"}
        return await self._call(Request(method="POST", path=f"/v5{path}", op=op, body=body, headers=headers))

    def pages(self, path: str, op: str, body: object, size: int) -> AsyncIterator[tuple[Payload, Response, bool]]:
        """Walk a list's pages: each with its answer, and whether it is the last."""

        async def fetch(cursor: str | None) -> tuple[tuple[Payload, Response, bool], str | None]:
            params = (("page_size", str(size)), *((("bookmark", cursor),) if cursor else ()))
            payload, response = await self.ask(path, op, body, params)
            following = text(payload, "bookmark") or None
            return (payload, response, following is None), following

        return by_cursor(fetch)

    async def aclose(self) -> None:
        """Close both pools."""
        await self.http.aclose()
        await self.access.http.aclose()

    async def _call(self, request: Request) -> tuple[Payload, Response]:
        response = await self.http.send(request)
        try:
            payload = response.json()
        except TryLater as error:
            error.where = error.where or self.where
            raise
        return payload if isinstance(payload, dict) else {}, response
