"""Return orders: what Square makes of a refund.

Every refund makes an order of its own with `returns` (developer.squareup.com/docs/orders-api/order-returns-exchanges):
an itemised one of the till names the lines, one by amount has a single CUSTOM_AMOUNT line. The sale stays as it was.
"""

from fractions import Fraction

from bridge.sandbox.square.orders import Order, Orders
from bridge.sandbox.square.pricing import amounts, round_half_even
from bridge.sandbox.square.values import UNIT, Json, money, quantity, units


class Returns:
    """Makes return orders and, for itemised ones, moves the goods."""

    def __init__(self, orders: Orders) -> None:
        self.orders = orders
        self.taken_back: dict[tuple[str, str], int] = {}

    def by_amount(self, sale: Order | None, location_id: str, amount: int, source: Json) -> Order:
        """Book a refund by amount; no goods move, whatever was sold."""
        currency = self.orders.seller.currency
        line = {
            "uid": self.orders.ids.make(22),
            "quantity": "1",
            "item_type": "CUSTOM_AMOUNT",
            "base_price_money": money(amount, currency),
            "variation_total_price_money": money(amount, currency),
            "gross_return_money": money(amount, currency),
            "total_tax_money": money(0, currency),
            "total_discount_money": money(0, currency),
            "total_money": money(amount, currency),
        }
        return self._book(sale, location_id, [line], source)

    def itemised(self, sale: Order, lines: list[tuple[Json, int]], source: Json) -> Order:
        """Book lines of a sale as returned: (sale line, quantity in 1/100000); the goods have not moved yet."""
        back = [self._line(line, amount) for line, amount in lines]
        order = self._book(sale, sale.data["location_id"], back, source)
        for line, amount in lines:
            self.taken_back[sale.id, line["uid"]] = self.returned(sale, line) + amount
        return order

    def move_goods(self, order: Order, refund_id: str | None, *, restock: bool) -> None:
        """Take the goods of a return order back from the customer, and to the shelf if the clerk says so."""
        inventory = self.orders.inventory
        for line, variation, is_tracked in self.orders.stock_lines(
            order, order.data["returns"][0]["return_line_items"]
        ):
            if not is_tracked:
                continue
            key, amount = (variation, order.data["location_id"]), units(line["quantity"], "quantity")
            cause: Json = {"refund_id": refund_id, "transaction_id": order.id, "reason_id": {"type": "RETURNED"}}
            inventory.adjust(key, "SOLD", "RETURNED_BY_CUSTOMER", amount, order.source, cause=cause)
            if restock:
                inventory.adjust(key, "RETURNED_BY_CUSTOMER", "IN_STOCK", amount, order.source, cause=cause)

    def returned(self, sale: Order, line: Json) -> int:
        """Return how much of a sale's line came back already, in 1/100000."""
        return self.taken_back.get((sale.id, line["uid"]), 0)

    def _line(self, line: Json, amount: int) -> Json:
        sold = units(line["quantity"], "quantity")
        part: Json = {
            name: line[name]
            for name in ("name", "catalog_object_id", "variation_name", "catalog_version")
            if name in line
        }
        part |= {"uid": self.orders.ids.make(22), "source_line_item_uid": line["uid"], "quantity": quantity(amount)}
        part |= {"item_type": line["item_type"], "base_price_money": line["base_price_money"]}
        gross = round_half_even(Fraction(line["base_price_money"]["amount"] * amount, UNIT))
        for name in ("variation_total_price_money", "gross_return_money"):
            part[name] = money(gross, self.orders.seller.currency)
        for name in ("total_tax_money", "total_discount_money", "total_money"):
            exact = Fraction(line[name]["amount"] * amount, sold)
            part[name] = money(round_half_even(exact), self.orders.seller.currency)
        return part

    def _book(self, sale: Order | None, location_id: str, lines: list[Json], source: Json) -> Order:
        currency = self.orders.seller.currency
        total, tax, off = (sum(line[n]["amount"] for line in lines) for n in _SUMS)
        entry: Json = {"uid": self.orders.ids.make(22), "return_line_items": lines}
        entry["return_amounts"] = amounts(currency, total, tax, off)
        if sale is not None:
            entry["source_order_id"] = sale.id
        zero = {name: money(0, currency) for name in _ZEROS}
        data = {
            "location_id": location_id,
            "source": {"name": source["name"]},
            "state": "COMPLETED",
            "returns": [entry],
            "return_amounts": amounts(currency, total, tax, off),
            "net_amounts": amounts(currency, -total, -tax, -off),
            **zero,
        }
        order = self.orders.keep(data, source, version=None)
        order.is_settled = True
        self.orders.close(order, "COMPLETED")
        self.orders.touch(order)
        return order


_SUMS = ("total_money", "total_tax_money", "total_discount_money")
_ZEROS = (*_SUMS, "total_tip_money", "total_service_charge_money")
