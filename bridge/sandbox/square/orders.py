"""Orders: creating, sparse updates with a version, states, and the stock that leaves when an order is paid."""

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from bridge.sandbox.square.catalog import Catalog, at_location
from bridge.sandbox.square.errors import SquareError, bad_request, invalid, missing, not_found, stale_order
from bridge.sandbox.square.inventory import Inventory
from bridge.sandbox.square.order_merge import clear_fields, merge
from bridge.sandbox.square.pricing import complete_adjustments, price
from bridge.sandbox.square.seller import Seller
from bridge.sandbox.square.values import Clock, Ids, Json, money, stamp, units

TERMINAL = frozenset({"COMPLETED", "CANCELED"})
DONE = frozenset({"COMPLETED", "CANCELED", "FAILED"})
FULFILLMENT_STATES = ("PROPOSED", "RESERVED", "PREPARED", *sorted(DONE))
DETAILS = {"PICKUP": "pickup_details", "SHIPMENT": "shipment_details", "DELIVERY": "delivery_details"}
ACCEPTED = (
    "location_id reference_id source customer_id line_items taxes discounts service_charges fulfillments metadata pricing_options state "
    "ticket_name"
).split()


@dataclass(slots=True)
class Order:
    """One order as the API shows it, and what the API does not show. `version` is None for orders of a till."""

    data: Json
    created_ms: int
    updated_ms: int
    seq: int
    closed_ms: int | None = None
    version: int | None = None
    paid: int = 0
    is_settled: bool = False
    source: Json = field(default_factory=dict)

    @property
    def id(self) -> str:
        """Return the order's id."""
        return str(self.data["id"])

    @property
    def total(self) -> int:
        """Return what is to be paid, in minor units."""
        return int(self.data["total_money"]["amount"])


class Orders:
    """All orders of the seller."""

    def __init__(
        self, clock: Clock, ids: Ids, seller: Seller, catalog: Catalog, inventory: Inventory, application: Json
    ) -> None:
        self.clock = clock
        self.ids = ids
        self.seller = seller
        self.catalog = catalog
        self.inventory = inventory
        self.application = application
        self.all: dict[str, Order] = {}
        self.on_change: Callable[[Order], None] = lambda _: None
        self.on_settled: Callable[[Order], None] = lambda _: None

    def get(self, order_id: str) -> Order:
        """Find an order or raise 404."""
        order = self.all.get(order_id)
        if order is None:
            raise not_found(f"Order not found for id {order_id}")
        return order

    def create(self, body: Json) -> Json:
        """CreateOrder."""
        return {"order": self.answer(self.build(_order_of(body), self.application, version=1))}

    def calculate(self, body: Json) -> Json:
        """CalculateOrder: the totals of an order that is not kept."""
        data = {name: copy.deepcopy(value) for name, value in _order_of(body).items() if name in ACCEPTED}
        self._complete(data)
        return {"order": data}

    def build(self, given: Json, source: Json, *, version: int | None, at: int | None = None) -> Order:
        """Make and keep an order; `at` (ms) is when a till rang it up, if not now."""
        data = {name: copy.deepcopy(value) for name, value in given.items() if name in ACCEPTED}
        location_id = data.get("location_id")
        if not location_id:
            raise missing("order.location_id")
        if location_id not in self.seller.locations:
            raise not_found(f"Location with ID `{location_id}` not found.", "order.location_id")
        if data.setdefault("state", "OPEN") not in ("OPEN", "DRAFT"):
            raise bad_request("Orders must be created in state OPEN or DRAFT.", "order.state")
        data["source"] = {"name": source["name"], **(data.get("source") or {})}
        self._complete(data)
        return self.keep(data, source, version=version, at=at)

    def keep(self, data: Json, source: Json, *, version: int | None, at: int | None = None) -> Order:
        """Keep a finished order body under a new id."""
        now = self.clock.ms()
        data["id"] = self.ids.make(27)
        order = Order(data, now if at is None else at, now, len(self.all), version=version, source=source)
        self.all[order.id] = order
        self.on_change(order)
        return order

    def update(self, order_id: str, body: Json) -> Json:
        """UpdateOrder: a sparse order on top of the version it was made for."""
        order, given = self.get(order_id), _order_of(body)
        self._check_open(order, given)
        data = clear_fields(copy.deepcopy(order.data), body.get("fields_to_clear") or [])
        merge(data, given, allowed=ACCEPTED)
        if order.is_settled and _lines(data) != _lines(order.data):
            # The sentence Square answers with (developer.squareup.com/forums/t/9477).
            raise bad_request("LineItems cannot be modified for finalized tenders.", "order.line_items")
        state = data.pop("state")
        self._complete(data)
        before, order.data = order.data, data | {"state": order.data["state"]}
        try:
            self.move(order, state)
        except SquareError:
            order.data = before
            raise
        self.touch(order)
        return {"order": self.answer(order)}

    def move(self, order: Order, state: str) -> None:
        """Change an order's state as far as its payment and fulfilments let it."""
        fulfillments = order.data.get("fulfillments") or []
        if state == "CANCELED":
            if order.is_settled or order.paid:
                raise bad_request("Orders with payments cannot be canceled.", "order.state")
            for fulfillment in fulfillments:
                if fulfillment["state"] not in DONE:
                    fulfillment["state"] = "CANCELED"
            self.close(order, "CANCELED")
            return
        finished = all(fulfillment["state"] in DONE for fulfillment in fulfillments)
        if order.is_settled and finished:
            self.close(order, "COMPLETED")
        elif state == "COMPLETED":
            raise bad_request("Only paid orders whose fulfillments have ended can be completed.", "order.state")
        elif state in ("OPEN", "DRAFT"):
            order.data["state"] = state
        else:
            raise invalid("INVALID_ENUM_VALUE", f"`{state}` is not a valid order state.", "order.state")

    def reprice(self, order: Order) -> None:
        """Work out the amounts again after its lines have changed."""
        self._complete(order.data)

    def close(self, order: Order, state: str, at: int | None = None) -> None:
        """Put an order into its last state."""
        order.data["state"] = state
        order.closed_ms = self.clock.ms() if at is None else at

    def touch(self, order: Order) -> None:
        """Note a change: a new version, a new `updated_at`."""
        order.updated_ms = self.clock.ms()
        if order.version is not None:
            order.version += 1
        self.on_change(order)

    def settle(self, order: Order, at: int | None = None) -> None:
        """The order is paid in full: the goods leave the stock, and without open fulfilments it is complete."""
        order.is_settled = True
        if order.data["state"] == "DRAFT":
            order.data["state"] = "OPEN"
        for line, variation, is_tracked in self.stock_lines(order, order.data.get("line_items") or []):
            amount, state = units(line["quantity"], "quantity"), "IN_STOCK" if is_tracked else "UNTRACKED"
            cause = {
                "transaction_id": order.id,
                "total_price_money": line["total_money"],
                "reason_id": {"type": "SALE"},
            }
            key = (variation, order.data["location_id"])
            self.inventory.adjust(key, state, "SOLD", amount, order.source, at=at, cause=cause)
        if all(fulfillment["state"] in DONE for fulfillment in order.data.get("fulfillments") or ()):
            self.close(order, "COMPLETED", at)
        self.on_settled(order)

    def stock_lines(self, order: Order, lines: list[Json]) -> Iterator[tuple[Json, str, bool]]:
        """Go through the lines that sell a variation, and tell whether it is tracked at the order's location."""
        for line in lines:
            variation = self.catalog.entries.get(line.get("catalog_object_id") or "")
            if variation is not None:
                yield line, variation.id, bool(at_location(variation, order.data["location_id"], "track_inventory"))

    def answer(self, order: Order) -> Json:
        """Return the order as the API shows it."""
        shown = {**order.data, "created_at": stamp(order.created_ms), "updated_at": stamp(order.updated_ms)}
        if order.closed_ms is not None:
            shown["closed_at"] = stamp(order.closed_ms)
        if order.version is not None:
            shown["version"] = order.version
        if order.data["state"] in ("OPEN", "DRAFT"):
            shown["net_amount_due_money"] = money(order.total - order.paid, self.seller.currency)
        return shown

    def _check_open(self, order: Order, given: Json) -> None:
        if order.version is None:
            # "Orders that were not created through the API do not include a version number and therefore cannot be
            # updated" (specification, `OrderEntry.version`).
            raise bad_request(
                f"Order {order.id} was not created through the API and cannot be updated.", "order.version"
            )
        if given.get("version") is None:
            raise bad_request("Missing required parameter.", "order.version")
        if given["version"] != order.version:
            raise stale_order(given["version"], order.version, order.id)
        if order.data["state"] in TERMINAL:
            raise bad_request(f"Order {order.id} is {order.data['state']} and cannot be updated.", "order.state")
        if given.get("location_id", order.data["location_id"]) != order.data["location_id"]:
            raise bad_request("The location of an order cannot be changed.", "order.location_id")

    def _complete(self, data: Json) -> None:
        """Check the parts of an order and fill in what Square fills in."""
        reference = data.get("reference_id")
        if reference is not None and len(reference) > 40:
            raise invalid("VALUE_TOO_LONG", "Field must not be greater than 40 in length", "order.reference_id")
        for number, line in enumerate(data.get("line_items") or ()):
            self._complete_line(line, data.get("location_id") or "", f"order.line_items[{number}]")
        fulfillments = data.get("fulfillments") or []
        if len(fulfillments) > 1:
            raise bad_request("An order can have at most one fulfillment.", "order.fulfillments")
        for fulfillment in fulfillments:
            self._complete_fulfillment(fulfillment)
        self._auto_apply_taxes(data)
        complete_adjustments(data, self._catalog_data, self.ids)
        price(data, self.seller.currency, self.seller.country, self.ids)

    def _complete_line(self, line: Json, location: str, where: str) -> None:
        line.setdefault("uid", self.ids.make(22))
        if line.get("quantity") is None:
            raise missing(f"{where}.quantity")
        variation = None
        if line.get("catalog_object_id"):
            variation = self.catalog.entries.get(line["catalog_object_id"])
            if variation is None or variation.type != "ITEM_VARIATION" or (variation.is_deleted and "name" not in line):
                detail = f"Item variation with catalog object ID `{line['catalog_object_id']}` not found."
                raise not_found(detail, f"{where}.catalog_object_id")
        if variation is not None and variation.parent is not None:
            line.setdefault("catalog_version", variation.version)
            line.setdefault("name", self.catalog.entries[variation.parent].data["name"])
            line.setdefault("variation_name", variation.data.get("name") or "")
            line.setdefault("base_price_money", at_location(variation, location, "price_money"))
        elif not line.get("name") and line.get("item_type") != "CUSTOM_AMOUNT":
            raise missing(f"{where}.name")
        line.setdefault("item_type", "ITEM")

    def _complete_fulfillment(self, fulfillment: Json) -> None:
        kind = fulfillment.get("type")
        if kind not in DETAILS:
            raise invalid("INVALID_ENUM_VALUE", f"`{kind}` is not a supported type.", "order.fulfillments.type")
        if not fulfillment.get(DETAILS[kind]):
            raise missing(f"order.fulfillments.{DETAILS[kind]}")
        if fulfillment.setdefault("state", "PROPOSED") not in FULFILLMENT_STATES:
            raise invalid("INVALID_ENUM_VALUE", "Not a valid fulfillment state.", "order.fulfillments.state")
        fulfillment.setdefault("uid", self.ids.make(22))
        fulfillment.setdefault("line_item_application", "ALL")

    def _auto_apply_taxes(self, data: Json) -> None:
        """Apply the taxes enabled on the items, as a till does and the API on request."""
        if not (data.get("pricing_options") or {}).get("auto_apply_taxes"):
            return
        taxes: list[Json] = data.setdefault("taxes", [])
        uids = {tax.get("catalog_object_id"): tax["uid"] for tax in taxes if "uid" in tax}
        for line in data.get("line_items") or ():
            applied = line.setdefault("applied_taxes", [])
            for tax_id in self._item_taxes(line):
                if tax_id not in uids:
                    uids[tax_id] = self.ids.make(22)
                    taxes.append(
                        {"uid": uids[tax_id], "catalog_object_id": tax_id, "scope": "LINE_ITEM", "auto_applied": True}
                    )
                if not any(one["tax_uid"] == uids[tax_id] for one in applied):
                    applied.append({"tax_uid": uids[tax_id]})
        if not taxes:
            del data["taxes"]

    def _item_taxes(self, line: Json) -> list[str]:
        variation = self.catalog.entries.get(line.get("catalog_object_id") or "")
        item = self.catalog.entries.get(variation.parent or "") if variation else None
        tax_ids = item.data.get("tax_ids") or [] if item and item.data.get("is_taxable") else []
        return [one for one in tax_ids if (tax := self.catalog.live(one, "TAX")) and tax.data.get("enabled", True)]

    def _catalog_data(self, object_id: str, kind: str) -> Json | None:
        entry = self.catalog.entries.get(object_id)
        return entry.data if entry is not None and entry.type == kind else None


def _order_of(body: Json) -> Json:
    order: Any = body.get("order")
    if not isinstance(order, dict):
        raise missing("order")
    return order


def _lines(data: Json) -> list[tuple[Any, ...]]:
    return [
        tuple(line.get(n) for n in ("uid", "quantity", "catalog_object_id")) for line in data.get("line_items") or ()
    ]
