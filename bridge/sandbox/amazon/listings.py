"""Listings Items 2021-08-01: search, read, patch, put, delete. A submission that is accepted becomes true a little later."""

import base64
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from bridge.sandbox.amazon.errors import AmazonError, invalid
from bridge.sandbox.amazon.listing import AVAILABILITY, DEFAULT, Listing, first, patched, problems
from bridge.sandbox.amazon.state import State
from bridge.sandbox.amazon.values import Json, amount, moment, stamp

MOST = 1000
PAGE = 20
_SORTS = {"createdDate": "created", "lastUpdatedDate": "updated", "sku": "sku"}
Change = Callable[[], object]


class Listings:
    """The seller's listings as the API shows and changes them."""

    def __init__(self, state: State) -> None:
        self.state = state

    def search(self, query: dict[str, str]) -> Json:
        """Answer searchListingsItems: 20 a page at most, a thousand in all."""
        size = int(query.get("pageSize") or 10)
        if not 1 <= size <= PAGE:
            raise invalid(f"pageSize must be between 1 and {PAGE}.")
        found = self._sorted(self._filtered(query), query)
        seen, last = _position(query.get("pageToken"))
        rest = [one for one in found if not last or self._is_behind(one, last, query)]
        part = rest[: min(size, MOST - seen)]
        answer: Json = {
            "numberOfResults": min(len(found), MOST),
            "items": [self.view(one, query.get("includedData") or "summaries") for one in part],
        }
        if len(part) < len(rest) and seen + len(part) < MOST:
            answer["pagination"] = {"nextToken": _token(seen + len(part), _rank(part[-1], query))}
        return answer

    def _is_behind(self, one: Listing, last: str, query: dict[str, str]) -> bool:
        rank = _rank(one, query)
        return rank < last if _is_down(query) else rank > last

    def read(self, sku: str, query: dict[str, str]) -> Json:
        """Answer getListingsItem."""
        return self.view(self._listing(sku), query.get("includedData") or "summaries")

    def patch(self, sku: str, query: dict[str, str], body: Json) -> Json:
        """Answer patchListingsItem. A SKU that is not there is accepted all the same, and nothing comes of it."""
        if not body.get("productType") or not isinstance(body.get("patches"), list) or not body["patches"]:
            raise invalid("Request has missing or invalid parameters and cannot be parsed.")
        listing = self.state.listings.get(sku)
        wanted = patched(listing.attributes if listing else {"item_name": [{"value": sku}]}, body["patches"])
        return self._submit(sku, query, problems(wanted), lambda: self.apply_patches(sku, body["patches"]))

    def put(self, sku: str, query: dict[str, str], body: Json) -> Json:
        """Answer putListingsItem: makes the listing, or replaces all its attributes."""
        attributes = body.get("attributes")
        if not body.get("productType") or not isinstance(attributes, dict) or not attributes:
            raise invalid("Request has missing or invalid parameters and cannot be parsed.")
        wanting = self._wanting(body) if query.get("requirements", "LISTING") == "LISTING" else []
        found = [*problems(attributes), *wanting]
        return self._submit(sku, query, found, lambda: self.make(sku, str(body["productType"]), attributes))

    def delete(self, sku: str) -> Json:
        """Answer deleteListingsItem."""
        self._listing(sku)
        return self._submit(sku, {}, [], lambda: self.remove(sku))

    def apply_patches(self, sku: str, patches: list[Json], at: datetime | None = None) -> None:
        """Let patches take effect; whoever writes a DEFAULT quantity to goods in Amazon's warehouse fulfils them from now on."""
        listing = self.state.listings.get(sku)
        if listing is None:
            return
        before = listing.quantity
        listing.attributes = patched(listing.attributes, patches)
        if any(_names_default(patch) for patch in patches):
            rows = listing.attributes[AVAILABILITY]
            rows.sort(key=lambda row: row["fulfillment_channel_code"] == DEFAULT)
        self.touch(listing, at)
        if listing.quantity != before:
            self.tell_quantity(listing)

    def make(self, sku: str, product_type: str, attributes: dict[str, list[Json]]) -> Listing:
        """Create a listing or replace it."""
        now, old = self.state.now(), self.state.listings.get(sku)
        asin = old.asin if old else self.state.ids.asin()
        made = Listing(sku, asin, product_type, attributes, old.created if old else now, now)
        made.parent = str(first(attributes, "child_parent_sku_relationship_parent") or "") or None
        self.state.listings[sku] = made
        self._tell_status(made)
        return made

    def remove(self, sku: str) -> None:
        """Delete a listing; its children lose their parent."""
        gone = self.state.listings.pop(sku, None)
        if gone is not None:
            self._tell_status(gone, deleted=True)

    def touch(self, listing: Listing, at: datetime | None = None) -> None:
        """Note that a listing changed."""
        listing.updated = at or self.state.now()

    def tell_quantity(self, listing: Listing) -> None:
        """Tell of a number that moved (EventBridge only, on the real platform)."""
        if listing.channel != DEFAULT:
            self._tell_warehouse(listing)
            return
        payload = {
            "SellerId": self.state.options.seller_id, "FulfillmentChannelCode": DEFAULT, "Sku": listing.sku,
            "Quantity": listing.quantity or 0,
        }  # fmt: skip
        self.state.tell("LISTINGS_ITEM_MFN_QUANTITY_CHANGE", payload)

    def view(self, listing: Listing, included: str) -> Json:
        """Return an `Item` with the data sets that were asked for."""
        parts: dict[str, Callable[[Listing], Any]] = {
            "summaries": self._summaries, "attributes": _attributes, "offers": self._offers, "issues": lambda _: [],
            "fulfillmentAvailability": _availability, "relationships": self._relationships,
            "productTypes": self._product_types, "procurement": lambda _: [],
        }  # fmt: skip
        wanted = included.split(",")
        if unknown := set(wanted) - set(parts):
            raise invalid(f"Invalid includedData: {', '.join(sorted(unknown))}.")
        return {"sku": listing.sku} | {name: parts[name](listing) for name in wanted}

    def _submit(self, sku: str, query: dict[str, str], found: list[Json], change: Change) -> Json:
        """Answer a submission: checked now, carried out later."""
        preview = query.get("mode") == "VALIDATION_PREVIEW"
        status = "INVALID" if found else "VALID" if preview else "ACCEPTED"
        if status == "ACCEPTED":
            self.state.later(self.state.options.lag, lambda _: _carry_out(change))
        return {"sku": sku, "status": status, "submissionId": self.state.ids.uuid(), "issues": found}

    def _wanting(self, body: Json) -> list[Json]:
        """A product type wants its attributes; here: a brand, and a description."""
        wanted = ("brand", "product_description") if body["productType"] != "PRODUCT" else ()
        return [
            {
                "code": "90220", "message": f"'{name}' is required but not supplied.", "severity": "ERROR",
                "attributeNames": [name], "categories": ["MISSING_ATTRIBUTE"],
            }
            for name in wanted
            if not body["attributes"].get(name)
        ]  # fmt: skip

    def _listing(self, sku: str) -> Listing:
        found = self.state.listings.get(sku)
        if found is None:
            market = self.state.options.marketplace
            raise AmazonError(404, "NOT_FOUND", f"SKU '{sku}' not found in marketplace {market}")
        return found

    def _filtered(self, query: dict[str, str]) -> Iterable[Listing]:
        found = list(self.state.listings.values())
        if query.get("identifiers"):
            if not query.get("identifiersType"):
                raise invalid("identifiersType is required with identifiers.")
            names = query["identifiers"].split(",")
            if len(names) > PAGE:
                raise invalid(f"No more than {PAGE} identifiers are allowed.")
            found = [one for one in found if one.sku in names]
        if parent := query.get("variationParentSku"):
            found = [one for one in found if one.parent == parent]
        if after := query.get("lastUpdatedAfter"):
            found = [one for one in found if one.updated >= moment(after)]
        if before := query.get("lastUpdatedBefore"):
            found = [one for one in found if one.updated <= moment(before)]
        if after := query.get("createdAfter"):
            found = [one for one in found if one.created >= moment(after)]
        return found

    def _sorted(self, found: Iterable[Listing], query: dict[str, str]) -> list[Listing]:
        return sorted(found, key=lambda one: _rank(one, query), reverse=_is_down(query))

    def _summaries(self, listing: Listing) -> list[Json]:
        sells = (
            not listing.is_parent and listing.price is not None and first(listing.attributes, "skip_offer") is not True
        )
        status = [
            *(["BUYABLE"] if sells and (listing.quantity or 0) > 0 else []),
            *(["DISCOVERABLE"] if first(listing.attributes, "skip_offer") is not True else []),
        ]
        summary: Json = {
            "marketplaceId": self.state.options.marketplace, "asin": listing.asin, "productType": listing.product_type,
            "conditionType": "new_new", "status": status, "itemName": listing.title,
            "createdDate": stamp(listing.created), "lastUpdatedDate": stamp(listing.updated),
        }  # fmt: skip
        images = listing.attributes.get("main_product_image_locator")
        if images:
            summary["mainImage"] = {"link": images[0]["media_location"], "height": 500, "width": 500}
        return [summary]

    def _offers(self, listing: Listing) -> list[Json]:
        if listing.price is None:
            return []
        price = amount(listing.price, self.state.currency)
        return [{"marketplaceId": self.state.options.marketplace, "offerType": "B2C", "price": price}]

    def _relationships(self, listing: Listing) -> list[Json]:
        theme = {"attributes": ["size"], "theme": "SIZE"}
        related: list[Json] = []
        if listing.children:
            related.append({"childSkus": listing.children, "type": "VARIATION", "variationTheme": theme})
        if listing.parent:
            related.append({"parentSkus": [listing.parent], "type": "VARIATION", "variationTheme": theme})
        return [{"marketplaceId": self.state.options.marketplace, "relationships": related}]

    def _product_types(self, listing: Listing) -> list[Json]:
        return [{"marketplaceId": self.state.options.marketplace, "productType": listing.product_type}]

    def _tell_status(self, listing: Listing, *, deleted: bool = False) -> None:
        payload = {
            "SellerId": self.state.options.seller_id, "MarketplaceId": self.state.options.marketplace, "Sku": listing.sku,
            "Status": ["DELETED"] if deleted else self._summaries(listing)[0]["status"],
        }  # fmt: skip
        self.state.tell("LISTINGS_ITEM_STATUS_CHANGE", payload)

    def _tell_warehouse(self, listing: Listing) -> None:
        stock = {"Fulfillable": listing.warehouse, "Unfulfillable": 0, "Researching": 0}
        reserved = {"WarehouseProcessing": 0, "WarehouseTransfer": 0, "PendingCustomerOrder": listing.reserved}
        inbound = {"Working": 0, "Shipped": 0, "Receiving": 0}
        here = {
            "MarketplaceId": self.state.options.marketplace, "ItemName": listing.title,
            "FulfillmentInventory": {
                **stock, "InboundQuantityBreakdown": inbound, "ReservedQuantityBreakdown": reserved,
                "FutureSupplyBuyable": 0, "PendingCustomerOrderInTransit": 0,
            },
        }  # fmt: skip
        payload = {
            "SellerId": self.state.options.seller_id, "FNSKU": f"X{listing.asin[1:]}", "ASIN": listing.asin,
            "SKU": listing.sku, "FulfillmentInventoryByMarketplace": [here],
        }  # fmt: skip
        self.state.tell("FBA_INVENTORY_AVAILABILITY_CHANGES", payload)


def _carry_out(change: Change) -> None:
    change()


def _attributes(listing: Listing) -> Json:
    return {name: rows for name, rows in listing.attributes.items() if name != "skip_offer"}


def _availability(listing: Listing) -> list[Json]:
    """Amazon shows its own channels without a number."""
    if listing.is_parent:
        return []
    if listing.channel != DEFAULT:
        return [{"fulfillmentChannelCode": listing.channel}]
    number = {} if listing.quantity is None else {"quantity": max(0, listing.quantity)}
    return [{"fulfillmentChannelCode": DEFAULT, **number}]


def _names_default(patch: Json) -> bool:
    rows = patch.get("value") or [] if patch.get("path") == f"/attributes/{AVAILABILITY}" else []
    return any(row.get("fulfillment_channel_code") == DEFAULT for row in rows)


def _is_down(query: dict[str, str]) -> bool:
    return (query.get("sortOrder") or "DESC") == "DESC"


def _rank(listing: Listing, query: dict[str, str]) -> str:
    """Where a listing stands in the order that was asked for."""
    name = query.get("sortBy") or "lastUpdatedDate"
    if name not in _SORTS:
        raise invalid(f"Invalid sortBy: {name}.")
    value = getattr(listing, _SORTS[name])
    return f"{value if name == 'sku' else stamp(value)} {listing.sku}"


def _token(seen: int, last: str) -> str:
    return base64.urlsafe_b64encode(f"{seen}@{last}".encode()).decode()


def _position(token: str | None) -> tuple[int, str]:
    """A page goes on behind the last listing shown: one that is deleted meanwhile hides no other."""
    if not token:
        return 0, ""
    try:
        seen, _, last = base64.urlsafe_b64decode(token).decode().partition("@")
        return int(seen), last
    except ValueError as error:
        raise invalid("Invalid pageToken.") from error
