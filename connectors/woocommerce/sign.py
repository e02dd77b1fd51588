"""How calls are authenticated: basic over https; over plain http WooCommerce ignores that and wants OAuth 1.0a."""

from base64 import b64encode
from collections.abc import Awaitable, Callable
from dataclasses import replace

from bridge.wire.http import Request, Surroundings
from bridge.wire.oauth1 import sign
from connectors.woocommerce.settings import Settings

__all__ = ["signer"]

Sign = Callable[[Request], Awaitable[Request]]


def signer(settings: Settings, around: Surroundings, base: str) -> Sign:
    """Return what authenticates each attempt at a call."""
    if settings.url.startswith("https://") and not settings.sign_calls:
        return _basic(settings)

    async def oauth(request: Request) -> Request:
        url = request.path if "://" in request.path else f"{base}/{request.path}"
        stamp = int(around.now().timestamp())
        params = sign(
            request.method,
            url,
            request.params,
            key=settings.consumer_key,
            secret=settings.consumer_secret,
            timestamp=stamp,
            nonce=f"{stamp:x}{around.rng.getrandbits(96):024x}",
        )
        return replace(request, params=tuple(params))

    return oauth


def _basic(settings: Settings) -> Sign:
    token = b64encode(f"{settings.consumer_key}:{settings.consumer_secret}".encode()).decode()

    async def basic(request: Request) -> Request:
        return replace(request, headers={**request.headers, "authorization": f"Basic {token}"})

    return basic
