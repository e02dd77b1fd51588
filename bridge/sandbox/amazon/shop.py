"""The verbs of the people around an Amazon account: shoppers, the merchant in Seller Central, Amazon itself."""

from decimal import Decimal
from typing import Any

from bridge.sandbox.amazon.listing import AVAILABILITY, DEFAULT, Listing, first
from bridge.sandbox.amazon.orders import Item, Order
from bridge.sandbox.amazon.seller import Seller
from bridge.sandbox.amazon.values import Json
from bridge.sandbox.kit.platform import RefusedError

_TEXTS = {"title": "item_name", "description": "product_description"}
NO_INVENTORY = "NO_INVENTORY"
BY_AMAZON = "Fulfilled by Amazon"
BUYER_CANCELLED = "BUYER_CANCELLED"


class AmazonShop:
    """Implements the kit's `Shop` on one seller account."""

    def __init__(self, seller: Seller) -> None:
        self.seller = seller
        self.state = seller.state

    def seed(self, products: list[Json]) -> list[Json]:
        """Create listings; several variants become a parent with children. A variant with "fba": True lies in Amazon's warehouse."""
        return [row for product in products for row in self._seed(product)]

    def sale(self, lines: list[Json], **how: Any) -> str:
        """Buy. More of `how`: "shipping", "tax" and "discount" (decimal strings), "paid": False leaves the order pending."""
        self.state.settle()
        picked = [(self._listing(line), line) for line in lines]
        if not picked:
            raise RefusedError("nothing is bought")
        self._check(picked)
        now = self.state.now()
        order = Order(
            id=self.state.ids.order(), created=now, updated=now, status="UNSHIPPED" if how.get("paid", True) else "PENDING",
            fulfilled_by="MERCHANT" if picked[0][0].channel == DEFAULT else "AMAZON",
            items=[self._item(listing, line) for listing, line in picked], customer=how.get("customer") or {},
        )  # fmt: skip
        for name in ("shipping", "tax", "discount"):
            setattr(order.items[0], name, Decimal(str(how.get(name) or 0)))
        for listing, line in picked:
            self._take(listing, int(line["quantity"]))
        self.seller.orders.add(order)
        return order.id

    def pay(self, order: str) -> None:
        """The payment of a pending order is verified."""
        found = self._order(order)
        if found.status != "PENDING":
            raise RefusedError(f"order {order} is {found.status}")
        found.status = "UNSHIPPED"
        self.seller.orders.touch(found)

    def refund(self, order: str, lines: list[Json], *, restock: bool = True) -> str:
        """Give money back for what was shipped. Amazon puts nothing on the number for it, and the Orders API does not show it."""
        found = self._order(order)
        if found.status not in ("SHIPPED", "PARTIALLY_SHIPPED"):
            raise RefusedError(f"order {order} is {found.status}: there is nothing to refund")
        shipped = {item.sku: item.shipped for item in found.items}
        for line in lines:
            if int(line["quantity"]) > shipped.get(self._listing(line).sku, 0):
                raise RefusedError(f"order {order} has no such units to refund")
        del restock
        return order

    def cancel(self, order: str, *, restock: bool = True) -> None:
        """Cancel in Seller Central. For want of inventory the number stays as it is, for the buyer's wish it is restored."""
        found = self._order(order)
        if found.status not in ("PENDING", "UNSHIPPED"):
            raise RefusedError(f"order {order} is {found.status} and cannot be cancelled")
        found.status = "CANCELLED"
        for item in found.items:
            item.cancelled_by, item.reason = "MERCHANT", BUYER_CANCELLED if restock else NO_INVENTORY
            if restock and item.sku in self.state.listings:
                self._take(self.state.listings[item.sku], -item.quantity)
        self.seller.orders.touch(found)

    def fulfil(self, order: str, *, tracking: dict[str, str] | None = None) -> None:
        """Ship everything of an order."""
        found = self._order(order)
        if found.status not in ("UNSHIPPED", "PARTIALLY_SHIPPED"):
            raise RefusedError(f"order {order} is {found.status} and cannot be shipped")
        self.seller.orders.ship(found, tracking or {})

    def edit_order(self, order: str, sku: str, quantity: int) -> None:
        """Nobody changes the quantities of an Amazon order."""
        raise RefusedError(f"order {order}: the quantity of {sku} cannot be changed to {quantity} at Amazon")

    def count(self, sku: str, quantity: int, *, location: str | None = None) -> None:
        """Type a quantity into Manage Inventory, or (for goods in Amazon's warehouse) let Amazon count."""
        del location
        self.state.settle()
        listing = self._listing({"sku": sku})
        listing.put(quantity)
        listing.warehouse_at = self.state.now()
        self.seller.listings.touch(listing)
        self.seller.listings.tell_quantity(listing)

    def edit_product(self, sku: str, **fields: Any) -> None:
        """Edit a listing in Seller Central."""
        self.state.settle()
        listing = self._listing({"sku": sku})
        if fields.get("new_sku"):
            raise RefusedError("a SKU cannot be changed at Amazon: a listing of another SKU is another listing")
        for name, value in fields.items():
            self._set(listing, name, value)
        self.seller.listings.touch(listing)

    def delete_product(self, sku: str) -> None:
        """Delete the listing."""
        self.state.settle()
        listing = self._listing({"sku": sku})
        self.seller.listings.remove(listing.sku)

    def stock(self) -> dict[str, dict[str, int]]:
        """Return the numbers on offer, by SKU and fulfilment channel."""
        self.state.settle()
        known = [one for one in self.state.listings.values() if one.quantity is not None and not one.is_parent]
        return {one.sku: {one.channel: one.quantity or 0} for one in known}

    def orders(self) -> list[Json]:
        """Return all orders, oldest first."""
        return [
            {
                "id": one.id, "status": one.status, "reference": None, "total": str(one.total if one.status != "PENDING" else 0),
                "lines": [{"sku": item.sku, "quantity": item.quantity} for item in one.items],
            }
            for one in self.seller.orders.all.values()
        ]  # fmt: skip

    def revoke(self) -> None:
        """The seller takes the application's authorisation back."""
        self.state.access.revoke()

    def _seed(self, product: Json) -> list[Json]:
        variants, family = product["variants"], len(product["variants"]) > 1
        self.state.settle()
        parent = self._parent(product) if family else None
        rows = []
        for variant in variants:
            listing = self._make(product, variant, family=family)
            if parent is not None:
                listing.parent = parent.sku
                parent.children.append(listing.sku)
            rows.append(
                {"sku": variant["sku"], "product": listing.sku, "variant": listing.sku, "stock_id": listing.sku}
            )
        return rows

    def _parent(self, product: Json) -> Listing:
        attributes = {"item_name": [{"value": product["title"]}], "parentage_level": [{"value": "parent"}]}
        return self.seller.listings.make(f"PARENT-{self.state.ids.number()}", "PRODUCT", attributes)

    def _make(self, product: Json, variant: Json, *, family: bool) -> Listing:
        if not variant.get("sku") or variant["sku"] in self.state.listings:
            raise RefusedError(f"a SKU is the name of one listing at Amazon: {variant.get('sku')!r} cannot be given")
        names = " ".join((variant.get("options") or {}).values())
        title = f"{product['title']} {names}" if family and names else product["title"]
        listing = self.seller.listings.make(variant["sku"], "PRODUCT", {"item_name": [{"value": title}]})
        known = {name: variant.get(name) for name in ("price", "barcode", "options") if variant.get(name) is not None}
        texts = {name: product.get(name) for name in ("description", "images", "status") if product.get(name)}
        for name, value in {**known, **texts}.items():
            self._set(listing, name, value)
        self._stock(listing, variant)
        return listing

    def _stock(self, listing: Listing, variant: Json) -> None:
        stock = variant.get("stock")
        units = sum(stock.values()) if isinstance(stock, dict) else stock
        if variant.get("fba") or (isinstance(stock, dict) and set(stock) & {self.state.warehouse, BY_AMAZON}):
            listing.attributes[AVAILABILITY] = [{"fulfillment_channel_code": self.state.warehouse}]
            listing.warehouse, listing.warehouse_at = int(units or 0), self.state.now()
        elif units is not None:
            row = {"fulfillment_channel_code": DEFAULT, "quantity": units, "lead_time_to_ship_max_days": 2}
            listing.attributes[AVAILABILITY] = [row]

    def _set(self, listing: Listing, name: str, value: Any) -> None:
        attributes = listing.attributes
        if name in _TEXTS:
            attributes[_TEXTS[name]] = [{"value": value, "language_tag": self.state.language}]
        elif name == "price":
            price = [{"schedule": [{"value_with_tax": float(value)}]}]
            attributes["purchasable_offer"] = [{"currency": self.state.currency, "audience": "ALL", "our_price": price}]
        elif name == "barcode":
            attributes["externally_assigned_product_identifier"] = [{"type": "ean", "value": value}]
        elif name == "options":
            attributes.update({key.lower(): [{"value": text}] for key, text in value.items()})
            attributes["variation_theme"] = [{"name": "/".join(value).upper()}]
        elif name == "images":
            self._images(listing, value)
        elif name == "status":
            attributes["skip_offer"] = [{"value": value != "active"}]
        elif name == "stock":
            listing.put(int(value))

    def _images(self, listing: Listing, urls: list[str]) -> None:
        for name in [
            name
            for name in listing.attributes
            if name.endswith("product_image_locator") or "product_image_locator_" in name
        ]:
            del listing.attributes[name]
        names = ["main_product_image_locator", *(f"other_product_image_locator_{number}" for number in range(1, 9))]
        for name, url in zip(names, urls, strict=False):
            listing.attributes[name] = [{"media_location": url}]

    def _check(self, picked: list[tuple[Listing, Json]]) -> None:
        if len({listing.channel == DEFAULT for listing, _ in picked}) > 1:
            raise RefusedError("Amazon makes two orders of what two parties ship")
        wanted: dict[str, int] = {}
        for listing, line in picked:
            wanted[listing.sku] = wanted.get(listing.sku, 0) + int(line["quantity"])
            if first(listing.attributes, "skip_offer") is True or listing.is_parent:
                raise RefusedError(f"{listing.sku} cannot be bought")
            if wanted[listing.sku] > (listing.quantity or 0):
                raise RefusedError(f"{listing.sku} is sold out: {listing.quantity} left")

    def _item(self, listing: Listing, line: Json) -> Item:
        price = Decimal(str(line["price"])) if line.get("price") is not None else listing.price
        return Item(
            id=self.state.ids.number(), sku=listing.sku, asin=listing.asin, title=listing.title,
            quantity=int(line["quantity"]), price=price or Decimal(0),
        )  # fmt: skip

    def _take(self, listing: Listing, units: int) -> None:
        listing.take(units, self.state.now())
        if self.state.options.sales_touch:
            self.seller.listings.touch(listing)
        self.seller.listings.tell_quantity(listing)

    def _listing(self, line: Json) -> Listing:
        sku = str(line.get("sku") or line.get("id") or "")
        if sku not in self.state.listings:
            raise RefusedError(f"no such SKU: {sku}")
        return self.state.listings[sku]

    def _order(self, order_id: str) -> Order:
        self.state.settle()
        if order_id not in self.seller.orders.all:
            raise RefusedError(f"no such order: {order_id}")
        return self.seller.orders.all[order_id]
