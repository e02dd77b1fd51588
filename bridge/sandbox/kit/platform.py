"""What a stand-in is, seen from outside: an ASGI app, its credentials, and the verbs of shoppers and clerks.

`build(...)` of each platform's package returns a `Platform`. The same verbs are reached in process (`platform.shop`)
and over HTTP (`/__sandbox/<verb>`), so a scenario and a person at a shell do the same things.
"""

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from starlette.types import ASGIApp

from bridge.sandbox.kit.courier import Courier
from bridge.sandbox.kit.faults import Faults

Now = Callable[[], datetime]
Sleep = Callable[[float], Awaitable[None]]


class RefusedError(Exception):
    """The platform itself would not let the shopper or clerk do this (sold out, unknown SKU, already cancelled)."""


class Shop(Protocol):
    """The verbs of the people around a platform. Quantities are whole units; money is a decimal string.

    `sku` names the variant where it is unique; a verb takes the platform's own id (as `id`) where it is not.
    """

    def seed(self, products: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Create products; each is {"title", "description"?, "status"?, "images"?, "options"?, "stock_at"?: "variant"|"parent",
        "variants": [{"sku", "barcode"?, "price", "compare_at"?, "weight_grams"?, "options"?: {name: value},
        "stock"?: int | {location: int} | None}]}. Return one row per variant: {"sku", "product", "variant", "stock_id"}."""

    def sale(self, lines: list[dict[str, Any]], **how: Any) -> str:
        """Buy as a shopper (or ring up as a clerk): lines are {"sku" or "id", "quantity", "price"?, "discount"?}. Return the order's
        id. A line's "discount" (decimal string) is what all its units are cheaper by, as with a loyalty card's price.

        `how`: "location", "paid" (default True), "customer" {"id"?, "name", "email", "phone"}, "occurred_at" (an offline till's
        sale uploaded only now), "discount" (decimal string), "codes" (what the buyer types in). Raises RefusedError where the
        platform checks stock, or does not take a code."""

    def refund(self, order: str, lines: list[dict[str, Any]], *, restock: bool = True) -> str:
        """Refund lines {"sku" or "id", "quantity"} of an order, putting them back on the shelf or not."""

    def cancel(self, order: str, *, restock: bool = True) -> None:
        """Cancel an order as the merchant would."""

    def fulfil(self, order: str, *, tracking: dict[str, str] | None = None) -> None:
        """Ship or hand over everything of an order."""

    def edit_order(self, order: str, sku: str, quantity: int) -> None:
        """Change a line's quantity after the sale, where the platform allows it."""

    def count(self, sku: str, quantity: int, *, location: str | None = None) -> None:
        """Stocktake: a person says how many there are."""

    def edit_product(self, sku: str, **fields: Any) -> None:
        """Edit a product as the merchant would in the platform's own admin (keys as in `seed`)."""

    def delete_product(self, sku: str) -> None:
        """Delete the product that holds this SKU."""

    def stock(self) -> dict[str, dict[str, int]]:
        """Return the platform's own sellable numbers: {sku: {location: quantity}}; a SKU twice gets "#2" behind it."""

    def orders(self) -> list[dict[str, Any]]:
        """Return the orders, oldest first: {"id", "status", "lines": [{"sku", "quantity"}], "reference", "total"}."""


class LoyalShop(Shop, Protocol):
    """The verbs around customers, points and codes, of the platforms that know them. Codes are shown in upper case."""

    def add_customer(self, **fields: Any) -> str:
        """Make a customer's account: "name", "email", "phone", "consent" (bool). Return its id. Raises RefusedError for a double."""

    def edit_customer(self, customer: str, **fields: Any) -> None:
        """Change an account as the merchant would."""

    def delete_customer(self, customer: str) -> None:
        """Delete an account."""

    def customers(self) -> list[dict[str, Any]]:
        """Return the accounts: {"id", "name", "email", "phone", "points": int | None}: the points that the platform shows."""

    def give_points(self, *, customer: str, points: int, reason: str = "") -> None:
        """Add points by hand, or take some (below 0), where the platform keeps a ledger of points of its own."""

    def add_coupon(self, code: str, **terms: Any) -> str:
        """Make a code in the platform's own admin: "percent" (15) or "amount" ("5.00"), "limit", "ends_at". Return its id."""

    def edit_coupon(self, code: str, **terms: Any) -> None:
        """Change a code as the merchant would."""

    def delete_coupon(self, code: str) -> None:
        """Delete a code by hand."""

    def coupons(self) -> dict[str, dict[str, Any]]:
        """Return the codes: {CODE: {"id", "used": int, "limit": int | None, "active": bool, "percent"?, "amount"?}}."""


@dataclass(frozen=True, slots=True)
class Platform:
    """One running stand-in. `app` already has the faults and the control door in front of it; `courier` brings its webhooks.

    `lapses` says, by SKU, when the platform last lost an update by itself: its number has been wrong since, and nobody can tell.
    `writing` are the SKUs that it is about to write just now: what anybody else sets in that moment is lost.
    `grant` is what the merchant does when the bridge asks for access anew: `credentials` hold what is to be entered then.
    """

    name: str
    app: ASGIApp
    shop: Shop
    faults: Faults
    credentials: dict[str, str]
    courier: Courier
    lapses: dict[str, datetime] = field(default_factory=dict)
    writing: set[str] = field(default_factory=set)
    grant: Callable[[], None] | None = None


class Build(Protocol):
    """The one entry of a platform's package: `bridge.sandbox.<platform>.build`."""

    def __call__(self, *, now: Now, sleep: Sleep, rng: random.Random, host: str, **options: Any) -> Platform:
        """Make an empty shop. `host` is the base URL it will be reached at (it may appear in answers)."""
