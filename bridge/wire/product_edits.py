"""Edits of listings, one after another: what is checked before anything is sent, and the outcome of each."""

import math
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from bridge.contract.errors import Gone, Refused
from bridge.contract.ports import ProductEdit, ProductResult, VariantEdit
from bridge.domain.catalog import Product, Variant
from bridge.domain.listing_map import Category, ListingMap, category

__all__ = [
    "OneByOne",
    "applied",
    "check",
    "fields_of",
    "lacking",
    "named_options",
    "only",
    "outcome_of",
    "place_of",
    "single",
]


class OneByOne(ABC):
    """Part of a products port that writes listings one after another, and whose writes need no key."""

    async def edit(self, edits: Sequence[ProductEdit], key: str) -> Sequence[ProductResult]:
        """Write them; one result each, in order."""
        del key
        return [await outcome_of(edit, self.edited) for edit in edits]

    @abstractmethod
    async def edited(self, edit: ProductEdit) -> Product:
        """Carry one edit out, and return the listing as it is then. Raises Refused, Gone."""


async def outcome_of(
    edit: ProductEdit, write: Callable[[ProductEdit], Awaitable[Product | ProductResult]]
) -> ProductResult:
    """Carry one edit out: `write` returns the product, or the whole result where it has a ticket.

    A refusal, or that the listing is no more, concerns this one alone; other errors are raised.
    """
    try:
        made = await write(edit)
        return made if isinstance(made, ProductResult) else ProductResult(id=edit.current.id, product=made)
    except (Refused, Gone) as error:
        return ProductResult(id=edit.current.id, reason=error.what)


def check(edit: ProductEdit, cannot: Mapping[str, str], *, title: int = 0, currency: str = "", least: int = 1) -> None:
    """Raise Refused naming what cannot be written.

    `cannot` says why a field is not taken there, `title` how long one may be (0: the platform says so itself), `currency` is that of
    the prices ("": not known), `least` the smallest price in minor units.
    """
    named = edit.fields.union(*(variant.fields for variant in edit.variants))
    for name in sorted(named & cannot.keys()):
        step = "give the field to another channel"
        raise Refused(f"{edit.current.id}: {name} cannot be written: {cannot[name]}", next_step=step)
    if "title" in edit.fields and not edit.title.strip():
        raise Refused(f"{edit.current.id}: a listing needs a title", next_step="mend it at its source")
    if "title" in edit.fields and 0 < title < len(edit.title):
        what = f"{edit.current.id}: a title of {len(edit.title)} characters, and {title} are the most"
        raise Refused(what, next_step="mend it at its source")
    for variant in edit.variants:
        price = variant.price
        if "price" in variant.fields and (
            price is None or price.minor < least or (currency and price.currency != currency)
        ):
            what = f"{variant.id}: price {price}: a positive amount of {currency or 'money'} is taken"
            raise Refused(what, next_step="correct it at its source")


def applied(edit: ProductEdit) -> Product:
    """Return the product as it will be once the edit has been carried out."""
    changes = {own.id: {name: getattr(own, name) for name in own.fields} for own in edit.variants}
    variants = tuple(replace(one, **changes.get(one.id, {})) for one in edit.current.variants)
    return replace(edit.current, variants=variants, **{name: getattr(edit, name) for name in edit.fields})


def fields_of(edit: ProductEdit) -> dict[str, Any]:
    """Return the edited fields with their new values, where a listing has one variant: its fields stand beside the product's."""
    parts: tuple[ProductEdit | VariantEdit, ...] = (edit, *edit.variants)
    return {name: getattr(one, name) for one in parts for name in sorted(one.fields)}


def only(found: Sequence[Product], product_id: str, where: str) -> Product:
    """Return the product that was read by its id; raises Gone where there was none."""
    if not found:
        raise Gone(f"{product_id} is no more there", where=where)
    return found[0]


def place_of(product: Product, listing_map: ListingMap, where: str = "") -> Category:
    """Return where the merchant's map puts a product; raises Refused saying what the map lacks."""
    place = category(listing_map, product)
    if place is None:
        what = f"{product.title}: no category of the map fits its tags ({', '.join(product.tags) or 'none'})"
        raise Refused(what, where=where, next_step="add one to the channel's map.toml")
    return place


def named_options(variant: Variant, place: Category) -> dict[str, str]:
    """Return a variant's options, under the names of the aspects where the map gives them one."""
    known = {option.casefold(): aspect for aspect, option in place.options.items()}
    return {known.get(name.casefold(), name): value for name, value in variant.options}


def lacking(product: Product, *, title: int = 0, sku: int = 0, currency: str = "") -> list[str]:
    """Say what keeps a product from being listed on any marketplace, each with what to do.

    `title` and `sku` are how long they may be (0: a longer title is cut, a SKU may be lacking), `currency` that of the prices ("": any).
    """
    variants = product.variants
    skus = [variant.sku or "" for variant in variants]
    prices = [variant.price for variant in variants]
    names = {tuple(name for name, _ in variant.options) for variant in variants}
    priced = all(one and one.minor > 0 and (not currency or one.currency == currency) for one in prices)
    found = {
        "it has no variants: give it one with a SKU and a price": not variants,
        f"title: 1 to {title or 'some'} characters are taken, mend it": not 1
        <= len(product.title)
        <= (title or math.inf),
        f"sku: each variant needs one of 1 to {sku} characters": sku and not all(1 <= len(one) <= sku for one in skus),
        "sku: two variants have the same one": len(set(filter(None, skus))) < len([one for one in skus if one]),
        f"price: each variant needs one{f' in {currency}' if currency else ''}": not priced,
        "options: all variants must have the same ones": len(names) > 1,
    }
    return [what for what, is_so in found.items() if is_so]


def single(ids: Iterable[str], product: Product, where: str) -> str:
    """Return the one listing that has SKUs of a product, "" where none has; raises Refused where several do."""
    there = list(dict.fromkeys(ids))
    if len(there) > 1:
        what = f"SKUs of {product.title!r} belong to several listings: {', '.join(there)}"
        raise Refused(what, where=where, next_step="give each SKU to one listing")
    return there[0] if there else ""
