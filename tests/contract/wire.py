"""The network between connector and stand-in: it keeps a record, has timeouts, and can be tampered with."""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx

__all__ = ["Call", "Wire"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request as it left the connector; `at` is the simulated time in seconds."""

    method: str
    host: str
    path: str
    headers: httpx.Headers
    body: bytes
    at: float


@dataclass(slots=True)
class Wire(httpx.AsyncBaseTransport):
    """Hands requests to a transport, as a network would.

    `spoils` are (pattern, replacement) applied to answers; `redirect` is where every call is sent on to instead. `calls` are
    those that a test asks about; `all` has also those whose path matches `tokens`, which fetch an access token when one is due.
    """

    inner: httpx.AsyncBaseTransport
    time: Callable[[], float]
    tokens: str = ""
    calls: list[Call] = field(default_factory=list)
    all: list[Call] = field(default_factory=list)
    spoils: list[tuple[str, str]] = field(default_factory=list)
    redirect: str = ""
    in_flight: int = 0
    most_in_flight: int = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Record the call and answer it; gives up when the client's own time limit is over, as a socket would."""
        url, body = request.url, await request.aread()
        call = Call(
            method=request.method, host=url.host, path=url.path, headers=request.headers, body=body, at=self.time()
        )
        self.all.append(call)
        if not self.tokens or re.search(self.tokens, url.path) is None:
            self.calls.append(call)
        if self.redirect:
            return httpx.Response(307, headers={"location": self.redirect}, request=request)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            async with asyncio.timeout(request.extensions["timeout"]["read"]):
                return self._spoiled(await self.inner.handle_async_request(request))
        except TimeoutError as error:
            raise httpx.ReadTimeout("the read operation timed out", request=request) from error
        finally:
            self.in_flight -= 1

    def _spoiled(self, answer: httpx.Response) -> httpx.Response:
        if not self.spoils:
            return answer
        text = answer.content.decode()
        for pattern, replacement in self.spoils:
            text = re.sub(pattern, replacement, text)
        headers = [(name, value) for name, value in answer.headers.items() if name != "content-length"]
        return httpx.Response(answer.status_code, headers=headers, content=text.encode(), request=answer.request)
