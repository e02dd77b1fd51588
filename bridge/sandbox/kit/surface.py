"""A catalogue that shows goods and sells none: its items, and the verbs of the person who edits it by hand.

What a platform accepted and carries out later lies in a queue, in the order of its coming, and takes effect when its time is there:
whoever looks sees what has come through by then.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, NoReturn

from bridge.sandbox.kit.platform import RefusedError

__all__ = ["Catalogue", "Item", "SurfaceShop", "amount", "minor"]

Json = dict[str, Any]
# ISO 4217: minor units that are not two digits, as far as a sandbox needs them.
_DIGITS = {"JPY": 0, "KRW": 0, "CLP": 0, "KWD": 3, "BHD": 3}


def minor(text: Any, currency: str) -> int:
    """Read a decimal as whole minor units."""
    return int(Decimal(str(text)).scaleb(_DIGITS.get(currency, 2)))


def amount(units: int, currency: str) -> Decimal:
    """Return whole minor units as a decimal of the currency."""
    digits = _DIGITS.get(currency, 2)
    return Decimal(units).scaleb(-digits).quantize(Decimal(1).scaleb(-digits))


@dataclass(slots=True, kw_only=True)
class Item:
    """One entry. `price` and `sale_price` are minor units; `quantity` is None where nobody gave a number."""

    id: str
    number: int
    title: str = ""
    description: str = ""
    link: str = ""
    images: list[str] = field(default_factory=list)
    group: str = ""
    price: int | None = None
    sale_price: int | None = None
    barcode: str = ""
    options: dict[str, str] = field(default_factory=dict)
    quantity: int | None = None
    available: bool = True
    hidden: bool = False
    more: Json = field(default_factory=dict)


class Catalogue:
    """The items, and what was accepted and has not come through yet."""

    def __init__(self, now: Callable[[], datetime], currency: str) -> None:
        self.now = now
        self.currency = currency
        self.items: dict[str, Item] = {}
        self._made = 0
        self._waiting: list[tuple[datetime, Callable[[], None]]] = []

    def later(self, at: datetime, act: Callable[[], None]) -> None:
        """Take something in that takes effect at this time."""
        self._waiting.append((at, act))

    def settle(self) -> None:
        """Let take effect what is due."""
        due = [entry for entry in self._waiting if entry[0] <= self.now()]
        self._waiting = [entry for entry in self._waiting if entry[0] > self.now()]
        for _, act in sorted(due, key=lambda entry: entry[0]):
            act()

    def add(self, sku: str) -> Item:
        """Make an empty item."""
        self._made += 1
        self.items[sku] = Item(id=sku, number=self._made)
        return self.items[sku]

    def drop(self, sku: str) -> None:
        """Take an item out."""
        self.items.pop(sku, None)


class SurfaceShop:
    """Implements the kit's `Shop` for a catalogue: nobody buys there, and a person may edit what it shows."""

    def __init__(self, catalogue: Catalogue, host: str, place: str) -> None:
        self.catalogue = catalogue
        self.host = host
        self.place = place

    def seed(self, products: list[Json]) -> list[Json]:
        """Put products into the catalogue; see the kit's `Shop.seed`. The item's id is the SKU, which must be new."""
        return [row for product in products for row in self._seed(product)]

    def count(self, sku: str, quantity: int, *, location: str | None = None) -> None:
        """Type a number in by hand."""
        del location
        self._number(self._item(sku), quantity)

    def edit_product(self, sku: str, **fields: Any) -> None:
        """Edit by hand: title, description, status and images of all siblings; price, compare_at, barcode, options, stock of one."""
        item = self._item(sku)
        names: tuple[str, ...] = ("price", "compare_at", "barcode", "options", "stock")
        own = {name: fields.pop(name) for name in names if name in fields}
        for sibling in self._siblings(item):
            self._dress(sibling, fields)
        self._fill(item, own)

    def delete_product(self, sku: str) -> None:
        """Delete an item with its siblings."""
        for sibling in list(self._siblings(self._item(sku))):
            self.catalogue.drop(sibling.id)

    def stock(self) -> dict[str, dict[str, int]]:
        """Return the numbers that the catalogue shows."""
        self.catalogue.settle()
        items = self.catalogue.items.values()
        return {item.id: {self.place: item.quantity} for item in items if item.quantity is not None}

    def orders(self) -> list[Json]:
        """There are none."""
        return []

    def sale(self, lines: list[Json], **how: Any) -> str:
        """Nobody can buy here."""
        del lines, how
        _sells_nothing()

    def refund(self, order: str, lines: list[Json], *, restock: bool = True) -> str:
        """There are no orders."""
        del order, lines, restock
        _sells_nothing()

    def cancel(self, order: str, *, restock: bool = True) -> None:
        """There are no orders."""
        del order, restock
        _sells_nothing()

    def fulfil(self, order: str, *, tracking: dict[str, str] | None = None) -> None:
        """There are no orders."""
        del order, tracking
        _sells_nothing()

    def edit_order(self, order: str, sku: str, quantity: int) -> None:
        """There are no orders."""
        del order, sku, quantity
        _sells_nothing()

    def _seed(self, product: Json) -> Iterator[Json]:
        variants = product["variants"]
        group = f"group-{variants[0]['sku']}" if len(variants) > 1 else ""
        for variant in variants:
            sku = variant["sku"]
            if not sku or sku in self.catalogue.items:
                raise RefusedError(f"an item's id is its own: {sku!r} is empty or taken")
            item = self.catalogue.add(sku)
            item.group, item.link = group, f"{self.host}/p/{sku}"
            try:
                self._dress(item, {"images": [f"{self.host}/i/{sku}.jpg"], **product})
                self._fill(item, {"stock": None, **variant})
            except RefusedError:
                self.catalogue.drop(sku)
                raise
            yield {"sku": sku, "product": group or sku, "variant": sku, "stock_id": sku}

    def _dress(self, item: Item, fields: Json) -> None:
        item.title = fields.get("title", item.title)
        item.description = fields.get("description", item.description or "Goods")
        item.images = list(fields.get("images", item.images))
        if "status" in fields:
            self.hide(item, hidden=fields["status"] != "active")

    def hide(self, item: Item, *, hidden: bool) -> None:
        """Hide an item or show it; a platform that cannot says so."""
        item.hidden = hidden

    def _fill(self, item: Item, own: Json) -> None:
        currency = self.catalogue.currency
        if "price" in own or "compare_at" in own:
            price = minor(own["price"], currency) if "price" in own else item.sale_price or item.price
            full = minor(own["compare_at"], currency) if own.get("compare_at") else None
            item.price, item.sale_price = (full, price) if full else (price, None)
        item.barcode = own.get("barcode") or item.barcode
        item.options = dict(own.get("options") or item.options)
        if "stock" in own:
            stock = own["stock"]
            self._number(item, sum(stock.values()) if isinstance(stock, dict) else stock)

    def _number(self, item: Item, quantity: int | None) -> None:
        if quantity is not None and quantity < 0:
            raise RefusedError("a catalogue shows no number below zero")
        item.quantity, item.available = quantity, quantity is None or quantity > 0

    def _item(self, sku: str) -> Item:
        self.catalogue.settle()
        if sku not in self.catalogue.items:
            raise RefusedError(f"no such item: {sku}")
        return self.catalogue.items[sku]

    def _siblings(self, item: Item) -> list[Item]:
        return [one for one in self.catalogue.items.values() if one is item or (item.group and one.group == item.group)]


def _sells_nothing() -> NoReturn:
    raise RefusedError("a catalogue shows goods and sells none")
