"""Which path is answered by what. Paths, methods and scopes: Open API v3 specification (2026-08-17)."""

from typing import Any

from bridge.sandbox.etsy.api import Call, Route
from bridge.sandbox.etsy.errors import bad, not_found
from bridge.sandbox.etsy.listings import Listing
from bridge.sandbox.etsy.state import READINESS, SHIPPING, TAXONOMY
from bridge.sandbox.etsy.values import Json, listed, minor, page, whole

_STATES = ("active", "inactive", "sold_out", "draft", "expired")
_REQUIRED = ("quantity", "title", "description", "price", "who_made", "when_made", "taxonomy_id")
_WHO = ("i_did", "someone_else", "collective")


def me(call: Call) -> Json:
    """GetMe."""
    options = call.state.options
    return {"user_id": options.user_id, "shop_id": options.shop_id}


def listings_of_shop(call: Call) -> Json:
    """GetListingsByShop: newest first; another order is had only with a search, so `sort_on` changes nothing here."""
    state = call.known.get("state", "active")
    if state not in _STATES:
        raise bad(f"Invalid state: {state}")
    limit, offset = page(call.query)
    found = [one for one in call.state.listings.all.values() if one.state == state]
    found.sort(key=lambda one: (one.created, one.listing_id), reverse=True)
    includes = listed(call.query, "includes")
    results = [_whole(call, one, includes) for one in found[offset : offset + limit]]
    return {"count": len(found), "results": results}


def _whole(call: Call, listing: Listing, includes: list[str], *, alone: bool = True) -> Json:
    answer = call.state.listings.answer(listing, alone=alone)
    if "Inventory" in includes:
        answer["inventory"] = call.state.inventory.answer(listing, alone=alone)
    if "Images" in includes:
        answer["images"] = [dict(one) for one in listing.images]
    return answer


def listing(call: Call) -> Json:
    """GetListing."""
    return _whole(call, call.state.listings.get(call.parts["listing_id"]), listed(call.query, "includes"))


def _batch(call: Call) -> list[Listing]:
    ids = listed(call.query, "listing_ids")
    if not 1 <= len(ids) <= 100:
        raise bad("listing_ids must have 1 to 100 values")
    return [call.state.listings.get(one) for one in dict.fromkeys(ids)]


def batch_inventory(call: Call) -> Json:
    """GetListingsInventoryByListingIds: "if any single ID is not found, the entire request returns a 404"."""
    found = _batch(call)
    return {"count": len(found), "results": [_whole(call, one, ["Inventory"], alone=False) for one in found]}


def batch(call: Call) -> Json:
    """GetListingsByListingIds."""
    found = _batch(call)
    includes = [one for one in listed(call.query, "includes") if one != "Inventory"]
    return {"count": len(found), "results": [_whole(call, one, includes, alone=False) for one in found]}


def inventory(call: Call) -> Json:
    """GetListingInventory; with `includes=Listing` the listing comes along."""
    found = call.state.listings.get(call.parts["listing_id"])
    answer = call.state.inventory.answer(found)
    if "Listing" in listed(call.query, "includes"):
        answer["listing"] = call.state.listings.answer(found)
    return answer


def put_inventory(call: Call) -> Json:
    """UpdateListingInventory."""
    found = call.state.listings.get(call.parts["listing_id"])
    call.state.inventory.replace(found, call.body)
    return call.state.inventory.answer(found)


def update(call: Call) -> Json:
    """UpdateListing."""
    found = call.state.listings.get(call.parts["listing_id"])
    call.state.listings.update(found, call.body)
    return call.state.listings.answer(found)


def create(call: Call) -> Json:
    """CreateDraftListing: one product without variations, its inventory record is made at once."""
    state, form = call.state, call.body
    for name in _REQUIRED:
        if form.get(name) in (None, ""):
            raise bad(f"Missing required field: {name}")
    if whole(form["taxonomy_id"], "taxonomy_id") < 1 or form["who_made"] not in _WHO:
        raise bad("Invalid taxonomy_id or who_made")
    if whole(form["quantity"], "quantity") < 1:
        raise bad("There was a problem with /quantity : must be at least 1")
    price = minor(form["price"], state.options.currency)
    if price < 1:
        raise bad("There was a problem with /price : must be positive")
    readiness = form.get("readiness_state_id")
    part = state.listings.part("", price, int(form["quantity"]), readiness=whole(readiness, "r") if readiness else None)
    data = {**form, "taxonomy_id": int(form["taxonomy_id"])}
    for name in ("shipping_profile_id", "return_policy_id", "shop_section_id"):
        data[name] = whole(form[name], name) if form.get(name) else None
    return state.listings.answer(state.listings.make(data, "draft", [part]))


def delete(call: Call) -> None:
    """DeleteListing."""
    found = call.state.listings.get(call.parts["listing_id"])
    del call.state.listings.all[found.listing_id]


def receipts(call: Call) -> Json:
    """GetShopReceipts."""
    limit, offset = page(call.query)
    found = call.state.receipts.search(call.known)
    results = [call.state.receipts.answer(one) for one in found[offset : offset + limit]]
    return {"count": len(found), "results": results}


def receipt(call: Call) -> Json:
    """GetShopReceipt."""
    return call.state.receipts.answer(call.state.receipts.get(call.parts["receipt_id"]))


def ship(call: Call) -> Json:
    """CreateReceiptShipment."""
    found = call.state.receipts.get(call.parts["receipt_id"])
    call.state.receipts.ship(found, call.body)
    return call.state.receipts.answer(found)


def readiness_states(call: Call) -> Json:
    """GetShopReadinessStateDefinitions."""
    profile = {
        "shop_id": call.state.options.shop_id, "readiness_state_id": READINESS, "readiness_state": "ready_to_ship",
        "min_processing_days": 1, "max_processing_days": 2, "processing_days_display_label": "1-2 days",
    }  # fmt: skip
    return {"count": 1, "results": [profile]}


def shipping_profiles(call: Call) -> Json:
    """GetShopShippingProfiles."""
    profile = {
        "shipping_profile_id": SHIPPING, "title": "Standard", "user_id": call.state.options.user_id,
        "origin_country_iso": "US", "is_deleted": False, "shipping_profile_destinations": [],
        "shipping_profile_upgrades": [], "profile_type": "manual",
    }  # fmt: skip
    return {"count": 1, "results": [profile]}


def properties(call: Call) -> Json:
    """GetPropertiesByTaxonomyId: one category that knows colours; sizes are a custom property there."""
    if call.parts["taxonomy_id"] != str(TAXONOMY):
        raise not_found(f"Could not find a taxonomy node {call.parts['taxonomy_id']}")
    colours: list[Json] = [
        {"value_id": call.state.inventory.value_id(200, name), "name": name, "scale_id": None, "equal_to": []}
        for name in ("Red", "Blue", "Black", "White")
    ]
    colour = {
        "property_id": 200, "name": "color", "display_name": "Primary color", "scales": [], "is_required": False,
        "supports_attributes": True, "supports_variations": True, "is_multivalued": False, "max_values_allowed": None,
        "possible_values": colours, "selected_values": [],
    }  # fmt: skip
    return {"count": 1, "results": [colour]}


def scopes(call: Call) -> Any:
    """TokenScopes."""
    return call.state.access.scopes_of(str(call.body.get("token", "")))


_SHOP, _RECEIPT = "/shops/{shop_id}", "/shops/{shop_id}/receipts/{receipt_id}"

ROUTES = (
    Route("GET", "/openapi-ping", lambda _: {"application_id": 1}),
    Route("POST", "/scopes", scopes),
    Route("GET", "/users/me", me, "shops_r"),
    Route("GET", "/shops/{shop_id}", lambda call: call.state.shop()),
    Route("GET", f"{_SHOP}/listings", listings_of_shop, "listings_r"),
    Route("POST", f"{_SHOP}/listings", create, "listings_w", 201),
    Route("PATCH", f"{_SHOP}/listings/{{listing_id}}", update, "listings_w"),
    Route("GET", "/listings/batch", batch),
    Route("GET", "/listings/batch/inventory", batch_inventory, "listings_r"),
    Route("GET", "/listings/{listing_id}", listing),
    Route("DELETE", "/listings/{listing_id}", delete, "listings_d", 204),
    Route("GET", "/listings/{listing_id}/inventory", inventory, "listings_r"),
    Route("PUT", "/listings/{listing_id}/inventory", put_inventory, "listings_w"),
    Route("GET", f"{_SHOP}/receipts", receipts, "transactions_r"),
    Route("GET", _RECEIPT, receipt, "transactions_r"),
    Route("POST", f"{_RECEIPT}/tracking", ship, "transactions_w"),
    Route("GET", f"{_SHOP}/readiness-state-definitions", readiness_states, "shops_r"),
    Route("GET", f"{_SHOP}/shipping-profiles", shipping_profiles, "shops_r"),
    Route("GET", "/seller-taxonomy/nodes/{taxonomy_id}/properties", properties),
)
