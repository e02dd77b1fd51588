"""Who we are in the shop, and what the token may do there."""

from bridge.contract.errors import NeedsPerson
from bridge.contract.ports import Identity
from bridge.wire.http import Surroundings
from connectors.shopify.documents import WHO
from connectors.shopify.limits import LOYALTY_SCOPES, OPTIONAL_SCOPES, REQUIRED_SCOPES, VERSION, WRITER_SCOPES
from connectors.shopify.mapping import location
from connectors.shopify.settings import Settings
from connectors.shopify.shop import Shop

__all__ = ["Account", "missing_scopes"]

_WHY = {
    "read_all_orders": "orders older than 60 days cannot be read",
    "read_customers": "orders come without their customer's id",
    "write_products": "products cannot be written here",
    "write_orders": "orders cannot be mirrored, cancelled or refunded here",
    "write_merchant_managed_fulfillment_orders": "orders cannot be marked as shipped here",
    "write_customers": "points cannot be shown here",
    "write_discounts": "coupon codes cannot be kept here",
}


class Account:
    """The account port."""

    def __init__(self, shop: Shop, settings: Settings, around: Surroundings) -> None:
        self._shop = shop
        self._settings = settings
        self._around = around

    async def check(self) -> Identity:
        """Verify the token, its scopes and the API version; raises NeedsPerson."""
        answer = await self._shop.ask(WHO, {})
        shop = answer.data["shop"]
        granted = {scope["handle"] for scope in answer.data["currentAppInstallation"]["accessScopes"]}
        if not granted:
            raise NeedsPerson(
                "the token has no access scope at all",
                where=self._shop.http.where,
                next_step=f"give the app these scopes: {', '.join(REQUIRED_SCOPES)}",
            )
        missing = missing_scopes(granted, REQUIRED_SCOPES)
        # Without read_locations the list of places would fail, and hide the better answer: which scopes are missing.
        places = () if "read_locations" in missing else tuple(map(location, await self._shop.locations()))
        return Identity(
            name=shop["name"], currency=shop["currencyCode"], now=answer.at, locations=places, missing=missing,
            notes=(*_scope_notes(granted), *self._location_notes({place.id for place in places if place.active})),
            version=VERSION,
        )  # fmt: skip

    def _location_notes(self, active: set[str]) -> tuple[str, ...]:
        wanted = self._settings.location
        if not wanted or wanted in active:
            return ()
        return (f"`location` is {wanted}, which is no active location of this shop: choose one of {sorted(active)}",)


def missing_scopes(granted: set[str], wanted: tuple[str, ...]) -> tuple[str, ...]:
    """Return the wanted scopes that are not granted; a write scope includes reading."""
    implied = {f"read_{scope.removeprefix('write_')}" for scope in granted if scope.startswith("write_")}
    return tuple(scope for scope in wanted if scope not in granted | implied)


def _scope_notes(granted: set[str]) -> tuple[str, ...]:
    lacking = missing_scopes(granted, (*WRITER_SCOPES, *OPTIONAL_SCOPES, *LOYALTY_SCOPES))
    return tuple(f"without the scope {scope} {_WHY[scope]}: add it to the app if you want that" for scope in lacking)
