"""What a merchant configures for a Google channel."""

from dataclasses import dataclass, field

from bridge.domain.listing_map import ListingMap

__all__ = ["Settings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Access to one Merchant Center account with a service account."""

    account: str = field(metadata={"help": "Merchant Center account number (top right in Merchant Center)"})
    service_account: str = field(
        repr=False,
        metadata={"help": "the service account's key: the JSON itself, or the path of its file", "secret": True},
    )
    data_source: str = field(
        metadata={"help": "number of the API data source that holds the products (Merchant Center > Data sources)"}
    )
    stock_source: str = field(
        default="",
        metadata={
            "help": "number of a supplemental API data source for availability, where a feed or a shop's app owns the products; "
            "empty: `data_source`"
        },
    )
    feed_label: str = field(default="US", metadata={"help": "feed label of the products, mostly a country (US)"})
    language: str = field(default="en", metadata={"help": "content language of the products, two letters (en)"})
    stores: str = field(
        default="",
        metadata={"help": "store codes of the Business Profile with local inventory, separated by commas; empty: none"},
    )
    pickup: str = field(
        default="",
        metadata={"help": 'pickup offered in those stores: method and time ("BUY SAME_DAY"); empty: not told'},
    )
    currency: str = field(default="USD", metadata={"help": "currency of the prices there (ISO 4217)"})
    link: str = field(
        default="",
        metadata={
            "help": "address of a product's page in your shop, {sku} where the SKU stands "
            '("https://shop.example/p/{sku}"); needed to create items'
        },
    )
    brand: str = field(default="", metadata={"help": "brand of items that are created where the map names none"})
    url: str = field(default="https://merchantapi.googleapis.com", metadata={"help": "leave it out, it is for tests"})
    token_url: str = field(
        default="", metadata={"help": "where access tokens are fetched; empty: as the key says (leave it out)"}
    )
    listing_map: ListingMap = field(
        default_factory=ListingMap,
        metadata={"help": "Google's product category and more attributes of items that are created, by tag (map.toml)"},
    )
