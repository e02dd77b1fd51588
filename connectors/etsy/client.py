"""Etsy over HTTP: the key and the token on every call, JSON and forms, and the two ways its lists are walked."""

from collections.abc import AsyncIterator, Mapping, Sequence

from bridge.contract.errors import BridgeError, NeedsPerson
from bridge.wire.access import Access, TokenService
from bridge.wire.api import Answer, JsonApi, Params
from bridge.wire.http import Request, Response, Surroundings
from bridge.wire.paging import by_halves, by_offset
from bridge.wire.payload import Payload, rows, text
from bridge.wire.rotation import Rotation
from bridge.wire.settings import demand
from connectors.etsy.judge import judge, judge_token
from connectors.etsy.limits import LIMITS, PAGE
from connectors.etsy.settings import Settings

__all__ = ["Client"]

# So many listings of each page are read again.
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
        """Walk the shop's listings of one state, newest first, each once, whatever is deleted meanwhile."""

        async def fetch(start: int) -> tuple[list[Payload], Response, int | None]:
            query = (("state", state), ("limit", str(PAGE)), ("offset", str(start)), *params)
            payload, response = await self.get(await self.of_shop("listings"), f"read {state} listings", query)
            total = payload.get("count")
            return rows(payload, "results"), response, total if isinstance(total, int) else None

        return by_offset(fetch, lambda one: text(one, "listing_id"), PAGE, _AGAIN)

    async def batch(self, path: str, op: str, ids: Sequence[str], params: Params = ()) -> list[Answer]:
        """Read listings by id; those that are no more are left out."""

        async def fetch(some: Sequence[str]) -> list[Answer]:
            payload, response = await self.get(path, op, (("listing_ids", ",".join(some)), *params))
            return [(one, response) for one in rows(payload, "results")]

        return await by_halves(fetch, ids)

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
