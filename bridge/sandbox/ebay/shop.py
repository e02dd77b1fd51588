"""The verbs of the people around an eBay seller: the shopper on the site, the merchant in Seller Hub."""

from datetime import datetime
from typing import Any

from bridge.sandbox.ebay import orders
from bridge.sandbox.ebay.inventory import forget, quantity
from bridge.sandbox.ebay.listings import end, follow_item, live
from bridge.sandbox.ebay.state import Json, State
from bridge.sandbox.kit.platform import RefusedError

__all__ = ["EbayShop"]

_POLICIES = {"fulfillmentPolicyId": "fulfillment-1", "paymentPolicyId": "payment-1", "returnPolicyId": "return-1"}


class EbayShop:
    """Implements the kit's `Shop`. A SKU is unique: seeded a second time it becomes an auction beside the listing."""

    def __init__(self, state: State, host: str) -> None:
        self.state = state
        self.host = host.rstrip("/")

    def seed(self, products: list[Json]) -> list[Json]:
        """Create items with published offers; several variants make a group."""
        return [row for product in products for row in self._seed(product)]

    def _seed(self, product: Json) -> list[Json]:
        variants, key = product["variants"], f"group-{self.state.number()}"
        several = len(variants) > 1 or bool(variants[0].get("options"))
        skus = [variant.get("sku") or f"UNNAMED-{self.state.number()}" for variant in variants]
        for sku, variant in zip(skus, variants, strict=True):
            self._item(sku, product, variant)
        if several:
            self.state.groups[key] = self._group(key, product, skus)
        identity = f"group:{key}" if several else f"item:{skus[0]}"
        return [
            {"sku": variant.get("sku"), "product": identity, "variant": sku, "stock_id": sku}
            for sku, variant in zip(skus, variants, strict=True)
        ]

    def _item(self, sku: str, product: Json, variant: Json) -> None:
        if sku in self.state.items:
            self._offer(sku, variant, "AUCTION", product)
            return
        details: Json = {"title": product["title"], "description": product.get("description") or product["title"]}
        details["imageUrls"] = list(product.get("images") or [f"{self.host}/image/{sku}.jpg"])
        details["aspects"] = {name: [value] for name, value in (variant.get("options") or {}).items()}
        details |= {"ean": [variant["barcode"]]} if variant.get("barcode") else {}
        item: Json = {"product": details, "condition": "NEW", "locale": "en_US"}
        if variant.get("weight_grams") is not None:
            item["packageWeightAndSize"] = {"weight": {"value": variant["weight_grams"], "unit": "GRAM"}}
        stock = variant.get("stock")
        if stock is not None:
            units = sum(stock.values()) if isinstance(stock, dict) else stock
            item["availability"] = {"shipToLocationAvailability": {"quantity": units}}
        self.state.items[sku] = item
        self._offer(sku, variant, "FIXED_PRICE", product)

    def _offer(self, sku: str, variant: Json, kind: str, product: Json) -> None:
        state, offer_id = self.state, str(9_000_000_000 + self.state.number())
        price = state.money(orders.minor(variant["price"], state.options.currency))
        summary = {"price": price} if kind == "FIXED_PRICE" else {"auctionStartPrice": price}
        if variant.get("compare_at") is not None:
            summary["originalRetailPrice"] = state.money(orders.minor(variant["compare_at"], state.options.currency))
        offer: Json = {
            "offerId": offer_id, "sku": sku, "marketplaceId": state.site, "format": kind, "categoryId": "15687",
            "listingDuration": "GTC", "listingPolicies": dict(_POLICIES), "merchantLocationKey": "warehouse",
            "pricingSummary": summary, "hideBuyerDetails": False, "includeCatalogProductDetails": False,
            "status": "UNPUBLISHED",
        }  # fmt: skip
        if product.get("status", "active") == "active":
            offer["status"] = "PUBLISHED"
            listing = str(110_000_000_000 + state.number())
            offer["listing"] = {"listingId": listing, "listingStatus": "ACTIVE", "soldQuantity": 0}
        state.offers[offer_id] = offer
        follow_item(state, sku)

    def _group(self, key: str, product: Json, skus: list[str]) -> Json:
        names = list(dict.fromkeys(name for one in product["variants"] for name in one.get("options") or {}))
        specifications = [
            {"name": name, "values": list(dict.fromkeys(one["options"][name] for one in product["variants"]))}
            for name in names
        ]
        listing = str(110_000_000_000 + self.state.number())
        for sku in skus:
            for offer in self.state.offers_of(sku):
                if "listing" in offer:
                    offer["listing"]["listingId"] = listing
        return {
            "inventoryItemGroupKey": key, "title": product["title"], "variantSKUs": skus, "aspects": {},
            "description": product.get("description") or product["title"],
            "imageUrls": list(product.get("images") or [f"{self.host}/image/{key}.jpg"]),
            "variesBy": {"specifications": specifications, "aspectsImageVariesBy": []},
        }  # fmt: skip

    def sale(self, lines: list[Json], **how: Any) -> str:
        """Buy as a shopper: eBay sells no more than is left. More of `how`: "shipping"."""
        currency = self.state.options.currency
        wanted = [
            (
                self._sku(line),
                int(line["quantity"]),
                orders.minor(line["price"], currency) if line.get("price") else None,
            )
            for line in lines
        ]
        need: dict[str, int] = {}
        for sku, units, _ in wanted:
            need[sku] = need.get(sku, 0) + units
        for sku, units in need.items():
            if orders.sellable(self.state, sku)[1] < units:
                raise RefusedError(f"{sku}: not as many as {units} are left")
        at = how.get("occurred_at")
        details = {
            "customer": how.get("customer"),
            "discount": orders.minor(how.get("discount") or 0, currency),
            "shipping": orders.minor(how.get("shipping") or 0, currency),
            "at": datetime.fromisoformat(at) if isinstance(at, str) else at,
        }
        order = orders.buy(self.state, wanted, details)
        if how.get("paid", True):
            orders.pay(self.state, order)
        return str(order["orderId"])

    def pay(self, order: str) -> None:
        """Pay an order that was left open."""
        orders.pay(self.state, self._order(order))

    def refund(self, order: str, lines: list[Json], *, restock: bool = True) -> str:
        """Refund lines in Seller Hub: eBay moves money, and puts nothing back whatever `restock` says."""
        del restock
        found = self._order(order)
        shares: dict[str, int] = {}
        for line in lines:
            shares = self._share(found, self._sku(line), int(line["quantity"]), shares)
        if found["orderPaymentStatus"] not in {"PAID", "PARTIALLY_REFUNDED"}:
            raise RefusedError(f"order {order} has nothing to give back")
        return orders.refund(self.state, found, shares, sum(shares.values()))

    def _share(self, order: Json, sku: str, units: int, shares: dict[str, int]) -> dict[str, int]:
        for line in order["lineItems"]:
            total, count = orders.total_of(self.state, line["total"]), line["quantity"]
            given = sum(orders.total_of(self.state, one["amount"]) for one in line["refunds"]) + shares.get(
                line["lineItemId"], 0
            )
            share = min(total - given, total if units >= count else units * total // count)
            if line["sku"] == sku and units and share > 0:
                return {**shares, line["lineItemId"]: shares.get(line["lineItemId"], 0) + share}
        raise RefusedError(f"order {order['orderId']} has no more of {sku} to refund")

    def cancel(self, order: str, *, restock: bool = True) -> None:
        """Cancel in Seller Hub: whether units go back is eBay's business (`Options.cancel_restocks`), whatever `restock` says."""
        del restock
        found = self._order(order)
        if found["cancelStatus"]["cancelState"] == "CANCELED" or found["orderFulfillmentStatus"] == "FULFILLED":
            raise RefusedError(f"order {order} cannot be cancelled any more")
        orders.cancel(self.state, found)

    def fulfil(self, order: str, *, tracking: dict[str, str] | None = None) -> None:
        """Ship everything that is left."""
        found = self._order(order)
        left = [line for line in found["lineItems"] if line["lineItemFulfillmentStatus"] != "FULFILLED"]
        if not left or found["cancelStatus"]["cancelState"] == "CANCELED":
            raise RefusedError(f"order {order} has nothing left to ship")
        orders.ship(self.state, found, left, {"number": "", "carrier": "Other", **(tracking or {})})

    def edit_order(self, order: str, sku: str, quantity: int) -> None:
        """Nobody edits an order at eBay."""
        raise RefusedError(f"order {order}: eBay lets nobody change {sku} to {quantity}")

    def count(self, sku: str, quantity: int, *, location: str | None = None) -> None:
        """Write another number into Seller Hub."""
        del location
        if quantity < 0:
            raise RefusedError("eBay takes no number below zero")
        item = self._item_of(sku)
        item.setdefault("availability", {}).setdefault("shipToLocationAvailability", {})["quantity"] = quantity
        follow_item(self.state, sku)

    def edit_product(self, sku: str, **fields: Any) -> None:
        """Edit a listing in Seller Hub: title, description, images, price, compare_at, barcode, stock, status."""
        item = self._item_of(sku)
        group = next((one for one in self.state.groups.values() if sku in one["variantSKUs"]), None)
        for name, key in (("title", "title"), ("description", "description"), ("images", "imageUrls")):
            if name in fields:
                (group if group is not None else item["product"])[key] = fields[name]
        if "barcode" in fields:
            item["product"]["ean"] = [fields["barcode"]]
        for offer in self.state.offers_of(sku):
            for name, key in (("price", "price"), ("compare_at", "originalRetailPrice")):
                if name in fields:
                    offer["pricingSummary"][key] = self.state.money(
                        orders.minor(fields[name], self.state.options.currency)
                    )
        if fields.get("stock") is not None:
            self.count(sku, fields["stock"])
        if fields.get("status") in {"archived", "draft"}:
            self.end_listing(sku, "ENDED")

    def end_listing(self, sku: str, status: str = "EBAY_ENDED") -> None:
        """End a SKU's listing: eBay does (a policy), or the merchant."""
        for offer in self.state.offers_of(sku):
            if live(offer):
                end(offer, status)

    def delete_product(self, sku: str) -> None:
        """Delete the item, and all members of its group."""
        self._item_of(sku)
        group = next((one for one in self.state.groups.values() if sku in one["variantSKUs"]), None)
        for one in list(group["variantSKUs"]) if group else [sku]:
            forget(self.state, one)

    def delete_account(self, username: str, user_id: str) -> None:
        """A buyer closes the account: everybody is told to forget (MARKETPLACE_ACCOUNT_DELETION)."""
        self.state.tell(
            "MARKETPLACE_ACCOUNT_DELETION", {"username": username, "userId": user_id, "eiasToken": "nY+sHZ2Pr"}
        )

    def stock(self) -> dict[str, dict[str, int]]:
        """Return the numbers of the items that have one."""
        numbers = {sku: quantity(item) for sku, item in self.state.items.items()}
        return {sku: {"": units} for sku, units in numbers.items() if units is not None}

    def orders(self) -> list[Json]:
        """Return all orders, oldest first."""
        return [
            {
                "id": order["orderId"],
                "status": "CANCELED"
                if order["cancelStatus"]["cancelState"] == "CANCELED"
                else order["orderPaymentStatus"],
                "lines": [{"sku": line["sku"], "quantity": line["quantity"]} for line in order["lineItems"]],
                "reference": None,
                "total": order["pricingSummary"]["total"]["value"],
            }
            for order in self.state.orders.values()
        ]

    def _sku(self, line: Json) -> str:
        sku = str(line.get("sku") or line.get("id"))
        if sku not in self.state.items:
            raise RefusedError(f"no such SKU: {sku}")
        return sku

    def _item_of(self, sku: str) -> Json:
        return self.state.items[self._sku({"sku": sku})]

    def _order(self, order_id: str) -> Json:
        if order_id not in self.state.orders:
            raise RefusedError(f"no such order: {order_id}")
        return self.state.orders[order_id]
