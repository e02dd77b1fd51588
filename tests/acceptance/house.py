"""Stand-ins on real loopback sockets, in a thread of the test, and the real `bridge` command beside them.

Nothing here waits for a while: a test waits for a call to arrive or to have ended, and a delayed call is delayed until the test
lets it go on.
"""

import asyncio
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import IO, Any, TypeVar

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bridge.sandbox.kit.courier import Post
from bridge.sandbox.kit.faults import CutByServer
from bridge.sandbox.kit.platform import Platform
from bridge.sandbox.kit.posting import posting
from tests.acceptance.warm import Warm

T = TypeVar("T")
BRIDGE = Path(sys.executable).with_name("bridge")
WARM = Warm()
PATIENCE = 60.0  # seconds until a test that waits in vain fails; no test depends on it otherwise


class Pulse:
    """Beats whenever something has happened: a call has ended, a webhook was answered, the daemon has said something."""

    def __init__(self) -> None:
        self._change = threading.Condition()
        self._count = 0

    def beat(self) -> None:
        """Something has happened."""
        with self._change:
            self._count += 1
            self._change.notify_all()

    def until(self, check: Callable[[], T | None], what: str = "") -> T:
        """Wait until the check holds, looking anew after every beat; return what it returned."""
        deadline = time.monotonic() + PATIENCE
        while True:
            with self._change:
                seen = self._count
            if found := check():
                return found
            with self._change:
                left = deadline - time.monotonic()
                assert self._change.wait_for(lambda: self._count != seen, max(left, 0.0)), f"waited in vain {what}"  # noqa: B023


class Watched:
    """Tells the test when a call arrives and when it has ended, as "POST /path"."""

    def __init__(self, app: ASGIApp, pulse: Pulse) -> None:
        self._app = app
        self._pulse = pulse
        self._change = threading.Condition()
        self._begun: list[str] = []
        self._ended: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith("/__sandbox"):
            await self._app(scope, receive, send)
            return
        call = f"{scope['method']} {scope['path']}"
        messages = await _whole(receive)

        async def again() -> Message:
            return messages.pop(0) if messages else await receive()

        self._note(self._begun, call)
        try:
            await self._app(scope, again, send)
        finally:
            self._note(self._ended, call)
            self._pulse.beat()

    def arrived(self, pattern: str) -> None:
        """Wait until a matching call has arrived."""
        self._wait(self._begun, pattern)

    def ended(self, pattern: str) -> None:
        """Wait until a matching call has taken effect and ended."""
        self._wait(self._ended, pattern)

    def forget(self) -> None:
        """Begin anew: only calls from now on count."""
        with self._change:
            self._begun.clear()
            self._ended.clear()

    def calls(self) -> list[str]:
        """Return the calls that arrived."""
        with self._change:
            return list(self._begun)

    def _note(self, seen: list[str], call: str) -> None:
        with self._change:
            seen.append(call)
            self._change.notify_all()

    def _wait(self, seen: list[str], pattern: str) -> None:
        with self._change:
            found = self._change.wait_for(lambda: any(re.search(pattern, call) for call in seen), PATIENCE)
        assert found, f"no call matching {pattern!r}; there were {seen}"


async def _whole(receive: Receive) -> list[Message]:
    """Take in all of a request: one whose body has not come yet has not arrived."""
    messages = [await receive()]
    while messages[-1].get("more_body", False):
        messages.append(await receive())
    return messages


@dataclass(slots=True, kw_only=True)
class StandIn:
    """One stand-in: its address, its credentials, and the verbs of its people through the control door."""

    url: str
    platform: Platform
    watched: Watched
    server: uvicorn.Server
    sock: socket.socket = field(repr=False)

    def act(self, verb: str, **arguments: Any) -> Any:
        """Do what a shopper, a clerk or a saboteur does."""
        request = urllib.request.Request(f"{self.url}/__sandbox/{verb}", json.dumps(arguments).encode(), method="POST")
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return json.load(answer)["result"]

    def fault(self, kind: str, **rule: Any) -> None:
        """Put a fault in force."""
        self.act("faults", kind=kind, **rule)

    def mend(self) -> None:
        """Take back every fault."""
        request = urllib.request.Request(f"{self.url}/__sandbox/faults", method="DELETE")
        urllib.request.urlopen(request, timeout=PATIENCE).close()

    def stock(self) -> dict[str, int]:
        """The platform's own numbers, over all its locations."""
        return {sku: sum(places.values()) for sku, places in self._see("stock").items()}

    def orders(self) -> list[dict[str, Any]]:
        """The platform's own orders, oldest first."""
        found: list[dict[str, Any]] = self._see("orders")
        return found

    def _see(self, what: str) -> Any:
        with urllib.request.urlopen(f"{self.url}/__sandbox/{what}", timeout=PATIENCE) as answer:
            return json.load(answer)


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """A webhook that a stand-in sent, and the status of the answer (0: none came)."""

    url: str
    body: bytes
    status: int


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class House:
    """Several stand-ins in one thread. A latency fault lasts until `let_go`. Webhooks go to whoever has subscribed."""

    def __init__(self) -> None:
        self.stand_ins: dict[str, StandIn] = {}
        self.pulse = Pulse()
        self.posted: list[Posted] = []
        self._open = AsyncExitStack()
        self._bring: Post | None = None
        self._loop = asyncio.new_event_loop()
        self._gate = asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._serving: list[Any] = []

    def build(self, name: str, platform: str, products: Sequence[dict[str, Any]], **options: Any) -> StandIn:
        """Start a stand-in with a catalogue."""
        sock = socket.socket()
        sock.bind(("127.0.0.1", 0))
        sock.listen(128)
        url = f"http://127.0.0.1:{sock.getsockname()[1]}"
        module = import_module(f"bridge.sandbox.{platform}")
        made: Platform = module.build(
            now=lambda: datetime.now(UTC), sleep=self._held, rng=random.Random(name), host=url, **options
        )
        made.shop.seed(list(products))
        made.courier.post = self._post
        watched = Watched(CutByServer(made.app), self.pulse)
        config = uvicorn.Config(watched, log_level="critical", lifespan="off", access_log=False)
        server = _Server(config)
        self.stand_ins[name] = StandIn(url=url, platform=made, watched=watched, server=server, sock=sock)
        self._serving.append(asyncio.run_coroutine_threadsafe(server.serve(sockets=[sock]), self._loop))
        return self.stand_ins[name]

    def let_go(self) -> None:
        """End all delays, and have none from now on."""
        self._loop.call_soon_threadsafe(self._gate.set)

    def close(self) -> None:
        """Stop everything."""
        for one in self.stand_ins.values():
            asyncio.run_coroutine_threadsafe(one.platform.courier.stop(), self._loop).result(PATIENCE)
        asyncio.run_coroutine_threadsafe(self._open.aclose(), self._loop).result(PATIENCE)
        self.let_go()
        for one in self.stand_ins.values():
            one.server.should_exit = one.server.force_exit = True
        for serving in self._serving:
            serving.result(PATIENCE)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE)
        for one in self.stand_ins.values():
            one.sock.close()
        self._loop.close()

    async def _post(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        if self._bring is None:
            self._bring = await self._open.enter_async_context(posting())
        status = await self._bring(url, headers, body)
        self.posted.append(Posted(url=url, body=body, status=status))
        self.pulse.beat()
        return status

    async def _held(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._gate.wait(), seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it printed, as JSON."""
        return json.loads(self.out)


class Daemon:
    """`bridge run` beside the test: what it says, line by line, and its end."""

    def __init__(self, process: "subprocess.Popen[str]", pulse: Pulse) -> None:
        self.process = process
        self.lines: list[str] = []
        self._pulse = pulse
        streams = [stream for stream in (process.stdout, process.stderr) if stream is not None]
        self._readers = [threading.Thread(target=self._read, args=(one,), daemon=True) for one in streams]
        for reader in self._readers:
            reader.start()

    def says(self, pattern: str, *, after: int = 0) -> str:
        """Wait until it says something, after so many lines; return the line."""
        return self._pulse.until(lambda: self._said(pattern, after), f"for {pattern!r}; it said {self.lines}")

    @property
    def url(self) -> str:
        """Where it listens."""
        return re.sub(r".*listening on (\S+), .*", r"\1", self.says("listening on"))

    def get(self, path: str) -> tuple[int, str]:
        """Ask its web server."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=PATIENCE) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to end; return its exit code."""
        self.process.send_signal(number)
        return self.ended()

    def ended(self) -> int:
        """Wait for its end; return its exit code."""
        code = self.process.wait(PATIENCE)
        for reader in self._readers:
            reader.join(PATIENCE)
        assert not any("Traceback" in line for line in self.lines), self.lines
        return code

    def kill(self) -> None:
        """Have it die at once."""
        self.process.kill()
        self.process.wait(PATIENCE)
        for reader in self._readers:
            reader.join(PATIENCE)

    def _said(self, pattern: str, after: int) -> str | None:
        ended = self.process.poll() is not None and not any(reader.is_alive() for reader in self._readers)
        found = next((line for line in self.lines[after:] if re.search(pattern, line)), None)
        assert found or not ended, f"it ended without saying {pattern!r}: {self.lines}"
        return found

    def _read(self, stream: IO[str]) -> None:
        with stream:
            for line in stream:
                self.lines.append(line.rstrip("\n"))
                self._pulse.beat()
        self._pulse.beat()


class Bridge:
    """The real command, in a folder of its own. Its imports are spared where it runs to its end (tests/acceptance/warm.py)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        # Unbuffered output would hide a line that nobody has sent off.
        left = ("BRIDGE_", "PYTEST_", "PYTHONUNBUFFERED")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(left)}
        self.environment: Mapping[str, str] = {**kept, "COLUMNS": "200"}

    def __call__(self, *words: str, code: int | None = 0, env: Mapping[str, str] | None = None) -> Ran:
        """Run it to its end; asserts the exit code unless that is None."""
        ended, out, err = WARM.run(words, self.folder, {**self.environment, **(env or {})}, PATIENCE)
        ran = Ran(code=ended, out=out, err=err)
        assert "Traceback" not in ran.err, ran.err
        assert code is None or ran.code == code, f"exit {ran.code}\n{ran.out}\n{ran.err}"
        return ran

    def start(self, *words: str) -> "subprocess.Popen[str]":
        """Start it and go on."""
        return subprocess.Popen(
            [BRIDGE, *words], cwd=self.folder, env=self.environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    @contextmanager
    def running(self, house: House) -> Iterator[Daemon]:
        """Have `bridge run` listen; it is killed at the end if it still runs."""
        daemon = Daemon(self.start("run"), house.pulse)
        try:
            daemon.says("listening on")
            yield daemon
        finally:
            daemon.kill()

    def configure(self, channels: Mapping[str, Mapping[str, object]], more: str = "") -> Path:
        """Write config.toml for these channels, with a short grace time so that doubts are settled soon."""
        tables = "\n".join(
            "\n".join([f"[channels.{name}]", *(f"{key} = {json.dumps(value)}" for key, value in table.items()), ""])
            for name, table in channels.items()
        )
        file = self.folder / "config.toml"
        file.write_text(f'{tables}\n{more}\n[stock]\ngrace = "1s"\n')
        file.chmod(0o600)
        return file
