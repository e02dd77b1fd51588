"""A stateful stand-in for one catalogue of Meta's Graph API (Facebook Shop, Instagram Shopping). What it believes: BELIEFS.md."""

import random
from typing import Any

from bridge.sandbox.kit.control import WithDoor, door
from bridge.sandbox.kit.courier import Courier
from bridge.sandbox.kit.faults import Faults, FaultyApp
from bridge.sandbox.kit.platform import Now, Platform, Sleep
from bridge.sandbox.meta.api import Api
from bridge.sandbox.meta.state import MetaShop, Options, State

__all__ = ["build"]


def build(*, now: Now, sleep: Sleep, rng: random.Random, host: str, **options: Any) -> Platform:
    """Make an empty catalogue; `options` are the fields of `state.Options`."""
    state = State(now, Options(**options))
    shop = MetaShop(state, host)
    faults = Faults(rng, sleep)
    api = Api(state)
    credentials = {
        "access_token": state.options.token,
        "app_secret": state.options.app_secret,
        "catalog_id": state.options.catalog_id,
        "currency": state.options.currency,
        "link": f"{host}/p/{{sku}}",
    }
    app = WithDoor(FaultyApp(api, faults, api.throttle), door("meta", shop, faults, credentials))
    return Platform("meta", app, shop, faults, credentials, Courier.beside(sleep, rng))
