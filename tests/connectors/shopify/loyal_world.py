"""A shop with goods and its connector on a simulated clock, for the tests of customers, points and codes."""

import asyncio
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
import pytest

from bridge.contract.loyalty import CouponResult, CouponsPort, CouponState, CouponWrite, CustomersPort, PointsPort
from bridge.contract.ports import Connector
from bridge.domain.coupons import CouponTerms
from bridge.sandbox.kit.faults import Faults
from bridge.sandbox.kit.loop import SimulatedLoop
from bridge.sandbox.kit.transport import InProcess
from bridge.sandbox.shopify import build
from bridge.wire.http import Surroundings
from connectors.shopify import Settings, connect

__all__ = ["TENTH", "Loyal", "Open", "open_loyal"]

TENTH = CouponTerms(kind="percent", percent=1000)
Open = Callable[..., "Loyal"]


@dataclass(slots=True)
class Loyal:
    """The shop's verbs, its connector, the names of the operations that were sent, and what happens just before one of them."""

    shop: Any
    faults: Faults
    channel: Connector
    run: Callable[[Any], Any]
    now: Callable[[], datetime]
    sent: list[str]
    meanwhile: dict[str, Callable[[], None]]

    @property
    def coupons(self) -> CouponsPort:
        assert self.channel.coupons is not None
        return self.channel.coupons

    @property
    def customers(self) -> CustomersPort:
        assert self.channel.customers is not None
        return self.channel.customers

    @property
    def points(self) -> PointsPort:
        assert self.channel.points is not None
        return self.channel.points

    def write(self, *writes: CouponWrite) -> list[CouponResult]:
        """Write rows in as many calls as `batches` makes of them; the results come in the order of the rows."""
        found = {
            one.code: one
            for batch in self.coupons.batches(writes)
            for one in self.run(self.coupons.write(batch, "key"))
        }
        return [found[write.code] for write in writes]

    def find(self, *codes: str) -> dict[str, CouponState]:
        return {state.code.upper(): state for state in self.run(self.coupons.find(codes))}

    def passes(self, seconds: float) -> None:
        self.run(asyncio.sleep(seconds))

    def buy(self, *codes: str, sku: str = "MUG", email: str = "a@example.com", quantity: int = 1) -> str:
        lines = [{"sku": sku, "quantity": quantity}]
        return str(self.shop.sale(lines, codes=list(codes), customer={"name": "A", "email": email}))


@pytest.fixture
def open_loyal() -> Iterator[Open]:
    """Open shops with options of the stand-in."""
    loops: list[SimulatedLoop] = []

    def open_one(**options: Any) -> Loyal:
        loop = SimulatedLoop()
        loops.append(loop)
        rng = random.Random(7)
        platform = build(now=loop.now, sleep=asyncio.sleep, rng=rng, host="http://shop.test", **options)
        sent: list[str] = []
        meanwhile: dict[str, Callable[[], None]] = {}

        async def app(scope: Any, receive: Any, send: Any) -> None:
            async def listen() -> Any:
                message = await receive()
                body = message.get("body")
                if body:
                    sent.append(str(msgspec.json.decode(body)["operationName"]))
                    meanwhile.pop(sent[-1], lambda: None)()
                return message

            await platform.app(scope, listen, send)

        transport = InProcess({"shop.test": app})
        around = Surroundings(now=loop.now, time=loop.time, sleep=asyncio.sleep, rng=rng, transport=transport)
        settings = Settings(url="http://shop.test", access_token=platform.credentials["access_token"])
        platform.shop.seed([
            {"title": "Mug", "variants": [{"sku": "MUG", "price": "20.00", "stock": 500}]},
            {"title": "Cap", "variants": [{"sku": "CAP", "price": "10.00", "stock": 500}]},
            {"title": "Gift", "gift_card": True, "variants": [{"sku": "GIFT", "price": "25.00", "stock": None}]},
        ])  # fmt: skip
        channel = connect(settings, around, where="web")
        return Loyal(platform.shop, platform.faults, channel, loop.run_until_complete, loop.now, sent, meanwhile)

    yield open_one
    for loop in loops:
        loop.close()
