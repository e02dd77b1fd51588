"""Etsy over HTTP: the key and the token on every call, JSON and forms, and the two ways its lists are walked."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from bridge.contract.errors import BridgeError, Gone, NeedsPerson
from bridge.wire.budget import Budget
from bridge.wire.http import Http, Request, Response, Surroundings
from bridge.wire.paging import by_cursor
from connectors.etsy.judge import judge
from connectors.etsy.limits import LIMITS, PAGE
from connectors.etsy.payload import Payload, rows, text
from connectors.etsy.settings import Settings
from connectors.etsy.tokens import Keys

__all__ = ["Client", "Params"]

Params = tuple[tuple[str, str], ...]
_ROOT = "v3/application"
# Etsy lists newest first by offset. A listing deleted while we read moves the rest up: so many are read again each time.
_AGAIN = 10
# Calls that were under way together are refused together: one renewal serves them all.
_ONCE = 30.0


class Client:
    """One shop's Etsy."""

    def __init__(self, settings: Settings, around: Surroundings, *, where: str) -> None:
        for name in ("keystring", "shared_secret", "refresh_token"):
            if not getattr(settings, name):
                raise NeedsPerson(f"no {name}", where=where, next_step=f"set the channel's `{name}` (see the README)")
        self.where = where
        self.now = around.now
        self.settings = settings
        self.keys = Keys(settings, around, where)
        self._shop = settings.shop_id
        self._access = ""
        self._time = around.time
        self._renewed = -_ONCE
        self._rate = LIMITS.per_second
        self._budget = Budget(capacity=LIMITS.burst, per_second=LIMITS.per_second, time=around.time, sleep=around.sleep)
        self.http = Http(
            around, where=where, base_url=settings.url, budget=self._budget, concurrency=LIMITS.concurrency,
            sign=self._sign, judge=self._judge, refresh=self._renew,
            secrets=(settings.shared_secret, settings.refresh_token, settings.webhook_secret),
        )  # fmt: skip

    @property
    def calls(self) -> int:
        """Calls so far, those for tokens included."""
        return self.http.calls + self.keys.http.calls

    async def close(self) -> None:
        """Close the pools."""
        await self.http.aclose()
        await self.keys.http.aclose()

    async def token(self) -> str:
        """Return the access token that calls are made with."""
        return await self.keys.access()

    async def shop(self) -> str:
        """Return the shop's number, asked for once."""
        if not self._shop:
            me, _ = await self.get("users/me", "read who the token belongs to")
            self._shop = text(me, "shop_id")
        if not self._shop:
            step = "let the owner of a shop give the app access, or set the channel's `shop_id`"
            raise NeedsPerson("the token's owner has no shop", where=self.where, next_step=step)
        return self._shop

    async def of_shop(self, path: str) -> str:
        """Return a path below the shop."""
        return f"shops/{await self.shop()}/{path}"

    async def get(self, path: str, op: str, params: Params = ()) -> tuple[Payload, Response]:
        """Read something."""
        return await self._call(Request(method="GET", path=f"{_ROOT}/{path}", op=op, params=params, repeatable=True))

    async def send(self, method: str, path: str, op: str, body: object) -> tuple[Payload, Response]:
        """Write JSON. Nothing has a key here, so a lost answer is not followed by a second try."""
        return await self._call(Request(method=method, path=f"{_ROOT}/{path}", op=op).with_json(body))

    async def form(
        self, method: str, path: str, op: str, fields: Mapping[str, str], *, repeatable: bool = False
    ) -> tuple[Payload, Response]:
        """Write a form."""
        request = Request(method=method, path=f"{_ROOT}/{path}", op=op, repeatable=repeatable)
        return await self._call(request.with_form(tuple(fields.items())))

    def listings(self, state: str, params: Params = ()) -> AsyncIterator[tuple[list[Payload], Response]]:
        """Walk the shop's listings of one state, each once, whatever is deleted meanwhile."""
        seen: set[str] = set()

        async def fetch(cursor: str | None) -> tuple[tuple[list[Payload], Response], str | None]:
            start = int(cursor or 0)
            query = (("state", state), ("limit", str(PAGE)), ("offset", str(start)), *params)
            path = await self.of_shop("listings")
            payload, response = await self.get(path, f"read {state} listings", query)
            found = rows(payload, "results")
            fresh = [one for one in found if text(one, "listing_id") not in seen]
            lost = start > 0 and bool(found) and len(fresh) == len(found)
            seen.update(text(one, "listing_id") for one in fresh)
            if lost:
                return (fresh, response), str(max(1, start - PAGE))
            return (fresh, response), _following(payload, start, len(found))

        return by_cursor(fetch)

    async def batch(
        self, path: str, op: str, ids: Sequence[str], params: Params = ()
    ) -> list[tuple[Payload, Response]]:
        """Read listings by id. One that is no more fails the whole call, so it is sought by halves and left out."""
        query = (("listing_ids", ",".join(ids)), *params)
        try:
            payload, response = await self.get(path, op, query)
        except Gone:
            if len(ids) == 1:
                return []
            half = len(ids) // 2
            return [*await self.batch(path, op, ids[:half], params), *await self.batch(path, op, ids[half:], params)]
        return [(one, response) for one in rows(payload, "results")]

    async def _call(self, request: Request) -> tuple[Payload, Response]:
        # Before the gate of the calls: a hundred that wait for the token must not keep each other out.
        self._access = await self.keys.access()
        response = await self.http.send(request)
        payload: Any = response.json() if response.status != 204 else {}
        return payload if isinstance(payload, dict) else {}, response

    async def _sign(self, request: Request) -> Request:
        settings = self.settings
        headers = {
            **request.headers,
            "x-api-key": f"{settings.keystring}:{settings.shared_secret}",
            "authorization": f"Bearer {self._access}",
            "accept": "application/json",
        }
        return replace(request, headers=headers)

    async def _renew(self) -> bool:
        """Etsy said 401: the token ended early (a password was changed, the app was given access anew)."""
        if self._time() - self._renewed > _ONCE:
            self._renewed = self._time()
            self.keys.spoil(self._access)
        self._access = await self.keys.access()
        return True

    def _judge(self, request: Request, response: Response) -> BridgeError | None:
        """Etsy tells the app's own allowance with every answer: a lower one than the usual counts."""
        told = response.headers.get("x-limit-per-second", "")
        rate = min(float(told), LIMITS.per_second) if told.isdigit() and int(told) > 0 else self._rate
        if rate != self._rate:
            self._rate = rate
            self._budget.learn(available=0, capacity=min(LIMITS.burst, rate), per_second=rate * 0.8)
        return judge(request, response)


def _following(payload: Payload, start: int, count: int) -> str | None:
    total = payload.get("count")
    if count < PAGE or (isinstance(total, int) and start + count >= total):
        return None
    return str(start + PAGE - _AGAIN)
