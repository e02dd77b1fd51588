"""What a merchant configures for an Etsy channel."""

from bridge.domain.listing_map import ListingMap
from bridge.wire.settings import secret, setting, settings

__all__ = ["Settings"]


@settings
class Settings:
    """Access to one Etsy shop. The currency is read from the shop, not configured."""

    keystring: str = secret("keystring of your app (etsy.com/developers/your-apps)")
    shared_secret: str = secret("shared secret of your app, from the same page")
    refresh_token: str = secret(
        "refresh token that the shop's owner gave the app; the bridge keeps its successors by itself, and needs "
        "a new one here only after 90 days without a run, or after the owner changed the password"
    )
    url: str = setting("address of Etsy's API", default="https://openapi.etsy.com")
    shop_id: str = setting("the shop's number; empty: the shop of the token's owner", default="")
    webhook_secret: str = secret(
        "signing secret (whsec_...) of an endpoint made by hand in Etsy's webhook portal; commercial apps only",
        default="",
    )
    renew: bool = setting(
        "true: a sold-out or expired listing may be renewed when units come in, which costs Etsy's fee", default=False
    )
    publish: bool = setting(
        "true: drafts may be published, which costs Etsy's fee; false: they stay drafts", default=False
    )
    processing_profile: int = setting(
        "readiness_state_id for listings whose processing profile Etsy does not tell; 0: none is sent", default=0
    )
    listing_map: ListingMap = setting(
        "categories for new listings: a taxonomy id and the fixed fields of each (map.toml)", default=ListingMap()
    )
