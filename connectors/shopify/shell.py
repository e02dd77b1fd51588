"""The official client, for a person at a Python prompt. Nothing else of the bridge uses it."""

import httpx

from connectors.shopify.limits import VERSION
from connectors.shopify.settings import Settings

__all__ = ["open_shell"]


def open_shell(settings: Settings) -> dict[str, object]:
    """Return ShopifyAPI with an activated session as `shopify`; asks for a token first where an app's id is configured."""
    import shopify

    token = settings.access_token or _token(settings)
    session = shopify.Session(settings.base_url.removeprefix("https://"), VERSION, token)
    shopify.ShopifyResource.activate_session(session)
    return {"shopify": shopify}


def _token(settings: Settings) -> str:
    asked = {
        "client_id": settings.client_id,
        "client_secret": settings.client_secret,
        "grant_type": "client_credentials",
    }
    answer = httpx.post(f"{settings.base_url}/admin/oauth/access_token", json=asked, timeout=30.0)
    return str(answer.raise_for_status().json()["access_token"])
