"""Access tokens of OAuth 2.0: traded at a token service, put into every call, renewed where one was refused (RFC 6749)."""

from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

from bridge.contract.errors import NeedsPerson, TryLater
from bridge.contract.limits import Limits
from bridge.wire.http import Http, Judge, Request, Response, Surroundings, unauthorized
from bridge.wire.payload import Odd, Payload, answered, text, units
from bridge.wire.redact import Redactor
from bridge.wire.tokens import Token, Tokens

__all__ = ["Access", "Granted", "Source", "TokenService", "basic"]

# One renewal serves all calls that are refused within so long.
_ONCE = timedelta(seconds=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """What a token service answered. `until` is the token's end (None: it names none), `at` the service's time."""

    token: str = field(repr=False)
    until: datetime | None
    at: datetime
    told: Payload = field(repr=False)


class TokenService:
    """Where a channel's tokens are traded for what the merchant configured. Its calls have no rate of their own."""

    def __init__(
        self,
        around: Surroundings,
        *,
        where: str,
        url: str,
        path: str,
        judge: Judge,
        secrets: tuple[str, ...],
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.http = Http(around, where=where, base_url=url, budget=around.budget(), judge=judge, secrets=secrets)
        self._around = around
        self._secrets = secrets
        # Who else may come to show a token in a text.
        self.redactors: list[Redactor] = [self.http.redact]
        self._request = Request(
            method="POST", path=path, op="ask for an access token", headers=headers or {}, repeatable=True
        )

    async def trade(self, form: Mapping[str, str]) -> Granted:
        """Ask for an access token; raises NeedsPerson where the grant is refused, and TryLater where the answer holds none."""
        try:
            response = await self.http.send(self._request.with_form(tuple(form.items())))
        except TryLater as error:
            # The call that wanted the token has not left.
            error.maybe_applied = False
            raise
        try:
            told = answered(response)
            token, lives = text(told, "access_token"), units(told, "expires_in")
        except Odd:
            token, lives = "", None
        if not token:
            what, step = (
                f"{response.op}: the answer holds none",
                "leave the channel's `url` (or that of its token service) out",
            )
            raise TryLater(what, where=self.http.where, next_step=step)
        self.conceal(token)
        return Granted(
            token=token, until=response.at + timedelta(seconds=lives) if lives else None, at=response.at, told=told
        )

    async def lacking(
        self, form: Mapping[str, str], scopes: Sequence[str], prefix: str = ""
    ) -> tuple[frozenset[str], datetime]:
        """Return those of the scopes that a grant lacks, and the service's time. `prefix` stands before their names in the form.

        They are asked for together, and one by one only where that is refused (RFC 6749, 5.2: "invalid_scope").
        """

        async def ask(*names: str) -> datetime | None:
            try:
                return (await self.trade({**form, "scope": " ".join(f"{prefix}{name}" for name in names)})).at
            except NeedsPerson as error:
                if error.code != "invalid_scope":
                    raise
                return None

        if at := await ask(*scopes):
            return frozenset(), at
        each = {name: await ask(name) for name in scopes}
        times = [one for one in each.values() if one is not None]
        return frozenset(name for name, one in each.items() if one is None), max(times, default=self._around.now())

    def tokens(self, form: Mapping[str, str]) -> Tokens:
        """Return the tokens that are traded for this form whenever one is due."""

        async def fetch() -> Token:
            granted = await self.trade(form)
            return Token(granted.token, granted.until)

        return Tokens(fetch, now=self._around.now)

    def pool(
        self,
        access: "Access",
        *,
        url: str,
        judge: Judge,
        limits: Limits,
        is_stale: Callable[[Response], bool] = unauthorized,
    ) -> Http:
        """Return a client whose calls carry the tokens of an access; its texts conceal whatever is traded here."""
        http = Http(
            self._around, where=self.http.where, base_url=url, judge=judge, is_stale=is_stale, secrets=self._secrets,
            budget=self._around.budget(capacity=limits.burst, per_second=limits.per_second), concurrency=limits.concurrency,
            sign=access.sign, refresh=access.renew,
        )  # fmt: skip
        self.redactors.append(http.redact)
        return http

    def conceal(self, secret: str) -> None:
        """Keep a secret that was just handed out, or is about to be sent, out of every text."""
        for redact in self.redactors:
            redact.add(secret)


class Source(Protocol):
    """Where an access gets its tokens from: `Tokens`, or a `Rotation`."""

    async def get(self) -> str:
        """Return a token that is good for some minutes."""

    def spoil(self, value: str) -> None:
        """The platform does not take this token."""


class Access:
    """Puts the tokens of one grant into calls. `headers` stand beside them.

    `header` and `scheme` say where the token stands; RFC 6750's is `Authorization: Bearer`.
    """

    def __init__(
        self,
        tokens: Source,
        *,
        now: Callable[[], datetime],
        header: str = "authorization",
        scheme: str = "Bearer ",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self._tokens = tokens
        self._now = now
        self._header, self._scheme = header, scheme
        self._headers = {"accept": "application/json", **(headers or {})}
        self._given = ""
        self._renewed = datetime.min.replace(tzinfo=UTC)

    async def token(self) -> str:
        """Return the token that calls are made with."""
        return await self._tokens.get()

    async def sign(self, request: Request) -> Request:
        """Put the current token into the call."""
        self._given = await self._tokens.get()
        token = {self._header: f"{self._scheme}{self._given}"}
        return replace(request, headers={**self._headers, **request.headers, **token})

    async def renew(self) -> bool:
        """Drop the token that was refused; the next call fetches another. Calls that were under way together are refused together."""
        if self._now() - self._renewed > _ONCE:
            self._renewed = self._now()
            self._tokens.spoil(self._given)
        return True


def basic(user: str, password: str) -> dict[str, str]:
    """Return the header of HTTP's basic authentication, as most token services want an app's id and secret."""
    return {"authorization": f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"}
