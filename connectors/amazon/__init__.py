"""Amazon: a seller account, over the Selling Partner API and the merchant's notification queue."""

from bridge.contract.ports import Connector
from bridge.wire.http import Surroundings
from bridge.wire.read_back import EditsReadBack
from connectors.amazon.account import Account
from connectors.amazon.catalog import Catalog
from connectors.amazon.client import Client
from connectors.amazon.limits import LIMITS, PATIENCE
from connectors.amazon.orders import Orders, OrderWriting
from connectors.amazon.products import Products
from connectors.amazon.settings import Settings
from connectors.amazon.stock import Stock, Tickets
from connectors.amazon.webhooks import Webhooks

__all__ = ["LIMITS", "Settings", "connect"]


def connect(settings: Settings, around: Surroundings, *, where: str) -> Connector:
    """Return the connector of one seller; raises NeedsPerson where a setting is missing. Calls nothing yet."""
    client = Client(settings, around, where=where)
    catalog, orders = Catalog(client), Orders(client)
    products, stock = Products(client, catalog), Stock(client, catalog)
    return Connector(
        platform="amazon",
        limits=LIMITS,
        account=Account(client, catalog),
        catalog=catalog,
        stock=stock,
        orders=orders,
        products=products,
        order_writer=OrderWriting(client, orders),
        webhooks=Webhooks(client, client.queue) if client.queue else None,
        tickets=Tickets(client, stock),
        edit_tickets=EditsReadBack(catalog.get, PATIENCE, now=client.now, where=where),
        queue=client.queue,
        preview=products,
        shell=client.shell,
        close=client.close,
        calls=lambda: client.calls,
    )
