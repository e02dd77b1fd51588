"""The orders port."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence
from datetime import datetime

from bridge.contract.errors import Gone, Refused
from bridge.contract.feed import Bad, Feed, Page
from bridge.domain.orders import Order
from connectors.woocommerce.changes import OVERLAP, Changes, Step, stamp
from connectors.woocommerce.mapping import Unreadable, identifier
from connectors.woocommerce.order_mapping import is_draft, needs_refunds, order
from connectors.woocommerce.rest import Rest, Row

__all__ = ["ORDER_FIELDS", "REFUND_FIELDS", "Orders", "Refunds"]

ORDER_FIELDS = (
    "id,number,status,currency,date_created_gmt,date_modified_gmt,date_paid_gmt,date_completed_gmt,total,shipping_total,"
    "shipping_tax,customer_id,billing,shipping,transaction_id,created_via,meta_data,line_items,coupon_lines,refunds"
)
REFUND_FIELDS = "id,amount,reason,line_items"
_REMEMBERED = 1_000


class Refunds:
    """The refunds of orders: which lines were refunded is written there alone.

    A refund never changes, so an order is asked for again only when the list of its refunds has changed.
    """

    def __init__(self, rest: Rest) -> None:
        self._rest = rest
        self._known: OrderedDict[str, tuple[tuple[str, ...], Sequence[Row]]] = OrderedDict()

    async def of(self, row: Row) -> Sequence[Row]:
        """Return the refunds of an order as far as its mapping needs them; raises Gone."""
        if not needs_refunds(row):
            return ()
        order_id, ids = identifier(row.get("id")), tuple(identifier(one.get("id")) for one in row["refunds"])
        known = self._known.get(order_id)
        if known is None or known[0] != ids:
            known = (ids, await self.read(order_id))
            self._known[order_id] = known
            while len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        return known[1]

    async def read(self, order_id: str) -> Sequence[Row]:
        """Read them now."""
        pages = self._rest.pages("read refunds", f"orders/{order_id}/refunds", _fields=REFUND_FIELDS)
        return [row async for page in pages for row in page.rows]


class OrderChanges:
    """What changed among the orders. Trashed ones leave the list without a word, and give no stock back."""

    def __init__(self, rest: Rest, refunds: Refunds) -> None:
        self._refunds = refunds
        self._changes = Changes(rest, "read changed orders", "orders", ORDER_FIELDS)

    def begin(self, at: datetime) -> str:
        """Return the cursor for everything changed since this moment."""
        return stamp(at - OVERLAP)

    async def since(self, cursor: str) -> AsyncIterator[Page[Order]]:
        """Read changed orders, oldest change first; one call when nothing changed."""
        async for step in self._changes.since(cursor):
            yield await self._page(step)

    async def _page(self, step: Step) -> Page[Order]:
        rows = [row for row in step.rows if not is_draft(row)]
        refunds = await self._refunded(rows)
        found = [self._read(row, refunds.get(identifier(row.get("id")), ())) for row in rows]
        return Page(
            items=tuple(one for one in found if isinstance(one, Order)),
            bad=tuple(one for one in found if isinstance(one, Bad)),
            as_of=step.at,
            cursor=step.cursor,
        )

    async def _refunded(self, rows: Sequence[Row]) -> dict[str, Sequence[Row] | None]:
        """The refunds of the few orders that have any, by order id; None for an order that is no more."""
        some = [row for row in rows if needs_refunds(row)]
        found = await asyncio.gather(*(self._refunds_of(row) for row in some))
        return {identifier(row.get("id")): refunds for row, refunds in zip(some, found, strict=True)}

    async def _refunds_of(self, row: Row) -> Sequence[Row] | None:
        try:
            return await self._refunds.of(row)
        except Gone:
            return None

    def _read(self, row: Row, refunds: Sequence[Row] | None) -> Order | Bad | None:
        try:
            return None if refunds is None else order(row, refunds)
        except Unreadable as error:
            return Bad(id=identifier(row.get("id")), reason=str(error))


class Orders:
    """What was sold."""

    def __init__(self, rest: Rest, refunds: Refunds) -> None:
        self.changes: Feed[Order] = OrderChanges(rest, refunds)
        self._rest = rest
        self._refunds = refunds

    async def get(self, order_id: str) -> Order:
        """Read one order now, a trashed one as cancelled; raises Gone, or Refused when it cannot be understood."""
        if not order_id.isdecimal():
            raise Gone(f"read order: {order_id!r} is no order of WooCommerce", where=self._rest.http.where)
        answer = await self._rest.read("read order", f"orders/{order_id}", _fields=ORDER_FIELDS)
        return await self.understood(answer.payload)

    async def understood(self, row: Row) -> Order:
        """Return the order of a payload; raises Gone for a basket, Refused when it cannot be understood."""
        where = self._rest.http.where
        if is_draft(row):
            raise Gone(f"order {row.get('id')} is a basket at the checkout, not an order yet", where=where)
        try:
            return order(row, await self._refunds.of(row))
        except Unreadable as error:
            step = "mend the order in the shop, then `bridge retry`"
            raise Refused(f"order {row.get('id')}: {error}", where=where, next_step=step) from error
