"""What a merchant configures for a Meta channel."""

from bridge.domain.listing_map import ListingMap
from bridge.wire.settings import mapped, secret, setting, settings

__all__ = ["Settings"]


@settings
class Settings:
    """Access to one catalogue of Commerce Manager, which Facebook Shop, Instagram Shopping and ads draw from."""

    access_token: str = secret("system-user token with catalog_management (Business settings > System users)")
    catalog_id: str = setting("the catalogue's number (Commerce Manager > Catalogue > Settings)")
    app_secret: str = secret(
        "the app's secret; needed where the app demands appsecret_proof, wise elsewhere", default=""
    )
    link: str = setting(
        "address of a product's page in your shop, {sku} where the SKU stands "
        '("https://shop.example/p/{sku}"); needed to create items',
        default="",
    )
    brand: str = setting("brand of items that are created where the map names none", default="")
    currency: str = setting("the catalogue's currency (ISO 4217); empty: read from its first item", default="")
    url: str = setting("leave it out, it is for tests", default="https://graph.facebook.com")
    version: str = setting("version of the Graph API that is asked for (v26.0)", default="v26.0")
    listing_map: ListingMap = mapped(
        "Google's product category and more fields of items that are created, by tag (map.toml)"
    )
