"""bridge run"""

from typing import TYPE_CHECKING

import click

from bridge.cli.output import emit, say
from bridge.cli.session import json_option, opened

if TYPE_CHECKING:
    from bridge.app import App

__all__ = ["command"]

_LEVELS = ["debug", "info", "warning", "error"]


@click.command(name="run")
@click.option("--config", metavar="FILE", help="The config file.  [default: $BRIDGE_CONFIG, or ./config.toml]")
@click.option("--log", "level", type=click.Choice(_LEVELS), default="info", show_default=True, help="What to log.")
@json_option
def command(config: str | None, level: str, as_json: bool) -> int:
    """Keep all channels in step until stopped: the daemon.

    Listens for webhooks and polls as well, serves the page and the API, audits every number within audit.max_age. Logs to
    stderr. SIGTERM or Ctrl-C ends it in order, within ten seconds; SIGHUP has it read its config again. Killed at any moment it
    goes on where it stopped when it is started again.

    \b
    Examples:
      bridge run
      bridge run --config /etc/bridge/config.toml --log warning
    """
    import asyncio

    import uvloop

    _log_to_stderr(level)
    _survive_early_reloads()
    with opened(config) as app, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_run(app, as_json=as_json))
    if not as_json:
        say("stopped: what is not settled yet is settled at the next start")
    return 0


def _survive_early_reloads() -> None:
    """Until the daemon listens to it, a SIGHUP would end the process; the config is only being read then anyway."""
    import signal

    signal.signal(signal.SIGHUP, signal.SIG_IGN)


async def _run(app: "App", *, as_json: bool) -> None:
    import asyncio
    import signal
    import sys

    from bridge.daemon.daemon import Daemon

    def ready(address: str, channels: tuple[str, ...]) -> None:
        if as_json:
            emit({"address": address, "channels": channels}, pretty=False)
        else:
            say(f"listening on {address}, keeping {', '.join(channels)} in step. Ctrl-C stops.")
        # Whoever started us through a pipe waits for this line.
        sys.stdout.flush()

    daemon = Daemon(app, ready=ready)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, daemon.stop.set)
    loop.add_signal_handler(signal.SIGHUP, daemon.reload.set)
    await daemon.run()


def _log_to_stderr(level: str) -> None:
    import logging

    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    logging.basicConfig(level=level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s")
