"""Pinterest's own generated client for a Python prompt."""

from collections.abc import Callable

from connectors.pinterest.settings import Settings

__all__ = ["shell_of"]


def shell_of(settings: Settings) -> Callable[[], dict[str, object]]:
    """Return the opener of `PinterestSDKClient`, authenticated. The package `pinterest-api-sdk` is loaded only then."""

    def shell() -> dict[str, object]:
        from pinterest.client import PinterestSDKClient

        client = PinterestSDKClient.create_client_with_refresh_token(
            refresh_token=settings.refresh_token,
            app_id=settings.app_id,
            app_secret=settings.app_secret,
            refresh_access_token=True,
        )
        client.configuration.host = f"{settings.url.rstrip('/')}/v5"
        return {"client": client}

    return shell
