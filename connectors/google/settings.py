"""What a merchant configures for a Google channel."""

from bridge.domain.listing_map import ListingMap
from bridge.wire.settings import mapped, secret, setting, settings

__all__ = ["Settings"]


@settings
class Settings:
    """Access to one Merchant Center account with a service account."""

    account: str = setting("Merchant Center account number (top right in Merchant Center)")
    service_account: str = secret("the service account's key: the JSON itself, or the path of its file")
    data_source: str = setting("number of the API data source that holds the products (Merchant Center > Data sources)")
    stock_source: str = setting(
        "number of a supplemental API data source for availability, where a feed or a shop's app owns the "
        "products; empty: `data_source`",
        default="",
    )
    feed_label: str = setting("feed label of the products, mostly a country (US)", default="US")
    language: str = setting("content language of the products, two letters (en)", default="en")
    stores: str = setting(
        "store codes of the Business Profile with local inventory, separated by commas; empty: none", default=""
    )
    pickup: str = setting(
        'pickup offered in those stores: method and time ("BUY SAME_DAY"); empty: not told', default=""
    )
    currency: str = setting("currency of the prices there (ISO 4217)", default="USD")
    link: str = setting(
        "address of a product's page in your shop, {sku} where the SKU stands "
        '("https://shop.example/p/{sku}"); needed to create items',
        default="",
    )
    brand: str = setting("brand of items that are created where the map names none", default="")
    url: str = setting("leave it out, it is for tests", default="https://merchantapi.googleapis.com")
    oauth_url: str = setting("where access tokens are fetched; empty: as the key says (leave it out)", default="")
    listing_map: ListingMap = mapped(
        "Google's product category and more attributes of items that are created, by tag (map.toml)"
    )
