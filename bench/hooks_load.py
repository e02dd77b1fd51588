"""Shops that deliver webhooks as fast as they are answered: keep-alive connections, signed bodies of 4 KB like WooCommerce's."""

import asyncio
import base64
import hashlib
import hmac
import json
import re
import time
from array import array
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

__all__ = ["Load", "body_of"]

_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)")
_SIZE = 4_096
_MARK = b"0000000000"


def _template() -> bytes:
    """An order as WooCommerce sends it, with as many lines as make 4 KB. The mark stands where its number goes."""
    line = {
        "id": 5_511, "name": "T-shirt, organic cotton, red, medium", "product_id": 4_711, "variation_id": 4_712, "quantity": 2,
        "tax_class": "", "subtotal": "39.80", "subtotal_tax": "6.35", "total": "39.80", "total_tax": "6.35",
        "taxes": [{"id": 1, "total": "6.354622", "subtotal": "6.354622"}], "meta_data": [], "sku": "TEE-RED-M", "price": 19.9,
    }  # fmt: skip
    order = {
        "id": _MARK.decode(), "parent_id": 0, "status": "processing", "currency": "EUR", "version": "11.0.1",
        "prices_include_tax": True, "date_created_gmt": "2026-11-22T17:00:00", "date_modified_gmt": "2026-11-22T17:00:00",
        "total": "398.00", "total_tax": "63.55", "customer_id": 12, "payment_method": "cod", "line_items": [line] * 9,
    }  # fmt: skip
    text = json.dumps(order, separators=(",", ":"))
    return text.replace(f'"{_MARK.decode()}"', _MARK.decode()).encode().ljust(_SIZE)


_BEFORE, _AFTER = _template().split(_MARK, 1)


def body_of(number: int) -> bytes:
    """Return the delivery of that number; each is another one, of the same length."""
    return b"%s%d%s" % (_BEFORE, 1_000_000_000 + number, _AFTER)


@dataclass(slots=True)
class Load:
    """What was sent and what was answered. `done` are the numbers answered 2xx, `took` how long each took, in seconds."""

    secret: str
    done: "array[int]" = field(default_factory=lambda: array("q"))
    took: "array[float]" = field(default_factory=lambda: array("d"))
    refused: int = 0
    sent: int = 0

    async def run(self, port: int, connections: int, stop: Callable[[], bool]) -> None:
        """Deliver on that many connections, each its next one when the last is answered, until `stop` or until all are cut."""
        loop = asyncio.get_running_loop()
        ended = []
        for _ in range(connections):
            _, protocol = await loop.create_connection(lambda: _Shop(self, stop), "127.0.0.1", port)
            ended.append(protocol.ended)
        await asyncio.gather(*ended)

    def answered(self, number: int, at: float, *, good: bool) -> None:
        """Note an answer to what was sent at that time."""
        if good:
            self.done.append(number)
            self.took.append(time.perf_counter() - at)
        else:
            self.refused += 1

    def next(self) -> tuple[int, bytes]:
        """Return the next delivery's number and request."""
        number = self.sent
        self.sent += 1
        body = body_of(number)
        signature = base64.b64encode(hmac.digest(self.secret.encode(), body, hashlib.sha256))
        return number, b"%s%s%s%s" % (_HEAD, signature, b"\r\n\r\n", body)


_HEAD = (
    b"POST /hooks/shop HTTP/1.1\r\nHost: bridge.example\r\nContent-Type: application/json\r\nContent-Length: %d\r\n"
    b"User-Agent: WooCommerce/11.0.1 Hookshot (WordPress/7.0.4)\r\nAccept: */*\r\nAccept-Encoding: deflate, gzip, br\r\n"
    b"X-WC-Webhook-Source: https://shop.example/\r\nX-WC-Webhook-Topic: order.updated\r\nX-WC-Webhook-Resource: order\r\n"
    b"X-WC-Webhook-Event: updated\r\nX-WC-Webhook-ID: 3\r\nX-WC-Webhook-Delivery-ID: 5f1c7a9be2d44b1f\r\n"
    b"X-Forwarded-For: 203.0.113.7\r\nX-Forwarded-Proto: https\r\nX-WC-Webhook-Signature: "
) % len(body_of(0))


class _Shop(asyncio.Protocol):
    """One connection."""

    def __init__(self, load: Load, stop: Callable[[], bool]) -> None:
        self._load = load
        self._stop = stop
        self._number = 0
        self._at = 0.0
        self._answer = b""
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._deliver()

    def _deliver(self) -> None:
        self._number, request = self._load.next()
        self._at = time.perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._answer += data
        head, end, body = self._answer.partition(b"\r\n\r\n")
        length = _LENGTH.search(head) if end else None
        if length is None or len(body) < int(length[1]):
            return  # the rest is on its way
        self._answer = b""
        self._load.answered(self._number, self._at, good=head.startswith(b"HTTP/1.1 2"))
        if self._stop():
            self._transport.close()
        else:
            self._deliver()

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        if not self.ended.done():
            self.ended.set_result(None)
