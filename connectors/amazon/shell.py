"""Amazon's official client for a Python prompt."""

from collections.abc import Callable

from connectors.amazon.settings import Settings

__all__ = ["shell_of"]


def shell_of(settings: Settings) -> Callable[[], dict[str, object]]:
    """Return the opener of `SPAPIClient(...)`, authorised. The package `amzn-sp-api` is loaded only then."""

    def shell() -> dict[str, object]:
        from spapi import SPAPIClient, SPAPIConfig

        config = SPAPIConfig(
            client_id=settings.client_id, client_secret=settings.client_secret, refresh_token=settings.refresh_token,
            region="NA",
        )  # fmt: skip
        client = SPAPIClient(config, oauth_endpoint=settings.tokens, endpoint=settings.url)
        return {"amazon": client.api_client, "seller_id": settings.seller_id, "marketplace": settings.marketplace}

    return shell
