"""What every command shares: its options, the opened App, and coroutines that a signal ends cleanly."""

import signal
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click

from bridge.cli.errors import StoppedError

if TYPE_CHECKING:
    from bridge.app import App
    from bridge.engine.context import Progress

__all__ = ["json_option", "opened", "options", "run"]

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])


def json_option(function: F) -> F:
    """Add --json."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")(function)


def options(function: F) -> F:
    """Add --config and --json."""
    config = click.option(
        "--config", metavar="FILE", help="The config file.  [default: $BRIDGE_CONFIG, or ./config.toml]"
    )
    return config(json_option(function))


@contextmanager
def opened(config: str | None) -> "Iterator[App]":
    """Open the App of a config. Warnings go to stderr, progress too where that is a terminal."""
    from bridge.app import App
    from bridge.config import find, load

    loaded = load(find(config))
    with _progress() as bars, App.open(loaded, progress=bars, warn=_warn) as app:
        yield app


def _warn(text: str) -> None:
    print(f"warning: {text}", file=sys.stderr)


@contextmanager
def _progress() -> "Iterator[Progress | None]":
    if not sys.stderr.isatty():
        yield None
        return
    from bridge.cli.progress import Bars

    with Bars() as bars:
        yield bars


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine; SIGINT and SIGTERM cancel it, so that it closes what it holds. Raises StoppedError then.

    Every step of the work is a transaction, so wherever it is cancelled nothing is half-written.
    """
    import asyncio

    return asyncio.run(_interruptible(work))


async def _interruptible(work: Coroutine[Any, Any, T]) -> T:
    import asyncio

    loop, task = asyncio.get_running_loop(), asyncio.ensure_future(work)
    stopped = False

    def stop() -> None:
        nonlocal stopped
        stopped = True
        task.cancel()
        for number in (signal.SIGINT, signal.SIGTERM):  # whoever asks twice does not want to wait
            loop.remove_signal_handler(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    try:
        return await task
    except asyncio.CancelledError:
        if stopped:
            raise StoppedError from None
        raise
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
