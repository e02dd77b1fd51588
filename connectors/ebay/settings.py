"""What a merchant configures for an eBay channel."""

from bridge.domain.listing_map import ListingMap
from bridge.wire.settings import mapped, secret, setting, settings

__all__ = ["Settings"]

_ONLY = "; empty: the only one the seller has"


@settings
class Settings:
    """Access to one eBay seller on one site. The currency is the site's."""

    client_id: str = setting("App ID (Client ID) of the keyset, from developer.ebay.com > Application Keys")
    client_secret: str = secret("Cert ID (Client Secret) of the same keyset")
    refresh_token: str = secret("refresh token of the seller's consent (lives 18 months)")
    marketplace: str = setting("the site sold on: EBAY_US, EBAY_GB, EBAY_DE, ...", default="EBAY_US")
    url: str = setting(
        "https://api.ebay.com, or https://api.sandbox.ebay.com for a test account", default="https://api.ebay.com"
    )
    skus_per_call: int = setting(
        "SKUs in one stock write, 1 to 25; set 1 if eBay refuses more of them together", default=25
    )
    verification_token: str = secret(
        "verification token of a notification endpoint that was entered by hand at developer.ebay.com "
        "(32 to 80 of A-Z a-z 0-9 _ -); empty: the bridge makes its own",
        default="",
    )
    alert_email: str = setting("where eBay reports trouble with notifications; needed before it sends any", default="")
    fulfillment_policy: str = setting(f"id of the shipping policy of new listings{_ONLY}", default="")
    payment_policy: str = setting(f"id of the payment policy of new listings{_ONLY}", default="")
    return_policy: str = setting(f"id of the return policy of new listings{_ONLY}", default="")
    location: str = setting(f"merchantLocationKey that new listings ship from{_ONLY}", default="")
    listing_map: ListingMap = mapped("categories and aspects of new listings (the channel's `map`)")
