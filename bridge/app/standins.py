"""Stand-ins of the platforms on free loopback ports, with a config that is ready to use."""

import asyncio
import contextlib
import random
import socket
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from importlib import import_module
from types import MappingProxyType
from typing import Any

import uvicorn

from bridge.app.catalogue import catalogue
from bridge.app.configfile import config_text
from bridge.app.errors import AppError
from bridge.app.wiring import connector_module
from bridge.sandbox import STAND_INS
from bridge.sandbox.kit.faults import CutByServer
from bridge.sandbox.kit.platform import Build, Now, Platform, Sleep
from bridge.sandbox.kit.posting import asking, posting

__all__ = ["StandIn", "config_for", "serving", "standing_in"]

# The stand-ins bring their webhooks to a daemon on this machine.
_DAEMON = """
[daemon]
listen = "127.0.0.1:8470"
public_url = "http://127.0.0.1:8470"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class StandIn:
    """One running stand-in: its address, its made-up credentials, and its part of a config."""

    platform: str
    channel: str
    url: str
    control: str
    credentials: dict[str, str] = field(repr=False)
    settings: dict[str, object] = field(repr=False)


class _Server(uvicorn.Server):
    """uvicorn without its own signal handlers: several servers run in one loop, and the command ends them."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def standing_in(
    platforms: Sequence[str], *, seed: int, products: int, port: int = 0
) -> AsyncIterator[tuple[tuple[StandIn, ...], str]]:
    """Run stand-ins with a small catalogue each; yields them and the text of a config for all of them, ready for the daemon."""
    rng = random.Random(seed)
    async with serving(platforms, rng=rng, now=lambda: datetime.now(UTC), sleep=asyncio.sleep, port=port) as running:
        for _, platform in running:
            platform.shop.seed(catalogue(products, random.Random(seed), random.Random(f"{seed} {platform.name}")))
        stand_ins = tuple(stand_in for stand_in, _ in running)
        yield stand_ins, config_for(stand_ins) + _DAEMON


def config_for(stand_ins: Sequence[StandIn]) -> str:
    """Return the text of a config for these stand-ins."""
    return config_text({one.channel: {"platform": one.platform, **one.settings} for one in stand_ins})


@asynccontextmanager
async def serving(
    platforms: Sequence[str],
    *,
    rng: random.Random,
    now: Now,
    sleep: Sleep,
    port: int = 0,
    options: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
) -> AsyncIterator[list[tuple[StandIn, Platform]]]:
    """Run empty stand-ins on loopback, on `port` and those after it (0: any that are free), in this loop, under the given clock.

    `options` are further ones of each platform's `build`.
    """
    ports = [port + index if port else 0 for index in range(len(platforms))]
    started = [_bound(one, rng, now, sleep, at, options.get(one, {})) for one, at in zip(platforms, ports, strict=True)]
    servers, tasks = [], []
    for (stand_in, platform), sock in started:
        app = CutByServer(platform.app)
        # The platforms' answers carry a Date of their own clock.
        config = uvicorn.Config(app, log_level="critical", lifespan="off", access_log=False, date_header=False)
        servers.append(_Server(config))
        tasks.append(asyncio.create_task(servers[-1].serve(sockets=[sock]), name=stand_in.channel))
    try:
        async with posting() as post, asking() as ask:
            for (_, platform), _ in started:
                platform.courier.post, platform.courier.ask = post, ask
            yield [pair for pair, _ in started]
    finally:
        for (_, platform), _ in started:
            await platform.courier.stop()
        for server in servers:
            server.should_exit = True
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*tasks)


def _bound(
    name: str, rng: random.Random, now: Now, sleep: Sleep, port: int, more: Mapping[str, Any]
) -> tuple[tuple[StandIn, Platform], socket.socket]:
    """Take the port first: the stand-in must know its own address. Connections wait in the backlog until it serves."""
    sock = _listening(port)
    url = f"http://127.0.0.1:{sock.getsockname()[1]}"
    build: Build = import_module(f"bridge.sandbox.{name}").build
    platform = build(now=now, sleep=sleep, rng=rng, host=url, **{**STAND_INS[name].options, **more})
    stand_in = StandIn(
        platform=name,
        channel=STAND_INS[name].channel,
        url=url,
        control=f"{url}/__sandbox/",
        credentials=platform.credentials,
        settings=_settings(name, url, platform.credentials),
    )
    return (stand_in, platform), sock


def _listening(port: int) -> socket.socket:
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind(("127.0.0.1", port))
    except OSError as error:
        sock.close()
        raise AppError(
            f"cannot listen on 127.0.0.1:{port}: {error.strerror}", next_step="name another --port"
        ) from error
    sock.listen(128)
    return sock


def _settings(platform: str, url: str, credentials: dict[str, str]) -> dict[str, object]:
    """Those of the credentials that the connector's settings name, and the address. Where a token will do, no client id."""
    known = {one.name for one in fields(connector_module(platform).Settings)}
    if "access_token" in credentials:
        known -= {"client_id", "client_secret"}
    given = {name: value for name, value in credentials.items() if name in known}
    return {"url": url, **given, **STAND_INS[platform].settings}
