"""The Selling Partner API over HTTP: two kinds of access tokens, and a budget for every operation."""

from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlencode

from bridge.contract.errors import NeedsPerson, TryLater
from bridge.wire.budget import Budget
from bridge.wire.http import Http, Request, Response, Surroundings
from bridge.wire.tokens import Token, Tokens
from connectors.amazon.judge import is_stale, judge, judge_token
from connectors.amazon.limits import LIMITS, Op
from connectors.amazon.payload import Payload
from connectors.amazon.settings import Settings

__all__ = ["Client"]

_SCOPE = "sellingpartnerapi::notifications"
_DESTINATIONS = "notifications/v1/destinations"
_SUBSCRIPTIONS = "notifications/v1/subscriptions"
Params = tuple[tuple[str, str], ...]


class Client:
    """One seller's account in one marketplace. No call is signed: the access token is all (docs/connecting-to-the-sp-api)."""

    def __init__(self, settings: Settings, around: Surroundings, *, where: str) -> None:
        self.where = where
        self.settings = settings
        self.market = settings.marketplace
        self.now = around.now
        self._around = around
        self._budgets: dict[str, Budget] = {}
        secrets = (settings.client_secret, settings.refresh_token, settings.aws_secret_access_key)
        self._tokens = {
            False: Tokens(lambda: self._fetch(grantless=False), now=around.now),
            True: Tokens(lambda: self._fetch(grantless=True), now=around.now),
        }
        self._given = {False: "", True: ""}
        free = Budget(capacity=1, per_second=0, time=around.time, sleep=around.sleep)
        self.http = Http(
            around, where=where, base_url=settings.url, budget=free, concurrency=LIMITS.concurrency, sign=self._sign,
            judge=judge, refresh=self._renew, is_stale=is_stale, secrets=secrets,
        )  # fmt: skip
        self.grants = Http(
            around, where=where, base_url=settings.tokens, budget=free, judge=judge_token, secrets=secrets
        )

    async def call(
        self,
        op: Op,
        method: str,
        path: str,
        what: str,
        *,
        params: Params = (),
        body: object = None,
        repeatable: bool = False,
    ) -> tuple[Payload, Response]:
        """Make one call of an operation, within its rate. Reads may be repeated."""
        request = Request(
            method=method,
            path=path,
            op=what,
            params=params,
            repeatable=repeatable or method == "GET",
            budget=self._budget(op),
        )
        response = await self.http.send(request if body is None else request.with_json(body))
        payload = response.json() if response.content else {}
        if not isinstance(payload, dict):
            raise TryLater(f"{what}: the answer is no JSON object", where=self.where, maybe_applied=True)
        return payload, response

    async def store(self, url: str, what: str, content: bytes | None, content_type: str = "") -> bytes:
        """Write a document to the address that Amazon gave for it, or read one; no token goes there."""
        headers = {"content-type": content_type} if content_type else {}
        method = "GET" if content is None else "PUT"
        request = Request(method=method, path=url, op=what, body=content, headers=headers, repeatable=True)
        return (await self.http.send(request)).content

    def here(self, *more: tuple[str, str]) -> Params:
        """Return the parameters of a call about this marketplace."""
        return (("marketplaceIds", self.market), *more)

    async def aclose(self) -> None:
        """Close both pools."""
        await self.http.aclose()
        await self.grants.aclose()

    def _budget(self, op: Op) -> Budget:
        if op.name not in self._budgets:
            around = self._around
            self._budgets[op.name] = Budget(
                capacity=op.burst, per_second=op.per_second, time=around.time, sleep=around.sleep
            )
        return self._budgets[op.name]

    async def _sign(self, request: Request) -> Request:
        if "://" in request.path:
            return request
        grantless = request.path.startswith(_DESTINATIONS) or (
            request.method == "DELETE" and request.path.startswith(_SUBSCRIPTIONS)
        )
        token = self._given[grantless] = await self._tokens[grantless].get()
        return replace(request, headers={**request.headers, "x-amz-access-token": token})

    async def _renew(self) -> bool:
        for grantless, token in self._given.items():
            self._tokens[grantless].spoil(token)
        return True

    async def _fetch(self, *, grantless: bool) -> Token:
        settings = self.settings
        form = {"client_id": settings.client_id, "client_secret": settings.client_secret}
        if grantless:
            form |= {"grant_type": "client_credentials", "scope": _SCOPE}
        else:
            form |= {"grant_type": "refresh_token", "refresh_token": settings.refresh_token}
        request = Request(
            method="POST", path=settings.tokens, op="ask for an access token", body=urlencode(form).encode(), repeatable=True,
            headers={"content-type": "application/x-www-form-urlencoded;charset=UTF-8"},
        )  # fmt: skip
        try:
            response = await self.grants.send(request)
        except TryLater as error:
            # The call that wanted the token has not left.
            error.maybe_applied = False
            raise
        return self._read(response)

    def _read(self, response: Response) -> Token:
        granted = response.json()
        if not isinstance(granted, dict) or not isinstance(granted.get("access_token"), str):
            what = "ask for an access token: the answer holds none"
            raise NeedsPerson(what, where=self.where, next_step="leave the channel's `login_url` out")
        self.http.redact.add(granted["access_token"])
        return Token(granted["access_token"], response.at + timedelta(seconds=float(granted.get("expires_in") or 3600)))
