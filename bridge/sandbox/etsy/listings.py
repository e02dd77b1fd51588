"""Listings, their products, and what happens to a listing's state. Units live in offerings; a listing's quantity is their sum.

States and what leads from one to another: developers.etsy.com/documentation/tutorials/listings (lifecycle), the specification's
`state`, help.etsy.com 360000336187 (a listing that has not expired comes back free of charge).
"""

from dataclasses import dataclass, field
from typing import Any

from bridge.sandbox.etsy.errors import EtsyError, bad, not_found
from bridge.sandbox.etsy.values import Clock, Ids, Json, money, whole

PERIOD = 120 * 24 * 3600
MAX_TITLE = 140
EDITABLE = (
    "title", "description", "tags", "materials", "should_auto_renew", "shipping_profile_id", "return_policy_id",
    "taxonomy_id", "who_made", "when_made", "is_supply", "is_taxable", "shop_section_id",
)  # fmt: skip


@dataclass(slots=True)
class Part:
    """One product of a listing with its only offering."""

    product_id: int
    offering_id: int
    sku: str
    values: tuple[Json, ...]
    price: int
    quantity: int
    enabled: bool = True
    readiness: int | None = None

    def chosen(self, properties: list[int]) -> tuple[Any, ...]:
        """Return what this product is with regard to some properties."""
        told = {value["property_id"]: tuple(value["value_ids"]) for value in self.values}
        return tuple(told.get(one) for one in sorted(properties))


@dataclass(slots=True)
class Listing:
    """One listing."""

    listing_id: int
    data: Json
    state: str
    parts: list[Part]
    created: int
    updated: int
    ending: int
    on: dict[str, list[int]] = field(default_factory=dict)
    images: list[Json] = field(default_factory=list)

    @property
    def digital(self) -> bool:
        """A download: it is not counted."""
        return bool(self.data.get("type") == "download")

    @property
    def units(self) -> int:
        """The sum of what can be bought."""
        return sum(part.quantity for part in self.parts if part.enabled)


class Listings:
    """All listings of the shop. `fees` notes every listing fee that was charged, with its reason."""

    def __init__(self, clock: Clock, ids: Ids, shop_id: int, user_id: int, currency: str) -> None:
        self.clock = clock
        self.ids = ids
        self.shop_id = shop_id
        self.user_id = user_id
        self.currency = currency
        self.all: dict[int, Listing] = {}
        self.fees: list[tuple[int, str]] = []

    def get(self, listing_id: Any) -> Listing:
        """Find a listing or raise 404."""
        found = self.all.get(whole(listing_id, "listing_id"))
        if found is None:
            raise not_found(f"Could not find a Listing with listing_id = {listing_id}")
        return found

    def make(self, data: Json, state: str, parts: list[Part], on: dict[str, list[int]] | None = None) -> Listing:
        """Make a listing with its products."""
        now = self.clock.seconds()
        listing = Listing(
            self.ids.fresh("listing"), data, state, parts, now, now, now + PERIOD, on or {}
        )  # the listing period begins with it
        self.all[listing.listing_id] = listing
        return listing

    def part(self, sku: str, price: int, quantity: int, values: tuple[Json, ...] = (), **more: Any) -> Part:
        """Make a product with fresh ids."""
        return Part(self.ids.fresh("product"), self.ids.fresh("offering"), sku, values, price, quantity, **more)

    def touch(self, listing: Listing) -> None:
        """Note that it changed."""
        listing.updated = self.clock.seconds()

    def charge(self, listing: Listing, why: str) -> None:
        """Take the listing fee, and begin a new period."""
        self.fees.append((listing.listing_id, why))
        listing.ending = self.clock.seconds() + PERIOD

    def take(self, listing: Listing, part: Part, quantity: int) -> None:
        """Sell units: a product that shares its number with others takes it from all of them."""
        if listing.digital:
            return
        same = part.chosen(listing.on.get("quantity", []))
        for one in listing.parts:
            if one.chosen(listing.on.get("quantity", [])) == same:
                one.quantity -= quantity
        if listing.units <= 0 and listing.state == "active":
            listing.state = "sold_out"
        self.touch(listing)

    def update(self, listing: Listing, form: Json) -> None:
        """UpdateListing."""
        title = form.get("title")
        if title is not None and (not str(title).strip() or len(str(title)) > MAX_TITLE):
            raise bad("There was a problem with /title : must be 1 to 140 characters")
        if "description" in form and not str(form["description"]).strip():
            raise bad("There was a problem with /description : cannot be empty")
        if form.get("state"):
            self.move(listing, str(form["state"]))
        listing.data |= {name: form[name] for name in EDITABLE if name in form}
        self.touch(listing)

    def move(self, listing: Listing, state: str) -> None:
        """Publish, renew, deactivate or reactivate."""
        if state not in {"active", "inactive"}:
            raise bad(f"Invalid state: {state}")
        if state == listing.state:
            return
        if state == "inactive":
            if listing.state != "active":
                # etsy/open-api issue 538: a listing without units cannot be deactivated.
                raise bad("There was a problem with /quantity : cannot be empty")
            listing.state = "inactive"
            return
        self._activate(listing)

    def _activate(self, listing: Listing) -> None:
        if listing.state == "draft" and not listing.images:
            raise bad("Listing must have at least one image to be published")
        if listing.state == "sold_out":
            self._renew_sold_out(listing)
        elif listing.state == "draft":
            self.charge(listing, "publish")
        elif listing.state == "expired" or listing.ending <= self.clock.seconds():
            self.charge(listing, "renew")
        if listing.units <= 0:
            raise bad("There was a problem with /quantity : cannot be empty")
        listing.state = "active"

    def _renew_sold_out(self, listing: Listing) -> None:
        """ "Setting a `sold_out` listing to active will update the quantity to 1 and renew the listing" (specification)."""
        first = next((part for part in listing.parts if part.enabled), listing.parts[0])
        same = first.chosen(listing.on.get("quantity", []))
        for one in listing.parts:
            if one.chosen(listing.on.get("quantity", [])) == same:
                one.quantity = 1
        self.charge(listing, "renew")

    def expire(self, listing: Listing) -> None:
        """Let its period end."""
        listing.ending = self.clock.seconds()
        if listing.state in {"active", "inactive"}:
            listing.state = "expired"
        self.touch(listing)

    def answer(self, listing: Listing, *, alone: bool = True) -> Json:
        """Print a ShopListing."""
        data, prices = listing.data, [part.price for part in listing.parts]
        readiness = listing.parts[0].readiness if alone and listing.state == "active" and not listing.digital else None
        return {
            "listing_id": listing.listing_id, "user_id": self.user_id, "shop_id": self.shop_id,
            "title": data["title"], "description": data.get("description", ""), "state": listing.state,
            "creation_timestamp": listing.created, "created_timestamp": listing.created,
            "ending_timestamp": listing.ending, "original_creation_timestamp": listing.created,
            "last_modified_timestamp": listing.updated, "updated_timestamp": listing.updated,
            "state_timestamp": listing.updated, "quantity": max(0, listing.units), "featured_rank": -1,
            "url": f"https://www.etsy.com/listing/{listing.listing_id}", "num_favorers": 0, "non_taxable": False,
            "is_taxable": True, "is_customizable": False, "listing_type": data.get("type", "physical"),
            "tags": data.get("tags") or [], "materials": data.get("materials") or [],
            "shipping_profile_id": data.get("shipping_profile_id"), "return_policy_id": data.get("return_policy_id"),
            "who_made": data.get("who_made"), "when_made": data.get("when_made"), "is_supply": data.get("is_supply"),
            "is_private": False, "has_variations": any(part.values for part in listing.parts),
            "should_auto_renew": bool(data.get("should_auto_renew")), "language": "en",
            "price": money(min(prices, default=0), self.currency), "taxonomy_id": data.get("taxonomy_id"),
            "readiness_state_id": readiness, "skus": sorted({part.sku for part in listing.parts if part.sku}),
            "views": 0,
        }  # fmt: skip


def refuse_if_digital(listing: Listing) -> None:
    """Downloads have no number that could be written."""
    if listing.digital:
        raise EtsyError(409, "The quantity of a digital listing cannot be changed.")
