"""What a merchant configures for an eBay channel."""

from dataclasses import dataclass, field

from bridge.domain.listing_map import ListingMap

__all__ = ["Settings"]

_ONLY = "; empty: the only one the seller has"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Access to one eBay seller on one site. The currency is the site's."""

    client_id: str = field(
        metadata={"help": "App ID (Client ID) of the keyset, from developer.ebay.com > Application Keys"}
    )
    client_secret: str = field(
        repr=False, metadata={"help": "Cert ID (Client Secret) of the same keyset", "secret": True}
    )
    refresh_token: str = field(
        repr=False, metadata={"help": "refresh token of the seller's consent (lives 18 months)", "secret": True}
    )
    marketplace: str = field(default="EBAY_US", metadata={"help": "the site sold on: EBAY_US, EBAY_GB, EBAY_DE, ..."})
    url: str = field(
        default="https://api.ebay.com",
        metadata={"help": "https://api.ebay.com, or https://api.sandbox.ebay.com for a test account"},
    )
    skus_per_call: int = field(
        default=25, metadata={"help": "SKUs in one stock write, 1 to 25; set 1 if eBay refuses more of them together"}
    )
    verification_token: str = field(
        default="",
        repr=False,
        metadata={
            "help": "verification token of a notification endpoint that was entered by hand at developer.ebay.com "
            "(32 to 80 of A-Z a-z 0-9 _ -); empty: the bridge makes its own",
            "secret": True,
        },
    )
    alert_email: str = field(
        default="", metadata={"help": "where eBay reports trouble with notifications; needed before it sends any"}
    )
    fulfillment_policy: str = field(default="", metadata={"help": f"id of the shipping policy of new listings{_ONLY}"})
    payment_policy: str = field(default="", metadata={"help": f"id of the payment policy of new listings{_ONLY}"})
    return_policy: str = field(default="", metadata={"help": f"id of the return policy of new listings{_ONLY}"})
    location: str = field(default="", metadata={"help": f"merchantLocationKey that new listings ship from{_ONLY}"})
    listing_map: ListingMap = field(
        default_factory=ListingMap, metadata={"help": "categories and aspects of new listings (the channel's `map`)"}
    )
