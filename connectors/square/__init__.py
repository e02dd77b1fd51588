"""Square: tills and the item library behind them, over the Connect API."""

from bridge.contract.ports import Connector
from bridge.wire.http import Surroundings
from connectors.square.account import Account
from connectors.square.catalog import Catalog
from connectors.square.client import Client
from connectors.square.customers import Customers
from connectors.square.limits import LIMITS
from connectors.square.loyalty import Accounts
from connectors.square.order_writer import OrderWriting
from connectors.square.orders import Orders
from connectors.square.points import Points
from connectors.square.products import Products
from connectors.square.settings import Settings
from connectors.square.shell import shell_of
from connectors.square.stock import Stock
from connectors.square.webhooks import Webhooks

__all__ = ["LIMITS", "Settings", "connect"]


def connect(settings: Settings, around: Surroundings, *, where: str) -> Connector:
    """Return the connector of one Square seller; raises NeedsPerson when the token is missing. Calls nothing yet."""
    client = Client(settings, around, where=where)
    loyalty = Accounts(client)
    account = Account(client, settings.version, loyalty)
    catalog = Catalog(client)
    orders = Orders(client, account)
    return Connector(
        platform="square",
        limits=LIMITS,
        account=account,
        catalog=catalog,
        stock=Stock(client),
        orders=orders,
        products=Products(client, catalog),
        order_writer=OrderWriting(client, account, orders, settings.location),
        customers=Customers(client, loyalty),
        points=Points(client, loyalty),
        webhooks=Webhooks(client, settings.version, settings.webhook_signature_key.strip()),
        shell=shell_of(settings),
        close=client.http.aclose,
        calls=lambda: client.http.calls,
    )
