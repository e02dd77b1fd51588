"""What a merchant configures for an Etsy channel."""

from dataclasses import dataclass, field

from bridge.domain.listing_map import ListingMap

__all__ = ["Settings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Access to one Etsy shop. The currency is read from the shop, not configured."""

    keystring: str = field(
        repr=False, metadata={"help": "keystring of your app (etsy.com/developers/your-apps)", "secret": True}
    )
    shared_secret: str = field(
        repr=False, metadata={"help": "shared secret of your app, from the same page", "secret": True}
    )
    refresh_token: str = field(
        repr=False,
        metadata={
            "help": "refresh token that the shop's owner gave the app; the bridge keeps its successors by itself, and needs "
            "a new one here only after 90 days without a run, or after the owner changed the password",
            "secret": True,
        },
    )
    url: str = field(default="https://openapi.etsy.com", metadata={"help": "address of Etsy's API"})
    shop_id: str = field(default="", metadata={"help": "the shop's number; empty: the shop of the token's owner"})
    webhook_secret: str = field(
        default="",
        repr=False,
        metadata={
            "help": "signing secret (whsec_...) of an endpoint made by hand in Etsy's webhook portal; commercial apps only",
            "secret": True,
        },
    )
    renew: bool = field(
        default=False,
        metadata={
            "help": "true: a sold-out or expired listing may be renewed when units come in, which costs Etsy's fee"
        },
    )
    publish: bool = field(
        default=False,
        metadata={"help": "true: drafts may be published, which costs Etsy's fee; false: they stay drafts"},
    )
    processing_profile: int = field(
        default=0,
        metadata={
            "help": "readiness_state_id for listings whose processing profile Etsy does not tell; 0: none is sent"
        },
    )
    listing_map: ListingMap = field(
        default=ListingMap(),
        metadata={"help": "categories for new listings: a taxonomy id and the fixed fields of each (map.toml)"},
    )
