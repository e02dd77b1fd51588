"""Where a product belongs on a marketplace: our tags and options to its categories and aspects. The merchant writes it (`map.toml`)."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bridge.domain.catalog import Product, Variant

__all__ = ["Category", "ListingMap", "aspects", "category"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """One category of a marketplace, and what its listings say about themselves there.

    tag         products that carry this tag belong here ("" = every product: put such a one last)
    id          the marketplace's own name of the category (a category id, a product type, a taxonomy id)
    fixed       aspect -> value, the same for all of them ("Brand": "Acme")
    options     aspect -> name of our option that holds the value ("Size": "size"), compared without regard to case
    """

    tag: str
    id: str
    fixed: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingMap:
    """The categories of one channel, in the order in which they are tried."""

    categories: tuple[Category, ...] = ()


def category(listing_map: ListingMap, product: Product) -> Category | None:
    """Return the first category whose tag the product carries; None where the merchant named none for it."""
    tags = {tag.casefold() for tag in product.tags}
    found = (one for one in listing_map.categories if not one.tag or one.tag.casefold() in tags)
    return next(found, None)


def aspects(place: Category, variant: Variant) -> dict[str, str]:
    """Return what a variant's listing says about itself: the fixed aspects, then those that its options tell."""
    told = {name.casefold(): value for name, value in variant.options}
    chosen = {aspect: told[name.casefold()] for aspect, name in place.options.items() if name.casefold() in told}
    return {**place.fixed, **chosen}
