"""The order writer port: mirrors, fulfilment, cancellations and refunds.

Six parallel changes of status took stock twice, and two equal refunds at once were both accepted (observed on 11.0.1),
so order writes go out one at a time.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

from bridge.contract.errors import Refused
from bridge.contract.ports import LineRefund, NewOrder
from bridge.domain.money import Money
from bridge.domain.orders import Order, Tracking
from connectors.woocommerce.mapping import meta, text_of
from connectors.woocommerce.new_order import new_order
from connectors.woocommerce.order_mapping import CREATED_VIA, TRACKING, is_draft
from connectors.woocommerce.orders import ORDER_FIELDS, Orders, Refunds
from connectors.woocommerce.refund import new_refund
from connectors.woocommerce.rest import Rest, Row

__all__ = ["OrderWriter"]

_OVER = frozenset({"cancelled", "refunded", "trash"})


class OrderWriter:
    """Creates and changes orders of one shop."""

    def __init__(self, rest: Rest, orders: Orders, refunds: Refunds, *, status_paid: str) -> None:
        self._rest = rest
        self._orders = orders
        self._refunds = refunds
        self._status_paid = status_paid
        self._one_at_a_time = asyncio.Lock()

    async def find(self, reference: str) -> Order | None:
        """Look up the order with our reference: by search, in the trash, then among our newest.

        `transaction_id` is what a search looks through (meta fields are not), and it is compared in full.
        """
        for query in ({"search": reference}, {"search": reference, "status": "trash"}, {"created_via": CREATED_VIA}):
            page = await self._rest.rows("find order", "orders", _fields=ORDER_FIELDS, **query)
            for row in page.rows:
                mine = row.get("created_via") == CREATED_VIA and row.get("transaction_id") == reference
                if mine and not is_draft(row):
                    return await self._orders.understood(row)
        return None

    async def mirror(self, order: NewOrder) -> Order:
        """Create it, paid; the shop takes its units off its own number. Sent once. Raises Refused naming a bad line."""
        with self._rest.named():
            body = new_order(order, status_paid=self._status_paid)
        async with self._one_at_a_time:
            answer = await self._rest.write(f"mirror {order.reference}", "POST", "orders", body)
            return await self._orders.understood(answer.payload)

    async def fulfil(self, order: Order, tracking: Sequence[Tracking], key: str) -> Order:  # noqa: ARG002 repeatable as it is
        """Complete it; the buyer gets the parcels as a note, before the mail about completion goes out."""
        async with self._one_at_a_time:
            now = await self._read(order.id)
            if text_of(now, "status") in _OVER:
                # Completing a cancelled order would take its units off the number again.
                raise Refused(f"order {order.id} is {now['status']}", where=self._rest.http.where, code="cancelled")
            parcels = _with_new(meta(now).get(TRACKING), tracking)
            await self._tell(order.id, tracking)
            if text_of(now, "status") == "completed" and parcels == (meta(now).get(TRACKING) or []):
                return await self._orders.understood(now)
            notes = [{"key": TRACKING, "value": parcels}] if parcels else []
            return await self._change("fulfil", order.id, {"status": "completed", "meta_data": notes})

    async def cancel(self, order: Order, *, restock: bool, key: str) -> Order:  # noqa: ARG002 repeatable as it is
        """Cancel it. Without restock it becomes "refunded": a cancelled order gives its units back by itself, and a
        refunded one keeps them off the number (observed on 11.0.1). No money moves either way.
        """
        async with self._one_at_a_time:
            now = await self._read(order.id)
            if text_of(now, "status") in _OVER:
                return await self._orders.understood(now)
            current = await self._orders.understood(now)
            keeps = not restock and any(line.held for line in current.lines)
            return await self._change("cancel", order.id, {"status": "refunded" if keeps else "cancelled"})

    async def refund(
        self, order: Order, lines: Sequence[LineRefund], amount: Money, *, restock: bool, reason: str, key: str
    ) -> Order:
        """Record a refund; no money is sent. Our key in its reason is read back first, so a repeat finds it."""
        async with self._one_at_a_time:
            known = await self._refunds.read(order.id)
            if not any(key in text_of(refund, "reason") for refund in known):
                now = await self._read(order.id)
                with self._rest.named():
                    body = new_refund(now, lines, amount, restock=restock, reason=f"{reason} [{key}]".strip())
                await self._rest.write(f"refund order {order.id}", "POST", f"orders/{order.id}/refunds", body)
            return await self._orders.get(order.id)

    async def _read(self, order_id: str) -> Row:
        if not order_id.isdecimal():
            raise Refused(f"{order_id!r} is no order of WooCommerce", where=self._rest.http.where)
        answer = await self._rest.read("read order", f"orders/{order_id}", _fields=ORDER_FIELDS)
        row: Row = answer.payload
        return row

    async def _change(self, what: str, order_id: str, body: object) -> Order:
        op = f"{what} order {order_id}"
        answer = await self._rest.write(op, "PUT", f"orders/{order_id}", body, repeatable=True)
        return await self._orders.understood(answer.payload)

    async def _tell(self, order_id: str, tracking: Sequence[Tracking]) -> None:
        """Write the parcels as one note, unless each number stands in a note already (the shop rewrites "&" in texts)."""
        if not tracking:
            return
        path = f"orders/{order_id}/notes"
        known = await self._rest.read("read order notes", path, type="customer")
        told = "\n".join(text_of(note, "note") for note in known.payload)
        if not all(one.number in told for one in tracking):
            body = {"note": "\n".join(map(_sentence, tracking)), "customer_note": True}
            await self._rest.write("write order note", "POST", path, body)


def _with_new(known: object, tracking: Sequence[Tracking]) -> list[Any]:
    parcels = list(known) if isinstance(known, list) else []
    return parcels + [parcel for parcel in map(_parcel, tracking) if parcel not in parcels]


def _parcel(tracking: Tracking) -> dict[str, str]:
    return {
        "tracking_number": tracking.number,
        "tracking_provider": tracking.carrier,
        "custom_tracking_link": tracking.url,
    }


def _sentence(tracking: Tracking) -> str:
    carrier = f" with {tracking.carrier}" if tracking.carrier else ""
    return f"Your parcel is on its way{carrier}: {tracking.number} {tracking.url}".strip()
