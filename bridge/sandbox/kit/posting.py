"""Brings webhooks over real sockets, as a platform's own servers do, and tries addresses: five seconds to answer, redirects
are failures."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import httpx

from bridge.sandbox.kit.courier import Ask, Post

__all__ = ["asking", "posting"]

TIMEOUT = 5.0


@asynccontextmanager
async def posting() -> AsyncIterator[Post]:
    """Open a client for deliveries; yields what a courier's `post` wants."""
    async with _client() as client:

        async def post(url: str, headers: Mapping[str, str], body: bytes) -> int:
            try:
                answer = await client.post(url, headers=dict(headers), content=body)
            except httpx.HTTPError:
                return 0
            return answer.status_code

        yield post


@asynccontextmanager
async def asking() -> AsyncIterator[Ask]:
    """Open a client for questions; yields what a courier's `ask` wants."""
    async with _client() as client:

        async def ask(url: str) -> tuple[int, bytes]:
            try:
                answer = await client.get(url)
            except httpx.HTTPError:
                return 0, b""
            return answer.status_code, answer.content

        yield ask


def _client() -> httpx.AsyncClient:
    return httpx.AsyncClient(timeout=TIMEOUT, follow_redirects=False, trust_env=False)
