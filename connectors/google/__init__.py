"""Google: products in Merchant Center, shown in Search, Shopping and Maps, over the Merchant API. It sells nothing itself."""

from bridge.contract.ports import Connector
from bridge.wire.http import Surroundings
from connectors.google.account import Account
from connectors.google.catalog import Catalog
from connectors.google.client import Client
from connectors.google.limits import LIMITS
from connectors.google.products import Products
from connectors.google.settings import Settings
from connectors.google.shell import shell_of
from connectors.google.stock import Stock

__all__ = ["LIMITS", "Settings", "connect"]


def connect(settings: Settings, around: Surroundings, *, where: str) -> Connector:
    """Return the connector of one account; raises NeedsPerson when a setting is missing. Calls nothing yet."""
    client = Client(settings, around, where=where)
    stores = [store.strip() for store in settings.stores.split(",") if store.strip()]
    catalog = Catalog(client, stores)
    return Connector(
        platform="google",
        limits=LIMITS,
        account=Account(client, settings, stores),
        catalog=catalog,
        stock=Stock(client, catalog, settings, stores),
        orders=None,
        products=Products(client, catalog, settings),
        shell=shell_of(settings),
        close=client.close,
        calls=lambda: client.calls,
    )
