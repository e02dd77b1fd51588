"""How many webhooks a second the bridge takes in on one core: verified, stored in SQLite with synchronous=FULL, then answered.

The server is a process of its own on core 0, with uvicorn and the inbox as `bridge run` has them; the shops deliver from another
process on the other cores. In a second run the server is killed (SIGKILL) while they deliver: what was answered 2xx must be there.
"""

import argparse
import asyncio
import os
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import uvloop

from bench.hooks_load import Load, body_of
from bench.machine import facts
from bench.report import Figure, Result, command
from bridge.store import hook_secrets, schema
from bridge.store.database import Database

__all__ = ["measure"]

_A_SECOND = 3_000
_P99_MS = 40
_WARM = 0.5
_SECRET = "a secret of the benchmark"
_CONFIG = """
[channels.shop]
platform = "woocommerce"
url = "https://shop.example"
consumer_key = "ck_benchmark"
consumer_secret = "cs_benchmark"

[daemon]
public_url = "https://bridge.example"
"""


@dataclass(frozen=True, slots=True)
class _Server:
    """A running server: its process, its port, its database file."""

    process: "subprocess.Popen[bytes]"
    port: int
    file: Path

    @property
    def cpu(self) -> float:
        """CPU seconds that it has taken so far (Linux; 0 elsewhere)."""
        try:
            text = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="ascii")
        except OSError:
            return 0.0
        user, system = text.rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    @property
    def memory(self) -> float:
        """MB that it holds now (Linux; 0 elsewhere)."""
        try:
            lines = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii").splitlines()
        except OSError:
            return 0.0
        return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 1024


def measure(options: argparse.Namespace) -> Result:
    """Deliver for `options.seconds`, then once more for a tenth of it with a kill at the end."""
    machine = facts()
    with TemporaryDirectory() as folder, _serving(Path(folder), options.loop) as server:
        _deliver(server, Load(_SECRET), options.connections, _WARM)
        before, load = server.cpu, Load(_SECRET)
        seconds = _deliver(server, load, options.connections, options.seconds)
        cpu, memory = server.cpu - before, server.memory
        disk = _syncs(Path(folder))
    with TemporaryDirectory() as folder, _serving(Path(folder), options.loop) as server:
        killed = Load(_SECRET)
        _deliver(server, killed, options.connections, _WARM)
        _deliver(server, killed, options.connections, max(0.5, options.seconds / 10), kill=True)
        lost = len(_missing(server.file, killed))
    took = sorted(load.took)
    note = (
        f"{options.connections} keep-alive connections, each with its next delivery when the last is answered; bodies of"
        f" {len(body_of(0)):,} bytes, {options.seconds:g} s, {len(took):,} deliveries, {load.refused} refused. In the second run"
        f" {len(killed.done):,} deliveries were answered 2xx before the kill, and {killed.sent - len(killed.done):,} were not."
        " On a busy machine the CPU figure says more; every answer waits for the disk once or twice."
    )
    return Result(
        bench="hooks",
        figures=[
            Figure(what="deliveries stored", measured=len(took) / seconds, unit="/s", bar=_A_SECOND, side="at least"),
            Figure(what="the same per CPU second", measured=len(took) / cpu if cpu else 0, unit="/s"),
            Figure(what="answered after, p50", measured=_ms(took, 0.5), unit="ms"),
            Figure(what="answered after, p99", measured=_ms(took, 0.99), unit="ms", bar=_P99_MS),
            Figure(what="answered after, at most", measured=_ms(took, 1), unit="ms"),
            Figure(what="refused", measured=load.refused, unit="deliveries", bar=0, side="exactly"),
            Figure(what="answered 2xx and lost by kill -9", measured=lost, unit="deliveries", bar=0, side="exactly"),
            Figure(what="this disk alone: 100 KB written and synced, p50", measured=_ms(disk, 0.5), unit="ms"),
            Figure(what="this disk alone, p99", measured=_ms(disk, 0.99), unit="ms"),
            Figure(what="memory of the server at the end", measured=memory, unit="MB"),
        ],
        notes=[note],
        machine=machine,
    )


def _ms(took: list[float], share: float) -> float:
    return 1000 * took[min(len(took) - 1, int(len(took) * share))] if took else 0.0


def _syncs(folder: Path) -> list[float]:
    """How long this disk takes to keep as much as a commit of two dozen deliveries writes, in seconds, sorted."""
    took = []
    with (folder / "synced").open("wb") as file:
        for _ in range(200):
            file.write(b"x" * 100_000)
            file.flush()
            started = time.perf_counter()
            os.fsync(file.fileno())
            took.append(time.perf_counter() - started)
    return sorted(took)


def _deliver(server: _Server, load: Load, connections: int, seconds: float, *, kill: bool = False) -> float:
    """Let the shops deliver, or deliver until the server is killed after that time; return how long that took."""
    started = time.perf_counter()

    def stop() -> bool:
        return not kill and time.perf_counter() - started >= seconds

    async def run() -> None:
        if kill:
            asyncio.get_running_loop().call_later(seconds, server.process.kill)
        await load.run(server.port, connections, stop)

    uvloop.run(run())
    return time.perf_counter() - started


def _missing(file: Path, load: Load) -> set[int]:
    """Return the numbers that were answered 2xx and are not in the file."""
    with closing(sqlite3.connect(file)) as connection:
        found = {bytes(row[0]) for row in connection.execute("select body from deliveries")}
    return {number for number in load.done if body_of(number) not in found}


@contextmanager
def _serving(folder: Path, loop: str) -> Iterator[_Server]:
    file, config = folder / "bridge.db", folder / "config.toml"
    config.write_text(f'database = "{file}"\n{_CONFIG}', encoding="utf-8")
    config.chmod(0o600)
    _prepare(file)
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen(1024)
        number = sock.fileno()
        words = [sys.executable, "-m", "bench.hooks_server", str(config), str(number), _apart(), loop]
        with subprocess.Popen(words, pass_fds=[number], env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}) as process:
            try:
                port = sock.getsockname()[1]
                sock.close()  # or what nobody has accepted would not be cut when the server dies
                yield _Server(process, port, file)
            finally:
                process.kill()


def _prepare(file: Path) -> None:
    database = Database(str(file))
    schema.ensure(database)
    database.write(lambda connection: hook_secrets.keep(connection, "shop", _SECRET, datetime.now(UTC)))
    database.close()


def _apart() -> str:
    """Give the server the first core, and the shops the others; "" where that cannot be had."""
    if not hasattr(os, "sched_setaffinity"):
        return ""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) > 1:
        os.sched_setaffinity(0, set(cores[1:]))
        return str(cores[0])
    return ""


def options(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("--seconds", type=float, default=60, help="how long they deliver (default: %(default)s)")
    parser.add_argument("--connections", type=int, default=48, help="at once (default: %(default)s)")
    parser.add_argument(
        "--loop", choices=("uvloop", "asyncio"), default="uvloop", help="the server's (default: %(default)s)"
    )


if __name__ == "__main__":
    sys.exit(command(measure, doc=__doc__, options=options))
