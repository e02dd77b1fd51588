"""Amazon: a seller account, over the Selling Partner API and the merchant's notification queue."""

from bridge.contract.ports import Connector
from bridge.wire.http import Surroundings
from bridge.wire.sqs import Queue
from connectors.amazon.account import Account
from connectors.amazon.catalog import Catalog
from connectors.amazon.client import Client
from connectors.amazon.edit_tickets import EditTickets
from connectors.amazon.limits import LIMITS
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
    queue = Queue(settings.sqs, around, where=where, extra="amazon") if settings.queue_url else None
    client = Client(settings, around, where=where)
    listings, warehouse = Listings(client), Warehouse(client)
    catalog, orders = Catalog(client, listings), Orders(client)
    products = Products(client, catalog)

    async def close() -> None:
        await client.close()
        if queue is not None:
            await queue.http.aclose()

    return Connector(
        platform="amazon",
        limits=LIMITS,
        account=Account(client, listings),
        catalog=catalog,
        stock=Stock(client, listings, warehouse),
        orders=orders,
        products=products,
        order_writer=OrderWriting(client, orders),
        webhooks=Webhooks(client) if queue else None,
        tickets=Tickets(client, listings),
        edit_tickets=EditTickets(client, catalog),
        queue=queue,
        preview=products,
        shell=shell_of(settings),
        close=close,
        calls=lambda: client.calls + (queue.http.calls if queue else 0),
    )
