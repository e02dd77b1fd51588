"""Answers of a stand-in, recorded to files and played back: what is measured then is the bridge alone."""

import hashlib
from pathlib import Path

import httpx
import msgspec

__all__ = ["Playback", "Recorder"]

Kept = tuple[int, list[tuple[bytes, bytes]], bytes]


class Recorder(httpx.AsyncBaseTransport):
    """Passes calls on, and keeps each answer in `folder`."""

    def __init__(self, inner: httpx.AsyncBaseTransport, folder: Path) -> None:
        self.inner = inner
        self.folder = folder

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        file = self.folder / await _name(request)
        answer = await self.inner.handle_async_request(request)
        kept: Kept = (answer.status_code, answer.headers.raw, await answer.aread())
        file.write_bytes(msgspec.msgpack.encode(kept))
        return answer


class Playback(httpx.AsyncBaseTransport):
    """Answers with what was recorded for the same method, address and body; anything else is an error."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.answered = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        file = self.folder / await _name(request)
        assert file.exists(), f"{request.method} {request.url} was not recorded"
        status, headers, body = msgspec.msgpack.decode(file.read_bytes(), type=Kept)
        self.answered += 1
        return httpx.Response(status, headers=headers, content=body, request=request)


async def _name(request: httpx.Request) -> str:
    body = await request.aread()
    asked = b"\n".join([request.method.encode(), str(request.url).encode(), body])
    return hashlib.blake2b(asked, digest_size=16).hexdigest()
