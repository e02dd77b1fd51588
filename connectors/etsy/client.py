"""Etsy over HTTP: the key and the token on every call, the two ways its lists are walked, and what its refusals mean."""

from collections.abc import AsyncIterator, Sequence

from bridge.contract.errors import BridgeError, NeedsPerson
from bridge.wire.access import Access, TokenService
from bridge.wire.api import Answer, JsonApi, Params
from bridge.wire.http import Request, Response, Surroundings, default_judge
from bridge.wire.judging import error_of, judge_grants, kind_of
from bridge.wire.paging import by_halves, by_offset
from bridge.wire.payload import Payload, decoded, rows, text
from bridge.wire.rotation import Rotation
from bridge.wire.settings import demand
from connectors.etsy.limits import LIMITS, PAGE
from connectors.etsy.settings import Settings

__all__ = ["Client"]

# So many listings of each page are read again.
_REREAD = 10
_AGAIN = "give the app access to the shop again"
_STEPS = {
    "insufficient_scope": f"{_AGAIN} with all scopes that the connector's README names",
    "person": "check the channel's `refresh_token` and `shop_id` with `bridge check`",
    "refused": "mend it on Etsy or at its source, then `bridge retry`",
}
_judge_token = judge_grants({"": f"{_AGAIN}, and set the channel's `refresh_token` (see the connector's README)"})


class Client(JsonApi):
    """One shop's Etsy."""

    def __init__(self, settings: Settings, around: Surroundings, *, where: str) -> None:
        demand(settings, ("keystring", "shared_secret", "refresh_token"), where, "see the README")
        self.settings = settings
        secrets = (settings.shared_secret, settings.refresh_token, settings.webhook_secret)
        service = TokenService(
            around, where=where, url=settings.url, path="v3/public/oauth/token", judge=_judge_token, secrets=secrets
        )
        form = {"client_id": settings.keystring}
        tokens = Rotation(service, around, name=f"etsy:{where}", refresh=settings.refresh_token, form=form)
        key = {"x-api-key": f"{settings.keystring}:{settings.shared_secret}"}
        self.access = Access(tokens, now=around.now, headers=key)
        self._shop = settings.shop_id
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

    def listings(self, state: str, params: Params = ()) -> AsyncIterator[tuple[list[Payload], Response]]:
        """Walk the shop's listings of one state, newest first, each once, whatever is deleted meanwhile."""

        async def fetch(start: int) -> tuple[list[Payload], Response, int | None]:
            query = (("state", state), ("limit", str(PAGE)), ("offset", str(start)), *params)
            payload, response = await self.get(await self.of_shop("listings"), f"read {state} listings", query)
            total = payload.get("count")
            return rows(payload, "results"), response, total if isinstance(total, int) else None

        return by_offset(fetch, lambda one: text(one, "listing_id"), PAGE, _REREAD)

    async def batch(self, path: str, op: str, ids: Sequence[str], params: Params = ()) -> list[Answer]:
        """Read listings by id; those that are no more are left out."""

        async def fetch(some: Sequence[str]) -> list[Answer]:
            payload, response = await self.get(path, op, (("listing_ids", ",".join(some)), *params))
            return [(one, response) for one in rows(payload, "results")]

        return await by_halves(fetch, ids)

    def _judge(self, request: Request, response: Response) -> BridgeError | None:
        """Etsy tells the app's own allowance with every answer: a lower one than the usual counts."""
        told = response.headers.get("x-limit-per-second", "")
        if told.isdecimal() and int(told) > 0:
            # Half of it as burst and half as rate, as with the usual one.
            self.http.budget.keep_to(min(int(told) / 2, LIMITS.per_second))
        return _verdict(request, response)


def _verdict(request: Request, response: Response) -> BridgeError | None:
    """Read {"error": ...}, some with `error_description`. Say which of the four errors an answer is; None when it is a success."""
    told = decoded(response.content)
    error = told.get("error")
    kind = kind_of(response.status)
    if response.status < 300 or not isinstance(error, str) or not error or kind == "gone" or response.status >= 500:
        return default_judge(request, response)
    step = _STEPS.get(error) or _STEPS.get(kind, "")
    if kind == "person" and "api key" in error.lower():
        step = "check the channel's `keystring` and `shared_secret` (etsy.com/developers/your-apps)"
    code = error[:40] if kind == "person" else str(response.status)
    more = f": {told['error_description']}" if told.get("error_description") else ""
    return error_of(kind, f"{request.op}: {error}{more}", response, code=code, step=step)
