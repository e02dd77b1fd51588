"""A refund's body: the amounts of each line, split into goods and tax the way the shop wants them."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec

from bridge.contract.errors import Refused
from bridge.contract.ports import LineRefund
from bridge.domain.money import Money
from connectors.woocommerce.mapping import Row, amount, identifier, money, need, text_of

__all__ = ["new_refund"]


def new_refund(order: Row, lines: Sequence[LineRefund], total: Money, *, restock: bool, reason: str) -> dict[str, Any]:
    """Return the body that records a refund of these lines; raises Refused for a line the order does not have.

    `api_refund` is false: the money went back on the channel where it was paid, and a gateway that cannot refund would
    answer 500. Amounts go out as exact JSON numbers.
    """
    known = {identifier(line.get("id")): line for line in order.get("line_items") or ()}
    currency = text_of(order, "currency") or total.currency
    items = []
    for line in lines:
        if line.line_id not in known or line.quantity < 0 or line.amount.currency != currency:
            raise Refused(
                f"refund of order {order.get('id')}: line {line.line_id} with {line.quantity} x {line.amount}"
            )
        items.append(_item(known[line.line_id], line))
    return {
        "amount": total.decimal,
        "reason": reason,
        "api_refund": False,
        "api_restock": restock,
        "line_items": items,
    }


def _item(row: Row, line: LineRefund) -> dict[str, Any]:
    gross = amount(need(row, "total"), "total") + amount(row.get("total_tax"), "total_tax")
    goods, taxes = line.amount, []
    for tax in row.get("taxes") or ():
        share = _share(amount(tax.get("total"), "a tax"), gross, line.amount)
        goods = goods - share
        taxes.append({"id": int(tax["id"]), "refund_total": _number(share)})
    item: dict[str, Any] = {"id": int(line.line_id), "quantity": line.quantity, "refund_total": _number(goods)}
    return item | ({"refund_tax": taxes} if taxes else {})


def _share(tax: Decimal, gross: Decimal, refunded: Money) -> Money:
    return money(tax * Decimal(refunded.decimal) / gross if gross else Decimal(0), refunded.currency)


def _number(value: Money) -> msgspec.Raw:
    return msgspec.Raw(value.decimal.encode())
