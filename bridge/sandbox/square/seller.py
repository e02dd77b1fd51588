"""The seller: merchant, locations, and who may call."""

from dataclasses import dataclass, field
from datetime import datetime

from bridge.sandbox.square.errors import SquareError, insufficient_scopes, not_found, unauthorized
from bridge.sandbox.square.values import Clock, Ids, Json, stamp, to_ms

ALL_SCOPES = tuple(
    "MERCHANT_PROFILE_READ ITEMS_READ ITEMS_WRITE INVENTORY_READ INVENTORY_WRITE ORDERS_READ ORDERS_WRITE "
    "PAYMENTS_READ PAYMENTS_WRITE CUSTOMERS_READ CUSTOMERS_WRITE LOYALTY_READ LOYALTY_WRITE".split()
)


@dataclass(slots=True)
class Token:
    """The one access token: what it may do, when it ends, whether the seller took it back."""

    value: str
    scopes: frozenset[str]
    expires_at: datetime | None = None
    revoked: bool = False

    def check(self, header: str | None, scopes: tuple[str, ...], now: datetime) -> None:
        """Let a call through, or raise 401 or 403 as Square answers it."""
        if header is None or not header.startswith("Bearer ") or header[7:] != self.value:
            raise unauthorized()
        if self.revoked:
            raise unauthorized("ACCESS_TOKEN_REVOKED", "The provided access token has been revoked.")
        if self.expires_at is not None and now >= self.expires_at:
            raise unauthorized("ACCESS_TOKEN_EXPIRED", "The provided access token has expired.")
        if not self.scopes.issuperset(scopes):
            raise insufficient_scopes()


@dataclass(slots=True)
class Seller:
    """Merchant and locations as the API shows them."""

    clock: Clock
    ids: Ids
    names: tuple[str, ...]
    currency: str
    country: str
    language: str
    timezone: str
    merchant: Json = field(init=False)
    locations: dict[str, Json] = field(init=False)

    def __post_init__(self) -> None:
        opened = self._second()
        merchant_id = self.ids.make(13)
        shared = {"country": self.country, "language_code": self.language, "currency": self.currency}
        self.locations = {}
        for name in self.names:
            location_id = "L" + self.ids.make(12)
            self.locations[location_id] = {
                "id": location_id,
                "name": name,
                "business_name": "The Sandbox Shop",
                "timezone": self.timezone,
                "capabilities": ["CREDIT_CARD_PROCESSING"],
                "status": "ACTIVE",
                "created_at": opened,
                "merchant_id": merchant_id,
                "type": "PHYSICAL",
                **shared,
            }
        self.merchant = {
            "id": merchant_id,
            "business_name": "The Sandbox Shop",
            "status": "ACTIVE",
            "main_location_id": self.main,
            "created_at": opened,
            **shared,
        }

    @property
    def main(self) -> str:
        """Return the id of the main location."""
        return next(iter(self.locations))

    def place(self, name: str | None) -> str | None:
        """Find a location by id or name; the main one if none is named; None if there is no such."""
        if name is None:
            return self.main
        return (
            name if name in self.locations else next((i for i, p in self.locations.items() if p["name"] == name), None)
        )

    def list_locations(self) -> Json:
        """ListLocations: by name."""
        return {"locations": sorted(self.locations.values(), key=lambda place: str(place["name"]))}

    def location(self, location_id: str) -> Json:
        """RetrieveLocation; `main` names the main location."""
        found = self.locations.get(self.main if location_id == "main" else location_id)
        if found is None:
            raise not_found(f"Location with ID `{location_id}` not found.")
        return {"location": found}

    def retrieve_merchant(self, merchant_id: str) -> Json:
        """RetrieveMerchant; `me` is the one the token belongs to."""
        if merchant_id not in ("me", self.merchant["id"]):
            raise SquareError(403, "AUTHENTICATION_ERROR", "FORBIDDEN", "You have insufficient permissions.")
        return {"merchant": self.merchant}

    def _second(self) -> str:
        # `Location.created_at` has at most 25 characters (specification), so it goes without milliseconds in both.
        return stamp(to_ms(self.clock.now()))[:19] + "Z"
