"""Which category a product belongs to, and what its listing says there."""

from datetime import UTC, datetime

from bridge.domain.catalog import Product, Variant
from bridge.domain.listing_map import Category, ListingMap, aspects, category

SHIRTS = Category(tag="shirts", id="15687", fixed={"Brand": "Acme", "Size": "One size"}, options={"Size": "size"})
REST = Category(tag="", id="99")


def product(*tags: str) -> Product:
    return Product(id="1", tags=tags, updated_at=datetime(2026, 1, 1, tzinfo=UTC))


def test_the_first_category_whose_tag_a_product_carries_is_its_own() -> None:
    both = ListingMap(categories=(SHIRTS, REST))
    assert category(both, product("summer", "Shirts")) is SHIRTS
    assert category(both, product("mugs")) is REST


def test_a_product_that_no_category_takes_has_none() -> None:
    assert category(ListingMap(categories=(SHIRTS,)), product("mugs")) is None
    assert category(ListingMap(), product("shirts")) is None


def test_an_option_tells_more_than_what_is_fixed() -> None:
    large = Variant(id="1", options=(("Size", "L"), ("Colour", "red")))
    assert aspects(SHIRTS, large) == {"Brand": "Acme", "Size": "L"}


def test_an_option_that_a_variant_lacks_leaves_the_fixed_aspect() -> None:
    assert aspects(SHIRTS, Variant(id="1")) == {"Brand": "Acme", "Size": "One size"}
