"""The whole shop's state in one hand."""

from dataclasses import dataclass

from bridge.sandbox.woocommerce.auth import Authentication
from bridge.sandbox.woocommerce.catalogue import Catalogue
from bridge.sandbox.woocommerce.coupons import Coupons
from bridge.sandbox.woocommerce.orders import Book
from bridge.sandbox.woocommerce.site import Site


@dataclass(frozen=True, slots=True)
class Woo:
    """Everything a route or a verb may need."""

    site: Site
    catalogue: Catalogue
    coupons: Coupons
    book: Book
    authentication: Authentication


def empty_shop(site: Site) -> Woo:
    """Make a shop with nothing in it but WordPress's own category."""
    catalogue = Catalogue(site)
    catalogue.categories[15] = {"id": 15, "name": "Uncategorized", "slug": "uncategorized"}
    coupons = Coupons(site)
    return Woo(site, catalogue, coupons, Book(site, catalogue, coupons), Authentication(site))
