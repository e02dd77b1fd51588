"""A listing's inventory record: read, and replaced as a whole. Ids of products and offerings are new after every write.

Rules: specification of updateListingInventory (required fields, `*_on_property`), its tutorial
(developers.etsy.com/documentation/tutorials/listings), etsy/open-api issues 159 (which fields of an answer may not be sent back),
395, 501 and 560 ("One offering must have quantity greater than 0"), 247 (a sold-out listing stays so whatever is written).
"""

from typing import Any

from bridge.sandbox.etsy.errors import bad
from bridge.sandbox.etsy.listings import Listing, Listings, Part, refuse_if_digital
from bridge.sandbox.etsy.values import Json, minor, money, whole

MAX_QUANTITY = 999
PROPERTIES = ("price", "quantity", "sku", "readiness_state")
_PRODUCT = {"sku", "property_values", "offerings"}
_OFFERING = {"price", "quantity", "is_enabled", "readiness_state_id"}
_VALUE = {"property_id", "value_ids", "scale_id", "property_name", "values"}


class Inventory:
    """Reads and writes inventory records.

    `zero_refused`: a write that leaves nothing to buy is refused; else the listing is sold out by it.
    `put_renews`: a write that puts units on a sold-out listing renews it, for the fee.
    """

    def __init__(self, listings: Listings, *, zero_refused: bool, put_renews: bool) -> None:
        self.listings = listings
        self.zero_refused = zero_refused
        self.put_renews = put_renews
        self.value_ids: dict[tuple[int, str], int] = {}

    def answer(self, listing: Listing, *, alone: bool = True) -> Json:
        """Print a ListingInventory. Processing profiles are told of active physical listings alone (specification)."""
        told = alone and listing.state == "active" and not listing.digital
        return {
            "products": [self._product(part, told=told) for part in listing.parts],
            **{f"{name}_on_property": listing.on.get(name, []) for name in PROPERTIES},
        }

    def value_id(self, property_id: int, text: str) -> int:
        """Return the id of a value: one text of one property has one id."""
        if (property_id, text) not in self.value_ids:
            self.value_ids[property_id, text] = self.listings.ids.fresh("value")
        return self.value_ids[property_id, text]

    def value(self, property_id: int, name: str, text: str) -> Json:
        """Make a property value."""
        ids = [self.value_id(property_id, text)]
        return {
            "property_id": property_id, "property_name": name, "scale_id": None, "scale_name": None,
            "value_ids": ids, "values": [text],
        }  # fmt: skip

    def replace(self, listing: Listing, body: Json) -> None:
        """UpdateListingInventory."""
        refuse_if_digital(listing)
        on = {name: [whole(one, "property") for one in body.get(f"{name}_on_property") or []] for name in PROPERTIES}
        given = body.get("products")
        if not isinstance(given, list) or not given:
            raise bad("Missing required field: products")
        parts = [self._read(product, active=listing.state == "active") for product in given]
        _check_combinations(parts)
        _check_shared(parts, on)
        units = sum(part.quantity for part in parts if part.enabled)
        if not any(part.enabled for part in parts):
            raise bad("At least one offering must be enabled")
        if units == 0 and self.zero_refused:
            raise bad("One offering must have quantity greater than 0")
        for part, before in zip(parts, listing.parts, strict=False):
            part.readiness = part.readiness or before.readiness
        listing.parts, listing.on = parts, on
        self._settle(listing, units)
        self.listings.touch(listing)

    def _settle(self, listing: Listing, units: int) -> None:
        if units == 0 and listing.state == "active":
            listing.state = "sold_out"
        elif units and listing.state == "sold_out" and self.put_renews:
            self.listings.charge(listing, "renew by inventory")
            listing.state = "active"

    def _read(self, product: Any, *, active: bool) -> Part:
        _known(product, _PRODUCT, "products")
        offerings = product.get("offerings")
        if not isinstance(offerings, list) or len(offerings) != 1:
            raise bad("Each product must have exactly one offering")
        offering = offerings[0]
        _known(offering, _OFFERING, "offerings")
        for name in ("price", "quantity", "is_enabled", "readiness_state_id"):
            if name not in offering:
                raise bad(f"Missing required field: {name}")
        quantity, readiness = whole(offering["quantity"], "quantity"), offering["readiness_state_id"]
        if not 0 <= quantity <= MAX_QUANTITY:
            raise bad(f"Quantity must be between 0 and {MAX_QUANTITY}")
        if readiness is None and active:
            raise bad("readiness_state_id is required for physical listings")
        if isinstance(offering["price"], bool) or not isinstance(offering["price"], int | float):
            raise bad("Expected float value for 'price'")
        values = tuple(self._value(one) for one in product.get("property_values") or [])
        part = self.listings.part(
            str(product.get("sku") or ""), minor(offering["price"], self.listings.currency), quantity, values
        )
        part.enabled, part.readiness = bool(offering["is_enabled"]), readiness
        return part

    def _value(self, given: Any) -> Json:
        _known(given, _VALUE, "property_values")
        values = [str(one) for one in given.get("values") or []]
        property_id = whole(given.get("property_id"), "property_id")
        if not values or any(sign in text for text in values for sign in "()"):
            raise bad("Property values can't be empty or contain parentheses")
        made = self.value(property_id, str(given.get("property_name") or ""), values[0])
        ids = [whole(one, "value_ids") for one in given.get("value_ids") or []]
        return {**made, "value_ids": ids or made["value_ids"], "values": values, "scale_id": given.get("scale_id")}

    def _product(self, part: Part, *, told: bool) -> Json:
        offering = {
            "offering_id": part.offering_id, "quantity": max(0, part.quantity), "is_enabled": part.enabled,
            "is_deleted": False, "price": money(part.price, self.listings.currency),
            "readiness_state_id": part.readiness if told else None,
        }  # fmt: skip
        values = [dict(one) for one in part.values]
        return {
            "product_id": part.product_id, "sku": part.sku, "is_deleted": False, "offerings": [offering],
            "property_values": values,
        }  # fmt: skip


def _known(given: Any, names: set[str], where: str) -> None:
    if not isinstance(given, dict):
        raise bad(f"Expected object value in '{where}'")
    if odd := sorted(set(given) - names):
        raise bad(f"Invalid key in {where}: {odd[0]}")


def _check_combinations(parts: list[Part]) -> None:
    combinations = [tuple((one["property_id"], tuple(one["value_ids"])) for one in part.values) for part in parts]
    if len(set(combinations)) != len(combinations):
        raise bad("Duplicate property value combination")
    if len(parts) > 1 and not all(combinations):
        raise bad("All combinations of property values must be supplied")


def _check_shared(parts: list[Part], on: dict[str, list[int]]) -> None:
    """ "The update fails if the supplied values ... are incompatible with values in `*_on_property` fields"."""
    kinds = {"price": "price", "quantity": "quantity", "sku": "sku", "readiness_state": "readiness"}
    for name, attribute in kinds.items():
        told: dict[tuple[Any, ...], Any] = {}
        for part in parts:
            value = getattr(part, attribute)
            if told.setdefault(part.chosen(on[name]), value) != value:
                raise bad(f"The supplied {name} values are incompatible with {name}_on_property")
