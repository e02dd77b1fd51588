"""eBay over HTTP: a seller's token and the application's, renewed ahead, and eBay's paging."""

from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from bridge.contract.errors import NeedsPerson
from bridge.wire.budget import Budget
from bridge.wire.http import Http, Request, Response, Surroundings
from bridge.wire.paging import by_cursor
from bridge.wire.tokens import Token, Tokens
from connectors.ebay.judge import judge, judge_token
from connectors.ebay.limits import LIMITS
from connectors.ebay.payload import Payload, text
from connectors.ebay.settings import Settings

__all__ = ["INVENTORY", "SCOPE", "Client", "escaped"]

SCOPE = "https://api.ebay.com/oauth/api_scope"
INVENTORY = "/sell/inventory/v1"
_TOKEN = "/identity/v1/oauth2/token"  # noqa: S105 - a path


class Client:
    """One seller on one site. `seller` acts for the seller, `app` for the application (keys, destinations)."""

    def __init__(self, settings: Settings, around: Surroundings, *, where: str) -> None:
        for name in ("client_id", "client_secret", "refresh_token"):
            if not getattr(settings, name):
                step = f"set the channel's `{name}` (connectors/ebay/README.md says where it is found)"
                raise NeedsPerson(f"{name} is missing", where=where, next_step=step)
        self.where = where
        self.now = around.now
        self.marketplace = settings.marketplace
        self._settings = settings
        self._around = around
        secrets = (settings.client_secret, settings.refresh_token, settings.verification_token)
        self._secrets = tuple(secret for secret in secrets if secret)
        self._tokens = self._http(judge_token)
        self.seller = self._granted({"grant_type": "refresh_token", "refresh_token": settings.refresh_token})
        self.app = self._granted({"grant_type": "client_credentials", "scope": SCOPE})

    @property
    def calls(self) -> int:
        """How many calls were sent, repeats and token requests included."""
        return self._tokens.calls + self.seller.calls + self.app.calls

    async def close(self) -> None:
        """Close all three pools."""
        for http in (self._tokens, self.seller, self.app):
            await http.aclose()

    async def get(self, path: str, op: str, params: tuple[tuple[str, str], ...] = ()) -> tuple[Payload, Response]:
        """Read something as the seller."""
        return await self.ask(Request(method="GET", path=path, op=op, params=params, repeatable=True))

    async def post(self, path: str, op: str, body: object) -> tuple[Payload, Response]:
        """Ask a question that has a body."""
        return await self.ask(Request(method="POST", path=path, op=op, repeatable=True).with_json(body))

    async def put(self, path: str, op: str, body: object, locale: str) -> None:
        """Replace a whole record: the same twice is the same."""
        words = {"content-language": locale.replace("_", "-")}
        await self.ask(Request(method="PUT", path=path, op=op, headers=words, repeatable=True).with_json(body))

    async def ask(self, request: Request, *, app: bool = False) -> tuple[Payload, Response]:
        """Send a call and read its answer, which may be empty."""
        response = await (self.app if app else self.seller).send(request)
        payload = response.json() if response.content else {}
        return payload if isinstance(payload, dict) else {}, response

    def pages(self, path: str, op: str, params: tuple[tuple[str, str], ...]) -> AsyncIterator[tuple[Payload, Response]]:
        """Walk a list by the links that eBay gives: whether `offset` counts pages or records is eBay's business.

        Where records were deleted meanwhile, later ones moved up: the page before is read again, so that none is missed.
        """
        before = 0

        async def fetch(cursor: str | None) -> tuple[tuple[Payload, Response], str | None]:
            nonlocal before
            asked = tuple(parse_qsl(cursor)) if cursor else params
            payload, response = await self.get(path, op, asked)
            total = int(payload.get("total") or 0)
            fewer, before = total < before, total
            link = text(payload, "prev" if fewer and payload.get("prev") else "next")
            return (payload, response), urlsplit(link).query or None

        return by_cursor(fetch)

    async def consented(self, *scopes: str) -> datetime:
        """Ask for a token of no more than these scopes; raises NeedsPerson (code "invalid_scope") where one is lacking."""
        form = {"grant_type": "refresh_token", "refresh_token": self._settings.refresh_token}
        return (await self._ask_token({**form, "scope": " ".join(f"{SCOPE}/{one}" for one in scopes)})).at

    def _granted(self, form: Mapping[str, str]) -> Http:
        async def fetch() -> Token:
            response = await self._ask_token(form)
            granted = response.json()
            for http in (self._tokens, self.seller, self.app):
                http.redact.add(str(granted["access_token"]))
            return Token(str(granted["access_token"]), response.at + timedelta(seconds=int(granted["expires_in"])))

        tokens, given = Tokens(fetch, now=self.now), ""

        async def sign(request: Request) -> Request:
            nonlocal given
            given = await tokens.get()
            headers = {
                "authorization": f"Bearer {given}",
                "x-ebay-c-marketplace-id": self.marketplace,
                "accept": "application/json",
            }
            return replace(request, headers={**request.headers, **headers})

        async def renew() -> bool:
            tokens.spoil(given)
            return True

        return self._http(judge, sign=sign, refresh=renew)

    async def _ask_token(self, form: Mapping[str, str]) -> Response:
        basic = b64encode(f"{self._settings.client_id}:{self._settings.client_secret}".encode()).decode()
        headers = {"authorization": f"Basic {basic}", "content-type": "application/x-www-form-urlencoded"}
        body = urlencode(form).encode()
        request = Request(method="POST", path=_TOKEN, op="ask for a token", headers=headers, body=body, repeatable=True)
        return await self._tokens.send(request)

    def _http(self, judging, **more) -> Http:  # type: ignore[no-untyped-def]
        around, settings = self._around, self._settings
        budget = Budget(capacity=LIMITS.burst, per_second=LIMITS.per_second, time=around.time, sleep=around.sleep)
        return Http(
            around, where=self.where, base_url=settings.url, budget=budget, concurrency=LIMITS.concurrency, judge=judging,
            secrets=self._secrets, **more,
        )  # fmt: skip


def escaped(part: str) -> str:
    """Write a SKU, or another name of the merchant's, as one part of a path."""
    return quote(part, safe="")
