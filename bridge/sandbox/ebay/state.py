"""One seller's eBay as data: items, groups, offers, listings, orders, and who may see them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from bridge.sandbox.kit.courier import Courier
from bridge.sandbox.kit.platform import Now

__all__ = ["Json", "Options", "State", "amount", "stamp"]

Json = dict[str, Any]
SCOPES = (
    "sell.inventory", "sell.inventory.readonly", "sell.fulfillment", "sell.fulfillment.readonly", "sell.account",
    "sell.account.readonly", "sell.finances", "commerce.notification.subscription",
)  # fmt: skip
# The site that a seller with this currency sells on (MarketplaceEnum; currencies of the sites).
SITES = {"USD": "EBAY_US", "GBP": "EBAY_GB", "EUR": "EBAY_DE", "JPY": "EBAY_JP", "AUD": "EBAY_AU", "CAD": "EBAY_CA"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What one stand-in is like.

    skus_per_call      how many SKUs bulkUpdatePriceQuantity takes: the type says 25, the method's text says one
    revisions          revisions of a listing a day
    token_seconds      life of an access token
    refund_seconds     how long a refund stays PENDING
    cancel_restocks    a cancelled order gives its units back to the listing (documented nowhere)
    out_of_stock       the seller opted in to out-of-stock control; without it a listing at 0 ends
    calls_per_second   None: no limit
    offset_is_page     `offset` of the Inventory API counts pages (its text) and not records
    """

    currency: str = "USD"
    seller: str = "sandbox_seller"
    client_id: str = "Sandbox-Bridge-PRD-0000000000-00000000"
    client_secret: str = "PRD-00000000-hush-hush-4711"  # noqa: S105 - the sandbox invents it
    refresh_token: str = "v^1.1#i^1#r^1#sandbox-refresh-token"  # noqa: S105 - the same
    scopes: tuple[str, ...] = SCOPES
    skus_per_call: int = 25
    revisions: int = 250
    token_seconds: int = 7200
    refund_seconds: float = 0.0
    cancel_restocks: bool = False
    out_of_stock: bool = True
    calls_per_second: int | None = None
    offset_is_page: bool = True


@dataclass(frozen=True, slots=True)
class Grant:
    """An access token: whose it is, what it allows, and until when."""

    kind: str
    scopes: frozenset[str]
    ends: datetime


@dataclass(slots=True)
class State:
    """Everything that is there; insertion order is creation order."""

    now: Now
    options: Options
    courier: Courier
    items: dict[str, Json] = field(default_factory=dict)
    groups: dict[str, Json] = field(default_factory=dict)
    offers: dict[str, Json] = field(default_factory=dict)
    revised: dict[tuple[str, str], int] = field(default_factory=dict)
    orders: dict[str, Json] = field(default_factory=dict)
    parcels: dict[str, list[Json]] = field(default_factory=dict)
    grants: dict[str, Grant] = field(default_factory=dict)
    destinations: dict[str, Json] = field(default_factory=dict)
    subscriptions: dict[str, Json] = field(default_factory=dict)
    config: Json = field(default_factory=dict)
    tell: Callable[[str, Json], None] = lambda _topic, _data: None
    revoked: bool = False
    _last: int = 0

    @property
    def site(self) -> str:
        """The marketplace that the seller sells on."""
        return SITES[self.options.currency]

    def number(self) -> int:
        """Return a number that was never given out before."""
        self._last += 1
        return self._last

    def money(self, minor: int) -> Json:
        """Write whole minor units as an Amount."""
        return amount(minor, self.options.currency)

    def offers_of(self, sku: str) -> list[Json]:
        """Return a SKU's offers, oldest first."""
        return [one for one in self.offers.values() if one["sku"] == sku]

    def later(self, seconds: float) -> datetime:
        """Return the moment that lies so far ahead."""
        return self.now() + timedelta(seconds=seconds)


def digits(currency: str) -> int:
    """Return the decimal digits of a currency's minor unit."""
    return 0 if currency == "JPY" else 2


def amount(minor: int, currency: str) -> Json:
    """Write an Amount: a decimal string and its currency."""
    places = digits(currency)
    whole = f"{abs(minor):0{places + 1}d}"
    text = f"{whole[:-places]}.{whole[-places:]}" if places else whole
    return {"value": f"-{text}" if minor < 0 else text, "currency": currency}


def stamp(at: datetime) -> str:
    """Write a time as eBay does: UTC with milliseconds."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
