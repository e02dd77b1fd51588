"""Orders 2026-01-01, and the shipment confirmation that stays in v0."""

import base64
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from bridge.sandbox.amazon.access import PERSONAL_ROLE
from bridge.sandbox.amazon.errors import AmazonError, invalid
from bridge.sandbox.amazon.state import State
from bridge.sandbox.amazon.values import Json, amount, moment, stamp

PAGE = 100
OPEN = ("UNSHIPPED", "PARTIALLY_SHIPPED")
_TOKEN_LIVES = timedelta(hours=24)
_DATA = (
    "BUYER", "RECIPIENT", "PROCEEDS", "EXPENSE", "PROMOTION", "CANCELLATION", "FULFILLMENT", "PACKAGES", "TAX", "PAYMENT",
    "FULFILLMENT_ORDERS",
)  # fmt: skip
# What ORDER_CHANGE calls the states (its schema's `OrderStatus`).
_TOLD = {
    "PENDING": "Pending", "UNSHIPPED": "Unshipped", "PARTIALLY_SHIPPED": "PartiallyShipped", "SHIPPED": "Shipped",
    "CANCELLED": "Canceled",
}  # fmt: skip
_ZERO = Decimal(0)


@dataclass(slots=True, kw_only=True)
class Item:
    """One line."""

    id: str
    sku: str
    asin: str
    title: str
    quantity: int
    price: Decimal
    shipping: Decimal = _ZERO
    discount: Decimal = _ZERO
    tax: Decimal = _ZERO
    shipped: int = 0
    cancelled_by: str = ""
    reason: str = ""

    @property
    def total(self) -> Decimal:
        """What this line comes to in all."""
        return self.price * self.quantity + self.shipping + self.tax - self.discount


@dataclass(slots=True, kw_only=True)
class Order:
    """One order."""

    id: str
    created: datetime
    updated: datetime
    status: str
    fulfilled_by: str
    items: list[Item]
    customer: Json = field(default_factory=dict)
    packages: list[Json] = field(default_factory=list)

    @property
    def total(self) -> Decimal:
        """What the buyer pays."""
        return sum((item.total for item in self.items), _ZERO)


class Orders:
    """All orders of the account."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.all: dict[str, Order] = {}

    def add(self, order: Order) -> None:
        """Book a new order."""
        self.all[order.id] = order
        self.tell(order, "OrderStatusChange")

    def touch(self, order: Order) -> None:
        """Note that an order changed."""
        order.updated = self.state.now()
        self.tell(order, "OrderStatusChange")

    def read(self, order_id: str, query: dict[str, str]) -> Json:
        """Answer getOrder."""
        return {"order": self._view(self._order(order_id), _included(query))}

    def search(self, query: dict[str, str]) -> Json:
        """Answer searchOrders: exactly one of createdAfter and lastUpdatedAfter, 100 a page, tokens for a day."""
        created, changed = query.get("createdAfter"), query.get("lastUpdatedAfter")
        if bool(created) == bool(changed):
            raise invalid("You must provide exactly one of createdAfter and lastUpdatedAfter.")
        size = int(query.get("maxResultsPerPage") or PAGE)
        if not 1 <= size <= PAGE:
            raise invalid(f"maxResultsPerPage must be between 1 and {PAGE}.")
        start, until = self._position(query.get("paginationToken"))
        found = sorted(self._matching(query, until), key=lambda one: (one.updated if changed else one.created, one.id))
        included = _included(query)
        part = [self._view(one, included) for one in found[start : start + size]]
        bound = {"lastUpdatedBefore" if changed else "createdBefore": stamp(until)}
        answer: Json = {"orders": part, **bound}
        if start + size < len(found):
            answer["pagination"] = {"nextToken": self._token(start + size, until)}
        return answer

    def confirm_shipment(self, order_id: str, body: Json) -> None:
        """Answer v0 confirmShipment: a parcel, with what lies in it."""
        order, parcel = self._order(order_id), body.get("packageDetail") or {}
        needed = ("packageReferenceId", "carrierCode", "trackingNumber", "shipDate", "orderItems")
        lacking = [name for name in needed if parcel.get(name) is None]
        if body.get("marketplaceId") != self.state.options.marketplace or lacking:
            raise invalid(f"Missing or invalid: {', '.join(lacking) or 'marketplaceId'}.")
        if parcel["carrierCode"] == "Other" and not parcel.get("carrierName"):
            raise invalid("carrierName is required when carrierCode is Other.")
        if order.fulfilled_by != "MERCHANT" or order.status not in OPEN:
            raise invalid(f"Order {order_id} is {order.status} and cannot be confirmed as shipped.")
        # "Uniquely identifies a package within the scope of an order" (ordersV0, PackageReferenceId).
        if str(parcel["packageReferenceId"]) in {one["packageReferenceId"] for one in order.packages}:
            raise invalid(f"packageReferenceId {parcel['packageReferenceId']} is not unique.")
        moment(parcel["shipDate"])
        self._pack(order, parcel)

    def ship(self, order: Order, tracking: Json) -> None:
        """Ship everything left."""
        rows = [{"orderItemId": item.id, "quantity": item.quantity - item.shipped} for item in order.items]
        parcel = {
            "packageReferenceId": str(len(order.packages) + 1),
            "orderItems": rows,
            "shipDate": stamp(self.state.now()),
        }
        self._pack(order, {**parcel, "carrierName": tracking.get("carrier"), "trackingNumber": tracking.get("number")})

    def tell(self, order: Order, kind: str) -> None:
        """Tell of a change of an order."""
        items = [
            {"OrderItemId": item.id, "SellerSKU": item.sku, "Quantity": item.quantity, "QuantityShipped": item.shipped}
            for item in order.items
        ]
        summary = {
            "MarketplaceId": self.state.options.marketplace, "OrderStatus": _TOLD[order.status],
            "PurchaseDate": stamp(order.created), "DestinationPostalCode": None,
            "FulfillmentType": "MFN" if order.fulfilled_by == "MERCHANT" else "AFN", "OrderType": "StandardOrder",
            "OrderItems": items,
        }  # fmt: skip
        trigger = {"TimeOfOrderChange": stamp(order.updated), "ChangeReason": "Order status changed"}
        change = {
            "NotificationLevel": "OrderLevel", "SellerId": self.state.options.seller_id, "AmazonOrderId": order.id,
            "OrderChangeType": kind, "OrderChangeTrigger": trigger, "Summary": summary,
        }  # fmt: skip
        self.state.tell("ORDER_CHANGE", {"OrderChangeNotification": change})

    def _pack(self, order: Order, parcel: Json) -> None:
        items = {item.id: item for item in order.items}
        for row in parcel["orderItems"]:
            item = items.get(str(row.get("orderItemId")))
            if item is None or not 0 < int(row.get("quantity") or 0) <= item.quantity - item.shipped:
                raise invalid(f"Invalid order item: {row}.")
        for row in parcel["orderItems"]:
            items[str(row["orderItemId"])].shipped += int(row["quantity"])
        order.packages.append(
            {
                "packageReferenceId": str(parcel["packageReferenceId"]), "createdTime": stamp(self.state.now()),
                "packageStatus": {"status": "SHIPPED"}, "shipTime": parcel["shipDate"],
                "carrier": str(parcel.get("carrierName") or parcel.get("carrierCode") or ""),
                "trackingNumber": str(parcel.get("trackingNumber") or ""), "packageItems": parcel["orderItems"],
            }
        )  # fmt: skip
        left = sum(item.quantity - item.shipped for item in order.items if not item.cancelled_by)
        order.status = "PARTIALLY_SHIPPED" if left else "SHIPPED"
        self.touch(order)

    def _order(self, order_id: str) -> Order:
        if order_id not in self.all:
            raise AmazonError(404, "NotFound", f"Order {order_id} does not exist.")
        return self.all[order_id]

    def _matching(self, query: dict[str, str], until: datetime) -> list[Order]:
        changed = query.get("lastUpdatedAfter")
        start = moment(changed or query["createdAfter"])
        wanted = (query.get("fulfillmentStatuses") or "").split(",") if query.get("fulfillmentStatuses") else None
        return [
            one
            for one in self.all.values()
            if start <= (one.updated if changed else one.created) <= until and (wanted is None or one.status in wanted)
        ]

    def _token(self, start: int, until: datetime) -> str:
        return base64.urlsafe_b64encode(f"{start}@{stamp(until)}".encode()).decode()

    def _position(self, token: str | None) -> tuple[int, datetime]:
        """A search sees what changed until it began (or a while before); its pages are of one moment."""
        if not token:
            return 0, self.state.now() - timedelta(seconds=self.state.options.search_lag)
        try:
            start, _, text = base64.urlsafe_b64decode(token).decode().partition("@")
            until = moment(text)
        except ValueError as error:
            raise invalid("Invalid paginationToken.") from error
        if self.state.now() - until > _TOKEN_LIVES:
            raise invalid("The paginationToken has expired.")
        return int(start), until

    def _view(self, order: Order, included: set[str]) -> Json:
        market = self.state.options.marketplace
        shown: Json = {
            "orderId": order.id, "createdTime": stamp(order.created), "lastUpdatedTime": stamp(order.updated), "programs": [],
            "salesChannel": {"channelName": "AMAZON", "marketplaceId": market},
            "orderItems": [self._item(order, item, included) for item in order.items],
        }  # fmt: skip
        if "FULFILLMENT" in included:
            shown["fulfillment"] = {
                "fulfillmentStatus": order.status, "fulfilledBy": order.fulfilled_by, "fulfillmentServiceLevel": "STANDARD",
            }  # fmt: skip
        # A pending order shows no amounts and no buyer (v0 documents both; the payment is not checked yet).
        if order.status != "PENDING":
            shown |= self._proceeds(order) if "PROCEEDS" in included else {}
            shown |= self._people(order, included)
        if "PACKAGES" in included and order.packages:
            shown["packages"] = order.packages
        return shown

    def _proceeds(self, order: Order) -> Json:
        parts = {
            "ITEM": sum((item.price * item.quantity for item in order.items), _ZERO),
            "SHIPPING": sum((item.shipping for item in order.items), _ZERO),
            "TAX": sum((item.tax for item in order.items), _ZERO),
            "DISCOUNT": -sum((item.discount for item in order.items), _ZERO),
        }
        rows = [{"type": kind, "subtotal": self._money(value)} for kind, value in parts.items() if value]
        return {"proceeds": {"grandTotal": self._money(order.total), "breakdowns": rows}}

    def _people(self, order: Order, included: set[str]) -> Json:
        """Personal data goes to those who hold the role for it, and only where it is asked for."""
        if PERSONAL_ROLE not in self.state.options.roles or not order.customer:
            return {}
        shown: Json = {}
        if "BUYER" in included:
            buyer = {"buyerName": order.customer.get("name"), "buyerEmail": order.customer.get("email")}
            shown["buyer"] = {name: value for name, value in buyer.items() if value}
        if "RECIPIENT" in included:
            address = {"name": order.customer.get("name"), "phone": order.customer.get("phone")}
            place = {"addressLine1": "1 Main Street", "city": "Springfield", "postalCode": "12345"}
            kept = {name: value for name, value in {**address, **place}.items() if value}
            shown["recipient"] = {"deliveryAddress": {**kept, "countryCode": self.state.country}}
        return shown

    def _item(self, order: Order, item: Item, included: set[str]) -> Json:
        product: Json = {"asin": item.asin, "title": item.title, "sellerSku": item.sku}
        product["condition"] = {"conditionType": "NEW", "conditionSubtype": "NEW"}
        if order.status != "PENDING":
            product["price"] = {"unitPrice": self._money(item.price)}
        shown: Json = {"orderItemId": item.id, "quantityOrdered": item.quantity, "product": product}
        if "PROCEEDS" in included and order.status != "PENDING":
            shown["proceeds"] = self._item_proceeds(item)
        if "CANCELLATION" in included and item.cancelled_by:
            done = {"cancelledBy": item.cancelled_by, "cancelReason": item.reason}
            shown["cancellation"] = {"cancellationExecution": done}
        if "FULFILLMENT" in included:
            left = 0 if item.cancelled_by else item.quantity - item.shipped
            shown["fulfillment"] = {"quantityFulfilled": item.shipped, "quantityUnfulfilled": left}
        return shown

    def _item_proceeds(self, item: Item) -> Json:
        parts = {
            "ITEM": item.price * item.quantity, "SHIPPING": item.shipping, "TAX": item.tax, "DISCOUNT": -item.discount,
        }  # fmt: skip
        rows: list[Json] = [{"type": kind, "subtotal": self._money(value)} for kind, value in parts.items() if value]
        for row in rows:
            if row["type"] in ("TAX", "DISCOUNT"):
                row["detailedBreakdowns"] = [{"subtype": "ITEM", "value": row["subtotal"]}]
        return {"proceedsTotal": self._money(item.total), "breakdowns": rows}

    def _money(self, value: Decimal) -> Json:
        return amount(value, self.state.currency)


def _included(query: dict[str, str]) -> set[str]:
    found = set(filter(None, (query.get("includedData") or "").split(",")))
    if unknown := found - set(_DATA):
        raise invalid(f"Invalid includedData: {', '.join(sorted(unknown))}.")
    return found
