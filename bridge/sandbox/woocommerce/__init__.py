"""A stand-in for a WooCommerce shop (REST API wc/v3 of 11.0.1, or 9.9.5). What it believes is in BELIEFS.md."""

import random
from dataclasses import fields
from typing import Any

from bridge.sandbox.kit.control import WithDoor, door
from bridge.sandbox.kit.courier import Courier
from bridge.sandbox.kit.faults import Faults, FaultyApp
from bridge.sandbox.kit.platform import Now, Platform, Sleep
from bridge.sandbox.woocommerce.api import Api
from bridge.sandbox.woocommerce.shop import empty_shop
from bridge.sandbox.woocommerce.site import Races, Settings, Site, make_key
from bridge.sandbox.woocommerce.throttle import host_throttle
from bridge.sandbox.woocommerce.verbs import WooShop
from bridge.sandbox.woocommerce.webhook_delivery import Hookshot

__all__ = ["build"]

_KEYS = (
    ("", "read_write", True),
    ("read_", "read", True),
    ("write_", "write", True),
    ("customer_", "read_write", False),
)


def build(*, now: Now, sleep: Sleep, rng: random.Random, host: str, **options: Any) -> Platform:
    """Make an empty shop whose home URL is `host`.

    Options: the fields of `Settings` (version, permalinks, currency, weight_unit, gmt_offset, hold_stock_minutes) and of
    `Races` (race_window in seconds, delta_race and order_race as chances). Raises TypeError for any other."""
    known = {field.name for field in fields(Settings)}
    settings = Settings(**{name: options.pop(name) for name in list(options) if name in known})
    site = Site(host=host, now=now, sleep=sleep, rng=rng, settings=settings, races=Races(**options))
    credentials = {"url": site.host}
    for prefix, rights, manages in _KEYS:
        key = make_key(site.host, prefix + rights, rights, manages=manages)
        site.keys[key.consumer_key] = key
        credentials[f"{prefix}consumer_key"] = key.consumer_key
        credentials[f"{prefix}consumer_secret"] = key.consumer_secret
    courier = Courier.beside(sleep, rng)
    shop = WooShop(empty_shop(site, courier))
    site.listeners.append(Hookshot(shop.woo).hear)
    faults = Faults(rng, sleep)
    app = FaultyApp(WithDoor(Api(shop.woo), door("woocommerce", shop, faults, credentials)), faults, host_throttle)
    return Platform("woocommerce", app, shop, faults, credentials, courier, site.lapses, site.writing)
