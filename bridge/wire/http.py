"""The one place where HTTP leaves the house: a pooled client per channel with that platform's manners.

A connector describes a call (`Request`) and reads the answer (`Response`). Waiting for the budget, sending, retrying,
and turning whatever went wrong into one of the four errors happens here.
"""

import asyncio
import logging
import math
import random
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Any
from urllib.parse import urlencode

import httpx
import msgspec
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt

from bridge.contract.errors import BridgeError, Gone, NeedsPerson, Refused, TryLater
from bridge.wire.budget import Budget
from bridge.wire.redact import Redactor
from bridge.wire.vault import Memory, Vault

__all__ = [
    "Http", "Judge", "Request", "Response", "Surroundings", "default_judge", "retry_after", "snippet", "stranger", "unauthorized",
]  # fmt: skip

_log = logging.getLogger("bridge.wire")
# httpx logs every address at INFO, query included, and WooCommerce's keys and signatures stand in the query.
logging.getLogger("httpx").setLevel(logging.WARNING)
_LOOKS_SECRET = Redactor()
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One call. `op` names it in errors ("read products"). `path` is joined to the base URL; an absolute URL is kept.

    `repeatable`: sending it twice does no harm (a read, or a write with an idempotency key), so it may be retried after
    a lost answer. `cost` is in the budget's unit; `budget` is the one that counts where an operation has its own (Amazon).
    """

    method: str
    path: str
    op: str
    params: tuple[tuple[str, str], ...] = ()
    body: bytes | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    repeatable: bool = False
    cost: float = 1.0
    budget: Budget | None = field(default=None, repr=False, compare=False)

    def with_json(self, value: object) -> "Request":
        """Return this call with a JSON body."""
        return replace(
            self, body=msgspec.json.encode(value), headers={**self.headers, "content-type": "application/json"}
        )

    def with_form(self, pairs: Sequence[tuple[str, str]]) -> "Request":
        """Return this call with a form in its body."""
        form = {"content-type": "application/x-www-form-urlencoded"}
        return replace(self, body=urlencode(pairs).encode(), headers={**self.headers, **form})


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """An answer. `at` is the platform's time from its Date header, ours if it sent none."""

    op: str
    status: int
    headers: Mapping[str, str]
    content: bytes = field(repr=False)
    at: datetime
    ms: float
    where: str = ""
    redact: Redactor = field(default=_LOOKS_SECRET, repr=False, compare=False)

    def json(self) -> Any:
        """Decode the body; raises TryLater when it is not JSON (a maintenance page, a proxy's error, a cut answer)."""
        try:
            return msgspec.json.decode(self.content)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            kind = "a web page instead of JSON" if self.content.lstrip()[:1] == b"<" else "something that is not JSON"
            text = self.redact(snippet(self.content))
            raise TryLater(
                f"{self.op}: the server answered {kind} (HTTP {self.status}): {text}",
                where=self.where,
                next_step="open the channel's url in a browser: is it the shop itself, and is it in maintenance?",
                maybe_applied=True,
            ) from error


def snippet(content: bytes, limit: int = 160) -> str:
    """Return the beginning of a body for an error text."""
    text = " ".join(content[: limit * 4].decode("utf-8", "replace").split())
    return text[:limit] + ("..." if len(text) > limit else "")


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Read Retry-After, in seconds or as a date; None where it is absent or unreadable."""
    value = headers.get("retry-after", "")
    try:
        seconds = float(value)
    except ValueError:
        pass
    else:
        return max(0.0, seconds) if math.isfinite(seconds) else None
    try:
        return max(0.0, (parsedate_to_datetime(value) - now).total_seconds())
    except (ValueError, TypeError):
        return None


def default_judge(request: Request, response: Response) -> BridgeError | None:  # noqa: PLR0911 - one return a kind
    """Say which of the four errors an answer is, by its status alone; None when it is a success."""
    status, text = response.status, f"{request.op}: HTTP {response.status}: {snippet(response.content)}"
    if status < 300:
        return None
    if status < 400:
        target = response.headers.get("location", "an unnamed place")
        return NeedsPerson(
            f"{request.op}: the server redirects to {target}",
            code=str(status),
            next_step="put that address into the channel's url",
        )
    if status in {401, 403}:
        return NeedsPerson(text, code=str(status), next_step="check the channel's credentials with `bridge check`")
    if status in {404, 410}:
        return Gone(text, code=str(status))
    if status == 429:
        return TryLater(text, code="429", after=retry_after(response.headers, response.at))
    if status >= 500 or status == 408:
        after = retry_after(response.headers, response.at)
        return TryLater(text, code=str(status), after=after, maybe_applied=True)
    return Refused(text, code=str(status))


def stranger(
    request: Request, response: Response, api: str, step: str = "leave the channel's `url` out"
) -> BridgeError | None:
    """Judge an answer that is not in the API's own form: a proxy's, or one of an address that is somebody else's."""
    if response.status in {404, 405}:
        what = f"{request.op}: there is no {api} at this address (HTTP {response.status})"
        return NeedsPerson(what, code=str(response.status), next_step=step)
    return default_judge(request, response)


def unauthorized(response: Response) -> bool:
    """Tell whether another access token could help: the usual sign that one is good no more."""
    return response.status == 401


Judge = Callable[[Request, Response], BridgeError | None]
Sign = Callable[[Request], Awaitable[Request]]


async def _unsigned(request: Request) -> Request:
    return request


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the outside world is for the wire: real in production, simulated in tests. Passed in, never looked up.

    `vault` keeps tokens that a platform replaces as they are used: in production it is the database.
    """

    now: Callable[[], datetime]
    time: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]]
    rng: random.Random
    transport: httpx.AsyncBaseTransport | None = None
    user_agent: str = "commerce-bridge"
    attempts: int = 5
    timeout: float = 30.0
    vault: Vault = field(default_factory=Memory, repr=False)

    def budget(self, *, capacity: float = 1.0, per_second: float = 0.0) -> Budget:
        """Return a bucket that fills by this clock; without a rate it lets everybody through."""
        return Budget(capacity=capacity, per_second=per_second, time=self.time, sleep=self.sleep)


class Http:
    """One channel's client: pooled connections, at most `concurrency` calls in flight, its budget, its retries."""

    def __init__(
        self,
        around: Surroundings,
        *,
        where: str,
        base_url: str,
        budget: Budget,
        concurrency: int = 8,
        sign: Sign = _unsigned,
        judge: Judge = default_judge,
        refresh: Callable[[], Awaitable[bool]] | None = None,
        is_stale: Callable[[Response], bool] = unauthorized,
        secrets: tuple[str, ...] = (),
        verify: bool = True,
    ) -> None:
        self.where = where
        self.redact = Redactor(secrets)
        self.budget = budget
        self.calls = 0
        self._around = around
        self._sign = sign
        self._judge = judge
        self._refresh = refresh
        self._is_stale = is_stale
        # httpx's pool collapses at 32 calls at once and is fine at 8 (encode/httpcore issue 1035).
        self._gate = asyncio.Semaphore(concurrency)
        self._base = base_url.rstrip("/")
        self._client = httpx.AsyncClient(
            transport=around.transport,
            timeout=around.timeout,
            follow_redirects=False,
            verify=_trusted() if verify and around.transport is None else verify,
            trust_env=False,
            headers={"user-agent": around.user_agent},
            limits=httpx.Limits(max_connections=concurrency, max_keepalive_connections=concurrency),
        )

    @property
    def url(self) -> str:
        """The base URL, without a slash at its end."""
        return self._base

    async def send(self, request: Request) -> Response:
        """Send a call and return its answer; raises one of the four errors, with this channel's name in it."""
        retrying = AsyncRetrying(
            stop=stop_after_attempt(self._around.attempts),
            retry=retry_if_exception(lambda error: _may_repeat(request, error)),
            wait=self._wait,
            sleep=self._around.sleep,
            reraise=True,
        )
        unsure = False
        try:
            async for attempt in retrying:
                with attempt:
                    try:
                        return await self._once(request)
                    except BridgeError as error:
                        unsure = unsure or error.maybe_applied
                        raise
        except BridgeError as error:
            error.maybe_applied = unsure
            raise self._named(error) from error.__cause__
        raise AssertionError("tenacity reraises")  # pragma: no cover

    async def aclose(self) -> None:
        """Close the pool."""
        await self._client.aclose()

    async def _once(self, request: Request, *, renewed: bool = False) -> Response:
        budget = request.budget or self.budget
        await budget.take(request.cost)
        async with self._gate:
            response = await self._exchange(await self._sign(request))
        error = self._judge(request, response)
        if error is None:
            return response
        if self._refresh and not renewed and self._is_stale(response) and await self._refresh():
            return await self._once(request, renewed=True)
        if isinstance(error, TryLater) and error.after:
            budget.pause(error.after)
        raise error

    async def _exchange(self, request: Request) -> Response:
        url = request.path if "://" in request.path else f"{self._base}/{request.path.lstrip('/')}"
        started = self._around.time()
        self.calls += 1
        try:
            raw = await self._client.request(
                request.method,
                url,
                params=list(request.params) or None,
                content=request.body,
                headers=dict(request.headers),
            )
        except httpx.HTTPError as error:
            raise self._network_error(request, error) from error
        ms = (self._around.time() - started) * 1000
        _log.debug("http.call %s %s %s %d %.0f ms", self.where, request.method, request.op, raw.status_code, ms)
        # httpx (0.28) ties an answer and its stream into a ring, so its body would stay until the collector comes by: a page of
        # orders each time. Read to its end, the stream is of no more use.
        raw.stream = httpx.ByteStream(b"")
        return Response(
            op=request.op, status=raw.status_code, headers=raw.headers, content=raw.content, at=self._date(raw), ms=ms,
            where=self.where, redact=self.redact,
        )  # fmt: skip

    def _date(self, raw: httpx.Response) -> datetime:
        try:
            return parsedate_to_datetime(raw.headers["date"]).astimezone(UTC)
        except (KeyError, ValueError, TypeError):
            return self._around.now()

    def _network_error(self, request: Request, error: httpx.HTTPError) -> BridgeError:
        if isinstance(error, httpx.UnsupportedProtocol):
            return NeedsPerson(f"{request.op}: {error}", next_step="write the channel's url with https:// in front")
        sent = not isinstance(error, _NEVER_SENT)
        what = str(error) or type(error).__name__
        return TryLater(
            f"{request.op}: {'no answer came back' if sent else 'could not connect'} ({what})",
            code=type(error).__name__,
            maybe_applied=sent,
            next_step=f"is {self._base} reachable from this machine?",
        )

    def _wait(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, TryLater) and error.after is not None:
            return error.after + self._around.rng.uniform(0, 0.25)
        return self._around.rng.uniform(0.5, 1.0) * min(30.0, 0.5 * 2.0 ** (state.attempt_number - 1))

    def _named(self, error: BridgeError) -> BridgeError:
        error.where = error.where or self.where
        error.what, error.next_step = self.redact(error.what), self.redact(error.next_step)
        error.args = (error.what,)
        return error


@cache
def _trusted() -> ssl.SSLContext:
    """The certificates that are trusted, read once for all channels: reading them takes longer than most calls."""
    return httpx.create_ssl_context(trust_env=False)


def _may_repeat(request: Request, error: BaseException) -> bool:
    return isinstance(error, TryLater) and (request.repeatable or not error.maybe_applied)
