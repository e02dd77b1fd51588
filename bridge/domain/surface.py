"""Items of a catalogue surface: one flat entry a variant, the variants of a product held together by a group id.

Feeds of this shape are what Meta, Google and Pinterest all take; they differ in how they spell the fields, not in what these say.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import quote

from bridge.domain.catalog import Product, ProductStatus, Variant
from bridge.domain.money import Money

__all__ = ["OPTIONS", "Item", "items_of", "lacking", "products_of", "strange_options"]

# The ways in which an item may differ from its siblings that every surface knows by a field of its own.
OPTIONS = ("Color", "Size", "Material", "Pattern")
_SPELLINGS = {"colour": "color", "farbe": "color", "größe": "size", "groesse": "size"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One entry. `price` is what a buyer pays, `compare_at` what it was before; a surface's own "price" is the higher of the two."""

    id: str
    group: str = ""
    title: str = ""
    description: str = ""
    link: str = ""
    images: tuple[str, ...] = ()
    status: ProductStatus = "active"
    price: Money | None = None
    compare_at: Money | None = None
    barcode: str | None = None
    options: tuple[tuple[str, str], ...] = ()

    @property
    def full_price(self) -> Money | None:
        """What the surface calls the price."""
        return self.compare_at or self.price

    @property
    def sale_price(self) -> Money | None:
        """What the surface calls the sale price: None where nothing is reduced."""
        return self.price if self.compare_at else None

    def priced(self, full: Money | None, sale: Money | None) -> "Item":
        """Return this item with the surface's two prices."""
        return replace(self, price=sale or full, compare_at=full if sale else None)

    def option(self, name: str) -> str:
        """Return an option's value by the surface's name of it, "" where it has none."""
        return next((value for own, value in self.options if _field(own) == name.lower()), "")


def products_of(items: Iterable[Item], at: datetime) -> tuple[Product, ...]:
    """Join items to products: those of one group are one product, an item without a group is its own."""
    groups: dict[str, list[Item]] = {}
    for item in items:
        groups.setdefault(item.group or item.id, []).append(item)
    return tuple(_product(name, members, at) for name, members in groups.items())


def items_of(product: Product, link: str) -> tuple[Item, ...]:
    """Cut a product into items, named by their SKUs. `link` is the address of a product's page, with {sku} where the SKU stands."""
    group = f"group-{product.variants[0].sku}" if len(product.variants) > 1 else ""
    return tuple(
        Item(
            id=own.sku or "", group=group, title=product.title, description=product.description,
            link=link.replace("{sku}", quote(own.sku or "", safe="")), images=product.images, status=product.status,
            price=own.price, compare_at=own.compare_at, barcode=own.barcode, options=own.options,
        )
        for own in product.variants
    )  # fmt: skip


def lacking(item: Item) -> list[str]:
    """Name the fields without which no surface shows an item, each with where it comes from."""
    wanted = {
        "sku": item.id,
        "title": item.title.strip(),
        "description": item.description.strip(),
        "price": item.full_price,
        "images (at least one address)": item.images,
        "link (the channel's setting `link`)": item.link,
    }
    return [name for name, value in wanted.items() if not value]


def strange_options(item: Item) -> list[str]:
    """Name the options that have no field of their own on a surface."""
    known = {name.lower() for name in OPTIONS}
    return [name for name, _ in item.options if _field(name) not in known]


def _field(option: str) -> str:
    return _SPELLINGS.get(option.casefold(), option.casefold())


def _product(product_id: str, members: list[Item], at: datetime) -> Product:
    first = members[0]
    names = dict.fromkeys(name for item in members for name, _ in item.options)
    return Product(
        id=product_id, title=first.title, description=first.description, images=first.images, options=tuple(names),
        status="active" if any(item.status == "active" for item in members) else first.status,
        variants=tuple(_variant(item) for item in members), updated_at=at,
    )  # fmt: skip


def _variant(item: Item) -> Variant:
    return Variant(
        id=item.id, sku=item.id, barcode=item.barcode, title=" / ".join(value for _, value in item.options),
        price=item.price, compare_at=item.compare_at, options=item.options, stock_id=item.id,
    )  # fmt: skip
