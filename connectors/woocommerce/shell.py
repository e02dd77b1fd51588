"""The official client, for a person at a Python prompt."""

from typing import Any

from connectors.woocommerce.settings import Settings

__all__ = ["shell"]


def shell(settings: Settings) -> dict[str, Any]:
    """Return the `woocommerce` package's client, authenticated, as "woo"."""
    from woocommerce import API

    client = API(
        url=settings.url,
        consumer_key=settings.consumer_key,
        consumer_secret=settings.consumer_secret,
        version="wc/v3",
        verify_ssl=settings.verify_tls,
        timeout=30,
    )
    return {"woo": client}
