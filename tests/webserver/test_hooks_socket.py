"""The endpoint on a real socket, with uvicorn as the daemon has it: what the client sees when it does not behave."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import uvicorn

from tests.engine.hookport import signature
from tests.webserver.hookhouse import HookHouse

PATIENCE = 60


@pytest.fixture
def house(tmp_path: Path) -> Iterator[HookHouse]:
    house = HookHouse(tmp_path)
    yield house
    house.close()


class Server(uvicorn.Server):
    """Without signal handlers of its own: it runs beside the test."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Client:
    """A connection, byte by byte."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, *parts: bytes) -> None:
        self.writer.write(b"".join(parts))

    async def answer(self) -> tuple[int, dict[str, str]]:
        """Read one answer."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
        await self.reader.readexactly(int(headers["content-length"]))
        return int(head[0].split()[1]), headers

    async def cut(self) -> bool:
        """Wait for the server to close the connection."""
        try:
            return await self.reader.read() == b""
        except ConnectionError:
            return True


def meeting(house: HookHouse, story: Callable[[Client], Awaitable[None]]) -> None:
    """Let a client meet the server."""

    async def day() -> None:
        with socket.create_server(("127.0.0.1", 0)) as sock:
            server = Server(uvicorn.Config(house.server, log_config=None, lifespan="off", http="httptools"))
            serving = asyncio.create_task(server.serve(sockets=[sock]))
            reader, writer = await asyncio.open_connection("127.0.0.1", sock.getsockname()[1])
            try:
                await asyncio.wait_for(story(Client(reader, writer)), PATIENCE)
            finally:
                writer.close()
                server.should_exit = server.force_exit = True
                await serving

    asyncio.run(day())


def head(length: int | str, body: bytes = b"", path: str = "/hooks/shop") -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: attacker.example", f"X-Signature: {signature('s1', body)}"]
    lines.append("Transfer-Encoding: chunked" if length == "chunked" else f"Content-Length: {length}")
    return "\r\n".join([*lines, "", ""]).encode()


def test_many_deliveries_on_one_connection(house: HookHouse) -> None:
    async def story(client: Client) -> None:
        for number in range(20):
            body = b'{"order": %d}' % number
            client.send(head(len(body), body), body)
            assert (await client.answer())[0] == 200
        # Also sent one behind the other, without waiting.
        for number in range(20, 25):
            body = b'{"order": %d}' % number
            client.send(head(len(body), body), body)
        assert [(await client.answer())[0] for _ in range(5)] == [200] * 5

    meeting(house, story)
    assert [one.delivery.body for one in house.kept] == [b'{"order": %d}' % number for number in range(25)]
    assert {one.delivery.url for one in house.kept} == {"https://bridge.example/hooks/shop"}


def test_what_is_announced_too_large_is_cut_off(house: HookHouse) -> None:
    async def story(client: Client) -> None:
        client.send(head(10_000_000_000))
        status, headers = await client.answer()
        assert (status, headers["connection"]) == (413, "close")
        assert await client.cut()

    meeting(house, story)


def test_what_turns_out_too_large_is_cut_off(house: HookHouse) -> None:
    async def story(client: Client) -> None:
        client.send(head("chunked"))
        piece = b"100000\r\n" + b"x" * 0x100000 + b"\r\n"
        for _ in range(6):
            client.send(piece)
        status, headers = await client.answer()
        assert (status, headers["connection"]) == (413, "close")
        assert await client.cut()

    meeting(house, story)
    assert house.kept == []


def test_a_client_that_hangs_up_half_way_leaves_nothing(house: HookHouse) -> None:
    async def story(client: Client) -> None:
        client.send(head(1_000_000), b"x" * 300_000)
        await client.writer.drain()
        client.writer.close()
        await client.writer.wait_closed()

    meeting(house, story)
    assert house.kept == []


def test_a_forgery_and_a_stranger_do_not_end_the_connection_for_the_next(house: HookHouse) -> None:
    async def story(client: Client) -> None:
        client.send(head(2, b"other"), b"{}")
        assert (await client.answer())[0] == 401
        client.send(head(2, b"{}"), b"{}")
        assert (await client.answer())[0] == 200
        client.send(head(2, b"{}", "/hooks/till"), b"{}")
        assert (await client.answer())[0] == 404

    meeting(house, story)
    assert len(house.kept) == 1
