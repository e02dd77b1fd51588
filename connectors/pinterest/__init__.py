"""Pinterest: a retail catalogue whose items are shown as product pins, over the API v5. It sells nothing itself."""

from bridge.contract.ports import Connector
from bridge.wire.http import Surroundings
from connectors.pinterest.account import Account
from connectors.pinterest.catalog import Catalog
from connectors.pinterest.client import Client
from connectors.pinterest.limits import LIMITS, limits_of
from connectors.pinterest.products import Products
from connectors.pinterest.settings import Settings
from connectors.pinterest.shell import shell_of
from connectors.pinterest.stock import Batches, Stock

__all__ = ["LIMITS", "Settings", "connect"]


def connect(settings: Settings, around: Surroundings, *, where: str) -> Connector:
    """Return the connector of one catalogue; raises NeedsPerson when a setting is missing. Calls nothing yet."""
    limits = limits_of(settings.access)
    client = Client(settings, around, limits, where=where)
    catalog = Catalog(client, settings)
    account = Account(client, catalog, settings)
    batches = Batches(client, catalog)
    products = Products(client, account, catalog, batches, settings)
    return Connector(
        platform="pinterest",
        limits=limits,
        account=account,
        catalog=catalog,
        stock=Stock(client, catalog, batches),
        orders=None,
        products=products,
        tickets=batches,
        edit_tickets=products,
        creation_tickets=products,
        shell=shell_of(settings),
        close=client.close,
        calls=lambda: client.calls,
    )
