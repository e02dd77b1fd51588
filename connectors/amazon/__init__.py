"""Amazon: a seller account, over the Selling Partner API and the merchant's notification queue."""

from bridge.contract.ports import Connector
from bridge.wire.http import Surroundings
from bridge.wire.read_back import EditsReadBack
from connectors.amazon.account import Account
from connectors.amazon.catalog import Catalog
from connectors.amazon.client import Client
from connectors.amazon.limits import LIMITS, PATIENCE
from connectors.amazon.listings import Listings
from connectors.amazon.order_writer import OrderWriting
from connectors.amazon.orders import Orders
from connectors.amazon.products import Products
from connectors.amazon.settings import Settings
from connectors.amazon.shell import shell_of
from connectors.amazon.stock import Stock
from connectors.amazon.tickets import Tickets
from connectors.amazon.warehouse import Warehouse
from connectors.amazon.webhooks import Webhooks

__all__ = ["LIMITS", "Settings", "connect"]


def connect(settings: Settings, around: Surroundings, *, where: str) -> Connector:
    """Return the connector of one seller; raises NeedsPerson where a setting is missing. Calls nothing yet."""
    client = Client(settings, around, where=where)
    listings, warehouse = Listings(client), Warehouse(client)
    catalog, orders = Catalog(client, listings), Orders(client)
    products, stock = Products(client, catalog), Stock(client, listings, warehouse)
    return Connector(
        platform="amazon",
        limits=LIMITS,
        account=Account(client, listings),
        catalog=catalog,
        stock=stock,
        orders=orders,
        products=products,
        order_writer=OrderWriting(client, orders),
        webhooks=Webhooks(client) if client.queue else None,
        tickets=Tickets(client, stock),
        edit_tickets=EditsReadBack(catalog.get, PATIENCE, now=client.now, where=where),
        queue=client.queue,
        preview=products,
        shell=shell_of(settings),
        close=client.close,
        calls=lambda: client.calls,
    )
