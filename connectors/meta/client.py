"""The Graph API over HTTP: the token in a header, the proof beside it, cursors for pages."""

import hashlib
import hmac
from collections.abc import AsyncIterator
from dataclasses import replace

import msgspec

from bridge.contract.errors import NeedsPerson, TryLater
from bridge.wire.budget import Budget
from bridge.wire.http import Http, Request, Response, Surroundings
from bridge.wire.paging import by_cursor
from bridge.wire.payload import Payload, part, text
from connectors.meta.judge import judge
from connectors.meta.limits import LIMITS
from connectors.meta.settings import Settings

__all__ = ["Client"]

Params = tuple[tuple[str, str], ...]


class Client:
    """One catalogue. Writes say what is there, but a second one may overtake a newer: so none is repeated on its own."""

    def __init__(self, settings: Settings, around: Surroundings, *, where: str) -> None:
        for name in ("access_token", "catalog_id"):
            if not getattr(settings, name).strip():
                raise NeedsPerson(f"no {name}", where=where, next_step=f"set the channel's `{name}`")
        self.where = where
        self.now, self.sleep = around.now, around.sleep
        self.catalog = f"{settings.version.strip('/')}/{settings.catalog_id.strip()}"
        self._version = settings.version.strip("/")
        self._settings = settings
        self.http = Http(
            around,
            where=where,
            base_url=settings.url,
            budget=Budget(capacity=LIMITS.burst, per_second=LIMITS.per_second, time=around.time, sleep=around.sleep),
            concurrency=LIMITS.concurrency,
            sign=self._sign,
            judge=judge,
            secrets=(settings.access_token, settings.app_secret),
        )

    async def get(self, path: str, op: str, params: Params = ()) -> tuple[Payload, Response]:
        """Read something; `path` begins with the catalogue where it is empty or starts with a slash."""
        place = f"{self.catalog}{path}" if path[:1] in {"", "/"} else f"{self._version}/{path}"
        return await self._call(Request(method="GET", path=place, op=op, params=params, repeatable=True))

    async def post(self, path: str, op: str, body: bytes) -> tuple[Payload, Response]:
        """Send a body that was written down before, byte for byte, and once."""
        headers = {"content-type": "application/json"}
        return await self._call(Request(method="POST", path=f"{self.catalog}{path}", op=op, body=body, headers=headers))

    def pages(self, path: str, op: str, params: Params) -> AsyncIterator[tuple[Payload, Response, bool]]:
        """Walk an edge's pages: each with its answer, and whether it is the last."""

        async def fetch(cursor: str | None) -> tuple[tuple[Payload, Response, bool], str | None]:
            payload, response = await self.get(path, op, (*params, *((("after", cursor),) if cursor else ())))
            paging = part(payload, "paging")
            # `next` is the whole address of the next page, token and all: only that it is there is of use.
            following = text(part(paging, "cursors"), "after") if paging.get("next") else ""
            return (payload, response, not following), following or None

        return by_cursor(fetch)

    async def _call(self, request: Request) -> tuple[Payload, Response]:
        response = await self.http.send(request)
        try:
            payload = response.json()
        except TryLater as error:
            error.where = error.where or self.where
            raise
        return payload if isinstance(payload, dict) else {}, response

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


def encode(value: object) -> bytes:
    """Write a body as JSON."""
    return msgspec.json.encode(value)
