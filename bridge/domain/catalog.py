"""Products as a channel shows them, and the numbers its stock records carry."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NamedTuple

from bridge.domain.money import Money

__all__ = ["Level", "Location", "Product", "ProductStatus", "StockKey", "Variant"]

ProductStatus = Literal["active", "draft", "archived"]


class StockKey(NamedTuple):
    """Where one number lives on a channel: the record that holds it, and the channel's location ("" if it has none).

    A tuple, as it is the key of every table in memory: its hash costs a tenth of a dataclass's.
    """

    stock_id: str
    location: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """A number read from a channel. `quantity` is whole units, None where the channel does not track it.

    `as_of` is the platform's time (its Date header), not ours.
    """

    key: StockKey
    quantity: int | None
    as_of: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """A place where a channel keeps stock."""

    id: str
    name: str
    active: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One sellable thing on a channel.

    `id` is unique on the channel. `stock_id` names the record that holds its number: its own, its parent's (WooCommerce
    `manage_stock: "parent"`) or a shared one (Shopify inventory item); None where the channel tracks no stock for it.
    """

    id: str
    sku: str | None = None
    barcode: str | None = None
    title: str = ""
    price: Money | None = None
    compare_at: Money | None = None
    weight_grams: int | None = None
    options: tuple[tuple[str, str], ...] = ()
    stock_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """A product with its variants. A simple product has one variant, whose id may equal the product's.

    `version` is what the platform's compare-and-set wants back, None where it has none. `deleted` marks a tombstone in a
    change feed. `extra` keeps platform fields that a write must send back unchanged.
    """

    id: str
    title: str = ""
    description: str = ""
    status: ProductStatus = "active"
    images: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    variants: tuple[Variant, ...] = ()
    updated_at: datetime
    version: str | None = None
    deleted: bool = False
    extra: dict[str, str] = field(default_factory=dict, compare=False)
