"""What a merchant configures for a Pinterest channel."""

from bridge.domain.listing_map import ListingMap
from bridge.wire.settings import mapped, secret, setting, settings

__all__ = ["Settings"]


@settings
class Settings:
    """Access to one retail catalogue of a Pinterest business account."""

    app_id: str = setting("the app's id (developers.pinterest.com > My apps)")
    app_secret: str = secret("the app's secret key, beside its id")
    refresh_token: str = secret("refresh token with catalogs:read and catalogs:write; see the README for how to get it")
    country: str = setting("country the catalogue is for, two letters (US)")
    language: str = setting("language of the items, as Pinterest names it (en-US)")
    catalog_id: str = setting("number of the catalogue; `bridge check` lists those of the account")
    currency: str = setting("the catalogue's currency (ISO 4217); empty: read from its first item", default="")
    link: str = setting(
        "address of a product's page in your shop, {sku} where the SKU stands "
        '("https://shop.example/p/{sku}"); needed to create items',
        default="",
    )
    access: str = setting(
        '"standard", or "trial" (1,000 calls a day) until Pinterest has reviewed the app', default="standard"
    )
    url: str = setting("leave it out, it is for tests", default="https://api.pinterest.com")
    listing_map: ListingMap = mapped(
        "Google's product category and more attributes of items that are created, by tag (map.toml)"
    )
