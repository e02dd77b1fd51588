"""A stateful stand-in for the Etsy Open API v3: tokens, listings, inventory, receipts, webhooks. What it believes: BELIEFS.md."""

import random
from typing import Any

from bridge.sandbox.etsy.api import Api
from bridge.sandbox.etsy.routes import ROUTES
from bridge.sandbox.etsy.shop import EtsyShop
from bridge.sandbox.etsy.state import Options, State
from bridge.sandbox.etsy.values import Clock
from bridge.sandbox.kit.control import WithDoor, door
from bridge.sandbox.kit.courier import Courier
from bridge.sandbox.kit.faults import Faults, FaultyApp
from bridge.sandbox.kit.platform import Now, Platform, Sleep

__all__ = ["build"]


def build(*, now: Now, sleep: Sleep, rng: random.Random, host: str, **options: Any) -> Platform:
    """Make an empty Etsy shop; `options` are the fields of `state.Options`."""
    courier = Courier.beside(sleep, rng)
    state = State(Clock(now), Options(**options), courier, host)
    shop = EtsyShop(state)
    faults = Faults(rng, sleep)
    api = Api(state, ROUTES, now)
    chosen = state.options
    credentials = {
        "keystring": chosen.keystring,
        "shared_secret": chosen.shared_secret,
        "refresh_token": chosen.refresh_token,
        "webhook_secret": chosen.webhook_secret,
        "url": state.host,
    }
    app = WithDoor(FaultyApp(api, faults, api.throttle), door("etsy", shop, faults, credentials))

    def grant() -> None:
        credentials["refresh_token"] = state.access.grant()

    return Platform("etsy", app, shop, faults, credentials, courier, grant=grant)
