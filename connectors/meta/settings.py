"""What a merchant configures for a Meta channel."""

from dataclasses import dataclass, field

from bridge.domain.listing_map import ListingMap

__all__ = ["Settings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Access to one catalogue of Commerce Manager, which Facebook Shop, Instagram Shopping and ads draw from."""

    access_token: str = field(
        repr=False,
        metadata={
            "help": "system-user token with catalog_management (Business settings > System users)",
            "secret": True,
        },
    )
    catalog_id: str = field(metadata={"help": "the catalogue's number (Commerce Manager > Catalogue > Settings)"})
    app_secret: str = field(
        default="",
        repr=False,
        metadata={
            "help": "the app's secret; needed where the app demands appsecret_proof, wise elsewhere",
            "secret": True,
        },
    )
    link: str = field(
        default="",
        metadata={
            "help": "address of a product's page in your shop, {sku} where the SKU stands "
            '("https://shop.example/p/{sku}"); needed to create items'
        },
    )
    brand: str = field(default="", metadata={"help": "brand of items that are created where the map names none"})
    currency: str = field(
        default="", metadata={"help": "the catalogue's currency (ISO 4217); empty: read from its first item"}
    )
    url: str = field(default="https://graph.facebook.com", metadata={"help": "leave it out, it is for tests"})
    version: str = field(default="v26.0", metadata={"help": "version of the Graph API that is asked for (v26.0)"})
    listing_map: ListingMap = field(
        default_factory=ListingMap,
        metadata={"help": "Google's product category and more fields of items that are created, by tag (map.toml)"},
    )
