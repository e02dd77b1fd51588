"""A listing as a product, and the number it shows.

A SKU is a listing, and a listing is a product of one variant: Amazon's variation parents cannot be bought and are left out.
"""

from datetime import datetime

from bridge.domain.catalog import Level, Product, StockKey, Variant
from bridge.domain.money import Money
from bridge.wire.payload import Payload, moment, must, names, part, rows, text, units
from connectors.amazon.limits import DEFAULT
from connectors.amazon.payload import first

__all__ = ["BARCODE", "FBA", "IMAGES", "channel", "is_parent", "level", "product", "value"]

# What lies in Amazon's warehouse has a stock id of its own kind, so that no write can ever be made for it by mistake.
FBA = "fba:"
IMAGES = ("main_product_image_locator", *(f"other_product_image_locator_{number}" for number in range(1, 9)))
BARCODE = "externally_assigned_product_identifier"


def product(item: Payload, currency: str, *, fba: bool) -> Product:
    """Read a listing. One that is neither buyable nor to be found is a draft: being sold out is no status of ours."""
    sku, summary, attributes = must(item, "sku"), first(item, "summaries"), part(item, "attributes")
    status = summary.get("status") or []
    return Product(
        id=sku, title=text(summary, "itemName") or value(attributes, "item_name"),
        description=value(attributes, "product_description"), status="active" if status else "draft",
        images=tuple(filter(None, (text(first(attributes, name), "media_location") for name in IMAGES))),
        variants=(_variant(item, attributes, currency, fba=fba),), updated_at=moment(summary, "lastUpdatedDate"),
        extra={"asin": text(summary, "asin"), "product_type": text(summary, "productType")},
    )  # fmt: skip


def level(item: Payload, at: datetime) -> Level | None:
    """Read the merchant's own number; None where Amazon fulfils the listing, or nobody can buy it."""
    own = [row for row in rows(item, "fulfillmentAvailability") if text(row, "fulfillmentChannelCode") == DEFAULT]
    if not own or channel(item) != DEFAULT:
        return None
    return Level(key=StockKey(must(item, "sku"), DEFAULT), quantity=units(own[0], "quantity"), as_of=at)


def channel(item: Payload) -> str:
    """Return who fulfils a listing: an Amazon channel wherever one is named."""
    codes = [text(row, "fulfillmentChannelCode") for row in rows(item, "fulfillmentAvailability")]
    return next((code for code in codes if code and code != DEFAULT), DEFAULT)


def is_parent(item: Payload) -> bool:
    """Tell whether a listing only gathers others."""
    return any(row.get("childSkus") and text(row, "type") == "VARIATION" for row in _related(item))


def value(attributes: Payload, name: str) -> str:
    """Return the value of an attribute's first row, "" where it has none."""
    return text(first(attributes, name), "value")


def _variant(item: Payload, attributes: Payload, currency: str, *, fba: bool) -> Variant:
    sku = must(item, "sku")
    mine = channel(item) == DEFAULT
    return Variant(
        id=sku, sku=sku, barcode=value(attributes, BARCODE) or None, title=" / ".join(told for _, told in _options(item, attributes)),
        price=_price(item, attributes, currency), options=_options(item, attributes),
        stock_id=sku if mine else f"{FBA}{sku}" if fba else None,
    )  # fmt: skip


def _price(item: Payload, attributes: Payload, currency: str) -> Money | None:
    """The offer's price to consumers; an offer that is not on yet has it in its attributes only."""
    for offer in rows(item, "offers"):
        if text(offer, "offerType") == "B2C":
            return Money.parse(must(part(offer, "price"), "amount"), must(part(offer, "price"), "currencyCode"))
    offer = first(attributes, "purchasable_offer")
    schedule = first(first(offer, "our_price"), "schedule")
    if schedule.get("value_with_tax") is None:
        return None
    return Money.parse(str(schedule["value_with_tax"]), text(offer, "currency") or currency)


def _options(item: Payload, attributes: Payload) -> tuple[tuple[str, str], ...]:
    """The attributes by which the listing differs from its siblings."""
    themes = [part(row, "variationTheme") for row in _related(item) if row.get("parentSkus")]
    found = ((name, value(attributes, name)) for name in (names(themes[0], "attributes") if themes else ()))
    return tuple((name, told) for name, told in found if told)


def _related(item: Payload) -> list[Payload]:
    return [row for place in rows(item, "relationships") for row in rows(place, "relationships")]
