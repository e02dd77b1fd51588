"""Mirrors of other channels' orders, and what happens to them."""

from collections.abc import Sequence

from bridge.contract.errors import Refused, TryLater
from bridge.contract.ports import LineRefund, NewOrder
from bridge.domain.money import Money
from bridge.domain.orders import Order, Tracking
from connectors.square.account import Account
from connectors.square.client import Client
from connectors.square.judge import STALE
from connectors.square.keys import fitting
from connectors.square.limits import ORDER_LOCATIONS, PAGE
from connectors.square.order_mapping import MARK, is_paid
from connectors.square.order_writing import SOURCE, cancelled, fulfilled, mirror_body, payment_body, refund_shares
from connectors.square.orders import SEARCH, STATES, Orders
from connectors.square.payload import Payload, money, part, rows, text

__all__ = ["OrderWriting"]

_ORDER_KEY, _PAYMENT_KEY, _REASON = 192, 45, 192


class OrderWriting:
    """The order_writer port."""

    def __init__(self, client: Client, account: Account, orders: Orders, location: str) -> None:
        self._client = client
        self._account = account
        self._orders = orders
        self._location = location

    async def find(self, reference: str) -> Order | None:
        """Look up the mirror with our reference, and finish it where it was made but its payment was lost.

        SearchOrders has no filter for references: our mirrors are told by the name of their source, newest first.
        """
        places = [text(place, "id") for place in await self._account.locations()]
        for start in range(0, len(places), ORDER_LOCATIONS):
            body = _mirrors(places[start : start + ORDER_LOCATIONS])
            async for payload, _, _ in self._client.pages(SEARCH, "look for a mirrored order", body):
                for found in rows(payload, "orders"):
                    if text(part(found, "metadata"), MARK) == reference:
                        return await self._orders.read(await self._paid(found, reference))
        return None

    async def mirror(self, order: NewOrder) -> Order:
        """Create it and record its payment as taken elsewhere, so that Square takes the units off its number.

        Both calls carry keys made from the reference, so a repeat finds what the first attempt made. Raises Refused, and
        cancels the order, where Square reckons another total than ours.
        """
        location = order.location or self._location or await self._only_location()
        body = {"idempotency_key": f"mirror-{order.reference}", "order": mirror_body(order, location)}
        payload, _ = await self._client.write("/v2/orders", f"mirror order {order.reference}", body)
        made: Payload = part(payload, "order")
        total = money(made, "total_money", order.currency)
        if total != order.total:
            if not is_paid(made):
                await self._update(made, cancelled(made), f"undo-{order.reference}")
            raise Refused(
                f"mirror of {order.reference}: Square reckons {total} where the buyer paid {order.total}",
                where=self._client.where,
                next_step="look for automatic taxes or discounts in the Square Dashboard, then `bridge retry`",
            )
        return await self._orders.read(await self._paid(made, order.reference))

    async def fulfil(self, order: Order, tracking: Sequence[Tracking], key: str) -> Order:
        """Mark everything left as shipped; a completed order is fine as it is."""
        raw = await self._orders.raw(order.id)
        if text(raw, "state") == "CANCELED":
            raise Refused(f"order {order.id} is cancelled, so it cannot be shipped", where=self._client.where)
        if text(raw, "state") != "COMPLETED":
            raw = await self._update(raw, fulfilled(raw, tracking, paid=is_paid(raw)), key)
        return await self._orders.read(raw)

    async def cancel(self, order: Order, *, restock: bool, key: str) -> Order:  # noqa: ARG002 - nothing is held
        """Cancel an open, unpaid order: Square holds no units for it, so there is nothing to put back either way."""
        raw = await self._orders.raw(order.id)
        if text(raw, "state") == "CANCELED":
            return await self._orders.read(raw)
        if is_paid(raw):
            raise Refused(
                f"order {order.id} is paid: Square cannot cancel it",
                where=self._client.where,
                next_step="refund it instead, and put its units back by a stock write",
            )
        return await self._orders.read(await self._update(raw, cancelled(raw), key))

    async def refund(
        self,
        order: Order,
        lines: Sequence[LineRefund],  # noqa: ARG002 - Square's refunds have no lines
        amount: Money,
        *,
        restock: bool,
        reason: str,
        key: str,
    ) -> Order:
        """Record a refund by amount: Square's API knows no refunded lines and puts nothing back.

        So `restock=True` is refused before anything is done; the units go back by a stock write of their own.
        """
        if restock:
            raise Refused(
                f"refund of order {order.id}: Square's API cannot restock with a refund",
                where=self._client.where,
                next_step="refund without restock and write the units back as stock",
            )
        raw = await self._orders.raw(order.id)
        for at, (payment, share) in enumerate(refund_shares(raw, amount)):
            body = {
                "idempotency_key": fitting(f"{key}-{at}", _PAYMENT_KEY),
                "payment_id": payment,
                "amount_money": {"amount": share.minor, "currency": share.currency},
                "reason": reason[:_REASON],
            }
            await self._client.write("/v2/refunds", f"refund order {order.id}", body)
        return await self._orders.get(order.id)

    async def _paid(self, order: Payload, reference: str) -> Payload:
        if is_paid(order) or text(order, "state") == "CANCELED":
            return order
        identity = text(order, "id")
        if money(order, "total_money").minor > 0:
            body = payment_body(order, reference)
            await self._client.write("/v2/payments", f"record the payment of {reference}", body)
        else:
            # An order of 0 is settled by an empty list of payments (PayOrder).
            free: dict[str, object] = {
                "idempotency_key": f"pay-{reference}",
                "payment_ids": [],
                "order_version": order.get("version"),
            }
            await self._client.write(f"/v2/orders/{identity}/pay", f"settle {reference}", free)
        return await self._orders.raw(identity)

    async def _update(self, order: Payload, sparse: dict[str, object], key: str) -> Payload:
        identity = text(order, "id")
        body = {"idempotency_key": fitting(key, _ORDER_KEY), "order": sparse}
        try:
            payload, _ = await self._client.write(
                f"/v2/orders/{identity}", f"update order {identity}", body, method="PUT"
            )
        except Refused as error:
            if error.code == STALE:
                raise TryLater(error.what, where=error.where, code=STALE, next_step=error.next_step) from error
            raise
        return dict(part(payload, "order"))

    async def _only_location(self) -> str:
        active = [text(place, "id") for place in await self._account.locations() if text(place, "status") != "INACTIVE"]
        if len(active) != 1:
            raise Refused(
                f"the seller has {len(active)} active locations, and nothing says where mirrored orders go",
                where=self._client.where,
                next_step="set the channel's `location`",
            )
        return active[0]


def _mirrors(locations: list[str]) -> dict[str, object]:
    chosen = {"source_filter": {"source_names": [SOURCE]}, "state_filter": {"states": STATES}}
    query = {"filter": chosen, "sort": {"sort_field": "CREATED_AT", "sort_order": "DESC"}}
    return {"location_ids": locations, "limit": PAGE, "query": query}
