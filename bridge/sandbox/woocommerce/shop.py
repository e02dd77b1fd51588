"""The whole shop's state in one hand."""

from dataclasses import dataclass

from bridge.sandbox.kit.courier import Courier
from bridge.sandbox.woocommerce.auth import Authentication
from bridge.sandbox.woocommerce.catalogue import Catalogue
from bridge.sandbox.woocommerce.coupons import Coupons
from bridge.sandbox.woocommerce.customers import Customers
from bridge.sandbox.woocommerce.orders import Book
from bridge.sandbox.woocommerce.site import Site
from bridge.sandbox.woocommerce.webhooks import Webhooks


@dataclass(frozen=True, slots=True)
class Woo:
    """Everything a route or a verb may need."""

    site: Site
    catalogue: Catalogue
    coupons: Coupons
    customers: Customers
    book: Book
    authentication: Authentication
    webhooks: Webhooks


def empty_shop(site: Site, courier: Courier) -> Woo:
    """Make a shop with nothing in it but WordPress's own category."""
    catalogue = Catalogue(site)
    catalogue.categories[15] = {"id": 15, "name": "Uncategorized", "slug": "uncategorized"}
    coupons, customers = Coupons(site), Customers(site)
    book, webhooks = Book(site, catalogue, coupons, customers), Webhooks(site, courier)
    return Woo(site, catalogue, coupons, customers, book, Authentication(site), webhooks)
