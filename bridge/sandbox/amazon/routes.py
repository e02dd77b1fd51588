"""Which operation answers which path, and what it needs."""

from bridge.sandbox.amazon.access import LISTING_ROLE, NOTIFICATIONS, ORDER_ROLE
from bridge.sandbox.amazon.api import Call, operation
from bridge.sandbox.amazon.errors import denied
from bridge.sandbox.amazon.seller import Seller
from bridge.sandbox.amazon.values import Json

_ITEMS = "/listings/2021-08-01/items/{}"
_ITEM = f"{_ITEMS}/{{}}"
_FEEDS = "/feeds/2021-06-30"
_ORDERS = "/orders/2026-01-01/orders"
_TOLD = "/notifications/v1"


def _sku(seller: Seller, call: Call) -> str:
    """Return the SKU of a listing's path; the seller in it must be the one of the token."""
    if call.parts[0] != seller.state.options.seller_id:
        raise denied()
    return call.parts[-1]


def _search(seller: Seller, call: Call) -> Json:
    _sku(seller, call)
    return seller.listings.search(call.query)


def _participations(seller: Seller, call: Call) -> Json:
    del call
    return seller.participations()


def _destinations(seller: Seller, call: Call) -> Json:
    del call
    return seller.notifications.list_destinations()


def _confirm(seller: Seller, call: Call) -> None:
    seller.orders.confirm_shipment(call.parts[0], call.body)


_LIST: Json = {"role": LISTING_ROLE, "market": True}
_FEED: Json = {"role": LISTING_ROLE}
_ORDER: Json = {"role": ORDER_ROLE}
_GRANTLESS: Json = {"scope": NOTIFICATIONS}

OPERATIONS = (
    operation("getMarketplaceParticipations", "GET", "/sellers/v1/marketplaceParticipations", _participations),
    operation("searchListingsItems", "GET", _ITEMS, _search, **_LIST),
    operation("getListingsItem", "GET", _ITEM, lambda s, c: s.listings.read(_sku(s, c), c.query), **_LIST),
    operation("patchListingsItem", "PATCH", _ITEM, lambda s, c: s.listings.patch(_sku(s, c), c.query, c.body), **_LIST),
    operation("putListingsItem", "PUT", _ITEM, lambda s, c: s.listings.put(_sku(s, c), c.query, c.body), **_LIST),
    operation("deleteListingsItem", "DELETE", _ITEM, lambda s, c: s.listings.delete(_sku(s, c)), **_LIST),
    operation(
        "createFeedDocument",
        "POST",
        f"{_FEEDS}/documents",
        lambda s, c: s.feeds.new_document(c.body),
        status=201,
        **_FEED,
    ),
    operation(
        "getFeedDocument", "GET", f"{_FEEDS}/documents/{{}}", lambda s, c: s.feeds.read_document(c.parts[0]), **_FEED
    ),
    operation("createFeed", "POST", f"{_FEEDS}/feeds", lambda s, c: s.feeds.create(c.body), status=202, **_FEED),
    operation("getFeed", "GET", f"{_FEEDS}/feeds/{{}}", lambda s, c: s.feeds.read(c.parts[0]), **_FEED),
    operation("cancelFeed", "DELETE", f"{_FEEDS}/feeds/{{}}", lambda s, c: s.feeds.cancel(c.parts[0]), **_FEED),
    operation(
        "getInventorySummaries",
        "GET",
        "/fba/inventory/v1/summaries",
        lambda s, c: s.inventory.summaries(c.query),
        **_LIST,
    ),
    operation("searchOrders", "GET", _ORDERS, lambda s, c: s.orders.search(c.query), **_ORDER),
    operation("getOrder", "GET", f"{_ORDERS}/{{}}", lambda s, c: s.orders.read(c.parts[0], c.query), **_ORDER),
    operation("confirmShipment", "POST", "/orders/v0/orders/{}/shipmentConfirmation", _confirm, status=204, **_ORDER),
    operation(
        "getDestinations",
        "GET",
        f"{_TOLD}/destinations",
        _destinations,
        **_GRANTLESS,
    ),
    operation(
        "createDestination",
        "POST",
        f"{_TOLD}/destinations",
        lambda s, c: s.notifications.add_destination(c.body),
        **_GRANTLESS,
    ),
    operation(
        "deleteDestination",
        "DELETE",
        f"{_TOLD}/destinations/{{}}",
        lambda s, c: s.notifications.drop_destination(c.parts[0]),
        **_GRANTLESS,
    ),
    operation("getSubscription", "GET", f"{_TOLD}/subscriptions/{{}}", lambda s, c: s.notifications.read(c.parts[0])),
    operation(
        "createSubscription",
        "POST",
        f"{_TOLD}/subscriptions/{{}}",
        lambda s, c: s.notifications.subscribe(c.parts[0], c.body),
    ),
    operation(
        "deleteSubscriptionById",
        "DELETE",
        f"{_TOLD}/subscriptions/{{}}/{{}}",
        lambda s, c: s.notifications.drop(c.parts[0], c.parts[1]),
        **_GRANTLESS,
    ),
)
