"""A scripted server under simulated time: what the wire sends, when, and what it makes of the answers."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any, TypeVar

import httpx

from bridge.sandbox.kit.loop import SimulatedLoop, run_simulated
from bridge.wire.budget import Budget
from bridge.wire.http import Http, Request, Surroundings

T = TypeVar("T")
Answer = httpx.Response | Exception | Callable[[httpx.Request], httpx.Response]
READ = Request(method="GET", path="things", op="read things", repeatable=True)
WRITE = Request(method="POST", path="things", op="write things")


def simulate(main: Callable[["Server"], Coroutine[Any, Any, T]], *answers: Answer, **options: Any) -> T:
    """Run a test against a server that gives these answers in turn, the last one for ever."""
    loop = SimulatedLoop()
    asyncio.set_event_loop(loop)
    try:
        return run_simulated(_with_server(main, Server(loop, answers, **options)), loop)
    finally:
        asyncio.set_event_loop(None)


async def _with_server(main: Callable[["Server"], Coroutine[Any, Any, T]], server: "Server") -> T:
    try:
        return await main(server)
    finally:
        await server.http.aclose()


class Server:
    """`sent` are the requests that arrived, as (simulated second, request). `latency` is how long an answer takes."""

    def __init__(
        self,
        loop: SimulatedLoop,
        answers: tuple[Answer, ...],
        *,
        latency: float = 0.0,
        attempts: int = 5,
        capacity: float = 1.0,
        per_second: float = 0.0,
        **more: Any,
    ) -> None:
        self.loop = loop
        self.answers = list(answers) or [httpx.Response(200, json={})]
        self.latency = latency
        self.sent: list[tuple[float, httpx.Request]] = []
        self.budget = Budget(capacity=capacity, per_second=per_second, time=loop.time, sleep=asyncio.sleep)
        self.around = Surroundings(
            now=loop.now, time=loop.time, sleep=asyncio.sleep, rng=random.Random(1), transport=httpx.MockTransport(self._handle),
            attempts=attempts,
        )  # fmt: skip
        self.http = Http(self.around, where="shop", base_url="https://shop.test/api/", budget=self.budget, **more)

    @property
    def times(self) -> list[float]:
        """When each request arrived, in seconds since the start."""
        return [when for when, _ in self.sent]

    def http_date(self, ahead: float) -> str:
        """Return the moment `ahead` seconds from now as HTTP spells it."""
        moment: datetime = self.loop.now() + timedelta(seconds=ahead)
        return moment.strftime("%a, %d %b %Y %H:%M:%S GMT")

    async def _handle(self, request: httpx.Request) -> httpx.Response:
        self.sent.append((self.loop.time(), request))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if self.latency:
            await asyncio.sleep(self.latency)
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, httpx.Response):
            return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)
        return answer(request)


async def failure(call: Awaitable[object]) -> Any:
    """Return the error a call ends in; an AssertionError if it does not."""
    try:
        result = await call
    except Exception as error:  # noqa: BLE001 - the caller looks at it
        return error
    raise AssertionError(f"it answered {result}")
