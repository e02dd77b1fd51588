"""Outgoing events of a running daemon: a receiver hears what happened, signed, and again where it did not answer."""

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.acceptance.house import Pulse
from tests.acceptance.trio import Trio

SECRET = "a secret with more than sixteen letters"


@dataclass
class Receiver:
    """Somebody's automation: keeps what it got; the first `refusals` posts are answered 503."""

    pulse: Pulse
    url: str = ""
    refusals: int = 0
    posts: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    def take(self, headers: dict[str, str], body: bytes) -> int:
        """Answer one post."""
        if self.refusals:
            self.refusals -= 1
            status = 503
        else:
            self.posts.append((headers, body))
            status = 204
        self.pulse.beat()
        return status

    def types(self) -> list[str]:
        """What was told, in order."""
        return [json.loads(body)["type"] for _, body in self.posts]


@pytest.fixture
def receiver(trio: Trio) -> Iterator[Receiver]:
    """A receiver on a socket of its own."""
    mine = Receiver(trio.house.pulse)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            self.send_response(mine.take({name.lower(): value for name, value in self.headers.items()}, body))
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    mine.url = f"http://127.0.0.1:{server.server_address[1]}/bridge"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield mine
    server.shutdown()
    thread.join()
    server.server_close()


def config(receiver: Receiver) -> str:
    return f'\n[[events]]\nname = "mailer"\nurl = "{receiver.url}"\nsecret = "{SECRET}"\nlow = 9\n'


def test_a_sale_is_told_signed_and_once(trio: Trio, receiver: Receiver) -> None:
    receiver.refusals = 1
    trio.configure(poll="1s", hooks=False, more=config(receiver))
    trio.adopt()
    with trio.bridge.running(trio.house) as daemon:
        trio.sale("shop", "TEE")
        trio.agree(TEE=1)
        wanted = {"bridge.order.paid", "bridge.stock.low"}
        trio.house.pulse.until(lambda: wanted <= set(receiver.types()), f"for {wanted}; got {receiver.types()}")
        assert daemon.end() == 0
    assert sorted(receiver.types()) == sorted(wanted)
    for headers, body in receiver.posts:
        event = json.loads(body)
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        signature = base64.b64encode(hmac.new(SECRET.encode(), signed, hashlib.sha256).digest()).decode()
        assert f"v1,{signature}" in headers["webhook-signature"].split()
        assert event["specversion"] == "1.0"
        assert event["id"] == headers["webhook-id"]
    low = next(json.loads(body) for _, body in receiver.posts if b"stock.low" in body)
    assert (low["data"]["sku"], low["data"]["available"]) == ("TEE", 9)


def test_what_was_not_told_before_the_daemon_died_is_told_by_the_next(trio: Trio, receiver: Receiver) -> None:
    receiver.refusals = 1_000
    trio.configure(poll="1s", hooks=False, more=config(receiver))
    trio.adopt()
    with trio.bridge.running(trio.house) as daemon:
        trio.sale("till", "MUG")
        trio.agree(MUG=1)
        trio.house.pulse.until(lambda: receiver.refusals < 1_000, "for a first try")
        daemon.kill()
    receiver.refusals = 0
    with trio.bridge.running(trio.house) as daemon:
        trio.house.pulse.until(lambda: "bridge.order.paid" in receiver.types(), f"got {receiver.types()}")
        assert daemon.end() == 0
    assert receiver.types().count("bridge.order.paid") == 1
