"""What a merchant configures for an Amazon channel."""

from bridge.domain.listing_map import ListingMap
from bridge.wire.settings import secret, setting, settings

__all__ = ["Settings"]

_AMAZON = "amazon.com"
_TOKENS = "https://api.amazon.com/auth/o2/token"


@settings
class Settings:
    """Access to one seller account in one marketplace; its currency is read from the account."""

    seller_id: str = setting("merchant token (Seller Central > Settings > Account info), such as A3TH9S8BH6GOGM")
    client_id: str = setting("LWA client id of your application (amzn1.application-oa2-client....)")
    client_secret: str = secret("LWA client secret of that application")
    refresh_token: str = secret("refresh token (Atzr|...) that authorising the application gave")
    marketplace: str = setting("marketplace id; ATVPDKIKX0DER is amazon.com", default="ATVPDKIKX0DER")
    url: str = setting(
        "https://sellingpartnerapi-na.amazon.com, -eu or -fe, by the marketplace's region",
        default="https://sellingpartnerapi-na.amazon.com",
    )
    login_url: str = setting("token service; empty: Amazon's own, or /auth/o2/token at another `url`", default="")
    fba: bool = setting("read the stock in Amazon's warehouses, as a location of its own", default=False)
    personal_data: bool = setting(
        "ask for buyers' names and addresses; the application needs the role for it", default=False
    )
    queue_url: str = setting(
        "SQS queue that takes the notifications; empty: orders are only polled, every 3 minutes", default=""
    )
    aws_access_key_id: str = setting("AWS key that may read the queue; empty: AWS's own search for one", default="")
    aws_secret_access_key: str = secret("secret of that AWS key", default="")
    aws_region: str = setting("region of the queue; empty: the one in its address", default="")
    listing_map: ListingMap = setting(
        "product types and attributes of new listings (the channel's `map`)", default=ListingMap()
    )

    @property
    def tokens(self) -> str:
        """The token service that belongs to `url`."""
        host = self.url.rstrip("/").partition("://")[2].partition("/")[0]
        return self.login_url or (_TOKENS if host.endswith(_AMAZON) else f"{self.url.rstrip('/')}/auth/o2/token")
