"""A shop on Shopify: its Admin GraphQL API, its shoppers, its tills and its merchant."""

from random import Random
from typing import Any

from bridge.sandbox.kit.control import WithDoor, door
from bridge.sandbox.kit.courier import Courier
from bridge.sandbox.kit.faults import Faults, FaultyApp
from bridge.sandbox.kit.platform import Now, Platform, Sleep
from bridge.sandbox.shopify.access import Access
from bridge.sandbox.shopify.control import ShopifyShop
from bridge.sandbox.shopify.cost import Bucket
from bridge.sandbox.shopify.http import ShopifyApp, throttle
from bridge.sandbox.shopify.idempotency import Keys
from bridge.sandbox.shopify.state import Settings, State
from bridge.sandbox.shopify.webhook_payloads import writer
from bridge.sandbox.shopify.webhooks import Office

__all__ = ["ALL_SCOPES", "build"]

ALL_SCOPES = frozenset(
    {
        "read_customers",
        "read_discounts",
        "read_inventory",
        "read_locations",
        "read_merchant_managed_fulfillment_orders",
        "read_orders",
        "read_products",
        "read_returns",
        "write_customers",
        "write_discounts",
        "write_inventory",
        "write_merchant_managed_fulfillment_orders",
        "write_orders",
        "write_products",
    }
)


def build(*, now: Now, sleep: Sleep, rng: Random, host: str, **options: Any) -> Platform:
    """Make an empty shop reached at `host`.

    Options: those of `state.Settings` (locations, currency, utc_offset, search_lag, job_seconds, personal_data,
    orders_per_minute, webhook_version, compliance_url, ...), `scopes`, `bucket` and `restore` (points), `token`,
    `client_id`, `client_secret`.
    """
    size, restore = float(options.pop("bucket", 2000)), float(options.pop("restore", 100))
    token = options.pop("token", "shpat_sandbox")
    client_id, secret = options.pop("client_id", "sandbox-client"), options.pop("client_secret", "sandbox-secret")
    scopes = frozenset(options.pop("scopes", ALL_SCOPES))
    locations = tuple(options.pop("locations", ("Shop location",)))
    state = State(now, rng, Settings(host=host, scopes=scopes, locations=locations, **options))
    access = Access(now, rng, client_id, secret, token, scopes, Keys(now))
    shop = ShopifyShop(state)
    faults = Faults(rng, sleep)
    api = FaultyApp(ShopifyApp(state, access, Bucket(now, size, restore)), faults, throttle(now))
    credentials = {
        "host": host,
        "access_token": token,
        "client_id": client_id,
        "client_secret": secret,
        "webhook_secret": secret,
        "api_version": "2026-10",
    }
    courier = Courier.beside(sleep, rng)
    state.webhooks.office = Office(courier, lambda: access.client_secret, writer(state))
    return Platform(
        "shopify", WithDoor(api, door("shopify", shop, faults, credentials)), shop, faults, credentials, courier
    )
