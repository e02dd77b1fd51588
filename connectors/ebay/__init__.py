"""eBay: listings of the Inventory API, orders of the Fulfillment API, pushed by the Notification API."""

from dataclasses import replace

from bridge.contract.ports import Connector
from bridge.wire.http import Surroundings
from connectors.ebay.account import Account
from connectors.ebay.catalog import Catalog
from connectors.ebay.client import Client
from connectors.ebay.limits import LIMITS
from connectors.ebay.orders import Orders, OrderWriting
from connectors.ebay.products import Products
from connectors.ebay.settings import Settings
from connectors.ebay.stock import Stock
from connectors.ebay.webhooks import Webhooks

__all__ = ["LIMITS", "Settings", "connect"]


def connect(settings: Settings, around: Surroundings, *, where: str) -> Connector:
    """Return the connector of one eBay seller; raises NeedsPerson when a credential is missing. Calls nothing yet."""
    client = Client(settings, around, where=where)
    catalog, orders, webhooks = Catalog(client), Orders(client), Webhooks(client)
    products = Products(client, catalog)
    return Connector(
        platform="ebay",
        limits=replace(LIMITS, stock_batch=settings.skus_per_call),
        account=Account(client),
        catalog=catalog,
        stock=Stock(client, catalog, settings.skus_per_call),
        orders=orders,
        products=products,
        order_writer=OrderWriting(client, orders),
        webhooks=webhooks,
        handshake=webhooks,
        preview=products,
        close=client.close,
        calls=lambda: client.calls,
    )
