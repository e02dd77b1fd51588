"""The Inventory API's items and groups. Rules: sell_inventory specification 1.18.5."""

from copy import deepcopy

from bridge.sandbox.ebay.api import Answer, Call
from bridge.sandbox.ebay.errors import EbayError, gone, invalid
from bridge.sandbox.ebay.listings import follow_item, revise
from bridge.sandbox.ebay.state import Json, State

__all__ = [
    "bulk_get", "bulk_update", "delete_item", "get_group", "get_item", "list_items", "put_group", "put_item", "quantity",
]  # fmt: skip

_MAX_SKU = 50
BATCH = 25


def quantity(item: Json) -> int | None:
    """Return the total ship-to-home quantity; None where it was never set."""
    value = item.get("availability", {}).get("shipToLocationAvailability", {}).get("quantity")
    return None if value is None else int(value)


def get_item(state: State, call: Call) -> Answer:
    """getInventoryItem."""
    (sku,) = call.parts
    if sku not in state.items:
        raise gone(sku)
    return Answer(_shown(state, sku))


def list_items(state: State, call: Call) -> Answer:
    """getInventoryItems: `offset` counts pages (the parameter's text), or records by option."""
    skus, path = list(state.items), "/sell/inventory/v1/inventory_item"
    return Answer(page(state, call, [_shown(state, sku) for sku in skus], "inventoryItems", path))


def page(state: State, call: Call, rows: list[Json], name: str, path: str) -> Json:
    """Cut one page out of the rows, with the links that eBay gives."""
    limit, offset = int(call.query.get("limit", 25)), int(call.query.get("offset", 0))
    if not 1 <= limit <= 200 or offset < 0:
        raise EbayError(400, 25706, "You have provided invalid pagination values.")
    step = 1 if state.options.offset_is_page else limit
    start = offset * limit if state.options.offset_is_page else offset
    more = "".join(f"&{key}={value}" for key, value in call.query.items() if key not in {"limit", "offset"})
    found = rows[start : start + limit]
    answer: Json = {"total": len(rows), "size": len(found), "href": f"{path}?limit={limit}&offset={offset}{more}"}
    answer |= {"limit": limit, name: found}
    if start + limit < len(rows):
        answer["next"] = f"{path}?limit={limit}&offset={offset + step}{more}"
    if start:
        answer["prev"] = f"{path}?limit={limit}&offset={max(0, offset - step)}{more}"
    return answer


def put_item(state: State, call: Call) -> Answer:
    """createOrReplaceInventoryItem: all of the record is replaced; live listings of it are revised."""
    (sku,) = call.parts
    if not 1 <= len(sku) <= _MAX_SKU:
        raise EbayError(400, 25707, "This is an invalid value for a SKU.")
    title = call.body.get("product", {}).get("title")
    if title is not None and not 1 <= len(title) <= 80:
        raise invalid("title", "1 to 80 characters")
    new = sku not in state.items
    _check_quantity(quantity(call.body))
    if not new:
        revise(state, sku)
    state.items[sku] = {**deepcopy(call.body), "locale": call.headers["content-language"].replace("-", "_")}
    follow_item(state, sku)
    return Answer({}, 201) if new else Answer(None, 204)


def delete_item(state: State, call: Call) -> Answer:
    """deleteInventoryItem: its offers and single listings go with it, and groups lose the member."""
    (sku,) = call.parts
    if sku not in state.items:
        raise gone(sku)
    forget(state, sku)
    return Answer(None, 204)


def forget(state: State, sku: str) -> None:
    """Take a SKU out of everything."""
    del state.items[sku]
    for offer in state.offers_of(sku):
        del state.offers[offer["offerId"]]
    for key, group in list(state.groups.items()):
        group["variantSKUs"] = [one for one in group["variantSKUs"] if one != sku]
        if not group["variantSKUs"]:
            del state.groups[key]


def bulk_get(state: State, call: Call) -> Answer:
    """bulkGetInventoryItem: up to 25, each with its own status."""
    asked = [str(row.get("sku")) for row in call.body.get("requests") or ()]
    if not 1 <= len(asked) <= BATCH:
        raise invalid("requests", f"1 to {BATCH} SKUs")
    return Answer({"responses": [_row(state, sku) for sku in asked]})


def _row(state: State, sku: str) -> Json:
    if sku not in state.items:
        return {"sku": sku, "statusCode": 404, "errors": [gone(sku).as_json()]}
    item = {name: value for name, value in _shown(state, sku).items() if name != "groupIds"}
    return {"sku": sku, "statusCode": 200, "inventoryItem": item, "errors": [], "warnings": []}


def bulk_update(state: State, call: Call) -> Answer:
    """bulkUpdatePriceQuantity: each SKU stands or falls by itself."""
    rows = call.body.get("requests") or []
    if not 1 <= len(rows) <= state.options.skus_per_call:
        raise EbayError(400, 25002, f"Any User error. {len(rows)} SKUs in one call.")
    if len({row.get("sku") for row in rows}) < len(rows):
        raise EbayError(400, 25734, "SKU should be unique in the request.")
    answers = [one for row in rows for one in _update(state, row)]
    whole = all(one["statusCode"] == 200 for one in answers)
    return Answer({"responses": answers}, 200 if whole else 207)


def _update(state: State, row: Json) -> list[Json]:
    sku = str(row.get("sku") or "")
    try:
        if sku not in state.items:
            raise gone(sku)
        wanted = row.get("shipToLocationAvailability", {}).get("quantity")
        _check_quantity(wanted)
        revise(state, sku)
        if wanted is not None:
            state.items[sku].setdefault("availability", {}).setdefault("shipToLocationAvailability", {})
            state.items[sku]["availability"]["shipToLocationAvailability"]["quantity"] = wanted
        for change in row.get("offers") or ():
            _offer(state, sku, change)
        follow_item(state, sku)
    except EbayError as error:
        return [{"sku": sku, "statusCode": error.status, "errors": [error.as_json()]}]
    offers = [{"offerId": one["offerId"]} for one in row.get("offers") or ()]
    return [{"sku": sku, "statusCode": 200, "errors": [], "warnings": [], **one} for one in offers or [{}]]


def _offer(state: State, sku: str, change: Json) -> None:
    offer = state.offers.get(str(change.get("offerId")))
    if offer is None or offer["sku"] != sku or offer["status"] != "PUBLISHED":
        raise EbayError(400, 25713, f"This Offer is not available : {change.get('offerId')}.")
    if "price" in change:
        offer.setdefault("pricingSummary", {})["price"] = change["price"]
    if "availableQuantity" in change:
        offer["availableQuantity"] = change["availableQuantity"]


def _check_quantity(value: object) -> None:
    if value is not None and (not isinstance(value, int) or value < 0):
        raise EbayError(400, 25004, f"Invalid quantity. {value}")


def _shown(state: State, sku: str) -> Json:
    groups = [key for key, group in state.groups.items() if sku in group["variantSKUs"]]
    return {
        "sku": sku,
        **state.items[sku],
        **({"groupIds": groups, "inventoryItemGroupKeys": groups} if groups else {}),
    }


def put_group(state: State, call: Call) -> Answer:
    """createOrReplaceInventoryItemGroup: its members must be there, and in no other group."""
    (key,) = call.parts
    members = call.body.get("variantSKUs") or []
    missing = [sku for sku in members if sku not in state.items]
    if missing or not members:
        raise EbayError(400, 25701, "One or more of the supplied SKU(s) could not be found in the system.")
    for other, group in state.groups.items():
        if other != key and (shared := set(group["variantSKUs"]) & set(members)):
            raise EbayError(
                400,
                25703,
                f"The following SKU is already a member of another group. SKU : {min(shared)} groupId : {other}",
            )
    new = key not in state.groups
    state.groups[key] = {**deepcopy(call.body), "inventoryItemGroupKey": key}
    return Answer({}, 201) if new else Answer(None, 204)


def get_group(state: State, call: Call) -> Answer:
    """getInventoryItemGroup."""
    (key,) = call.parts
    if key not in state.groups:
        raise EbayError(
            404, 25705, f"The Inventory Item Group named {key} could not be found or is not available in the system."
        )
    return Answer(state.groups[key])
