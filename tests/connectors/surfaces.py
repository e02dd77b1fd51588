"""A surface's stand-in with its connector under simulated time, for what is one platform's own."""

import asyncio
import importlib
import random
from collections.abc import Awaitable, Callable, Sequence
from types import SimpleNamespace
from typing import Any, TypeVar

from bridge.contract.stock import Accepted, Applied, Outcome, Prepared, Rejected, StockChange
from bridge.domain.catalog import StockKey
from bridge.sandbox.kit.loop import SimulatedLoop
from bridge.sandbox.kit.transport import InProcess
from bridge.wire.http import Surroundings

__all__ = ["Surface", "on_a_surface"]

T = TypeVar("T")
HOST = "surface.test"


class Surface(SimpleNamespace):
    """`shop` are the verbs, `connector` is what is tested, `around` its surroundings."""

    async def write(self, *rows: tuple[str, int], location: str = "") -> tuple[Prepared, Sequence[Outcome]]:
        """Say what these items' numbers are, from whatever they were."""
        changes = [StockChange(key=StockKey(sku, location), delta=target, shown=0) for sku, target in rows]
        prepared = self.connector.stock.prepare(changes, "key-1")
        return prepared, await self.connector.stock.send(prepared)

    async def ended(self, prepared: Prepared, outcomes: Sequence[Outcome]) -> Sequence[Applied | Rejected] | None:
        """Look at the ticket of a write."""
        ticket = next(one.ticket for one in outcomes if isinstance(one, Accepted))
        found: Sequence[Applied | Rejected] | None = await self.connector.tickets.look(ticket, prepared)
        return found

    def seed(self, *skus: str, **more: Any) -> None:
        """Put simple products in, ten each."""
        rows = [{"title": sku, "variants": [{"sku": sku, "price": "12.50", "stock": 10, **more}]} for sku in skus]
        self.shop.seed(rows)


def on_a_surface(name: str, scene: Callable[[Surface], Awaitable[T]], settings: dict[str, Any], **options: Any) -> T:
    """Play a scene on a new stand-in."""
    loop = SimulatedLoop()

    async def play() -> T:
        package: Any = importlib.import_module(f"bridge.sandbox.{name}")
        module: Any = importlib.import_module(f"connectors.{name}")
        platform = package.build(
            now=loop.now, sleep=asyncio.sleep, rng=random.Random(1), host=f"https://{HOST}", **options
        )
        around = Surroundings(
            now=loop.now, time=loop.time, sleep=asyncio.sleep, rng=random.Random(2),
            transport=InProcess({HOST: platform.app}),
        )  # fmt: skip
        known = set(module.Settings.__dataclass_fields__)
        values = {key: value for key, value in platform.credentials.items() if key in known}
        given = {**values, "url": f"https://{HOST}", **settings}
        connector = module.connect(module.Settings(**given), around, where="surface")
        try:
            return await scene(
                Surface(shop=platform.shop, faults=platform.faults, connector=connector, around=around, loop=loop)
            )
        finally:
            await connector.close()

    try:
        return loop.run_until_complete(play())
    finally:
        loop.close()
