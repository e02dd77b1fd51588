"""A stateful stand-in for one Merchant Center account of Google's Merchant API v1. What it believes: BELIEFS.md."""

import random
from typing import Any

from bridge.sandbox.google.api import Api
from bridge.sandbox.google.state import GoogleShop, Options, State
from bridge.sandbox.google.tokens import key_file
from bridge.sandbox.kit.control import WithDoor, door
from bridge.sandbox.kit.courier import Courier
from bridge.sandbox.kit.faults import Faults, FaultyApp
from bridge.sandbox.kit.platform import Now, Platform, Sleep

__all__ = ["build"]


def build(*, now: Now, sleep: Sleep, rng: random.Random, host: str, **options: Any) -> Platform:
    """Make an empty account; `options` are the fields of `state.Options`."""
    state = State(now, Options(**options), f"{host}/token")
    shop = GoogleShop(state, host)
    faults = Faults(rng, sleep)
    api = Api(state)
    credentials = {
        "account": state.options.account,
        "service_account": key_file(state.options.email, f"{host}/token"),
        "data_source": state.options.data_source,
        "stores": ",".join(state.options.stores),
        "feed_label": "US",
        "language": "en",
        "currency": state.options.currency,
        "link": f"{host}/p/{{sku}}",
    }
    app = WithDoor(FaultyApp(api, faults, api.throttle), door("google", shop, faults, credentials))
    return Platform("google", app, shop, faults, credentials, Courier.beside(sleep, rng))
