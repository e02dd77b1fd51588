"""How fast the whole WooCommerce catalogue is read, against paging with the official `woocommerce` client in the same run.

A stand-in with 5,000 products serves on a loopback socket in a process of its own, and takes 50 ms longer for each request,
as a shop across a network does. Both sides read everything, turn about, several times; what counts is the ratio.
"""

import argparse
import asyncio
import importlib
import multiprocessing
import random
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from typing import Any

from bench.machine import median
from bench.report import Figure, Result, command
from bench.worlds import goods
from bridge.app.standins import serving
from bridge.app.wiring import connector_module, outside
from connectors.woocommerce.catalog import PRODUCT_FIELDS

__all__ = ["measure"]

_TIMES = 3.0
_PAGE = 100


def measure(options: argparse.Namespace) -> Result:
    """Measure `options.runs` times with `options.products` products."""
    ours, plain, lean = [], [], []
    for module in ("connectors.woocommerce", "woocommerce"):
        importlib.import_module(module)  # loading code is not pulling
    with _shop(options.products, options.latency) as settings:
        for _ in range(options.runs):
            ours.append(_timed(lambda: asyncio.run(_with_connector(settings)), options.products))
            plain.append(_timed(lambda: _with_client(settings), options.products))
            lean.append(_timed(lambda: _with_client(settings, _fields=PRODUCT_FIELDS.product), options.products))
    what = f"pull {options.products:,} products at {options.latency} ms a request"
    figures = [
        Figure(what=f"{what}: the connector", measured=median(ours), unit="s"),
        Figure(what=f"{what}: the woocommerce client", measured=median(plain), unit="s"),
        Figure(what=f"{what}: the client, asking for the same fields as we do", measured=median(lean), unit="s"),
        _ratio("times faster than the client", plain, ours),
        _ratio("times faster than the client that asks for the same fields", lean, ours, bar=None),
    ]
    note = f"Medians of {options.runs} runs; the ratio is that of each run. The connector keeps to its limit of 8 calls at once."
    return Result(bench="pull", figures=figures, notes=[note])


def _ratio(what: str, theirs: list[float], ours: list[float], bar: float | None = _TIMES) -> Figure:
    each = [one / other for one, other in zip(theirs, ours, strict=True)]
    return Figure(what=what, measured=median(each), unit="x", bar=bar, side="at least")


def _timed(pull: Callable[[], int], products: int) -> float:
    start = time.perf_counter()
    found = pull()
    taken = time.perf_counter() - start
    assert found == products, f"{found} of {products} products were read"
    return taken


async def _with_connector(settings: dict[str, str]) -> int:
    module = connector_module("woocommerce")
    connector = module.connect(module.Settings(**settings), outside(), where="shop")
    try:
        return sum([len(page.items) async for page in connector.catalog.all()])
    finally:
        await connector.close()


def _with_client(settings: dict[str, str], **more: str) -> int:
    """Page as the client's documentation shows: 100 a page, one after the other, until the last page it was told of."""
    from woocommerce import API

    client = API(settings["url"], settings["consumer_key"], settings["consumer_secret"], version="wc/v3", timeout=60)
    found, page, pages = 0, 1, 1
    while page <= pages:
        answer = client.get("products", params={"per_page": _PAGE, "page": page, **more})
        assert answer.status_code == 200, answer.text[:200]
        found, pages, page = found + len(answer.json()), int(answer.headers["X-WP-TotalPages"]), page + 1
    return found


@contextmanager
def _shop(products: int, latency: int) -> Iterator[dict[str, Any]]:
    """Run the stand-in in another process; yields the connector's settings for it."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    server = context.Process(target=_serve, args=(there, products, latency), daemon=True)
    server.start()
    there.close()
    try:
        yield here.recv()
    finally:
        here.close()
        server.join(10)


def _serve(told: Connection, products: int, latency: int) -> None:
    asyncio.run(_serving(told, products, latency))


async def _serving(told: Connection, products: int, latency: int) -> None:
    rng = random.Random(1)
    async with serving(["woocommerce"], rng=rng, now=lambda: datetime.now(UTC), sleep=asyncio.sleep) as running:
        ((stand_in, platform),) = running
        platform.shop.seed(goods(products))
        platform.faults.add(kind="latency", seconds=latency / 1000, times=None)
        told.send(stand_in.settings)
        await asyncio.to_thread(_closed, told)


def _closed(told: Connection) -> None:
    """Wait until the other side closes the pipe."""
    try:
        told.recv()
    except EOFError:
        return


def options(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("--products", type=int, default=5_000, help="how many products (default: %(default)s)")
    parser.add_argument(
        "--latency", type=int, default=50, metavar="MS", help="added to each request (default: %(default)s)"
    )
    parser.add_argument("--runs", type=int, default=3, help="how often to measure (default: %(default)s)")


if __name__ == "__main__":
    sys.exit(command(measure, doc=__doc__, options=options))
