"""Which path is answered by what, and with which scopes. Paths and scopes: eBay's OpenAPI documents."""

from functools import partial
from typing import Any, cast

from bridge.sandbox.ebay import access, account, inventory, listings, notifications, order_routes
from bridge.sandbox.ebay.api import Handler, Route

__all__ = ["ROUTES"]

_STOCK, _SALES, _NOTES = "/sell/inventory/v1", "/sell/fulfillment/v1", "/commerce/notification/v1"
_reads = partial(Route, scopes=("sell.inventory", "sell.inventory.readonly"))
_writes = partial(Route, scopes=("sell.inventory",))
_sales = partial(Route, scopes=("sell.fulfillment", "sell.fulfillment.readonly"))
_seller = partial(Route, scopes=("sell.account", "sell.account.readonly"))
_app = partial(Route, kind="app")
_either = partial(Route, kind="any")


def _policy(kind: str) -> Route:
    return _seller("GET", f"/sell/account/v1/{kind}_policy", cast(Handler, account.policies(kind)))


def _switch(word: str, *, on: bool) -> Route:
    handler: Any = partial(notifications.switch, on=on)
    return _either("POST", f"{_NOTES}/subscription/{{id}}/{word}", handler)


ROUTES = (
    Route("POST", "/identity/v1/oauth2/token", access.token, kind=""),
    _reads("GET", f"{_STOCK}/inventory_item", inventory.list_items),
    _reads("GET", f"{_STOCK}/inventory_item/{{sku}}", inventory.get_item),
    _writes("PUT", f"{_STOCK}/inventory_item/{{sku}}", inventory.put_item, worded=True),
    _writes("DELETE", f"{_STOCK}/inventory_item/{{sku}}", inventory.delete_item),
    _reads("POST", f"{_STOCK}/bulk_get_inventory_item", inventory.bulk_get),
    _writes("POST", f"{_STOCK}/bulk_update_price_quantity", inventory.bulk_update),
    _reads("GET", f"{_STOCK}/inventory_item_group/{{key}}", inventory.get_group),
    _writes("PUT", f"{_STOCK}/inventory_item_group/{{key}}", inventory.put_group, worded=True),
    _reads("GET", f"{_STOCK}/location", account.locations),
    _reads("GET", f"{_STOCK}/offer", listings.list_offers),
    _writes("POST", f"{_STOCK}/offer", listings.create_offer, worded=True),
    _writes("POST", f"{_STOCK}/offer/publish_by_inventory_item_group", listings.publish_group),
    _writes("POST", f"{_STOCK}/offer/withdraw_by_inventory_item_group", listings.withdraw_group),
    _reads("GET", f"{_STOCK}/offer/{{offer}}", listings.get_offer),
    _writes("PUT", f"{_STOCK}/offer/{{offer}}", listings.put_offer, worded=True),
    _writes("DELETE", f"{_STOCK}/offer/{{offer}}", listings.delete_offer),
    _writes("POST", f"{_STOCK}/offer/{{offer}}/publish", listings.publish),
    _writes("POST", f"{_STOCK}/offer/{{offer}}/withdraw", listings.withdraw),
    _sales("GET", f"{_SALES}/order", order_routes.list_orders),
    _sales("GET", f"{_SALES}/order/{{order}}", order_routes.get_order),
    _sales("GET", f"{_SALES}/order/{{order}}/shipping_fulfillment", order_routes.list_parcels),
    Route("POST", f"{_SALES}/order/{{order}}/shipping_fulfillment", order_routes.ship_order, ("sell.fulfillment",)),
    Route("POST", f"{_SALES}/order/{{order}}/issue_refund", order_routes.issue_refund, ("sell.finances",)),
    _seller("GET", "/sell/account/v1/program/get_opted_in_programs", account.programs),
    _seller("GET", "/sell/account/v1/privilege", account.privileges),
    *map(_policy, ("fulfillment", "payment", "return")),
    _app("GET", f"{_NOTES}/public_key/{{kid}}", notifications.public_key),
    _app("GET", f"{_NOTES}/config", notifications.get_config),
    _app("PUT", f"{_NOTES}/config", notifications.put_config),
    _app("GET", f"{_NOTES}/topic", notifications.list_topics),
    _app("GET", f"{_NOTES}/topic/{{topic}}", notifications.get_topic),
    _app("GET", f"{_NOTES}/destination", notifications.list_destinations),
    _app("POST", f"{_NOTES}/destination", notifications.create_destination),
    _app("PUT", f"{_NOTES}/destination/{{id}}", notifications.put_destination),
    _app("DELETE", f"{_NOTES}/destination/{{id}}", notifications.delete_destination),
    _either("GET", f"{_NOTES}/subscription", notifications.list_subscriptions),
    _either("POST", f"{_NOTES}/subscription", notifications.create_subscription),
    _either("DELETE", f"{_NOTES}/subscription/{{id}}", notifications.delete_subscription),
    _switch("enable", on=True),
    _switch("disable", on=False),
)
