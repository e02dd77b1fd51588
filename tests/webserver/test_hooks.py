"""The endpoint for webhooks: the bytes as they are, the address that the platform knows, and limits for everything."""

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from starlette.types import Message

from bridge.webserver import hooks as module
from bridge.webserver.hooks import MOST_BYTES, Hooks
from tests.engine.hookport import signature
from tests.engine.keyport import KeyPort
from tests.webserver.hookhouse import HookHouse, call


@pytest.fixture
def house(tmp_path: Path) -> Iterator[HookHouse]:
    house = HookHouse(tmp_path)
    yield house
    house.close()


def test_a_delivery_is_kept_as_it_came(house: HookHouse) -> None:
    body = b'{"order": 17, "note": "caf\xc3\xa9"}\n'
    answer = house.post(body, **{"X-Topic": "order.created", "Host": "attacker.example", "X-Forwarded-Proto": "https"})
    assert (answer.status_code, answer.text) == (200, "")
    (found,) = house.kept
    assert found.delivery.body == body
    assert found.delivery.url == "https://bridge.example/hooks/shop"
    assert found.delivery.headers["x-topic"] == "order.created"
    assert found.delivery.headers["host"] == "attacker.example"
    assert all(name == name.lower() for name in found.delivery.headers)


@pytest.mark.parametrize(
    ("public_url", "path", "url"),
    [
        ("https://bridge.example/", "/hooks/shop", "https://bridge.example/hooks/shop"),
        # A proxy that serves us below a path takes the path off.
        ("https://example.org/bridge", "/hooks/shop", "https://example.org/bridge/hooks/shop"),
        ("https://bridge.example", "/hooks/shop?a=b%20c&d", "https://bridge.example/hooks/shop?a=b%20c&d"),
        ("", "/hooks/shop", "http://127.0.0.1:8470/hooks/shop"),
    ],
)
def test_the_address_is_the_public_one(tmp_path: Path, public_url: str, path: str, url: str) -> None:
    house = HookHouse(tmp_path, more=f'[daemon]\npublic_url = "{public_url}"\n')
    assert house.post(b"{}", path).status_code == 200
    assert house.kept[0].delivery.url == url
    house.close()


HOSTILE = [b"", b"\xff\xfe\x00", b'{"order": 1', b"x" * 4_000_000, b"webhook_id"]


@pytest.mark.parametrize("body", HOSTILE, ids=range(len(HOSTILE)))
def test_any_bytes_are_just_bytes(house: HookHouse, body: bytes) -> None:
    assert house.post(body).status_code == 200
    assert [one.delivery.body for one in house.kept] == [body]


def test_a_forgery_is_refused_with_a_word_of_help(house: HookHouse) -> None:
    answer = house.post(b"{}", secret="guessed")
    assert answer.status_code == 401
    assert "`bridge webhooks`" in answer.text
    assert "s1" not in answer.text
    assert house.kept == []


def test_a_greeting_is_answered(house: HookHouse) -> None:
    assert house.post(b"webhook_id=3", secret="none of ours").status_code == 200
    assert house.kept == []


@pytest.mark.parametrize(
    "path", ["/hooks/till", "/hooks/shop/", "/hooks/", "/hooks/shop%2f", "/hooks/SHOP", "/hooks/..%2fshop"]
)
def test_a_channel_that_is_not_there(house: HookHouse, path: str) -> None:
    assert house.post(b"{}", path).status_code == 404
    assert house.kept == []


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_only_post_delivers(house: HookHouse, method: str) -> None:
    answer = house.ask(method, "/hooks/shop")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


def test_a_database_that_is_full_asks_to_come_again(house: HookHouse) -> None:
    house.app.database.write(lambda connection: connection.exec_driver_sql("ALTER TABLE deliveries RENAME TO mislaid"))
    answer = house.post(b"{}")
    assert (answer.status_code, answer.text) == (503, "not stored: come again later\n")
    house.app.database.write(lambda connection: connection.exec_driver_sql("ALTER TABLE mislaid RENAME TO deliveries"))
    assert house.post(b"{}").status_code == 200


class Client:
    """A client that sends its body piece by piece, and then nothing more. `read` is how many pieces were taken."""

    def __init__(self, pieces: Sequence[bytes], *, then: str = "end", pause: float = 0) -> None:
        self.pieces = list(pieces)
        self.then = then
        self.pause = pause
        self.read = 0

    async def __call__(self) -> Message:
        if self.read < len(self.pieces):
            if self.read and self.pause:
                await asyncio.sleep(self.pause)
            self.read += 1
            more = self.read < len(self.pieces) or self.then != "end"
            return {"type": "http.request", "body": self.pieces[self.read - 1], "more_body": more}
        if self.then == "hangs up":
            return {"type": "http.disconnect"}
        await asyncio.get_running_loop().create_future()
        raise AssertionError("nothing more comes")


def signed(body: bytes) -> list[tuple[bytes, bytes]]:
    return [(b"x-signature", signature("s1", body).encode())]


def test_a_body_in_pieces_is_put_together(house: HookHouse) -> None:
    pieces = [b"a" * 70_000, b"", b"b" * 70_000, b"c"]
    body = b"".join(pieces)
    assert house.run(call(house.server, Client(pieces), headers=signed(body)))[0] == 200
    assert house.kept[0].delivery.body == body


def test_exactly_as_large_as_allowed(house: HookHouse) -> None:
    body = b"x" * MOST_BYTES
    headers = [*signed(body), (b"content-length", str(len(body)).encode())]
    assert house.run(call(house.server, Client([body[:100], body[100:]]), headers=headers))[0] == 200
    assert len(house.kept[0].delivery.body) == MOST_BYTES


@pytest.mark.parametrize("announced", [str(MOST_BYTES + 1), "9" * 12, "9" * 5_000])
def test_what_says_that_it_is_too_large_is_not_read(house: HookHouse, announced: str) -> None:
    client = Client([b"x"], then="waits")
    status, headers, _ = house.run(call(house.server, client, headers=[(b"content-length", announced.encode())]))
    assert (status, headers[b"connection"], client.read) == (413, b"close", 0)


@pytest.mark.parametrize("size", [1_000_000, MOST_BYTES + 1])
def test_what_turns_out_too_large_is_read_no_further(house: HookHouse, size: int) -> None:
    client = Client([b"x" * size] * 50)
    status, headers, _ = house.run(call(house.server, client))
    assert (status, headers[b"connection"]) == (413, b"close")
    assert client.read <= 6
    assert house.kept == []


def test_one_piece_that_is_too_large(house: HookHouse) -> None:
    assert house.run(call(house.server, Client([b"x" * (MOST_BYTES + 1)])))[0] == 413


@pytest.mark.parametrize(("pieces", "pause"), [([b"", b""], 0), ([b"{"], 0), ([b"x"] * 100, 0.5)])
def test_a_client_that_takes_its_time_is_sent_away(house: HookHouse, pieces: list[bytes], pause: float) -> None:
    async def waited() -> tuple[int, bytes, float]:
        client = Client(pieces, then="waits", pause=pause)
        status, headers, _ = await call(house.server, client)
        return status, headers[b"connection"], asyncio.get_running_loop().time()

    assert house.run(waited()) == (408, b"close", 10.0)


def test_a_slow_client_that_makes_it_in_time_is_heard(house: HookHouse) -> None:
    pieces = [b"x"] * 19
    assert house.run(call(house.server, Client(pieces, pause=0.5), headers=signed(b"x" * 19)))[0] == 200


def test_a_client_that_hangs_up_leaves_nothing(house: HookHouse) -> None:
    assert house.run(call(house.server, Client([b"{", b'"a'], then="hangs up"))) == (0, {}, b"")
    assert house.kept == []


def test_large_bodies_together_hold_no_more_than_their_share(house: HookHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_TOGETHER", 1_000_000)
    hooks = Hooks(house.inbox, "https://bridge.example")
    large, small = b"x" * 400_000, b"{}"

    async def day() -> list[int]:
        async def one(client: Client, body: bytes) -> int:
            return (await call(hooks, client, headers=signed(body), path_params={"channel": "shop"}))[0]

        slow = [Client([large, b""], pause=5), Client([large, b""], pause=5)]
        waiting = [asyncio.create_task(one(client, large)) for client in slow]
        await asyncio.sleep(1)
        meanwhile = [await one(Client([large, b""]), large), await one(Client([small]), small)]
        done = await asyncio.gather(*waiting)
        # Who was sent away, who hung up and who was heard: nobody holds anything any more.
        gone = await one(Client([large], then="hangs up"), large)
        return [*meanwhile, *done, gone, *[await one(Client([large, b""]), large) for _ in range(3)]]

    assert house.run(day()) == [503, 200, 200, 200, 0, 200, 200, 200]


def test_a_header_that_comes_twice_is_no_way_in(house: HookHouse) -> None:
    good = signed(b"{}")
    doubled = [*good, (b"X-Signature", b"another")]
    assert house.run(call(house.server, Client([b"{}"]), headers=doubled))[0] == 401
    assert house.run(call(house.server, Client([b"{}"]), headers=[*good, (b"via", b"a"), (b"via", b"b")]))[0] == 200
    assert house.kept[0].delivery.headers["via"] == "a, b"


def test_headers_that_are_no_text(house: HookHouse) -> None:
    odd = [*signed(b"{}"), (b"x-odd", bytes(range(128, 256))), (b"content-length", b"\xb2"), (b"", b"")]
    assert house.run(call(house.server, Client([b"{}"]), headers=odd))[0] == 200
    assert house.kept[0].delivery.headers["x-odd"] == bytes(range(128, 256)).decode("latin-1")


def test_a_platform_that_tries_the_address_gets_its_answer(tmp_path: Path) -> None:
    port = KeyPort()
    house = HookHouse(tmp_path, port=port, handshake=port)
    answer = house.ask("GET", "/hooks/shop?challenge=abc")
    expected = port.answer({"challenge": "abc"}, "https://bridge.example/hooks/shop")
    assert (answer.status_code, answer.content, answer.headers["content-type"]) == (200, expected, "application/json")
    assert house.ask("GET", "/hooks/shop").status_code == 405, "that was no such question"
    assert house.ask("GET", "/hooks/other?challenge=abc").status_code == 405
    house.close()


def test_nobody_answers_a_challenge_where_the_platform_has_none(house: HookHouse) -> None:
    assert house.ask("GET", "/hooks/shop?challenge=abc").status_code == 405
