"""A scripted Square: it answers what a test lays out, path by path, and keeps every request."""

import json
import random
from collections import defaultdict
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from bridge.contract.ports import Connector
from bridge.wire.http import Surroundings
from connectors.square import Settings, connect

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
PAYLOADS = Path(__file__).parent / "payloads"


class Stub:
    """Answers per path in the order laid out, the last one again and again; `sent` are the requests as (method, path, body)."""

    def __init__(self) -> None:
        self.now = NOW
        self.sent: list[tuple[str, str, Any]] = []
        self.headers: list[httpx.Headers] = []
        self._answers: defaultdict[str, list[httpx.Response | Exception]] = defaultdict(list)
        self.connector: Connector = connect(Settings(access_token="sq0atp-secret"), self._around(), where="till")

    def answer(self, path: str, payload: object, status: int = 200, **headers: str) -> None:
        """Lay out the next answer at a path."""
        self._answers[path].append(httpx.Response(status, json=payload, headers=headers))

    def lose(self, path: str) -> None:
        """Let the next call at a path arrive and its answer be lost."""
        self._answers[path].append(httpx.ReadError("cut"))

    def bodies(self, path: str) -> list[Any]:
        """Return the bodies sent to a path."""
        return [body for _, found, body in self.sent if found == path]

    @staticmethod
    def load(name: str) -> Any:
        """Read a payload file."""
        return json.loads((PAYLOADS / name).read_text())

    def _around(self) -> Surroundings:
        async def sleep(seconds: float) -> None:
            self.now += timedelta(seconds=seconds)

        return Surroundings(
            now=lambda: self.now,
            time=lambda: self.now.timestamp(),  # noqa: PLW0108 - `now` moves
            sleep=sleep,
            rng=random.Random(1),
            transport=httpx.MockTransport(self._handle),
        )

    def _handle(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content) if request.content else None
        self.sent.append((request.method, request.url.path, body))
        self.headers.append(request.headers)
        waiting = self._answers[request.url.path]
        assert waiting, f"nothing laid out for {request.url.path}"
        answer = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        if isinstance(answer, Exception):
            raise answer
        date = {"date": self.now.strftime("%a, %d %b %Y %H:%M:%S GMT")}
        return httpx.Response(answer.status_code, content=answer.content, headers={**date, **answer.headers})


@pytest.fixture
async def square(anyio_backend: str) -> AsyncIterator[Stub]:
    """A connector whose Square is scripted."""
    stub = Stub()
    yield stub
    assert stub.connector.close is not None
    await stub.connector.close()
