"""Square over HTTP: signing, and posting JSON with the platform's paging."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta

import msgspec

from bridge.contract.errors import NeedsPerson, TryLater
from bridge.wire.budget import Budget
from bridge.wire.http import Http, Request, Response, Surroundings
from bridge.wire.paging import by_cursor
from connectors.square.judge import judge
from connectors.square.limits import LIMITS, OLDEST_VERSION
from connectors.square.payload import Payload
from connectors.square.settings import Settings

__all__ = ["Client"]

_RIGHT = timedelta(seconds=1)
_TRAVEL = timedelta(seconds=10)


class Client:
    """One seller's Square. Every write carries an idempotency key, so every call may be repeated after a lost answer."""

    def __init__(self, settings: Settings, around: Surroundings, *, where: str) -> None:
        if not settings.access_token:
            raise NeedsPerson("no access token", where=where, next_step="set the channel's `access_token`")
        if settings.version < OLDEST_VERSION:
            what = f"version {settings.version} writes stock in a way that Square has retired"
            raise NeedsPerson(what, where=where, next_step=f"set the channel's `version` to {OLDEST_VERSION} or later")
        self.where = where
        self.now = around.now
        self._gap: timedelta | None = None
        self._settings = settings
        self.http = Http(
            around,
            where=where,
            base_url=settings.url,
            budget=Budget(capacity=LIMITS.burst, per_second=LIMITS.per_second, time=around.time, sleep=around.sleep),
            concurrency=LIMITS.concurrency,
            sign=self._sign,
            judge=judge,
            secrets=(settings.access_token, settings.webhook_signature_key),
        )

    def square_now(self) -> datetime:
        """Return Square's time as its answers told it, never noticeably later than it is there.

        Square refuses what occurs in the future, and passes over what occurs before a stocktake that came after it: stamped by
        a clock that is slow, a change of stock would be lost without a word.
        """
        ahead = self._gap or timedelta(0)
        # A Date header has whole seconds and the answer travels: below one second a clock is right.
        return self.now() if timedelta(0) <= ahead <= _RIGHT else self.now() - ahead

    async def get(self, path: str, op: str, params: tuple[tuple[str, str], ...] = ()) -> tuple[Payload, Response]:
        """Read one object, or one page of a list."""
        return await self._call(Request(method="GET", path=path, op=op, params=params, repeatable=True))

    async def delete(self, path: str, op: str) -> tuple[Payload, Response]:
        """Delete one object. Deleted already is Gone."""
        return await self._call(Request(method="DELETE", path=path, op=op, repeatable=True))

    async def post(self, path: str, op: str, body: object) -> tuple[Payload, Response]:
        """Ask a question that has a body (or none)."""
        request = Request(method="POST", path=path, op=op, repeatable=True)
        return await self._call(request if body is None else request.with_json(body))

    async def write(self, path: str, op: str, body: object, *, method: str = "POST") -> tuple[Payload, Response]:
        """Change something; the body carries its idempotency key. A TryLater may have been applied all the same."""
        return await self.write_text(path, op, msgspec.json.encode(body).decode(), method=method)

    async def write_text(self, path: str, op: str, body: str, *, method: str = "POST") -> tuple[Payload, Response]:
        """Change something with a body that was written down before, byte for byte."""
        headers = {"content-type": "application/json"}
        request = Request(method=method, path=path, op=op, body=body.encode(), headers=headers, repeatable=True)
        return await self._call(request)

    def pages(self, path: str, op: str, body: dict[str, object]) -> AsyncIterator[tuple[Payload, Response, bool]]:
        """Walk a search's pages: each with its answer, and whether it is the last. The query stays the same throughout."""

        async def fetch(cursor: str | None) -> tuple[tuple[Payload, Response, bool], str | None]:
            payload, response = await self.post(path, op, {**body, "cursor": cursor} if cursor else body)
            following = payload.get("cursor") or None
            return (payload, response, following is None), following

        return by_cursor(fetch)

    async def _call(self, request: Request) -> tuple[Payload, Response]:
        response = await self.http.send(request)
        self._learn(self.now() - response.at)
        try:
            payload = response.json()
        except TryLater as error:
            error.where = error.where or self.where
            raise
        return payload if isinstance(payload, dict) else {}, response

    def _learn(self, gap: timedelta) -> None:
        """Keep the smallest gap, which is nearest to the truth: travel only adds to it. A jump is a clock that was set."""
        if self._gap is None or not timedelta(0) <= gap - self._gap <= _TRAVEL:
            self._gap = gap

    async def _sign(self, request: Request) -> Request:
        headers = {
            **request.headers,
            "authorization": f"Bearer {self._settings.access_token}",
            "square-version": self._settings.version,
            "accept": "application/json",
        }
        return replace(request, headers=headers)
