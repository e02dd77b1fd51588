"""Which path is answered by what. Paths, methods and scopes: Connect API specification 2025-08-20."""

from functools import partial

from bridge.sandbox.square.api import Call, Route, Routes
from bridge.sandbox.square.errors import invalid, missing
from bridge.sandbox.square.idempotency import required_key
from bridge.sandbox.square.loyalty_api import PEOPLE
from bridge.sandbox.square.state import State
from bridge.sandbox.square.values import Json, stamp, strings, to_ms
from bridge.sandbox.square.webhook_routes import WEBHOOKS


def token_status(state: State, _: Call) -> Json:
    """RetrieveTokenStatus."""
    answer = {
        "scopes": sorted(state.token.scopes),
        "client_id": state.options.application_id,
        "merchant_id": state.seller.merchant["id"],
    }
    ends = state.token.expires_at
    return answer if ends is None else {**answer, "expires_at": stamp(to_ms(ends))}


def catalog_info(_: State, __: Call) -> Json:
    """CatalogInfo: the limits, as the documentation gives them."""
    limits = {
        "batch_upsert_max_objects_per_batch": 1000,
        "batch_upsert_max_total_objects": 10000,
        "batch_retrieve_max_object_ids": 1000,
        "search_max_page_limit": 1000,
        "batch_delete_max_object_ids": 200,
    }
    return {"limits": limits}


def upsert(state: State, call: Call) -> Json:
    """UpsertCatalogObject."""
    return state.replays.once("catalog", call.body, 128, lambda: state.writer.upsert(call.body))


def batch_upsert(state: State, call: Call) -> Json:
    """BatchUpsertCatalogObjects."""
    return state.replays.once("catalog", call.body, 128, lambda: state.writer.batch_upsert(call.body))


def batch_delete(state: State, call: Call) -> Json:
    """BatchDeleteCatalogObjects."""
    object_ids = strings(call.body.get("object_ids"), "object_ids")
    if not object_ids:
        raise missing("object_ids")
    return state.writer.batch_delete(object_ids)


def retrieve_object(state: State, call: Call) -> Json:
    """RetrieveCatalogObject."""
    return state.reader.retrieve(call.part, related=call.query.get("include_related_objects") == "true")


def change_inventory(state: State, call: Call) -> Json:
    """BatchChangeInventory."""
    with state.watch.together():
        return state.replays.once(
            "inventory", call.body, 128, lambda: state.inventory_api.change(call.body, call.version)
        )


def create_order(state: State, call: Call) -> Json:
    """CreateOrder; the idempotency key is optional, and a replay answers the order as it is now."""
    if call.body.get("idempotency_key") is None:
        return state.orders.create(call.body)
    answer = state.replays.once("order", call.body, 192, lambda: state.orders.create(call.body))
    return {"order": state.orders.answer(state.orders.get(answer["order"]["id"]))}


def update_order(state: State, call: Call) -> Json:
    """UpdateOrder; a used key changes nothing and answers the latest order, whatever else the request says.

    Source: developer.squareup.com/docs/orders-api/manage-orders/update-orders.
    """
    if call.body.get("idempotency_key") is None:
        return state.orders.update(call.part, call.body)
    used = ("update-order " + call.part, required_key(call.body, 192))
    if used in state.replays.answers:
        return {"order": state.orders.answer(state.orders.get(call.part))}
    answer = state.orders.update(call.part, call.body)
    state.replays.answers[used] = (b"", {})
    return answer


def retrieve_order(state: State, call: Call) -> Json:
    """RetrieveOrder."""
    return {"order": state.orders.answer(state.orders.get(call.part))}


def batch_retrieve_orders(state: State, call: Call) -> Json:
    """BatchRetrieveOrders: ids that do not exist are ignored."""
    order_ids = strings(call.body.get("order_ids"), "order_ids")
    if not order_ids:
        raise missing("order_ids")
    if len(order_ids) > 100:
        raise invalid("ARRAY_LENGTH_TOO_LONG", "At most 100 order IDs are allowed.", "order_ids")
    known = (state.orders.all.get(order_id) for order_id in dict.fromkeys(order_ids))
    orders = [order for order in known if order is not None]
    location = call.body.get("location_id")
    return {"orders": [state.orders.answer(o) for o in orders if location in (None, o.data["location_id"])]}


def pay_order(state: State, call: Call) -> Json:
    """PayOrder."""
    endpoint = "pay " + call.part
    return state.replays.once(endpoint, call.body, 192, lambda: state.payments.pay_order(call.part, call.body))


def create_payment(state: State, call: Call) -> Json:
    """CreatePayment."""
    return state.replays.once("payment", call.body, 45, lambda: state.payments.create(call.body))


def refund_payment(state: State, call: Call) -> Json:
    """RefundPayment."""
    return state.replays.once("refund", call.body, 45, lambda: state.payments.refund(call.body))


_read, _write = ("ITEMS_READ",), ("ITEMS_WRITE",)
_catalog = partial(Route, scopes=_write, writes_catalog=True)

ROUTES = Routes(
    fixed={
        ("POST", "/oauth2/token/status"): Route(token_status, ()),
        ("GET", "/v2/merchants"): Route(lambda s, _: {"merchant": [s.seller.merchant]}, ("MERCHANT_PROFILE_READ",)),
        ("GET", "/v2/locations"): Route(lambda s, _: s.seller.list_locations(), ("MERCHANT_PROFILE_READ",)),
        ("GET", "/v2/catalog/info"): Route(catalog_info, _read),
        ("GET", "/v2/catalog/list"): Route(
            lambda s, c: s.reader.listing(c.query.get("types"), c.query.get("cursor")), _read
        ),
        ("POST", "/v2/catalog/search"): Route(lambda s, c: s.reader.search(c.body), _read),
        ("POST", "/v2/catalog/search-catalog-items"): Route(lambda s, c: s.reader.search_items(c.body), _read),
        ("POST", "/v2/catalog/batch-retrieve"): Route(lambda s, c: s.reader.batch_retrieve(c.body), _read),
        ("POST", "/v2/catalog/object"): _catalog(upsert),
        ("POST", "/v2/catalog/batch-upsert"): _catalog(batch_upsert),
        ("POST", "/v2/catalog/batch-delete"): _catalog(batch_delete),
        ("POST", "/v2/inventory/changes/batch-create"): Route(change_inventory, ("INVENTORY_WRITE",)),
        ("POST", "/v2/inventory/changes/batch-retrieve"): Route(
            lambda s, c: s.inventory_api.changes(c.body, c.version), ("INVENTORY_READ",)
        ),
        ("POST", "/v2/inventory/counts/batch-retrieve"): Route(
            lambda s, c: s.inventory_api.counts(c.body), ("INVENTORY_READ",)
        ),
        ("POST", "/v2/orders"): Route(create_order, ("ORDERS_WRITE",)),
        ("POST", "/v2/orders/calculate"): Route(lambda s, c: s.orders.calculate(c.body), ()),
        ("POST", "/v2/orders/search"): Route(lambda s, c: s.search.search(c.body), ("ORDERS_READ",)),
        ("POST", "/v2/orders/batch-retrieve"): Route(batch_retrieve_orders, ("ORDERS_READ",)),
        ("POST", "/v2/payments"): Route(create_payment, ("PAYMENTS_WRITE",)),
        ("GET", "/v2/payments"): Route(lambda s, c: s.payments.list_payments(c.query), ("PAYMENTS_READ",)),
        ("POST", "/v2/refunds"): Route(refund_payment, ("PAYMENTS_WRITE",)),
        ("GET", "/v2/refunds"): Route(lambda s, c: s.payments.list_refunds(c.query), ("PAYMENTS_READ",)),
        **PEOPLE.fixed,
        **WEBHOOKS.fixed,
    },
    open={
        ("GET", "/v2/merchants/", ""): Route(
            lambda s, c: s.seller.retrieve_merchant(c.part), ("MERCHANT_PROFILE_READ",)
        ),
        ("GET", "/v2/locations/", ""): Route(lambda s, c: s.seller.location(c.part), ("MERCHANT_PROFILE_READ",)),
        ("GET", "/v2/catalog/object/", ""): Route(retrieve_object, _read),
        ("DELETE", "/v2/catalog/object/", ""): _catalog(lambda s, c: s.writer.delete(c.part)),
        ("GET", "/v2/inventory/adjustments/", ""): Route(
            lambda s, c: s.inventory_api.one(c.part, c.version, count=False), ("INVENTORY_READ",)
        ),
        ("GET", "/v2/inventory/physical-counts/", ""): Route(
            lambda s, c: s.inventory_api.one(c.part, c.version, count=True), ("INVENTORY_READ",)
        ),
        ("GET", "/v2/inventory/", ""): Route(
            lambda s, c: s.inventory_api.counts_of(c.part, c.query.get("location_ids")), ("INVENTORY_READ",)
        ),
        ("GET", "/v2/orders/", ""): Route(retrieve_order, ("ORDERS_READ",)),
        ("PUT", "/v2/orders/", ""): Route(update_order, ("ORDERS_WRITE",)),
        ("POST", "/v2/orders/", "/pay"): Route(pay_order, ("ORDERS_WRITE", "PAYMENTS_WRITE")),
        ("GET", "/v2/payments/", ""): Route(lambda s, c: {"payment": s.payments.get(c.part).data}, ("PAYMENTS_READ",)),
        ("POST", "/v2/payments/", "/complete"): Route(lambda s, c: s.payments.complete(c.part), ("PAYMENTS_WRITE",)),
        ("POST", "/v2/payments/", "/cancel"): Route(lambda s, c: s.payments.cancel(c.part), ("PAYMENTS_WRITE",)),
        ("GET", "/v2/refunds/", ""): Route(lambda s, c: s.payments.get_refund(c.part), ("PAYMENTS_READ",)),
        **PEOPLE.open,
        **WEBHOOKS.open,
    },
)
