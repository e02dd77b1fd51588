"""Offers and the listings that come of them: publishing, revising, ending."""

from copy import deepcopy

from bridge.sandbox.ebay.api import Answer, Call
from bridge.sandbox.ebay.errors import EbayError, gone, invalid
from bridge.sandbox.ebay.state import Json, State

__all__ = [
    "create_offer", "delete_offer", "end", "follow_item", "get_offer", "list_offers", "publish", "publish_group", "put_offer",
    "revise", "withdraw", "withdraw_group",
]  # fmt: skip

_POLICIES = ("fulfillmentPolicyId", "paymentPolicyId", "returnPolicyId")


def live(offer: Json) -> bool:
    """Tell whether shoppers can find it, sold out or not."""
    return bool(offer["status"] == "PUBLISHED" and offer["listing"]["listingStatus"] in {"ACTIVE", "OUT_OF_STOCK"})


def available(state: State, offer: Json) -> int:
    """Return what a shopper can buy: the smaller of the item's number and the offer's own."""
    shipped = (
        state.items[offer["sku"]].get("availability", {}).get("shipToLocationAvailability", {}).get("quantity") or 0
    )
    return int(min(shipped, offer.get("availableQuantity", shipped)))


def follow_item(state: State, sku: str) -> None:
    """Let listings go out of stock and back; without out-of-stock control a listing at 0 ends."""
    for offer in state.offers_of(sku):
        if live(offer):
            empty = available(state, offer) <= 0
            gone_out = "OUT_OF_STOCK" if state.options.out_of_stock else "ENDED"
            offer["listing"]["listingStatus"] = gone_out if empty else "ACTIVE"


def revise(state: State, sku: str) -> None:
    """Count a revision of each live listing of a SKU; the 251st of a day is refused."""
    today = state.now().date().isoformat()
    listings = {offer["listing"]["listingId"] for offer in state.offers_of(sku) if live(offer)}
    for listing in listings:
        if state.revised.get((listing, today), 0) >= state.options.revisions:
            raise EbayError(400, 25002, "Any User error. The listing was revised too many times today.")
    for listing in listings:
        state.revised[listing, today] = state.revised.get((listing, today), 0) + 1


def create_offer(state: State, call: Call) -> Answer:
    """createOffer: one for each SKU, marketplace and format."""
    sku = str(call.body.get("sku") or "")
    if sku not in state.items:
        raise EbayError(400, 25702, gone(sku).message)
    key = ("sku", "marketplaceId", "format")
    for one in state.offers_of(sku):
        if all(one[name] == call.body.get(name) for name in key):
            raise EbayError(400, 25002, f"Offer entity already exists. offerId {one['offerId']}")
    offer_id = str(9_000_000_000 + state.number())
    made = {**deepcopy(call.body), "offerId": offer_id, "status": "UNPUBLISHED"}
    state.offers[offer_id] = _complete(made)
    return Answer({"offerId": offer_id}, 201)


def _complete(offer: Json) -> Json:
    offer.setdefault("listingDuration", "GTC")
    for name in ("listingPolicies", "pricingSummary"):
        offer.setdefault(name, {})
    for name in ("hideBuyerDetails", "includeCatalogProductDetails"):
        offer.setdefault(name, False)
    return offer


def put_offer(state: State, call: Call) -> Answer:
    """updateOffer: all fields are replaced; a live listing is revised."""
    offer = _offer(state, call.parts[0])
    revise(state, offer["sku"])
    kept: Json = {
        name: offer[name]
        for name in ("offerId", "sku", "marketplaceId", "format", "status", "listing")
        if name in offer
    }
    replaced = _complete({**deepcopy(call.body), **kept})
    if live(replaced):
        _check(state, replaced)
    state.offers[offer["offerId"]] = replaced
    follow_item(state, offer["sku"])
    return Answer(None, 204)


def get_offer(state: State, call: Call) -> Answer:
    """getOffer."""
    return Answer(_offer(state, call.parts[0]))


def list_offers(state: State, call: Call) -> Answer:
    """getOffers of one SKU; none is answered 404 (belief: a SKU without offers is not found)."""
    sku = call.query.get("sku")
    if not sku:
        raise EbayError(400, 25707, "This is an invalid value for a SKU.")
    found = [one for one in state.offers_of(sku) if call.query.get("format") in {None, one["format"]}]
    if not found:
        raise EbayError(404, 25713, f"This Offer is not available : {sku}.")
    href = f"/sell/inventory/v1/offer?sku={sku}"
    return Answer({"total": len(found), "size": len(found), "href": href, "limit": 100, "offers": found})


def publish(state: State, call: Call) -> Answer:
    """publishOffer: what a listing must have is checked only now."""
    offer = _offer(state, call.parts[0])
    if any(offer["sku"] in group["variantSKUs"] for group in state.groups.values()):
        raise EbayError(
            400,
            25732,
            "Offers associated with SKUs that are part of a variation group cannot be published using this endpoint.",
        )
    _check(state, offer)
    return Answer({"listingId": _list(state, [offer])})


def publish_group(state: State, call: Call) -> Answer:
    """publishOfferByInventoryItemGroup: one listing for all members."""
    offers = _group_offers(state, call)
    for offer in offers:
        _check(state, offer)
    return Answer({"listingId": _list(state, offers)})


def _list(state: State, offers: list[Json]) -> str:
    known = next((one["listing"]["listingId"] for one in offers if live(one)), None)
    listing = known or str(110_000_000_000 + state.number())
    for offer in offers:
        offer["status"] = "PUBLISHED"
        offer["listing"] = {"listingId": listing, "listingStatus": "ACTIVE", "soldQuantity": 0}
        follow_item(state, offer["sku"])
    return listing


def _check(state: State, offer: Json) -> None:
    item, product = state.items[offer["sku"]], state.items[offer["sku"]].get("product", {})
    if not offer.get("categoryId"):
        raise EbayError(400, 25005, "Invalid category. A category is missing.")
    if not offer.get("pricingSummary", {}).get("price"):
        raise EbayError(400, 25003, "Invalid price. A price is missing.")
    if float(offer["pricingSummary"]["price"]["value"]) < 0:
        raise EbayError(400, 25003, "Invalid price. The price is negative.")
    if not product.get("title") or not (product.get("description") or offer.get("listingDescription")):
        raise EbayError(400, 25002, "Any User error. Title and description are required.")
    if not product.get("imageUrls"):
        raise EbayError(400, 25002, "Any User error. Add at least one photo.")
    if not item.get("condition"):
        raise EbayError(400, 25021, "Invalid item condition information. Provide a condition.")
    if missing := [name for name in _POLICIES if not offer.get("listingPolicies", {}).get(name)]:
        raise EbayError(400, 25007, f"Invalid policy. Provide {', '.join(missing)}.")
    if not offer.get("merchantLocationKey"):
        raise invalid("merchantLocationKey")


def withdraw(state: State, call: Call) -> Answer:
    """withdrawOffer: the listing ends, the offer stays unpublished."""
    offer = _offer(state, call.parts[0])
    if offer["status"] != "PUBLISHED":
        raise EbayError(400, 25713, f"This Offer is not available : {offer['offerId']}.")
    listing = offer["listing"]["listingId"]
    _unlist(offer)
    return Answer({"listingId": listing})


def withdraw_group(state: State, call: Call) -> Answer:
    """withdrawOfferByInventoryItemGroup."""
    offers = [one for one in _group_offers(state, call) if one["status"] == "PUBLISHED"]
    if not offers:
        raise EbayError(400, 25726, "Please specify a published InventoryItemGroup")
    for offer in offers:
        _unlist(offer)
    return Answer(None, 204)


def _unlist(offer: Json) -> None:
    offer["status"] = "UNPUBLISHED"
    offer.pop("listing", None)


def end(offer: Json, status: str) -> None:
    """End a listing as eBay itself does (EBAY_ENDED), or as the seller does in Seller Hub (ENDED)."""
    offer["listing"]["listingStatus"] = status


def delete_offer(state: State, call: Call) -> Answer:
    """deleteOffer: the listing ends, the offer is gone."""
    del state.offers[_offer(state, call.parts[0])["offerId"]]
    return Answer(None, 204)


def _group_offers(state: State, call: Call) -> list[Json]:
    group = state.groups.get(str(call.body.get("inventoryItemGroupKey")))
    if group is None:
        raise EbayError(400, 25705, "The Inventory Item Group could not be found or is not available in the system.")
    return [offer for sku in group["variantSKUs"] for offer in state.offers_of(sku) if offer["format"] == "FIXED_PRICE"]


def _offer(state: State, offer_id: str) -> Json:
    if offer_id not in state.offers:
        raise EbayError(404, 25713, f"This Offer is not available : {offer_id}.")
    return state.offers[offer_id]
