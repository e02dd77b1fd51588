"""What a merchant configures for a Pinterest channel."""

from dataclasses import dataclass, field

from bridge.domain.listing_map import ListingMap

__all__ = ["Settings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Access to one retail catalogue of a Pinterest business account."""

    app_id: str = field(metadata={"help": "the app's id (developers.pinterest.com > My apps)"})
    app_secret: str = field(repr=False, metadata={"help": "the app's secret key, beside its id", "secret": True})
    refresh_token: str = field(
        repr=False,
        metadata={
            "help": "refresh token with catalogs:read and catalogs:write; see the README for how to get it",
            "secret": True,
        },
    )
    country: str = field(metadata={"help": "country the catalogue is for, two letters (US)"})
    language: str = field(metadata={"help": "language of the items, as Pinterest names it (en-US)"})
    catalog_id: str = field(metadata={"help": "number of the catalogue; `bridge check` lists those of the account"})
    currency: str = field(
        default="", metadata={"help": "the catalogue's currency (ISO 4217); empty: read from its first item"}
    )
    link: str = field(
        default="",
        metadata={
            "help": "address of a product's page in your shop, {sku} where the SKU stands "
            '("https://shop.example/p/{sku}"); needed to create items'
        },
    )
    access: str = field(
        default="standard",
        metadata={"help": '"standard", or "trial" (1,000 calls a day) until Pinterest has reviewed the app'},
    )
    url: str = field(default="https://api.pinterest.com", metadata={"help": "leave it out, it is for tests"})
    listing_map: ListingMap = field(
        default_factory=ListingMap,
        metadata={"help": "Google's product category and more attributes of items that are created, by tag (map.toml)"},
    )
