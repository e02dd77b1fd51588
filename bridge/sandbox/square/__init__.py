"""A stateful stand-in for the Square API: catalog, inventory, orders, payments, customers, loyalty, webhooks.

What it believes: BELIEFS.md.
"""

import random
from typing import Any

from bridge.sandbox.kit.control import WithDoor, door
from bridge.sandbox.kit.courier import Courier
from bridge.sandbox.kit.faults import Faults, FaultyApp
from bridge.sandbox.kit.platform import Now, Platform, Sleep
from bridge.sandbox.square.api import Api
from bridge.sandbox.square.routes import ROUTES
from bridge.sandbox.square.shop import SquareShop
from bridge.sandbox.square.state import Options, State
from bridge.sandbox.square.values import Clock

__all__ = ["build"]


def build(*, now: Now, sleep: Sleep, rng: random.Random, host: str, **options: Any) -> Platform:
    """Make an empty Square account with two locations; `options` are the fields of `state.Options`."""
    courier = Courier.beside(sleep, rng)
    state = State(Clock(now), Options(**options), courier)
    shop = SquareShop(state, host)
    faults = Faults(rng, sleep)
    api = Api(state, ROUTES, now, sleep)
    credentials = {
        "access_token": state.options.token,
        "application_id": state.options.application_id,
        "merchant_id": state.seller.merchant["id"],
    }
    app = WithDoor(FaultyApp(api, faults, api.throttle), door("square", shop, faults, credentials))
    return Platform("square", app, shop, faults, credentials, courier)
