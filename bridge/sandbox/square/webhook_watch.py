"""From what changes to what is told: orders, payments, refunds, counts and the catalog as events.

Which acts make which event: the event types' descriptions in the Connect API specification 2025-08-20;
developer.squareup.com/docs/payments-api/webhooks; developer.squareup.com/docs/inventory-api/webhooks.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from bridge.sandbox.square.catalog import Catalog
from bridge.sandbox.square.inventory import Inventory, Key
from bridge.sandbox.square.orders import Order, Orders
from bridge.sandbox.square.payments import Payments
from bridge.sandbox.square.values import Json, stamp
from bridge.sandbox.square.webhook_events import Events

__all__ = ["Watch"]

COUNTS = 100
"""Most counts of one notification (developer.squareup.com/docs/inventory-api/webhooks)."""
TILL = "SQUARE_POS"


class Watch:
    """Listens at the seams of the seller's parts."""

    def __init__(
        self, events: Events, orders: Orders, payments: Payments, inventory: Inventory, catalog: Catalog
    ) -> None:
        self.events = events
        self.inventory = inventory
        self.catalog = catalog
        self.orders_known = 0
        self.catalog_told = 0
        self.gathered: dict[tuple[Key, str], None] | None = None
        self.fulfillments: dict[str, dict[str, str]] = {}
        self.note_order = orders.on_change
        orders.on_change = self.order
        payments.on_payment = self.payment
        payments.on_refund = self.refund
        inventory.on_count = self.counts
        catalog.on_version = self.version

    def order(self, order: Order) -> None:
        """Tell of an order that is new or changed, after the search has taken it in.

        "Creating an order in the Point of Sale app will not publish this event" (specification, `OrderCreatedEvent`):
        what a till sells is told by its payment, what it takes back by the refund.
        """
        self.note_order(order)
        is_new, self.orders_known = order.seq >= self.orders_known, max(self.orders_known, order.seq + 1)
        if order.source.get("product") == TILL or "returns" in order.data:
            return
        name = "order_created" if is_new else "order_updated"
        self.events.happen(name.replace("_", "."), lambda: _order_data(name, order), order.data["location_id"])
        self._fulfillment(order)

    def payment(self, verb: str, payment: Json) -> None:
        """Tell of a payment, whoever took it."""
        data = {"type": "payment", "id": payment["id"], "object": {"payment": payment}}
        self.events.happen(f"payment.{verb}", lambda: data, payment["location_id"])

    def refund(self, verb: str, refund: Json) -> None:
        """Tell of a refund; its `order_id` is the return order's."""
        data = {"type": "refund", "id": refund["id"], "object": {"refund": refund}}
        self.events.happen(f"refund.{verb}", lambda: data, refund["location_id"])

    def counts(self, key: Key, states: list[str]) -> None:
        """Tell of counts: one notification an adjustment, with the counts of both its states."""
        if self.gathered is not None:
            self.gathered |= dict.fromkeys((key, state) for state in states)
            return
        self._tell_counts([(key, state) for state in states])

    @contextmanager
    def together(self) -> Iterator[None]:
        """Gather the counts of a bulk change: up to 100 a notification."""
        self.gathered = {}
        try:
            yield
        finally:
            rows, self.gathered = list(self.gathered), None
            for start in range(0, len(rows), COUNTS):
                self._tell_counts(rows[start : start + COUNTS])

    def version(self, version: int) -> None:
        """Tell once of each write to the catalog; what it wrote is not said."""
        if version == self.catalog_told:
            return
        self.catalog_told = version
        written = {"catalog_version": {"updated_at": stamp(version)}}

        def data() -> Json:
            return {"type": "catalog_version", "id": self.events.fresh_id(), "object": written}

        self.events.happen("catalog.version.updated", data)

    def _fulfillment(self, order: Order) -> None:
        """Tell of fulfilments whose state is another one than when we looked last."""
        name = "order_fulfillment_updated"
        if not order.data.get("fulfillments"):
            return
        before = self.fulfillments.get(order.id, {})
        after = {one["uid"]: one["state"] for one in order.data["fulfillments"]}
        self.fulfillments[order.id] = after
        moved = [
            {"fulfillment_uid": uid, "new_state": state} | ({"old_state": before[uid]} if uid in before else {})
            for uid, state in after.items()
            if before.get(uid) != state
        ]
        if moved:
            told = _order_data("order_updated", order)["object"]["order_updated"] | {"fulfillment_update": moved}
            data = {"type": name, "id": order.id, "object": {name: told}}
            self.events.happen("order.fulfillment.updated", lambda: data, order.data["location_id"])

    def _tell_counts(self, rows: list[tuple[Key, str]]) -> None:
        def data() -> Json:
            counts = [self.inventory.count_answer(key, state) for key, state in rows]
            return {"type": "inventory_counts", "id": self.events.fresh_id(), "object": {"inventory_counts": counts}}

        if rows:
            self.events.happen("inventory.count.updated", data, rows[0][0][1])


def _order_data(name: str, order: Order) -> Json:
    told: Json = {"order_id": order.id, "location_id": order.data["location_id"], "state": order.data["state"]}
    told["created_at"] = stamp(order.created_ms)
    if order.version is not None:
        told["version"] = order.version
    if name == "order_updated":
        told["updated_at"] = stamp(order.updated_ms)
    return {"type": name, "id": order.id, "object": {name: told}}
