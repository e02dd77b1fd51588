"""Etsy, over the Open API v3."""

from bridge.contract.ports import Connector
from bridge.wire.http import Surroundings
from connectors.etsy.account import Account
from connectors.etsy.catalog import Catalog
from connectors.etsy.client import Client
from connectors.etsy.inventory import Inventories
from connectors.etsy.limits import LIMITS
from connectors.etsy.orders import Orders, OrderWriting
from connectors.etsy.products import Products
from connectors.etsy.settings import Settings
from connectors.etsy.stock import Stock
from connectors.etsy.webhooks import Webhooks

__all__ = ["LIMITS", "Settings", "connect"]


def connect(settings: Settings, around: Surroundings, *, where: str) -> Connector:
    """Return the connector of one Etsy shop; raises NeedsPerson when a credential is missing. Calls nothing yet."""
    client = Client(settings, around, where=where)
    catalog, orders, inventories = Catalog(client), Orders(client), Inventories(client)
    products = Products(client, catalog, inventories)
    return Connector(
        platform="etsy",
        limits=LIMITS,
        account=Account(client),
        catalog=catalog,
        stock=Stock(client, catalog, inventories),
        orders=orders,
        products=products,
        order_writer=OrderWriting(client, orders),
        # Endpoints are for commercial apps; without a secret nothing that arrives could be believed.
        webhooks=Webhooks(client) if settings.webhook_secret.strip() else None,
        preview=products,
        close=client.close,
        calls=lambda: client.calls,
    )
