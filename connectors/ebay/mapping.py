"""eBay's items, groups and offers as domain values. Pure; payload dicts end here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from bridge.domain.catalog import Level, Product, ProductStatus, StockKey, Variant
from bridge.domain.money import Money
from bridge.wire.payload import Odd, Payload, names, need, part, rows, text, units
from connectors.ebay.payload import money

__all__ = ["GROUP", "ITEM", "OFFER", "Family", "ended", "group_of", "level", "products", "selling"]

ITEM, GROUP, OFFER = "item:", "group:", "offer:"
# eBay does not say when an item was changed.
_UNKNOWN = datetime(1970, 1, 1, tzinfo=UTC)
_OVER = {"ENDED", "EBAY_ENDED"}
_GRAMS = {
    "GRAM": Decimal(1),
    "KILOGRAM": Decimal(1000),
    "OUNCE": Decimal("28.349523125"),
    "POUND": Decimal("453.59237"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """What makes up one product: an item or a group with its items, in order, and the offers of each SKU."""

    id: str
    group: Payload
    items: tuple[Payload, ...]
    offers: Mapping[str, Sequence[Payload]]
    marketplace: str


def group_of(item: Payload) -> str:
    """Return the group that an item is a variation of; "" for none."""
    return next(iter([*names(item, "groupIds"), *names(item, "inventoryItemGroupKeys")]), "")


def level(item: Payload, as_of: datetime) -> Level:
    """Read an item's number; None where none was ever set."""
    place = part(part(item, "availability"), "shipToLocationAvailability")
    return Level(key=StockKey(str(need(item, "sku"))), quantity=units(place, "quantity"), as_of=as_of)


def selling(offers: Sequence[Payload], marketplace: str) -> Payload | None:
    """Return the fixed-price offer of our site, the one that our number and price are about."""
    ours = (one for one in offers if text(one, "format") != "AUCTION" and text(one, "marketplaceId") == marketplace)
    return next(ours, None)


def ended(offer: Payload | None) -> bool:
    """Tell whether the listing is over, by eBay's doing or the merchant's: nobody can buy there any more."""
    return offer is not None and text(part(offer, "listing"), "listingStatus") in _OVER


def products(family: Family) -> list[Product]:
    """Read a product, none if all its listings have ended; further offers of a SKU (an auction, another site) are products
    of their own, so that a SKU listed twice is found to be so."""
    extra = [product for item in family.items for product in _further(family, item)]
    alive = [item for item in family.items if not ended(_offer(family, item))]
    if not alive:
        return extra
    about = family.group or part(alive[0], "product")
    varying = [text(one, "name") for one in rows(part(family.group, "variesBy"), "specifications")]
    main = Product(
        id=family.id,
        title=text(about, "title"),
        description=_description(family, alive[0], about),
        status=_status([_offer(family, item) for item in alive]),
        images=tuple(names(about, "imageUrls")),
        options=tuple(varying),
        variants=tuple(_variant(item, _offer(family, item), varying) for item in alive),
        updated_at=_UNKNOWN,
    )
    return [main, *extra]


def _offer(family: Family, item: Payload) -> Payload | None:
    return selling(family.offers.get(text(item, "sku"), ()), family.marketplace)


def _description(family: Family, item: Payload, about: Payload) -> str:
    """An offer's own description is the listing's; without one it is the item's, a group's always its own."""
    own = "" if family.group else text(_offer(family, item) or {}, "listingDescription")
    return own or text(about, "description")


def _status(offers: Sequence[Payload | None]) -> ProductStatus:
    """Live is active; taken back or on hold is archived; never offered is a draft."""
    known = [one for one in offers if one is not None]
    if any(
        text(one, "status") == "PUBLISHED" and text(part(one, "listing"), "listingStatus") != "INACTIVE"
        for one in known
    ):
        return "active"
    return "archived" if known else "draft"


def _variant(item: Payload, offer: Payload | None, varying: Sequence[str]) -> Variant:
    sku, details, pricing = str(need(item, "sku")), part(item, "product"), part(offer or {}, "pricingSummary")
    aspects = part(details, "aspects")
    options = tuple((name, ", ".join(names(aspects, name))) for name in varying)
    return Variant(
        id=sku,
        sku=sku,
        barcode=next((code for kind in ("ean", "upc", "isbn") for code in names(details, kind)), None),
        title=", ".join(value for _, value in options),
        price=_price(pricing, "price"),
        compare_at=_price(pricing, "originalRetailPrice"),
        weight_grams=_grams(part(part(item, "packageWeightAndSize"), "weight")),
        options=options,
        stock_id=sku,
    )


def _further(family: Family, item: Payload) -> list[Product]:
    sku, main = text(item, "sku"), _offer(family, item)
    others = [one for one in family.offers.get(sku, ()) if one is not main and not ended(one)]
    return [_alone(OFFER + str(need(one, "offerId")), sku, item, one) for one in others]


def _alone(identity: str, sku: str, item: Payload, offer: Payload) -> Product:
    pricing = part(offer, "pricingSummary")
    price = _price(pricing, "price") or _price(pricing, "auctionStartPrice")
    title = text(part(item, "product"), "title")
    variant = Variant(id=identity, sku=sku, price=price)
    return Product(id=identity, title=title, status=_status([offer]), variants=(variant,), updated_at=_UNKNOWN)


def _price(pricing: Payload, name: str) -> Money | None:
    return money(pricing, name) if pricing.get(name) is not None else None


def _grams(weight: Payload) -> int | None:
    if not weight:
        return None
    unit = text(weight, "unit")
    if unit not in _GRAMS:
        raise Odd(f"weight.unit {unit!r} is unknown")
    return round(Decimal(str(need(weight, "value"))) * _GRAMS[unit])
