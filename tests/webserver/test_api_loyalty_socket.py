"""Two tills at one counter of points: over a real server on loopback, each till a thread with a connection of its own."""

import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette

from bridge.app import App
from bridge.engine.context import Context, Rules
from bridge.engine.inbox import Inbox
from bridge.rehearsal.world import World, build
from bridge.sandbox.kit.loop import SimulatedLoop
from bridge.store import ledger
from bridge.store.database import Database
from bridge.webserver import api
from bridge.webserver.web import Health, Web
from tests.webserver.api_house import loaded
from tests.webserver.loyal_house import ADA, CODE, LOYALTY, balance, code, free, left, member

TILLS = 6


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@dataclass(frozen=True, slots=True)
class Counter:
    """The shop's counter: what the bridge believes, and tills that call it all at the same moment."""

    context: Context
    url: str

    def at_once(self, call: Callable[[httpx.Client, int], httpx.Response], tills: int = TILLS) -> list[httpx.Response]:
        """Have every till make its call as soon as all are connected."""
        ready = threading.Barrier(tills)

        def till(number: int) -> httpx.Response:
            headers = {"authorization": f"Bearer {('till', 'other')[number % 2]}-secret"}
            with httpx.Client(base_url=f"{self.url}/api/v1", headers=headers, timeout=30) as client:
                client.get("/openapi.json")
                ready.wait(30)
                return call(client, number)

        with ThreadPoolExecutor(tills) as pool:
            return list(pool.map(till, range(tills)))


def _world(path: Path) -> World:
    loop = SimulatedLoop()
    names, rules = ("woocommerce", "square"), Rules(loyalty=LOYALTY)
    try:
        return build(names, database=Database(str(path)), now=loop.now, time=loop.time, seed=1, rules=rules)
    finally:
        loop.close()


@pytest.fixture
def counter(tmp_path: Path) -> Iterator[Counter]:
    """A server on a database in a file."""
    world = _world(tmp_path / "bridge.db")
    context = world.context
    app = App(loaded(), world.database, surroundings=world.around, progress=lambda *_: None, warn=lambda _: None)
    app.live = context
    inbox = Inbox(world.database, {}, world.around.now, lambda _: None, threads=False)
    web = Web(app=app, inbox=inbox, health=Health, poke=lambda: None)
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    sock.listen(64)
    config = uvicorn.Config(Starlette(routes=api.routes(web)), log_level="critical", lifespan="off", access_log=False)
    server = _Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]}, daemon=True)
    thread.start()
    yield Counter(context, f"http://127.0.0.1:{sock.getsockname()[1]}")
    server.should_exit = True
    thread.join(30)
    assert not thread.is_alive()
    sock.close()
    assert world.database.read(ledger.prove) == []
    world.database.close()


def test_of_tills_that_redeem_the_same_points_exactly_one_gets_them(counter: Counter) -> None:
    member(counter.context, 500)

    def redeem(client: httpx.Client, number: int) -> httpx.Response:
        headers = {"idempotency-key": f"till-{number}"}
        return client.post(f"/customers/{ADA}/redemptions", json={"points": 500}, headers=headers)

    answers = counter.at_once(redeem)
    assert sorted(one.status_code for one in answers) == [201, *[409] * (TILLS - 1)]
    told = {one.json()["detail"] for one in answers if one.status_code == 409}
    assert told == {"only 0 points can be spent, 500 were asked for"}
    assert (free(counter.context), balance(counter.context).held) == (0, 500)


def test_a_redemption_that_is_sent_again_and_again_happens_once(counter: Counter) -> None:
    member(counter.context, 500)

    def redeem(client: httpx.Client, number: int) -> httpx.Response:
        headers = {"idempotency-key": "one", "authorization": "Bearer till-secret"}
        return client.post(f"/customers/{ADA}/redemptions", json={"points": 100}, headers=headers)

    answers = counter.at_once(redeem)
    assert {one.status_code for one in answers} == {201}
    assert len({one.content for one in answers}) == 1
    assert free(counter.context) == 400


def test_the_last_use_of_a_code_is_promised_to_one_till_and_counts_once(counter: Counter) -> None:
    code(counter.context)

    def claim(client: httpx.Client, number: int) -> httpx.Response:
        headers = {"idempotency-key": f"till-{number}"}
        return client.post(f"/coupons/{CODE}/claims", json={"channel": "square"}, headers=headers)

    answers = counter.at_once(claim)
    assert sorted(one.status_code for one in answers) == [201, *[409] * (TILLS - 1)]
    (mine,) = [one.json() for one in answers if one.status_code == 201]

    def capture(client: httpx.Client, number: int) -> httpx.Response:
        headers = {"idempotency-key": f"capture-{number}"}
        return client.post(f"/claims/{mine['id']}/capture", headers=headers)

    assert {one.status_code for one in counter.at_once(capture)} == {200}
    assert left(counter.context) == 0
