"""Brings webhooks over real sockets, as a platform's own servers do: five seconds to answer, redirects are failures.

One call at a time on kept-alive connections, and nothing more: httpx takes milliseconds of the core for each, and stand-ins that
are busy with that answer late, so that whoever is measured against them looks slow.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import chain
from urllib.parse import SplitResult, urlsplit

from bridge.sandbox.kit.courier import Post

__all__ = ["posting"]

TIMEOUT = 5.0
_Line = tuple[asyncio.StreamReader, asyncio.StreamWriter]
_Failures = (OSError, EOFError, ValueError, asyncio.LimitOverrunError)


@asynccontextmanager
async def posting() -> AsyncIterator[Post]:
    """Open a client for deliveries; yields what a courier's `post` wants."""
    postman = _Postman()
    try:
        yield postman.post
    finally:
        await postman.close()


@dataclass(slots=True)
class _Postman:
    """Keeps the connections that are not in use, by the receiver they lead to."""

    idle: dict[tuple[str, str], list[_Line]] = field(default_factory=lambda: defaultdict(list))

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        to = urlsplit(url)
        try:
            async with asyncio.timeout(TIMEOUT):
                return await self._exchange(to, _request(to, headers, body))
        except _Failures:
            return 0

    async def close(self) -> None:
        for _, writer in chain.from_iterable(self.idle.values()):
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _exchange(self, to: SplitResult, request: bytes) -> int:
        reader, writer = line = await self._line(to)
        kept = False
        try:
            writer.write(request)
            status, kept = await _answer(reader)
        finally:
            if kept:
                self.idle[to.scheme, to.netloc].append(line)
            else:
                writer.close()
        return status

    async def _line(self, to: SplitResult) -> _Line:
        idle = self.idle[to.scheme, to.netloc]
        while idle:
            reader, writer = idle.pop()
            if not reader.at_eof() and not writer.is_closing():
                return reader, writer
            writer.close()
        secure = to.scheme == "https"
        return await asyncio.open_connection(to.hostname, to.port or (443 if secure else 80), ssl=secure or None)


def _request(to: SplitResult, headers: Mapping[str, str], body: bytes) -> bytes:
    target = (to.path or "/") + (f"?{to.query}" if to.query else "")
    lines = [f"POST {target} HTTP/1.1", f"Host: {to.netloc}", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "\r\n"]).encode("latin-1") + body


async def _answer(reader: asyncio.StreamReader) -> tuple[int, bool]:
    """Read an answer; return its status, and whether another call may follow on this connection."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    status = int(head.split(" ", 2)[1])
    fields = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
    if "content-length" not in fields:
        return status, False
    await reader.readexactly(int(fields["content-length"]))
    return status, fields.get("connection") != "close"
