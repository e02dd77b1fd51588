"""What a merchant configures for an Amazon channel."""

from dataclasses import dataclass, field

from bridge.domain.listing_map import ListingMap

__all__ = ["Settings"]

_AMAZON = "amazon.com"
_TOKENS = "https://api.amazon.com/auth/o2/token"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Access to one seller account in one marketplace; its currency is read from the account."""

    seller_id: str = field(
        metadata={"help": "merchant token (Seller Central > Settings > Account info), such as A3TH9S8BH6GOGM"}
    )
    client_id: str = field(metadata={"help": "LWA client id of your application (amzn1.application-oa2-client....)"})
    client_secret: str = field(repr=False, metadata={"help": "LWA client secret of that application", "secret": True})
    refresh_token: str = field(
        repr=False, metadata={"help": "refresh token (Atzr|...) that authorising the application gave", "secret": True}
    )
    marketplace: str = field(default="ATVPDKIKX0DER", metadata={"help": "marketplace id; ATVPDKIKX0DER is amazon.com"})
    url: str = field(
        default="https://sellingpartnerapi-na.amazon.com",
        metadata={"help": "https://sellingpartnerapi-na.amazon.com, -eu or -fe, by the marketplace's region"},
    )
    login_url: str = field(
        default="", metadata={"help": "token service; empty: Amazon's own, or /auth/o2/token at another `url`"}
    )
    fba: bool = field(
        default=False, metadata={"help": "read the stock in Amazon's warehouses, as a location of its own"}
    )
    personal_data: bool = field(
        default=False, metadata={"help": "ask for buyers' names and addresses; the application needs the role for it"}
    )
    queue_url: str = field(
        default="",
        metadata={"help": "SQS queue that takes the notifications; empty: orders are only polled, every 3 minutes"},
    )
    aws_access_key_id: str = field(
        default="", metadata={"help": "AWS key that may read the queue; empty: AWS's own search for one"}
    )
    aws_secret_access_key: str = field(
        default="", repr=False, metadata={"help": "secret of that AWS key", "secret": True}
    )
    aws_region: str = field(default="", metadata={"help": "region of the queue; empty: the one in its address"})
    listing_map: ListingMap = field(
        default_factory=ListingMap,
        metadata={"help": "product types and attributes of new listings (the channel's `map`)"},
    )

    @property
    def tokens(self) -> str:
        """The token service that belongs to `url`."""
        host = self.url.rstrip("/").partition("://")[2].partition("/")[0]
        return self.login_url or (_TOKENS if host.endswith(_AMAZON) else f"{self.url.rstrip('/')}/auth/o2/token")
