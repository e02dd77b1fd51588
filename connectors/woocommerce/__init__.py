"""WooCommerce: a shop on WordPress, through its REST interface wc/v3."""

from functools import partial

from bridge.contract.ports import Connector
from bridge.wire.budget import Budget
from bridge.wire.http import Http, Surroundings
from connectors.woocommerce.account import Account
from connectors.woocommerce.catalog import Catalog
from connectors.woocommerce.coupons import Coupons
from connectors.woocommerce.customers import Customers
from connectors.woocommerce.judge import judge
from connectors.woocommerce.limits import LIMITS
from connectors.woocommerce.listing import Listing
from connectors.woocommerce.order_writer import OrderWriter
from connectors.woocommerce.orders import Orders, Refunds
from connectors.woocommerce.points import Points
from connectors.woocommerce.products import Products
from connectors.woocommerce.rest import Rest
from connectors.woocommerce.settings import Settings
from connectors.woocommerce.shell import shell
from connectors.woocommerce.shop import Shop
from connectors.woocommerce.sign import signer
from connectors.woocommerce.stock import Stock
from connectors.woocommerce.webhooks import Webhooks

__all__ = ["LIMITS", "Settings", "connect"]


def connect(settings: Settings, around: Surroundings, *, where: str) -> Connector:
    """Return the ports of one shop; makes no call. Raises NeedsPerson when a setting cannot be right."""
    settings = settings.checked(where)
    root = f"{settings.url.rstrip('/')}/wp-json"
    http = _http(settings, around, where, f"{root}/wc/v3")
    rest = Rest(http)
    listing, refunds, shop = Listing(rest), Refunds(rest), Shop(rest, settings)
    catalog, orders, customers = Catalog(rest, listing, shop), Orders(rest, refunds), Customers(rest)
    return Connector(
        platform="woocommerce",
        limits=LIMITS,
        account=Account(rest, settings, f"{root}/"),
        catalog=catalog,
        stock=Stock(rest, listing),
        orders=orders,
        products=Products(rest, catalog, shop),
        order_writer=OrderWriter(rest, orders, refunds, status_paid=settings.status_paid),
        webhooks=Webhooks(rest),
        customers=customers,
        points=Points(rest, customers),
        coupons=Coupons(rest, shop),
        shell=partial(shell, settings),
        close=http.aclose,
        calls=lambda: http.calls,
    )


def _http(settings: Settings, around: Surroundings, where: str, base: str) -> Http:
    return Http(
        around,
        where=where,
        base_url=base,
        budget=Budget(capacity=1, per_second=0, time=around.time, sleep=around.sleep),
        concurrency=LIMITS.concurrency,
        sign=signer(settings, around, base),
        judge=judge,
        secrets=(settings.consumer_key, settings.consumer_secret),
        verify=settings.verify_tls,
    )
