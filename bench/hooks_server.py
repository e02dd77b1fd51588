"""The bridge's web server for webhooks in a process of its own, as `bridge run` has it: a database file, the inbox, uvicorn.

python -m bench.hooks_server CONFIG SOCKET CORE LOOP
"""

import asyncio
import gc
import os
import socket
import sys
from pathlib import Path

import uvicorn

from bridge.app import App
from bridge.app.wiring import channel_of, outside
from bridge.config import load
from bridge.engine.inbox import Inbox
from bridge.webserver.server import build
from bridge.webserver.web import Health, Web

__all__ = ["serve"]


def serve(config: Path, sock: socket.socket, loop: str) -> None:
    """Serve until killed, with the garbage collector set as the command has it (bridge/cli/group.py)."""
    gc.set_threshold(50_000, 20, 20)
    with asyncio.Runner(loop_factory=_factory(loop)) as runner:
        runner.run(_serve(config, sock))


def _factory(loop: str) -> type[asyncio.AbstractEventLoop] | None:
    if loop == "asyncio":
        return None
    import uvloop

    kind: type[asyncio.AbstractEventLoop] = uvloop.Loop
    return kind


async def _serve(config: Path, sock: socket.socket) -> None:
    with App.open(load(config)) as app:
        channel, _ = channel_of(app.loaded, "shop", outside())
        port = channel.connector.webhooks
        assert port is not None
        inbox = Inbox(app.database, {"shop": port}, app.now, lambda _: None)
        web = Web(app=app, inbox=inbox, health=Health, poke=lambda: None)
        settings = uvicorn.Config(
            build(web), log_config=None, access_log=False, lifespan="off", server_header=False, proxy_headers=False,
            http="httptools",
        )  # fmt: skip
        gc.collect()
        gc.freeze()
        await uvicorn.Server(settings).serve(sockets=[sock])
        await inbox.close()


if __name__ == "__main__":
    _, path, number, core, kind = sys.argv
    if core and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {int(core)})
    serve(Path(path), socket.socket(fileno=int(number)), kind)
