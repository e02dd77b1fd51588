"""FBA Inventory v1: what lies in Amazon's warehouses. Only Amazon moves it."""

import base64
from datetime import datetime, timedelta

from bridge.sandbox.amazon.errors import invalid
from bridge.sandbox.amazon.listing import DEFAULT, Listing
from bridge.sandbox.amazon.state import State
from bridge.sandbox.amazon.values import Json, moment, stamp

PAGE = 50
_TOKEN_LIVES = timedelta(seconds=30)


class Inventory:
    """The summaries of the seller's goods in Amazon's warehouses."""

    def __init__(self, state: State) -> None:
        self.state = state

    def summaries(self, query: dict[str, str]) -> Json:
        """Answer getInventorySummaries; a page token lives 30 seconds."""
        market = self.state.options.marketplace
        if query.get("granularityType") != "Marketplace" or query.get("granularityId") != market:
            raise invalid("Invalid granularity.")
        found = sorted(self._wanted(query), key=lambda one: one.sku)
        start = self._start(query.get("nextToken"))
        rows = [_summary(one, details=query.get("details") == "true") for one in found[start : start + PAGE]]
        granularity = {"granularityType": "Marketplace", "granularityId": market}
        answer: Json = {"payload": {"granularity": granularity, "inventorySummaries": rows}}
        if start + PAGE < len(found):
            answer["pagination"] = {"nextToken": self._token(start + PAGE)}
        return answer

    def _wanted(self, query: dict[str, str]) -> list[Listing]:
        found = [one for one in self.state.listings.values() if one.channel != DEFAULT]
        if since := query.get("startDateTime"):
            return [one for one in found if (one.warehouse_at or one.created) >= moment(since)]
        if name := query.get("sellerSku"):
            return [one for one in found if one.sku == name]
        if names := query.get("sellerSkus"):
            skus = names.split(",")
            if len(skus) > PAGE:
                raise invalid(f"No more than {PAGE} SKUs are allowed.")
            return [one for one in found if one.sku in skus]
        return found

    def _token(self, start: int) -> str:
        return base64.urlsafe_b64encode(f"{start}@{stamp(self.state.now())}".encode()).decode()

    def _start(self, token: str | None) -> int:
        if not token:
            return 0
        try:
            start, _, made = base64.urlsafe_b64decode(token).decode().partition("@")
            at: datetime = moment(made)
        except ValueError as error:
            raise invalid("Invalid nextToken.") from error
        if self.state.now() - at > _TOKEN_LIVES:
            raise invalid("The nextToken has expired.")
        return int(start)


def _summary(listing: Listing, *, details: bool) -> Json:
    row: Json = {
        "asin": listing.asin, "fnSku": f"X{listing.asin[1:]}", "sellerSku": listing.sku, "condition": "NewItem",
        "lastUpdatedTime": stamp(listing.warehouse_at or listing.created), "productName": listing.title,
        "totalQuantity": listing.warehouse + listing.reserved,
    }  # fmt: skip
    if details:
        reserved = {
            "totalReservedQuantity": listing.reserved, "pendingCustomerOrderQuantity": listing.reserved,
            "pendingTransshipmentQuantity": 0, "fcProcessingQuantity": 0,
        }  # fmt: skip
        row["inventoryDetails"] = {"fulfillableQuantity": listing.warehouse, "reservedQuantity": reserved}
    return row
