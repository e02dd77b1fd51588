"""One Etsy shop: every part of the state, put together."""

from dataclasses import dataclass

from bridge.sandbox.etsy.access import ALL_SCOPES, Access
from bridge.sandbox.etsy.inventory import Inventory
from bridge.sandbox.etsy.listings import Listings
from bridge.sandbox.etsy.receipts import Receipts
from bridge.sandbox.etsy.values import Clock, Ids, Json
from bridge.sandbox.etsy.webhooks import Endpoint, Hooks
from bridge.sandbox.kit.courier import Courier

READINESS = 700_001
SHIPPING = 600_001
# A taxonomy node of the stand-in's own, and one that is not to be had.
TAXONOMY = 1429


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What can be chosen when a stand-in is made. What Etsy's documentation leaves open is an option here: see BELIEFS.md.

    old_refresh_lives   a refresh token still works after it was used
    zero_refused        an inventory that leaves nothing to buy is refused (else the listing is sold out by it)
    put_renews          an inventory with units renews a sold-out listing, for the fee
    cancel_restocks     a cancellation puts units back on listings that live
    webhook_url         an endpoint that the seller entered in the portal
    """

    keystring: str = "sandboxkeystring00000001"
    shared_secret: str = "sandboxshare"  # noqa: S105 - made up
    refresh_token: str = "88001.refresh-sandbox-token-000000"  # noqa: S105 - made up
    webhook_secret: str = "whsec_c2FuZGJveC13ZWJob29rLXNlY3JldC0wMQ=="  # noqa: S105 - made up
    webhook_url: str = ""
    scopes: tuple[str, ...] = ALL_SCOPES
    currency: str = "USD"
    shop_id: int = 44_001
    user_id: int = 88_001
    calls_per_second: int = 150
    calls_per_day: int = 100_000
    old_refresh_lives: bool = False
    zero_refused: bool = True
    put_renews: bool = False
    cancel_restocks: bool = False


class State:
    """Everything an Etsy shop holds."""

    def __init__(self, clock: Clock, options: Options, courier: Courier, host: str) -> None:
        self.clock = clock
        self.options = options
        self.host = host.rstrip("/")
        self.ids = Ids()
        self.access = Access(
            clock, options.keystring, options.shared_secret, options.user_id, options.scopes, options.refresh_token,
            options.old_refresh_lives,
        )  # fmt: skip
        self.listings = Listings(clock, self.ids, options.shop_id, options.user_id, options.currency)
        self.inventory = Inventory(self.listings, zero_refused=options.zero_refused, put_renews=options.put_renews)
        self.receipts = Receipts(clock, self.ids, self.listings)
        self.hooks = Hooks(clock, courier, self.host, options.shop_id)
        self.receipts.told = self.hooks.tell
        if options.webhook_url:
            self.hooks.endpoints.append(Endpoint(options.webhook_url, options.webhook_secret))
        self.opened = clock.seconds()

    def shop(self) -> Json:
        """Print the Shop."""
        active = sum(one.state == "active" for one in self.listings.all.values())
        return {
            "shop_id": self.options.shop_id, "user_id": self.options.user_id, "shop_name": "SandboxShop",
            "create_date": self.opened, "created_timestamp": self.opened, "title": None, "announcement": None,
            "currency_code": self.options.currency, "is_vacation": False, "update_date": self.opened,
            "updated_timestamp": self.opened, "listing_active_count": active, "digital_listing_count": 0,
            "login_name": "sandboxseller", "accepts_custom_requests": False, "languages": ["en"],
            "url": "https://www.etsy.com/shop/SandboxShop", "shipping_from_country_iso": "US", "is_shop_us_based": True,
            "transaction_sold_count": sum(len(one.lines) for one in self.receipts.all.values()),
        }  # fmt: skip
