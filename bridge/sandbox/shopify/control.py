"""The people around the shop: shoppers, clerks at the till, and the merchant in the admin (kit's `Shop` protocol)."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from bridge.sandbox.kit.platform import RefusedError
from bridge.sandbox.shopify import aftersale, catalog, checkout, orders, stock
from bridge.sandbox.shopify.errors import InvalidError
from bridge.sandbox.shopify.loyal import LoyalVerbs, told
from bridge.sandbox.shopify.model import Customer, LineItem, Location, Order, Variant
from bridge.sandbox.shopify.money import moment
from bridge.sandbox.shopify.orders import IGNORING, OBEYING, Terms
from bridge.sandbox.shopify.seeding import add_product
from bridge.sandbox.shopify.state import split
from bridge.sandbox.shopify.webhook_payloads import compliance_body
from bridge.sandbox.shopify.webhooks import COMPLIANCE


class ShopifyShop(LoyalVerbs):
    """Verbs on one shop's state. Ids are global ids; a location is named by its name, number or global id."""

    @told
    def seed(self, products: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Create products; `stock` None is untracked; a variant with "shares": sku shares that one's inventory item."""
        rows = []
        for product in products:
            rows += add_product(self.state, product, self._place)
        return rows

    @told
    def sale(self, lines: list[dict[str, Any]], **how: Any) -> str:
        """Sell on the web, or with channel="pos" at a till, where the goods leave at once and no stock is checked."""
        pos = how.get("channel") == "pos"
        place = self._place(how["location"]) if how.get("location") is not None else None
        if pos and place is None:
            place = catalog.first_location(self.state)
        order = self._new_order(how, place if pos else None)
        for line in lines:
            self._add_line(order, line)
        if how.get("discount"):
            orders.spread_discount(order, Decimal(how["discount"]))
        taken = self._take(order, how.get("codes") or [])
        behaviour = IGNORING if pos else OBEYING
        terms = Terms(behaviour, place, "RETAIL" if pos else "SHIPPING")
        try:
            orders.place(self.state, order, terms)
        except InvalidError as refusal:
            raise RefusedError(f"sold out: {refusal}") from refusal
        checkout.count(self.state, taken)
        self._pay(order, paid=how.get("paid", True))
        if pos:
            self.fulfil(order.id)
        return order.id

    @told
    def refund(self, order: str, lines: list[dict[str, Any]], *, restock: bool = True) -> str:
        """Refund units and their money; restocked units that were shipped come back as RETURN, others as CANCEL."""
        found = self._order(order)
        rows = []
        for line in lines:
            item = self._line_of(found, line)
            shipped = item.unfulfilled_quantity < line["quantity"]
            kind = ("RETURN" if shipped else "CANCEL") if restock else "NO_RESTOCK"
            rows.append({"lineItemId": item.id, "quantity": line["quantity"], "restockType": kind})
        worth = sum((orders.share_of(self._line_of(found, line), line["quantity"]) for line in lines), Decimal(0))
        given = self._refund_input(found, rows, worth)
        try:
            return aftersale.refund(self.state, found, given).id
        except InvalidError as refusal:
            raise RefusedError(str(refusal)) from refusal

    @told
    def cancel(self, order: str, *, restock: bool = True) -> None:
        """Cancel an order that was not shipped, refunding what was paid."""
        found = self._order(order)
        if found.cancelled_at is not None:
            raise RefusedError("Cannot cancel an order that has already been canceled")
        if any(line.fulfilled > line.returned for line in found.lines):
            raise RefusedError("Cannot cancel an order that has been fulfilled")
        aftersale.cancel(self.state, found, reason="CUSTOMER", restock=restock, refund_money=True)

    @told
    def fulfil(self, order: str, *, tracking: dict[str, str] | None = None) -> None:
        """Ship everything that is left, one fulfilment per location."""
        found = self._order(order)
        tickets = [ticket for ticket in found.fulfillment_orders if ticket.status in ("OPEN", "IN_PROGRESS")]
        if not tickets:
            raise RefusedError("nothing left to fulfil")
        for ticket in tickets:
            parts = [(part, part.remaining) for part in ticket.lines if part.remaining]
            aftersale.fulfil(self.state, [(ticket, parts)], tracking)

    @told
    def edit_order(self, order: str, sku: str, quantity: int) -> None:
        """Edit a line of an order that is not cancelled; units that were shipped cannot be edited away."""
        line = self._line_of(self._order(order), {"sku": sku})
        if line.order.cancelled_at is not None or quantity < line.fulfilled - line.returned or quantity < 0:
            raise RefusedError("the order cannot be edited like that")
        aftersale.set_quantity(self.state, line, quantity)

    @told
    def count(self, sku: str, quantity: int, *, location: str | None = None) -> None:
        """Enter a shelf count: on_hand becomes `quantity`, so available = quantity - committed - unavailable."""
        item = self._variant({"sku": sku}).item
        if not item.tracked:
            raise RefusedError(f"{sku} is not tracked")
        place = self._place(location) if location is not None else catalog.first_location(self.state)
        stock.count(self.state, item, place, quantity)

    @told
    def edit_product(self, sku: str, **fields: Any) -> None:
        """Edit a product (title, description, status) and this variant (price, compare_at, barcode, sku)."""
        variant = self._variant({"sku": sku})
        names = {"title": "title", "description": "descriptionHtml", "vendor": "vendor", "tags": "tags"}
        given = {names[name]: value for name, value in fields.items() if name in names}
        if "status" in fields:
            given["status"] = fields["status"].upper()
        renamed = {"price": "price", "compare_at": "compareAtPrice", "barcode": "barcode"}
        row = {renamed[name]: value for name, value in fields.items() if name in renamed}
        row["inventoryItem"] = _item_fields(fields)
        try:
            catalog.update(self.state, variant.product, given)
        except InvalidError as refusal:
            raise RefusedError(str(refusal)) from refusal
        errors = catalog.write_variant(self.state, variant, row, [])
        if errors:
            raise RefusedError(errors[0]["message"])

    @told
    def delete_product(self, sku: str) -> None:
        """Delete the product that holds this SKU."""
        catalog.delete(self.state, self._variant({"sku": sku}).product)

    @told
    def delete_order(self, order: str) -> None:
        """Delete an order for good; only a cancelled or archived one can be."""
        found = self._order(order)
        if found.cancelled_at is None and found.closed_at is None:
            raise RefusedError("only a cancelled or archived order can be deleted")
        self.state.forget(found)

    @told
    def uninstall(self) -> None:
        """Remove the app: its tokens stop working, its subscriptions go, with one last webhook."""
        self.state.webhooks.tell("APP_UNINSTALLED")
        self.state.webhooks.publish()
        self.state.installed = False
        self.state.webhooks.drop_all()

    def compliance(self, topic: str, customer: str = "", orders: Sequence[str] | None = None) -> None:
        """Send one of the three compliance topics, for a customer's id and (default: all) orders, to `compliance_url`."""
        url = self.state.settings.compliance_url
        if topic not in COMPLIANCE or not url:
            raise RefusedError(f"no compliance topic {topic}" if url else "the app's settings name no address for that")
        buyer = self.state.customers.get(split(customer)[1])
        if buyer is None and topic != "shop/redact":
            raise RefusedError(f"no customer {customer}")
        meant = [self._order(one) for one in orders] if orders is not None else self._bought_by(buyer)
        request = self.state.number("DataRequest")
        self.state.webhooks.comply(topic, url, compliance_body(self.state, topic, buyer, meant, request))

    def stock(self) -> dict[str, dict[str, int]]:
        """Return `available` of every active level of tracked items; items, not variants, are counted."""
        self.state.settle()
        found: dict[str, dict[str, int]] = {}
        for item in self.state.items.rows.values():
            if item.tracked and item.sku:
                levels = {
                    level.location.name: level.quantity("available")
                    for level in item.levels.values()
                    if level.is_active
                }
                found[_free_name(found, item.sku)] = levels
        return found

    def orders(self) -> list[dict[str, Any]]:
        """Return all orders, oldest first; `quantity` is what is still on the order."""
        self.state.settle()
        return [
            {
                "id": order.id,
                "status": _status(order),
                "lines": [{"sku": line.sku, "quantity": line.current_quantity} for line in order.lines],
                "reference": order.source_identifier,
                "total": f"{orders.current_total(order):.2f}",
            }
            for order in self.state.orders.rows.values()
        ]

    def _new_order(self, how: dict[str, Any], till: Location | None) -> Order:
        """Build the order; an offline till's sale keeps its own processed_at and is created when it is uploaded."""
        occurred = how.get("occurred_at")
        when = occurred if isinstance(occurred, datetime) else moment(occurred) if occurred else self.state.now()
        order = Order(**self.state.stamps("Order"), processed_at=when.replace(microsecond=0))
        order.name = f"#{1001 + len(self.state.orders.rows)}"
        order.source_name = "pos" if till else "web"
        order.retail_location = till
        order.declared_status = "PENDING"
        person = how.get("customer") or {}
        first, _, last = (person.get("name") or "").partition(" ")
        order.email, order.phone = person.get("email"), person.get("phone")
        names = {"firstName": first or None, "lastName": last or None}
        known = self.state.find(person["id"]) if person.get("id") else None
        order.customer = known if isinstance(known, Customer) else orders.customer(self.state, {**person, **names})
        if person and not till:
            order.shipping_address = {**names, "phone": person.get("phone"), "countryCode": "US"}
        return order

    def _take(self, order: Order, codes: list[str]) -> list[checkout.Taken]:
        """Take the codes that the buyer typed in."""
        self.state.settle()
        try:
            return checkout.apply(self.state, order, codes)
        except checkout.UntakenError as refusal:
            raise RefusedError(str(refusal)) from refusal

    def _add_line(self, order: Order, line: dict[str, Any]) -> None:
        variant = self._variant(line)
        price = Decimal(line["price"]) if line.get("price") is not None else variant.price
        added = orders.add_line(self.state, order, variant.product.title, line["quantity"], price, variant=variant)
        if line.get("discount"):
            orders.spread_discount(order, Decimal(line["discount"]), lines=[added])

    def _pay(self, order: Order, *, paid: bool) -> None:
        if paid:
            gateway = "cash" if order.source_name == "pos" else "shopify_payments"
            orders.pay(self.state, order, "SALE", orders.total(order), gateway=gateway)

    def _refund_input(self, order: Order, rows: list[dict[str, Any]], worth: Decimal) -> dict[str, Any]:
        parent = next((entry for entry in order.transactions if entry.transaction_kind in ("SALE", "CAPTURE")), None)
        net = orders.received(order) - orders.refunded(order)
        amount = min(worth, net)
        payment = {"kind": "REFUND", "amount": amount, "parentId": parent.id if parent else None}
        return {"refundLineItems": rows, "transactions": [payment] if amount > 0 else []}

    def _order(self, order_id: str) -> Order:
        self.state.settle()
        found = self.state.orders.get(split(order_id)[1])
        if found is None:
            raise RefusedError(f"no order {order_id}")
        return found

    def _bought_by(self, buyer: Customer | None) -> list[Order]:
        return [order for order in self.state.orders.rows.values() if buyer is not None and order.customer is buyer]

    def _line_of(self, order: Order, line: dict[str, Any]) -> LineItem:
        for item in order.lines:
            by_id = item.variant is not None and line.get("id") in (item.variant.id, item.id)
            if by_id or (line.get("sku") is not None and item.sku == line["sku"]):
                return item
        raise RefusedError(f"no such line: {line}")

    def _variant(self, line: dict[str, Any]) -> Variant:
        by_sku = [] if line.get("id") else self.state.by_sku(line["sku"])
        found = self.state.find(line["id"]) if line.get("id") else next(iter(by_sku), None)
        if not isinstance(found, Variant):
            raise RefusedError(f"no such variant: {line.get('id') or line.get('sku')}")
        return found

    def _place(self, name: str | int) -> Location:
        for place in self.state.locations.rows.values():
            if name in (place.name, place.number, place.id, str(place.number)):
                return place
        raise RefusedError(f"no location {name}")


def _item_fields(fields: dict[str, Any]) -> dict[str, Any]:
    given: dict[str, Any] = {}
    if "sku" in fields:
        given["sku"] = fields["sku"]
    if "weight_grams" in fields:
        given["measurement"] = {"weight": {"value": fields["weight_grams"], "unit": "GRAMS"}}
    return given


def _free_name(taken: dict[str, Any], sku: str) -> str:
    if sku not in taken:
        return sku
    number = 2
    while f"{sku}#{number}" in taken:
        number += 1
    return f"{sku}#{number}"


def _status(order: Order) -> str:
    if order.cancelled_at is not None:
        return "cancelled"
    if orders.fulfillment_status(order) == "FULFILLED":
        return "fulfilled"
    return "paid" if orders.financial_status(order) in ("PAID", "PARTIALLY_REFUNDED", "REFUNDED") else "placed"
