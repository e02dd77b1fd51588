"""A stateful stand-in for one retail catalogue of the Pinterest API v5. What it believes: BELIEFS.md."""

import random
from typing import Any

from bridge.sandbox.kit.control import WithDoor, door
from bridge.sandbox.kit.courier import Courier
from bridge.sandbox.kit.faults import Faults, FaultyApp
from bridge.sandbox.kit.platform import Now, Platform, Sleep
from bridge.sandbox.pinterest.api import Api
from bridge.sandbox.pinterest.state import Options, PinterestShop, State

__all__ = ["build"]


def build(*, now: Now, sleep: Sleep, rng: random.Random, host: str, **options: Any) -> Platform:
    """Make an empty catalogue; `options` are the fields of `state.Options`."""
    state = State(now, Options(**options))
    shop = PinterestShop(state, host)
    faults = Faults(rng, sleep)
    api = Api(state)
    credentials = {
        "app_id": state.options.app_id,
        "app_secret": state.options.app_secret,
        "refresh_token": state.options.refresh_token,
        "catalog_id": state.options.catalog_id,
        "country": "US",
        "language": "en-US",
        "currency": state.options.currency,
        "link": f"{host}/p/{{sku}}",
    }
    app = WithDoor(FaultyApp(api, faults, api.throttle), door("pinterest", shop, faults, credentials))
    return Platform("pinterest", app, shop, faults, credentials, Courier.beside(sleep, rng))
