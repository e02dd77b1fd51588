"""Receipts: what buyers bought. Units are taken at the purchase; a cancellation does not put them back.

Fields: specification, `ShopReceipt`. Cancelling: help.etsy.com 115015587347 (a sold-out item does not come back).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bridge.sandbox.etsy.errors import bad, conflict, not_found
from bridge.sandbox.etsy.listings import Listing, Listings, Part
from bridge.sandbox.etsy.values import Clock, Ids, Json, minor, money, shares, whole

CARRIERS = frozenset(
    "usps ups fedex dhl dhl-germany deutsche-post royal-mail parcelforce hermes dpd dpd-uk gls canada-post australia-post "
    "an-post la-poste-colissimo chronopost mondial-relay postnl bpost poste-italiane correos-spain postnord other".split()
)
_BUYER = {"name": "Sandbox Buyer", "email": "buyer@example.com"}


@dataclass(slots=True)
class Line:
    """One transaction."""

    transaction_id: int
    listing: Listing
    part: Part
    title: str
    quantity: int
    price: int
    coupon: int = 0


@dataclass(slots=True)
class Receipt:
    """One receipt. `buyer` is a number, a name and an e-mail address."""

    receipt_id: int
    lines: list[Line]
    buyer: Json
    created: int
    updated: int
    paid: bool
    shipping: int = 0
    tax: int = 0
    discount: int = 0
    canceled: bool = False
    shipped: int | None = None
    shipments: list[Json] = field(default_factory=list)
    refunds: list[tuple[int, int]] = field(default_factory=list)

    @property
    def goods(self) -> int:
        """Sum of prices times quantities."""
        return sum(line.price * line.quantity for line in self.lines)

    @property
    def total(self) -> int:
        """What the buyer pays in all."""
        return self.goods - self.discount + self.shipping + self.tax

    @property
    def refunded(self) -> int:
        """What was given back."""
        return sum(amount for amount, _ in self.refunds)

    @property
    def status(self) -> str:
        """The status as Etsy words it."""
        if self.canceled:
            return "canceled"
        if self.refunds:
            return "fully refunded" if self.refunded >= self.total else "partially refunded"
        if not self.paid:
            return "payment processing"
        return "completed" if self.shipped else "paid"


def _nobody(event: str, receipt: Receipt) -> None:
    del event, receipt


class Receipts:
    """All receipts of the shop. `told` hears of events (order.paid and the like)."""

    def __init__(self, clock: Clock, ids: Ids, listings: Listings) -> None:
        self.clock = clock
        self.ids = ids
        self.listings = listings
        self.all: dict[int, Receipt] = {}
        self.told: Callable[[str, Receipt], None] = _nobody

    def get(self, receipt_id: Any) -> Receipt:
        """Find a receipt or raise 404."""
        found = self.all.get(whole(receipt_id, "receipt_id"))
        if found is None:
            raise not_found(f"Could not find a Receipt with receipt_id = {receipt_id}")
        return found

    def buy(self, wanted: list[tuple[Listing, Part, int, int]], how: Json) -> Receipt:
        """Make a receipt, and take its units off the listings."""
        now, currency = self.clock.seconds(), self.listings.currency
        lines = [
            Line(self.ids.fresh("transaction"), listing, part, str(listing.data["title"]), quantity, price)
            for listing, part, quantity, price in wanted
        ]
        discount = minor(how.get("discount") or "0", currency)
        for line, coupon in zip(lines, shares(discount, [line.price * line.quantity for line in lines]), strict=True):
            line.coupon = coupon
        receipt = Receipt(
            self.ids.fresh("receipt"), lines, {**_BUYER, **(how.get("customer") or {})}, now, now,
            bool(how.get("paid", True)), minor(how.get("shipping") or "0", currency),
            minor(how.get("tax") or "0", currency), discount,
        )  # fmt: skip
        for line in lines:
            self.listings.take(line.listing, line.part, line.quantity)
        self.all[receipt.receipt_id] = receipt
        if receipt.paid:
            self.told("order.paid", receipt)
        return receipt

    def pay(self, receipt: Receipt) -> None:
        """The payment arrives."""
        receipt.paid = True
        self._changed(receipt, "order.paid")

    def cancel(self, receipt: Receipt, *, restock: bool) -> None:
        """Cancel it; the money goes back in full. Only where `restock` says so do units come back to listings that live."""
        receipt.canceled = True
        if receipt.paid and receipt.total > receipt.refunded:
            receipt.refunds.append((receipt.total - receipt.refunded, self.clock.seconds()))
        for line in receipt.lines if restock else []:
            if line.listing.state == "active":
                self.listings.take(line.listing, line.part, -line.quantity)
        self._changed(receipt, "order.canceled")

    def refund(self, receipt: Receipt, amount: int) -> None:
        """Give money back; no event tells of it, no unit moves."""
        receipt.refunds.append((amount, self.clock.seconds()))
        receipt.updated = self.clock.seconds()

    def ship(self, receipt: Receipt, body: Json) -> None:
        """CreateReceiptShipment: each call is one more shipment, and one more mail to the buyer."""
        if receipt.canceled:
            raise conflict("The receipt was canceled.")
        code, carrier = str(body.get("tracking_code") or ""), str(body.get("carrier_name") or "")
        if bool(code) != bool(carrier):
            raise bad("tracking_code and carrier_name are required together")
        if carrier and carrier not in CARRIERS:
            raise bad(f"Invalid carrier name: {carrier}")
        now = self.clock.seconds()
        if code:
            shipment = {
                "receipt_shipping_id": self.ids.fresh("shipment"), "shipment_notification_timestamp": now,
                "carrier_name": carrier, "tracking_code": code,
            }  # fmt: skip
            receipt.shipments.append(shipment)
        receipt.shipped = receipt.shipped or now
        self._changed(receipt, "order.shipped")

    def _changed(self, receipt: Receipt, event: str) -> None:
        receipt.updated = self.clock.seconds()
        self.told(event, receipt)

    def search(self, query: dict[str, str]) -> list[Receipt]:
        """Filter and sort receipts; bounds are inclusive."""
        found = list(self.all.values())
        for name, attribute in (("created", "created"), ("last_modified", "updated")):
            if f"min_{name}" in query:
                least = whole(query[f"min_{name}"], f"min_{name}")
                found = [one for one in found if getattr(one, attribute) >= least]
            if f"max_{name}" in query:
                most = whole(query[f"max_{name}"], f"max_{name}")
                found = [one for one in found if getattr(one, attribute) <= most]
        for name, attribute in (("was_paid", "paid"), ("was_canceled", "canceled"), ("was_shipped", "shipped")):
            if query.get(name) in {"true", "false"}:
                found = [one for one in found if bool(getattr(one, attribute)) == (query[name] == "true")]
        keys = {"created": "created", "updated": "updated", "receipt_id": "receipt_id"}
        if query.get("sort_on", "created") not in keys:
            raise bad("sort_on must be one of created, updated, receipt_id")
        key = keys[query.get("sort_on", "created")]
        down = query.get("sort_order", "desc") in {"desc", "descending", "down"}
        return sorted(found, key=lambda one: (getattr(one, key), one.receipt_id), reverse=down)

    def answer(self, receipt: Receipt) -> Json:
        """Print a ShopReceipt."""
        cash = self._money
        name = str(receipt.buyer["name"])
        return {
            "receipt_id": receipt.receipt_id, "receipt_type": 0, "seller_user_id": self.listings.user_id,
            "seller_email": "seller@example.com", "buyer_user_id": 777_001, "buyer_email": receipt.buyer["email"],
            "name": name, "first_line": "1 Main Street", "second_line": None, "city": "Springfield", "state": "IL",
            "zip": "62701", "status": receipt.status, "formatted_address": f"{name}\n1 Main Street\nSpringfield, IL 62701",
            "country_iso": "US", "payment_method": "cc", "payment_email": None, "message_from_seller": None,
            "message_from_buyer": None, "message_from_payment": None, "is_paid": receipt.paid,
            "is_shipped": receipt.shipped is not None, "create_timestamp": receipt.created,
            "created_timestamp": receipt.created, "update_timestamp": receipt.updated,
            "updated_timestamp": receipt.updated, "is_gift": False, "gift_message": "", "gift_sender": "",
            "grandtotal": cash(receipt.total), "subtotal": cash(receipt.goods - receipt.discount),
            "total_price": cash(receipt.goods), "total_shipping_cost": cash(receipt.shipping),
            "total_tax_cost": cash(receipt.tax), "total_vat_cost": cash(0), "discount_amt": cash(receipt.discount),
            "gift_wrap_price": cash(0), "shipments": [dict(one) for one in receipt.shipments],
            "transactions": [self._transaction(receipt, line) for line in receipt.lines],
            "refunds": [
                {"amount": cash(amount), "created_timestamp": at, "reason": "Seller decision",
                 "note_from_issuer": "", "status": "SUCCESS"}
                for amount, at in receipt.refunds
            ],
        }  # fmt: skip

    def _money(self, amount: int) -> Json:
        return money(amount, self.listings.currency)

    def _transaction(self, receipt: Receipt, line: Line) -> Json:
        unit = 1 if self.listings.currency == "JPY" else 100
        variations = [
            {"property_id": one["property_id"], "value_id": one["value_ids"][0],
             "formatted_name": one["property_name"], "formatted_value": one["values"][0]}
            for one in line.part.values
        ]  # fmt: skip
        return {
            "transaction_id": line.transaction_id, "title": line.title,
            "description": str(line.listing.data.get("description", "")), "seller_user_id": self.listings.user_id,
            "buyer_user_id": 777_001, "create_timestamp": receipt.created, "created_timestamp": receipt.created,
            "paid_timestamp": receipt.created if receipt.paid else None, "shipped_timestamp": receipt.shipped,
            "quantity": line.quantity, "receipt_id": receipt.receipt_id, "is_digital": line.listing.digital,
            "file_data": "", "listing_id": line.listing.listing_id, "transaction_type": "listing",
            "product_id": line.part.product_id, "sku": line.part.sku, "price": self._money(line.price),
            "shipping_cost": self._money(0), "variations": variations,
            "product_data": [dict(one) for one in line.part.values],
            "buyer_coupon": 0.0, "shop_coupon": line.coupon / unit,
        }  # fmt: skip
