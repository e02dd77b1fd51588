"""/hooks/<channel>: where the platforms deliver (POST), and try the address first (GET). Takes the bytes in, within limits, and
hands them to the inbox.

Plain ASGI: everything between the socket and the inbox costs every delivery.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from starlette.routing import BaseRoute, Route
from starlette.types import Message, Receive, Scope, Send

from bridge.contract.webhooks import Delivery
from bridge.engine.hooks import hook_url
from bridge.engine.inbox import Inbox
from bridge.webserver.web import Web

__all__ = ["Hooks", "routes"]

# Shopify's largest are products with thousands of variants, some MB; Square and WooCommerce stay far below.
MOST_BYTES = 5 * 1024 * 1024
# A whole delivery has to be here within so many seconds: platforms send theirs in one go and wait 5 s (Shopify) to 60 s
# (WooCommerce) for the answer.
MOST_SECONDS = 10.0
# Large deliveries that are being taken in hold no more memory than this together; small ones always come in.
_SMALL = 64 * 1024
_TOGETHER = 64 * 1024 * 1024

_TEXTS = {
    200: b"",  # nobody reads it, and head and body would be two packets
    401: b"the signature does not match: is this channel's webhook secret right? `bridge webhooks` says\n",
    404: b"no such channel, or one without webhooks\n",
    405: b"webhooks are delivered by POST\n",
    408: b"the delivery did not arrive in time\n",
    413: b"the delivery is larger than 5 MiB\n",
    503: b"not stored: come again later\n",
}


class _RefusedError(Exception):
    """The request is not taken in to its end; `status` is the answer."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class _GoneError(Exception):
    """The client has hung up."""


@dataclass(slots=True)
class Hooks:
    """The endpoint. `public_url` is the address that the platforms know; what the request calls itself is not believed."""

    inbox: Inbox
    public_url: str
    seconds: float = MOST_SECONDS
    _held: int = field(default=0, init=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["method"] == "GET" and (greeting := self._greeting(scope)) is not None:
            for message in _messages(200, greeting, kind=b"application/json"):
                await send(message)
            return
        try:
            status = await self._taken(scope, receive)
        except _RefusedError as refused:
            # Its body may not have been read to the end, so nothing else can follow on this connection.
            await _answer(send, refused.status, closing=True)
        except _GoneError:
            return
        else:
            await _answer(send, status)

    def _greeting(self, scope: Scope) -> bytes | None:
        """Answer a platform that tries the address; None where this is no such question."""
        channel: str = scope["path_params"]["channel"]
        query = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
        return self.inbox.answer(channel, query, hook_url(self.public_url, channel))

    async def _taken(self, scope: Scope, receive: Receive) -> int:
        channel: str = scope["path_params"]["channel"]
        if scope["method"] != "POST":
            raise _RefusedError(405)
        if not self.inbox.knows(channel):
            raise _RefusedError(404)
        headers = _headers(scope["headers"])
        if _announced(headers) > MOST_BYTES:
            raise _RefusedError(413)
        body = await self._body(receive)
        query = scope["query_string"].decode("latin-1")
        url = hook_url(self.public_url, channel) + (f"?{query}" if query else "")
        return await self.inbox.receive(channel, Delivery(body=body, headers=headers, url=url))

    async def _body(self, receive: Receive) -> bytes:
        """Read a body to its end; by the loop's clock, so that simulated time counts too."""
        try:
            async with asyncio.timeout(self.seconds):
                message = await _next(receive)
                body: bytes = message.get("body", b"")
                if message.get("more_body", False):
                    return await self._rest(body, receive)
        except TimeoutError:
            raise _RefusedError(408) from None
        if len(body) > MOST_BYTES:
            raise _RefusedError(413)
        return body

    async def _rest(self, first: bytes, receive: Receive) -> bytes:
        parts, size, held, more = [first], len(first), 0, True
        try:
            while more:
                held += self._room(size, held)
                message = await _next(receive)
                parts.append(message.get("body", b""))
                size, more = size + len(parts[-1]), message.get("more_body", False)
                if size > MOST_BYTES:
                    raise _RefusedError(413)
        finally:
            self._held -= held
        return b"".join(parts)

    def _room(self, size: int, held: int) -> int:
        """Make room for a body that has grown to this size, and return how much that took."""
        more = size - held if size > _SMALL else 0
        if more and self._held + more > _TOGETHER:
            raise _RefusedError(503)
        self._held += more
        return more


async def _next(receive: Receive) -> Message:
    message = await receive()
    if message["type"] == "http.disconnect":
        raise _GoneError
    return message


def _headers(raw: Sequence[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return the headers by name, in lower case; one that is there several times with its values in a row."""
    found = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in raw}
    if len(found) == len(raw):
        return found
    rows: dict[str, list[str]] = {}
    for name, value in raw:
        rows.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
    return {name: ", ".join(values) for name, values in rows.items()}


def _announced(headers: Mapping[str, str]) -> int:
    """The size that the client announces, in bytes; 0 where it does not."""
    value = headers.get("content-length", "")
    if len(value) > 12:
        return MOST_BYTES + 1
    return int(value) if value.isdecimal() else 0


async def _answer(send: Send, status: int, *, closing: bool = False) -> None:
    start, body = (_CLOSING if closing else _ANSWERS)[status]
    await send(start)
    await send(body)


def _messages(
    status: int, text: bytes, *more: tuple[bytes, bytes], kind: bytes = b"text/plain; charset=utf-8"
) -> tuple[Message, Message]:
    headers = [(b"content-type", kind), (b"content-length", b"%d" % len(text)), *more]
    if status == 405:
        headers.append((b"allow", b"POST"))
    start = {"type": "http.response.start", "status": status, "headers": headers}
    return start, {"type": "http.response.body", "body": text}


_ANSWERS = {status: _messages(status, text) for status, text in _TEXTS.items()}
_CLOSING = {status: _messages(status, text, (b"connection", b"close")) for status, text in _TEXTS.items()}


def routes(web: Web) -> list[BaseRoute]:
    """Return the endpoint's route."""
    daemon = web.app.loaded.config.daemon
    # Without a public address nobody delivers but a person who tries it out, at the address it listens on.
    return [Route("/hooks/{channel:path}", Hooks(web.inbox, daemon.public_url or f"http://{daemon.listen}"))]
