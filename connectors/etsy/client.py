"""Etsy over HTTP: the key and the token on every call, JSON and forms, and the two ways its lists are walked."""

from collections.abc import AsyncIterator, Mapping, Sequence

from bridge.contract.errors import BridgeError, Gone, NeedsPerson
from bridge.wire.access import Access, TokenService
from bridge.wire.api import Answer, JsonApi, Params
from bridge.wire.http import Request, Response, Surroundings
from bridge.wire.paging import by_cursor
from bridge.wire.payload import Payload, rows, text
from bridge.wire.rotation import Rotation
from bridge.wire.settings import demand
from connectors.etsy.judge import judge, judge_token
from connectors.etsy.limits import LIMITS, PAGE
from connectors.etsy.settings import Settings

__all__ = ["Client"]

# Etsy lists newest first by offset. A listing deleted while we read moves the rest up: so many are read again each time.
_AGAIN = 10


class Client(JsonApi):
    """One shop's Etsy."""

    def __init__(self, settings: Settings, around: Surroundings, *, where: str) -> None:
        demand(settings, ("keystring", "shared_secret", "refresh_token"), where, "see the README")
        self.settings = settings
        secrets = (settings.shared_secret, settings.refresh_token, settings.webhook_secret)
        service = TokenService(
            around, where=where, url=settings.url, path="v3/public/oauth/token", judge=judge_token, secrets=secrets
        )
        form = {"client_id": settings.keystring}
        tokens = Rotation(service, around, name=f"etsy:{where}", refresh=settings.refresh_token, form=form)
        key = {"x-api-key": f"{settings.keystring}:{settings.shared_secret}"}
        self.access = Access(tokens, now=around.now, headers=key)
        self._shop = settings.shop_id
        self._rate = LIMITS.per_second
        http = service.pool(self.access, url=settings.url, judge=self._judge, limits=LIMITS)
        super().__init__(around, http, service.http, root="v3/application/", access=self.access)

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

    async def form(
        self, method: str, path: str, op: str, fields: Mapping[str, str], *, repeatable: bool = False
    ) -> Answer:
        """Write a form."""
        request = Request(method=method, path=path, op=op, repeatable=repeatable)
        return await self.ask(request.with_form(tuple(fields.items())))

    def listings(self, state: str, params: Params = ()) -> AsyncIterator[tuple[list[Payload], Response]]:
        """Walk the shop's listings of one state, each once, whatever is deleted meanwhile."""
        seen: set[str] = set()

        async def fetch(cursor: str | None) -> tuple[tuple[list[Payload], Response], str | None]:
            start = int(cursor or 0)
            query = (("state", state), ("limit", str(PAGE)), ("offset", str(start)), *params)
            payload, response = await self.get(await self.of_shop("listings"), f"read {state} listings", query)
            found = rows(payload, "results")
            fresh = new(found, seen)
            if start > 0 and found and len(fresh) == len(found):
                # None of those that are read again: more was deleted than that.
                return (fresh, response), str(max(1, start - PAGE))
            return (fresh, response), _following(payload, start, len(found))

        return by_cursor(fetch)

    async def batch(self, path: str, op: str, ids: Sequence[str], params: Params = ()) -> list[Answer]:
        """Read listings by id. One that is no more fails the whole call, so it is sought by halves and left out."""
        try:
            payload, response = await self.get(path, op, (("listing_ids", ",".join(ids)), *params))
        except Gone:
            if len(ids) == 1:
                return []
            half = len(ids) // 2
            return [*await self.batch(path, op, ids[:half], params), *await self.batch(path, op, ids[half:], params)]
        return [(one, response) for one in rows(payload, "results")]

    def _judge(self, request: Request, response: Response) -> BridgeError | None:
        """Etsy tells the app's own allowance with every answer: a lower one than the usual counts."""
        told = response.headers.get("x-limit-per-second", "")
        half = int(told) / 2 if told.isdigit() and int(told) > 0 else self._rate
        rate = min(half, LIMITS.per_second)
        if rate != self._rate:
            self._rate = rate
            # As with the usual allowance: burst and rate together stay within any second.
            self.http.budget.learn(available=0, capacity=rate, per_second=rate)
        return judge(request, response)


def new(found: Sequence[Payload], seen: set[str]) -> list[Payload]:
    """Return the listings that were not seen yet, and note them."""
    fresh = [one for one in found if text(one, "listing_id") not in seen]
    seen.update(text(one, "listing_id") for one in fresh)
    return fresh


def _following(payload: Payload, start: int, count: int) -> str | None:
    total = payload.get("count")
    if count < PAGE or (isinstance(total, int) and start + count >= total):
        return None
    return str(start + PAGE - _AGAIN)
