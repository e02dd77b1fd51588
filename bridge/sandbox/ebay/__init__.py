"""A stateful stand-in for eBay's REST APIs: inventory, offers, orders, accounts, notifications. What it believes: BELIEFS.md."""

import random
from typing import Any

from bridge.sandbox.ebay.api import Api
from bridge.sandbox.ebay.notifications import telling
from bridge.sandbox.ebay.routes import ROUTES
from bridge.sandbox.ebay.shop import EbayShop
from bridge.sandbox.ebay.state import Options, State
from bridge.sandbox.kit.control import WithDoor, door
from bridge.sandbox.kit.courier import Courier
from bridge.sandbox.kit.faults import Faults, FaultyApp
from bridge.sandbox.kit.platform import Now, Platform, Sleep

__all__ = ["build"]


def build(*, now: Now, sleep: Sleep, rng: random.Random, host: str, **options: Any) -> Platform:
    """Make a seller without listings; `options` are the fields of `state.Options`."""
    courier = Courier.beside(sleep, rng)
    state = State(now, Options(**options), courier)
    telling(state)
    shop = EbayShop(state, host)
    faults = Faults(rng, sleep)
    api = Api(state, ROUTES)
    credentials = {
        "client_id": state.options.client_id,
        "client_secret": state.options.client_secret,
        "refresh_token": state.options.refresh_token,
        "marketplace": state.site,
        "alert_email": "alerts@sandbox.example",
    }
    app = WithDoor(FaultyApp(api, faults, api.throttle), door("ebay", shop, faults, credentials))
    return Platform("ebay", app, shop, faults, credentials, courier)
