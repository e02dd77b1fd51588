"""Meta: a catalogue that Facebook Shop, Instagram Shopping and ads draw from, over the Graph API. It sells nothing itself."""

from bridge.contract.ports import Connector
from bridge.wire.http import Surroundings
from connectors.meta.account import Account
from connectors.meta.catalog import Catalog
from connectors.meta.client import Client
from connectors.meta.limits import LIMITS
from connectors.meta.products import Products
from connectors.meta.settings import Settings
from connectors.meta.shell import shell_of
from connectors.meta.stock import Batches, Stock

__all__ = ["LIMITS", "Settings", "connect"]


def connect(settings: Settings, around: Surroundings, *, where: str) -> Connector:
    """Return the connector of one catalogue; raises NeedsPerson when a setting is missing. Calls nothing yet."""
    client = Client(settings, around, where=where)
    account = Account(client, settings)
    catalog = Catalog(client)
    batches = Batches(client)
    products = Products(client, account, catalog, batches, settings)
    return Connector(
        platform="meta",
        limits=LIMITS,
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
