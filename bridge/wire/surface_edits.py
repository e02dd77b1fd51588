"""Edits of products, and new products, as changes of a catalogue surface's items: checked before anything is sent. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from bridge.contract.errors import Refused
from bridge.contract.ports import ProductEdit, ProductResult, VariantEdit
from bridge.domain.catalog import Product, Variant
from bridge.domain.listing_map import ListingMap, aspects, category
from bridge.domain.money import Money
from bridge.domain.surface import OPTIONS, Item, items_of, lacking, strange_options

__all__ = ["Draft", "ItemEdit", "draft", "new_items", "placed", "refuse_if"]

_VARIANT_FIELDS = {"price", "compare_at", "barcode"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemEdit:
    """An item as it will be, and which of its fields are to be written: title, description, images, status, price (both), barcode."""

    item: Item
    fields: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """One product's edit on its way: its items' edits and the product as it will be, or why not."""

    product: Product
    items: tuple[ItemEdit, ...] = ()
    reason: str = ""

    def result(self, wrong: Mapping[str, str], ticket: str = "") -> ProductResult:
        """Say how it ended, given what is wrong with which item; with a `ticket`, that its items were accepted."""
        found = [wrong[one.item.id] for one in self.items if one.item.id in wrong]
        reason = self.reason or (found[0] if found else "")
        if reason:
            return ProductResult(id=self.product.id, reason=reason)
        return ProductResult(id=self.product.id, product=self.product, ticket=ticket if self.items else "")


def draft(edit: ProductEdit, currency: str, *, never: Iterable[str] = ()) -> Draft:
    """Turn an edit into those of its items. `never` are fields that this surface does not have."""
    try:
        if strange := sorted(edit.fields & set(never)):
            raise Refused(f"an item has no {strange[0]} that can be changed here")
        return _draft(edit, currency)
    except Refused as error:
        return Draft(product=edit.current, reason=error.what)


def new_items(product: Product, link: str, currency: str) -> tuple[Item, ...]:
    """Cut a product into new items; raises Refused naming the field that is missing."""
    if not product.variants:
        raise Refused("a product without variants is no item")
    items = items_of(product, link)
    for one in items:
        if missing := lacking(one):
            raise Refused(
                f"{one.id or product.title}: missing {', '.join(missing)}",
                next_step="add it at its source, then `bridge retry`",
            )
        if strange := strange_options(one):
            known = ", ".join(OPTIONS).lower()
            raise Refused(f"{one.id}: the option {strange[0]} has no field of its own there (there are {known})")
        _check_price(one.full_price, currency, one.id)
    return items


def placed(item: Item, product: Product, listing_map: ListingMap) -> tuple[str, dict[str, str]]:
    """Say where the merchant's map puts an item: the category ("" = nowhere), and the fields it gives it, by the map's names."""
    place = category(listing_map, product)
    variant = next(own for own in product.variants if own.sku == item.id)
    return (place.id, aspects(place, variant)) if place else ("", {})


def refuse_if(wrong: Mapping[str, str], where: str) -> None:
    """Raise Refused where something is wrong with new items, naming each."""
    if wrong:
        told = "; ".join(f"{sku}: {reason}" for sku, reason in wrong.items())
        raise Refused(told, where=where, next_step="mend it at its source, then `bridge retry`")


def _draft(edit: ProductEdit, currency: str) -> Draft:
    common = _common(edit)
    own = {change.id: change for change in edit.variants}
    variants, items = [], []
    for variant in edit.current.variants:
        change = own.get(variant.id)
        changed = variant if change is None else replace(variant, **_values(change, currency))
        fields = common | (_own(change) if change else frozenset())
        items += [ItemEdit(item=_item(edit, changed), fields=fields)] if fields else []
        variants.append(changed)
    named = {name: getattr(edit, name) for name in edit.fields}
    return Draft(product=replace(edit.current, variants=tuple(variants), **named), items=tuple(items))


def _item(edit: ProductEdit, variant: Variant) -> Item:
    return Item(
        id=variant.id, title=edit.title, description=edit.description, images=edit.images,
        status="active" if edit.status == "active" else "archived", price=variant.price, compare_at=variant.compare_at,
        barcode=variant.barcode,
    )  # fmt: skip


def _common(edit: ProductEdit) -> frozenset[str]:
    for name in ("title", "description", "images"):
        value = getattr(edit, name)
        if name in edit.fields and not (value.strip() if isinstance(value, str) else value):
            raise Refused(f"an item without {name} is not shown")
    return edit.fields


def _own(change: VariantEdit) -> frozenset[str]:
    return frozenset({"price" if name == "compare_at" else name for name in change.fields})


def _values(change: VariantEdit, currency: str) -> dict[str, Any]:
    if strange := sorted(change.fields - _VARIANT_FIELDS):
        raise Refused(f"{change.id}: a catalogue's item has no {strange[0]} that can be changed")
    for name in change.fields & {"price", "compare_at"}:
        _check_price(getattr(change, name), currency, change.id)
    return {name: getattr(change, name) for name in change.fields}


def _check_price(price: Money | None, currency: str, item_id: str) -> None:
    if price is None:
        return
    if price.minor < 0:
        raise Refused(f"{item_id}: a price of {price} is below zero")
    if currency and price.currency != currency:
        raise Refused(f"{item_id}: a price in {price.currency} cannot be shown in a catalogue in {currency}")
