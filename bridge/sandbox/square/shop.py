"""The verbs of the people around a Square account: the clerk at the till, the merchant in the dashboard.

A till never refuses for want of stock: counts may go below zero.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from bridge.sandbox.kit.platform import RefusedError
from bridge.sandbox.square.catalog import Entry
from bridge.sandbox.square.errors import SquareError
from bridge.sandbox.square.orders import DETAILS, DONE, Order
from bridge.sandbox.square.people import People
from bridge.sandbox.square.shelf import Shelves, minor
from bridge.sandbox.square.state import State
from bridge.sandbox.square.values import UNIT, Json, stamp, to_ms, units

POINT_OF_SALE: Json = {
    "product": "SQUARE_POS",
    "application_id": "sq0ids-point-of-sale",
    "name": "Square Point of Sale",
}
ONLINE: Json = {"product": "ONLINE_STORE", "application_id": "sq0ids-square-online", "name": "Square Online"}
CLERK = "TMclerk0000000000001"


class SquareShop:
    """Implements the kit's `Shop` on one seller's state."""

    def __init__(self, state: State, host: str) -> None:
        self.state = state
        self.shelves = Shelves(state, host)
        self.people = People(state)

    def seed(self, products: list[Json]) -> list[Json]:
        """Create items with their stock; see the kit's `Shop.seed`."""
        return self.shelves.seed(products)

    def edit_product(self, sku: str, **fields: Any) -> None:
        """Edit an item in the dashboard: title, description, status, images; new_sku, price, barcode, options, stock."""
        self.shelves.edit(self._variation({"sku": sku}), fields)

    def delete_product(self, sku: str) -> None:
        """Delete the whole item that holds this SKU."""
        self.shelves.delete(self._variation({"sku": sku}))

    def count(self, sku: str, quantity: int, *, location: str | None = None) -> None:
        """Count a variation's stock by hand, as a team member at the till does."""
        key = (self._variation({"sku": sku}).id, self._place(location))
        self.state.inventory.count(key, "IN_STOCK", quantity * UNIT, POINT_OF_SALE, cause={"team_member_id": CLERK})

    def sale(self, lines: list[Json], **how: Any) -> str:
        """Ring up a sale. More of `how`: "source" ("Square Online"), "fulfilment" ("PICKUP", "SHIPMENT", "DELIVERY")."""
        at = _at(how.get("occurred_at"))
        source = ONLINE if how.get("fulfilment") or how.get("source") == ONLINE["name"] else POINT_OF_SALE
        given: Json = {
            "location_id": self._place(how.get("location")),
            "line_items": [self._sale_line(line) for line in lines],
            "pricing_options": {"auto_apply_taxes": True},
        }
        self._line_discounts(given, lines)
        self._extras(given, how)
        try:
            order = self.state.orders.build(given, source, version=None, at=at)
        except SquareError as error:
            raise RefusedError(error.detail) from error
        if how.get("paid", True):
            self._pay(order, at)
        return order.id

    def pay(self, order: str) -> None:
        """Pay an order that was left open."""
        found = self._order(order)
        if found.is_settled or found.data["state"] != "OPEN":
            raise RefusedError(f"order {order} is {found.data['state']}, there is nothing to pay")
        self._pay(found, None)

    def refund(self, order: str, lines: list[Json], *, restock: bool = True) -> str:
        """Take lines back at the till: a return order, the money back, the goods on the shelf or not."""
        sale = self._order(order)
        if not sale.is_settled or "returns" in sale.data:
            raise RefusedError(f"order {order} has not been paid, there is nothing to refund")
        picked = [pair for line in lines for pair in self._to_return(sale, line)]
        return self._take_back(sale, picked, restock=restock).id

    def cancel(self, order: str, *, restock: bool = True) -> None:
        """Cancel an open order; one that is paid is refunded in full."""
        sale = self._order(order)
        if sale.data["state"] not in ("OPEN", "DRAFT"):
            raise RefusedError(f"order {order} is {sale.data['state']} already")
        for fulfilment in sale.data.get("fulfillments") or ():
            if fulfilment["state"] not in DONE:
                fulfilment["state"] = "CANCELED"
        if sale.is_settled:
            left = [
                (line, units(line["quantity"], "quantity") - self.state.returns.returned(sale, line))
                for line in _lines(sale)
            ]
            self._take_back(sale, [(line, amount) for line, amount in left if amount], restock=restock)
            self.state.orders.close(sale, "COMPLETED")
        else:
            self.state.orders.close(sale, "CANCELED")
        self.state.orders.touch(sale)

    def fulfil(self, order: str, *, tracking: dict[str, str] | None = None) -> None:
        """Hand over or ship everything of an order."""
        sale = self._order(order)
        open_ones = [part for part in sale.data.get("fulfillments") or () if part["state"] not in DONE]
        if not open_ones:
            raise RefusedError(f"order {order} has nothing left to fulfil")
        for part in open_ones:
            part["state"] = "COMPLETED"
            details = part.setdefault(DETAILS[part["type"]], {})
            if tracking and part["type"] == "SHIPMENT":
                details |= {"tracking_number": tracking.get("number", ""), "carrier": tracking.get("carrier", "")}
        if sale.is_settled:
            self.state.orders.close(sale, "COMPLETED")
        self.state.orders.touch(sale)

    def edit_order(self, order: str, sku: str, quantity: int) -> None:
        """Change a line of an order that is open and not paid."""
        sale = self._order(order)
        if sale.data["state"] != "OPEN" or sale.is_settled:
            raise RefusedError(f"order {order} can no longer be changed")
        variation = self._variation({"sku": sku})
        lines = [line for line in _lines(sale) if line.get("catalog_object_id") == variation.id]
        if not lines:
            raise RefusedError(f"order {order} has no line {sku}")
        lines[0]["quantity"] = str(quantity)
        sale.data["line_items"] = [line for line in _lines(sale) if line["quantity"] != "0"]
        self.state.orders.reprice(sale)
        self.state.orders.touch(sale)

    def stock(self) -> dict[str, dict[str, int]]:
        """Return the IN_STOCK counts of tracked variations, by SKU (or id where there is none) and location id."""
        return self.shelves.stock()

    def orders(self) -> list[Json]:
        """Return all orders, oldest first; a return order has no lines but `returns`."""
        return [self._row(order) for order in self.state.orders.all.values()]

    def add_customer(self, **fields: Any) -> str:
        """Make a profile in the Customer Directory: "name", "email", "phone", "consent". Square takes one twice."""
        return self.people.add(fields)

    def edit_customer(self, customer: str, **fields: Any) -> None:
        """Change a profile as the merchant would; an account's phone number follows the profile's."""
        self.people.edit(customer, fields)

    def delete_customer(self, customer: str) -> None:
        """Delete a profile, and the points with it."""
        self.people.delete(customer)

    def customers(self) -> list[Json]:
        """Return the profiles: {"id", "name", "email", "phone", "points"}; None points without a loyalty account."""
        return self.people.listing()

    def give_points(self, *, customer: str, points: int, reason: str = "") -> None:
        """Give points by hand at the till, or take some (below 0)."""
        self.people.give(customer, points, reason)

    def redeem(self, *, customer: str, points: int) -> None:
        """Take a reward at the till that costs these points."""
        self.people.redeem(customer, points, self._place(None))

    def expire_points(self, *, customer: str, points: int) -> None:
        """Let points run out, as the program's expiration policy does."""
        self.people.expire(customer, points)

    def _row(self, order: Order) -> Json:
        returns = [line for part in order.data.get("returns") or () for line in part["return_line_items"]]
        row = {
            "id": order.id,
            "status": order.data["state"],
            "lines": [self._row_line(line) for line in _lines(order)],
            "reference": order.data.get("reference_id"),
            "total": self.shelves.decimal(order.total),
        }
        return row | ({"returns": [self._row_line(line) for line in returns]} if returns else {})

    def _row_line(self, line: Json) -> Json:
        variation = self.state.catalog.entries.get(line.get("catalog_object_id") or "")
        sku = variation.data.get("sku") if variation else None
        return {"sku": sku, "quantity": units(line["quantity"], "quantity") // UNIT}

    def _pay(self, order: Order, at: int | None) -> None:
        """Take cash for an order; a till that was offline hands its own time over."""
        total = self.state.money(order.total)
        details: Json = {"cash_details": {"buyer_supplied_money": total, "change_back_money": self.state.money(0)}}
        details["team_member_id"] = CLERK
        if at is not None:
            details |= {"is_offline_payment": True, "offline_payment_details": {"client_created_at": stamp(at)}}
        payment = self.state.payments.record(order, order.total, 0, "CASH", details)
        self.state.payments.complete_payment(payment, at)

    def _take_back(self, sale: Order, lines: list[tuple[Json, int]], *, restock: bool) -> Order:
        back = self.state.returns.itemised(sale, lines, POINT_OF_SALE)
        left, refund_id = back.data["return_amounts"]["total_money"]["amount"], None
        for tender in sale.data.get("tenders") or ():
            payment = self.state.payments.get(tender["payment_id"])
            part = min(left, payment.amount - payment.refunded)
            if part > 0:
                refund_id = self.state.payments.book_refund(payment, part, back, {"reason": "Returned goods"})["id"]
                left -= part
        self.state.returns.move_goods(back, refund_id, restock=restock)
        return back

    def _to_return(self, sale: Order, wanted: Json) -> Iterator[tuple[Json, int]]:
        """Find the lines of a sale that hold what is brought back."""
        variation, need = self._variation(wanted).id, int(wanted["quantity"]) * UNIT
        for line in _lines(sale):
            if line.get("catalog_object_id") == variation and need:
                part = min(need, units(line["quantity"], "quantity") - self.state.returns.returned(sale, line))
                need -= part
                if part:
                    yield line, part
        if need:
            raise RefusedError(f"order {sale.id} has no more of {wanted} to return")

    def _sale_line(self, line: Json) -> Json:
        variation = self._variation(line)
        made: Json = {"catalog_object_id": variation.id, "quantity": str(line["quantity"])}
        if line.get("price") is not None:
            made["base_price_money"] = self.state.money(self.shelves.minor(line["price"]))
        return made

    def _line_discounts(self, given: Json, lines: list[Json]) -> None:
        """Discounts of single lines, as a till's clerk gives them: scope LINE_ITEM, and named by the line that has them."""
        for number, line in enumerate(lines):
            if not line.get("discount"):
                continue
            amount = self.state.money(minor(line["discount"], self.state.options.currency))
            uid = f"line-{number}"
            given.setdefault("discounts", []).append(
                {"uid": uid, "name": "Discount", "type": "FIXED_AMOUNT", "scope": "LINE_ITEM", "amount_money": amount}
            )
            given["line_items"][number]["applied_discounts"] = [{"discount_uid": uid}]

    def _extras(self, given: Json, how: Json) -> None:
        customer, discount, kind = how.get("customer"), how.get("discount"), how.get("fulfilment")
        if customer:
            given["customer_id"] = self.people.attach(customer)
        if discount:
            amount = self.state.money(minor(discount, self.state.options.currency))
            given.setdefault("discounts", []).append(
                {"name": "Discount", "type": "FIXED_AMOUNT", "scope": "ORDER", "amount_money": amount}
            )
        if kind:
            person = {"display_name": (customer or {}).get("name") or "Customer"}
            given["fulfillments"] = [{"type": kind, DETAILS[kind]: {"recipient": person}}]

    def _variation(self, line: Json) -> Entry:
        return self.shelves.find(line)

    def _place(self, name: str | None) -> str:
        place = self.state.seller.place(name)
        if place is None:
            raise RefusedError(f"no such location: {name}")
        return place

    def _order(self, order_id: str) -> Order:
        order = self.state.orders.all.get(order_id)
        if order is None:
            raise RefusedError(f"no such order: {order_id}")
        return order


def _lines(order: Order) -> list[Json]:
    return order.data.get("line_items") or []


def _at(when: datetime | str | None) -> int | None:
    if when is None:
        return None
    return to_ms(when if isinstance(when, datetime) else datetime.fromisoformat(when))
