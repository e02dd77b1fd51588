"""Meta's official client for a Python prompt."""

from collections.abc import Callable

from connectors.meta.settings import Settings

__all__ = ["shell_of"]


def shell_of(settings: Settings) -> Callable[[], dict[str, object]]:
    """Return the opener of `ProductCatalog(...)`, authenticated. The package `facebook-business` is loaded only then."""

    def shell() -> dict[str, object]:
        from facebook_business.adobjects.productcatalog import ProductCatalog
        from facebook_business.api import FacebookAdsApi
        from facebook_business.session import FacebookSession

        session = FacebookSession(access_token=settings.access_token, app_secret=settings.app_secret or None)
        session.GRAPH = settings.url
        api = FacebookAdsApi(session, api_version=settings.version)
        return {"api": api, "catalog": ProductCatalog(settings.catalog_id, api=api)}

    return shell
