"""A new listing from a product and the merchant's map. Pure: what is sent, or why not."""

from collections.abc import Mapping, Sequence
from typing import Any

from bridge.contract.errors import Refused
from bridge.domain.catalog import Product, Variant
from bridge.domain.listing_map import Category
from bridge.wire.markup import plain
from bridge.wire.payload import Payload, count, rows, text
from bridge.wire.product_edits import lacking

__all__ = ["MAX_TITLE", "combined", "form_of", "lacks"]

# Fields of createDraftListing that a map fixes for a category; the first four are needed.
_FIXED = (
    "who_made", "when_made", "shipping_profile_id", "readiness_state_id", "is_supply", "return_policy_id",
    "shop_section_id", "materials", "should_auto_renew", "item_weight", "item_weight_unit",
)  # fmt: skip
_NEEDED = _FIXED[:4]
# Etsy's own two properties for variations that the category does not know.
_CUSTOM = (513, 514)
MAX_TITLE = 140


def lacks(product: Product, place: Category) -> list[str]:
    """Say what keeps a listing from being made, each with what to do."""
    said = [
        f"category {place.tag or '*'} of the map fixes no {name}: add it under `fixed`"
        for name in _NEEDED
        if not place.fixed.get(name)
    ]
    if not place.id.isdigit():
        said.append(f"{place.id!r} is no taxonomy id: put the number of the category into the map")
    if len(product.options) > len(_CUSTOM):
        said.append(f"it varies by {', '.join(product.options)}, and an Etsy listing by two properties at most")
    return said + lacking(product)


def form_of(product: Product, place: Category) -> dict[str, str]:
    """Write the form of createDraftListing. A draft has one unit: Etsy takes none without, and nobody can buy it."""
    prices = [one.price for one in product.variants if one.price]
    return {
        "title": product.title[:MAX_TITLE],
        "description": plain(product.description) or product.title,
        "price": min(prices, key=lambda one: one.minor).decimal,
        "quantity": "1",
        "taxonomy_id": place.id,
        **{name: place.fixed[name] for name in _FIXED if place.fixed.get(name)},
    }


def combined(product: Product, place: Category, properties: Sequence[Payload]) -> dict[str, Any]:
    """Write the inventory of a new listing: a product for each variant, with numbers that differ by every option.

    The first one has the unit that Etsy insists on.
    """
    ids = {name: _property(name, at, place, properties) for at, name in enumerate(product.options)}
    named = {count(one, "property_id"): one for one in properties}
    profile = int(place.fixed["readiness_state_id"])
    on = sorted(ids.values()) if len(product.variants) > 1 else []
    return {
        "products": [
            {
                "sku": one.sku or "",
                "property_values": _values(one, ids, named),
                "offerings": [_offering(one, int(at == 0), profile)],
            }
            for at, one in enumerate(product.variants)
        ],
        **{f"{name}_on_property": on for name in ("price", "quantity", "sku")},
        "readiness_state_on_property": [],
    }


def _property(option: str, at: int, place: Category, properties: Sequence[Payload]) -> int:
    """Return the property an option is: as the map says, by number or name, else one of Etsy's custom ones."""
    aspect = next((name for name, ours in place.options.items() if ours.casefold() == option.casefold()), "")
    if not aspect:
        return _CUSTOM[at]
    if aspect.isdigit():
        return int(aspect)
    for one in properties:
        if aspect.casefold() in {text(one, "name").casefold(), text(one, "display_name").casefold()}:
            return count(one, "property_id")
    step = "correct it in the channel's map.toml"
    raise Refused(f"taxonomy {place.id} has no property {aspect!r}", next_step=step)


def _values(one: Variant, ids: Mapping[str, int], named: Mapping[int, Payload]) -> list[dict[str, Any]]:
    told = dict(one.options)
    if missing := [name for name in ids if not told.get(name)]:
        raise Refused(f"{one.sku or one.title} has no {missing[0]}", next_step="give every variant all options")
    return [
        {
            "property_id": ids[name],
            "property_name": name,
            "scale_id": None,
            # Parentheses are not allowed (specification).
            "values": [told[name].replace("(", "[").replace(")", "]")],
            "value_ids": _known(told[name], named.get(ids[name], {})),
        }
        for name in ids
    ]


def _known(value: str, one: Payload) -> list[int]:
    same = (found for found in rows(one, "possible_values") if text(found, "name").casefold() == value.casefold())
    return [count(found, "value_id") for found in same][:1]


def _offering(one: Variant, quantity: int, profile: int) -> dict[str, Any]:
    assert one.price is not None, "`lacks` has looked"
    price = float(one.price.decimal)
    return {"price": price, "quantity": quantity, "is_enabled": True, "readiness_state_id": profile}
