"""One package per platform. Each exports `Settings`, `LIMITS` and `connect(settings, around, where=...) -> Connector`."""

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["PLATFORMS"]

# What a channel's `platform` may be in the config, and the package that is loaded for it.
PLATFORMS: Mapping[str, str] = MappingProxyType(
    {
        "woocommerce": "connectors.woocommerce",
        "shopify": "connectors.shopify",
        "square": "connectors.square",
        "ebay": "connectors.ebay",
        "etsy": "connectors.etsy",
        "meta": "connectors.meta",
        "pinterest": "connectors.pinterest",
        "google": "connectors.google",
        "amazon": "connectors.amazon",
    }
)
