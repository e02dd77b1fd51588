"""Payments and refunds: recording cash and external payments, paying orders, refunding by amount."""

from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bridge.sandbox.square.errors import SquareError, bad_request, invalid, missing, not_found
from bridge.sandbox.square.orders import TERMINAL, Order, Orders
from bridge.sandbox.square.returns import Returns
from bridge.sandbox.square.values import Json, amount_of, cursor, moment, money, page_limit, position, stamp, to_ms

PAGE = 100
CARD_OK = "cnon:card-nonce-ok"
"""The sandbox card token that always works (developer.squareup.com/docs/devtools/sandbox/payments)."""


@dataclass(slots=True)
class Payment:
    """One payment as the API shows it, with the amounts it is reckoned by."""

    data: Json
    created_ms: int
    refunded: int = 0

    @property
    def amount(self) -> int:
        """Return what was paid, in minor units."""
        return int(self.data["total_money"]["amount"])


class Payments:
    """All payments and refunds of the seller."""

    def __init__(self, orders: Orders, returns: Returns) -> None:
        self.orders = orders
        self.returns = returns
        self.currency = orders.seller.currency
        self.all: dict[str, Payment] = {}
        self.of_order: dict[str, list[Payment]] = {}
        self.refunds: dict[str, Json] = {}
        self.refund_times: list[tuple[int, str]] = []
        self.times: list[tuple[int, str]] = []
        self.on_payment: Callable[[str, Json], None] = lambda *_: None
        self.on_refund: Callable[[str, Json], None] = lambda *_: None
        self.on_given_back: Callable[[str, int], None] = lambda *_: None

    def create(self, body: Json) -> Json:
        """CreatePayment."""
        source_type, details = self._source(body)
        amount = amount_of(body.get("amount_money"), self.currency, "amount_money")
        tip = amount_of(body["tip_money"], self.currency, "tip_money") if body.get("tip_money") else 0
        if amount < 0:
            raise invalid("VALUE_TOO_LOW", "The amount must not be negative.", "amount_money.amount")
        order = self._order_for(body, amount)
        given = {name: body[name] for name in _KEPT if body.get(name)}
        payment = self.record(order, amount, tip, source_type, {**details, **given})
        if body.get("autocomplete", True):
            self.complete_payment(payment)
        return {"payment": payment.data}

    def record(self, order: Order, amount: int, tip: int, source_type: str, given: Json) -> Payment:
        """Keep an approved payment of an order."""
        now = self.orders.clock.ms()
        data = {
            "id": self.orders.ids.make(28),
            "created_at": stamp(now),
            "updated_at": stamp(now),
            "amount_money": money(amount, self.currency),
            "total_money": money(amount + tip, self.currency),
            "approved_money": money(amount + tip, self.currency),
            "status": "APPROVED",
            "source_type": source_type,
            "location_id": order.data["location_id"],
            "order_id": order.id,
            "version_token": self.orders.ids.make(44),
            **({"tip_money": money(tip, self.currency)} if tip else {}),
            **given,
        }
        payment = Payment(data, now)
        self.all[data["id"]] = payment
        self.of_order.setdefault(order.id, []).append(payment)
        self.times.append((now, data["id"]))
        self.on_payment("created", data)
        return payment

    def complete(self, payment_id: str) -> Json:
        """CompletePayment."""
        payment = self._approved(payment_id)
        self._check_amount(self.orders.get(payment.data["order_id"]), payment.data["amount_money"]["amount"])
        self.complete_payment(payment)
        return {"payment": payment.data}

    def cancel(self, payment_id: str) -> Json:
        """CancelPayment."""
        payment = self._approved(payment_id)
        self._set(payment, "CANCELED")
        return {"payment": payment.data}

    def complete_payment(self, payment: Payment, at: int | None = None) -> None:
        """Capture a payment; its order is settled as soon as it is paid in full. `at` (ms) is a till's own time."""
        order = self.orders.get(payment.data["order_id"])
        self._set(payment, "COMPLETED")
        payment.data["receipt_number"] = payment.data["id"][:4]
        order.paid += payment.data["amount_money"]["amount"]
        order.data.setdefault("tenders", []).append(self._tender(payment, order, at))
        if order.paid >= order.total and not order.is_settled:
            self.orders.settle(order, at)
        self.orders.touch(order)

    def pay_order(self, order_id: str, body: Json) -> Json:
        """PayOrder: collect approved payments that add up to the total; a total of 0 needs none."""
        order = self.orders.get(order_id)
        if order.data["state"] in TERMINAL or order.is_settled:
            raise bad_request(f"Order {order_id} has been paid or closed.", "order_id")
        if body.get("order_version") not in (None, order.version):
            raise bad_request("order_version does not match the current version.", "order_version")
        payments = [self._approved(payment_id) for payment_id in body.get("payment_ids") or ()]
        if any(payment.data["order_id"] != order_id for payment in payments):
            raise bad_request("All payments must reference this order.", "payment_ids")
        if sum(payment.data["amount_money"]["amount"] for payment in payments) + order.paid != order.total:
            raise _mismatch("The payment total does not match the order total.", "payment_ids")
        for payment in payments:
            self.complete_payment(payment)
        if not payments:
            self.orders.settle(order)
            self.orders.touch(order)
        self._drop_others(order_id)
        return {"order": self.orders.answer(order)}

    def get(self, payment_id: str) -> Payment:
        """Find a payment or raise 404."""
        if payment_id not in self.all:
            raise not_found(f"Could not find payment with id: {payment_id}")
        return self.all[payment_id]

    def refund(self, body: Json) -> Json:
        """RefundPayment: by amount only; makes a return order and moves no goods."""
        if not body.get("payment_id"):
            raise missing("payment_id")
        payment = self.get(body["payment_id"])
        amount = amount_of(body.get("amount_money"), self.currency, "amount_money")
        if payment.data["status"] != "COMPLETED":
            raise SquareError(
                400, "REFUND_ERROR", "PAYMENT_NOT_REFUNDABLE", "The payment is not refundable.", "payment_id"
            )
        if not 0 < amount <= payment.amount - payment.refunded:
            detail = "The requested refund amount exceeds the amount available to refund."
            raise SquareError(400, "REFUND_ERROR", "REFUND_AMOUNT_INVALID", detail, "amount_money.amount")
        sale = self.orders.get(payment.data["order_id"])
        back = self.returns.by_amount(sale, sale.data["location_id"], amount, self.orders.application)
        given = {name: body[name] for name in ("reason", "team_member_id") if body.get(name)}
        return {"refund": self.book_refund(payment, amount, back, given)}

    def book_refund(self, payment: Payment, amount: int, back: Order, given: Json) -> Json:
        """Keep a refund of a payment, and name it on the return order."""
        ms = self.orders.clock.ms()
        now = stamp(ms)
        refund = {
            "id": f"{payment.data['id']}_{self.orders.ids.make(44)}",
            "status": "PENDING" if payment.data["source_type"] == "CARD" else "COMPLETED",
            "location_id": payment.data["location_id"],
            "unlinked": False,
            "destination_type": payment.data["source_type"],
            "amount_money": money(amount, self.currency),
            "payment_id": payment.data["id"],
            "order_id": back.id,
            "created_at": now,
            "updated_at": now,
            **given,
        }
        self.refunds[refund["id"]] = refund
        self.refund_times.append((ms, refund["id"]))
        payment.refunded += amount
        payment.data["refunded_money"] = money(payment.refunded, self.currency)
        payment.data.setdefault("refund_ids", []).append(refund["id"])
        payment.data["updated_at"] = now
        back.data.setdefault("refunds", []).append(self._order_refund(refund, payment))
        self.orders.touch(back)
        self.on_refund("created", refund)
        self.on_payment("updated", payment.data)
        self.on_given_back(payment.data["order_id"], amount)
        return dict(refund)

    def get_refund(self, refund_id: str) -> Json:
        """GetPaymentRefund."""
        if refund_id not in self.refunds:
            raise not_found(f"Could not find refund with id: {refund_id}")
        return {"refund": self._seen(self.refunds[refund_id])}

    def list_payments(self, query: dict[str, str]) -> Json:
        """ListPayments: of the main location unless told, newest first."""
        place = query.get("location_id", self.orders.seller.main)
        found = (self.all[one].data for one in _span(self.times, query))
        return _page((row for row in found if row["location_id"] == place), query, "payments")

    def list_refunds(self, query: dict[str, str]) -> Json:
        """ListPaymentRefunds: of all locations unless told, newest first."""
        place, status = query.get("location_id"), query.get("status")
        found = (self._seen(self.refunds[one]) for one in _span(self.refund_times, query))
        here = (row for row in found if place in (None, row["location_id"]))
        return _page((row for row in here if status in (None, row["status"])), query, "refunds")

    def _source(self, body: Json) -> tuple[str, Json]:
        source = body.get("source_id")
        if not source:
            raise missing("source_id")
        if source == "CASH":
            return "CASH", {"cash_details": self._cash(body)}
        if source == "EXTERNAL":
            details = body.get("external_details") or {}
            for name in ("type", "source"):
                if not details.get(name):
                    raise missing(f"external_details.{name}")
            return "EXTERNAL", {"external_details": details}
        if source == CARD_OK:
            return "CARD", {"card_details": {"status": "CAPTURED", "entry_method": "KEYED"}}
        raise not_found("Card nonce not found", "source_id")

    def _cash(self, body: Json) -> Json:
        details = body.get("cash_details") or {}
        supplied = amount_of(details.get("buyer_supplied_money"), self.currency, "cash_details.buyer_supplied_money")
        change = supplied - amount_of(body.get("amount_money"), self.currency, "amount_money")
        if change < 0:
            raise invalid("INVALID_VALUE", "The buyer supplied too little.", "cash_details.buyer_supplied_money")
        return {
            "buyer_supplied_money": money(supplied, self.currency),
            "change_back_money": money(change, self.currency),
        }

    def _order_for(self, body: Json, amount: int) -> Order:
        """Find the order to pay, or make the one-line order Square keeps for a bare payment."""
        if body.get("order_id"):
            order = self.orders.get(body["order_id"])
            if order.data["state"] in TERMINAL or order.is_settled:
                raise bad_request(f"Order {order.id} has been paid or closed.", "order_id")
            if body.get("autocomplete", True):
                self._check_amount(order, amount)
            return order
        place = body.get("location_id") or self.orders.seller.main
        line = {"quantity": "1", "item_type": "CUSTOM_AMOUNT", "base_price_money": money(amount, self.currency)}
        given = {"location_id": place, "line_items": [line]}
        return self.orders.build(given, self.orders.application, version=1)

    def _check_amount(self, order: Order, amount: int) -> None:
        if amount != order.total - order.paid:
            raise _mismatch("The payment total does not match the order total.", "amount_money")

    def _approved(self, payment_id: str) -> Payment:
        payment = self.get(payment_id)
        if payment.data["status"] != "APPROVED":
            raise bad_request(f"Payment {payment_id} is {payment.data['status']}, not APPROVED.", "payment_id")
        return payment

    def _drop_others(self, order_id: str) -> None:
        """Approved payments of an order that were not collected are cancelled (specification, PayOrder)."""
        for payment in self.of_order.get(order_id, ()):
            if payment.data["status"] == "APPROVED":
                self._set(payment, "CANCELED")

    def _set(self, payment: Payment, status: str) -> None:
        payment.data |= {"status": status, "updated_at": stamp(self.orders.clock.ms())}
        payment.data["version_token"] = self.orders.ids.make(44)
        self.on_payment("updated", payment.data)

    def _tender(self, payment: Payment, order: Order, at: int | None) -> Json:
        kind = payment.data["source_type"]
        tender = {
            "id": payment.data["id"],
            "location_id": payment.data["location_id"],
            "transaction_id": order.id,
            "created_at": payment.data["created_at"] if at is None else stamp(at),
            "amount_money": payment.data["total_money"],
            "type": kind if kind in ("CASH", "CARD") else "OTHER",
            "payment_id": payment.data["id"],
        }
        if kind == "CASH":
            supplied, change = (payment.data["cash_details"][n] for n in ("buyer_supplied_money", "change_back_money"))
            tender["cash_details"] = {"buyer_tendered_money": supplied, "change_back_money": change}
        elif kind == "CARD":
            tender["card_details"] = {"status": "CAPTURED", "entry_method": "KEYED"}
        return tender

    def _order_refund(self, refund: Json, payment: Payment) -> Json:
        return {
            "id": refund["id"],
            "location_id": refund["location_id"],
            "transaction_id": payment.data["order_id"],
            "tender_id": payment.data["id"],
            "created_at": refund["created_at"],
            "reason": refund.get("reason", "Returned goods"),
            "amount_money": refund["amount_money"],
            "status": "PENDING" if refund["status"] == "PENDING" else "APPROVED",
        }

    def _seen(self, refund: Json) -> Json:
        """A card refund is PENDING in the answer that makes it and has gone through by the next look."""
        if refund["status"] == "PENDING":
            refund |= {"status": "COMPLETED", "updated_at": stamp(self.orders.clock.ms())}
            self.on_refund("updated", refund)
        return refund


_KEPT = ("reference_id", "customer_id", "note", "team_member_id", "buyer_email_address", "delay_duration")


def _mismatch(detail: str, field: str) -> SquareError:
    return invalid("PAYMENT_AMOUNT_MISMATCH", detail, field)


def _span(times: list[tuple[int, str]], query: dict[str, str]) -> Iterator[str]:
    """Go through ids by time of creation, both ends included, newest first unless told."""
    begin, end = _ms(query, "begin_time", 0), _ms(query, "end_time", 1 << 62)
    first, last = bisect_left(times, (begin, "")), bisect_left(times, (end + 1, ""))
    backwards = query.get("sort_order", "DESC") != "ASC"
    for i in range(last - 1, first - 1, -1) if backwards else range(first, last):
        yield times[i][1]


def _page(rows: Iterator[Json], query: dict[str, str], name: str) -> Json:
    """Make one page of rows; the range on `updated_at` is applied here."""
    begin, end = _ms(query, "updated_at_begin_time", 0), _ms(query, "updated_at_end_time", 1 << 62)
    size = page_limit(int(query["limit"]) if query.get("limit", "").isdigit() else None, PAGE, PAGE)
    behind = position(query["cursor"], 1)[0] if query.get("cursor") else None
    found: list[Json] = []
    for row in rows:
        if behind is not None:
            behind = None if row["id"] == behind else behind
        elif begin <= to_ms(moment(row["updated_at"], "updated_at")) <= end:
            if len(found) == size:
                return {name: found, "cursor": cursor(found[-1]["id"])}
            found.append(row)
    return {name: found} if found else {}


def _ms(query: dict[str, str], name: str, default: int) -> int:
    return to_ms(moment(query[name], name)) if query.get(name) else default
