"""Documents as fields: what a product and its variants say, how a value of ours looks on a channel, and back into an edit."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from bridge.contract.ports import ProductEdit, VariantEdit
from bridge.domain.catalog import Product, ProductStatus, Variant
from bridge.domain.money import Money
from bridge.domain.pricing import PriceRule
from bridge.engine.context import Channel, Context
from bridge.store.documents import Fields, Kind, Value

__all__ = [
    "FieldWrite",
    "Terms",
    "edit_of",
    "new_product",
    "new_variant",
    "product_fields",
    "shown",
    "terms_of",
    "variant_fields",
    "with_fields",
]

_PRICES = frozenset({"price", "compare_at"})
_PRODUCT = ("title", "description", "status", "images")
_VARIANT = ("price", "compare_at", "barcode", "weight_grams")


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldWrite:
    """One field to write: `key` is the document's (SKU, or the product's key), `id` what it is called on the channel."""

    channel: str
    kind: Kind
    key: str
    product_id: str
    id: str
    field: str
    before: Value
    after: Value
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What one channel may do with documents, and what our values look like there."""

    channel: str
    currency: str
    writable: bool
    price: PriceRule
    owners: Mapping[str, str]
    writers: Mapping[str, frozenset[str]]

    def wanted(self, name: str, value: Value) -> Value:
        """Return our value as this channel should show it; raises ValueError for a price in another currency."""
        if name not in _PRICES or not isinstance(value, str) or self.owners.get(name) == self.channel:
            return value
        price = _money(value)
        return str(self.price.apply(price, self.currency or price.currency))


def terms_of(context: Context, channel: Channel) -> Terms:
    """Gather a channel's terms. A price set where our rule cannot be turned round, or in another currency, is never taken."""
    documents = context.rules.documents
    writers = dict(documents.writers)
    for name in _PRICES & documents.owners.keys():
        owner = context.channels.get(documents.owners[name])
        foreign = owner is not None and bool(owner.currency and channel.currency) and owner.currency != channel.currency
        if foreign or not channel.price.reversible:
            writers[name] = writers.get(name, frozenset()) - {channel.name}
    return Terms(
        channel=channel.name,
        currency=channel.currency,
        writable=channel.connector.products is not None,
        price=channel.price,
        owners=documents.owners,
        writers=writers,
    )


def product_fields(product: Product) -> Fields:
    """Return what a product says about itself."""
    return {
        "title": product.title,
        "description": product.description,
        "status": product.status,
        "images": list(product.images),
    }


def variant_fields(variant: Variant) -> Fields:
    """Return what a variant says about itself; money as text, so that a person can read a conflict."""
    return {
        "price": str(variant.price) if variant.price else None,
        "compare_at": str(variant.compare_at) if variant.compare_at else None,
        "barcode": variant.barcode or None,
        "weight_grams": variant.weight_grams,
    }


def shown(product: Product, kind: Kind, one: str) -> Fields:
    """Return the fields of the document `one` as this product shows them; empty where its variant is no more."""
    if kind == "product":
        return product_fields(product)
    return next((variant_fields(variant) for variant in product.variants if variant.id == one), {})


def edit_of(current: Product, writes: Iterable[FieldWrite]) -> ProductEdit:
    """Turn field writes of one product into one edit."""
    of: dict[str, Fields] = {}
    for write in writes:
        of.setdefault("" if write.kind == "product" else write.id, {})[write.field] = write.after
    mine = of.pop("", {})
    changed = with_fields(current, mine)
    return ProductEdit(
        current=current, fields=frozenset(mine), title=changed.title, description=changed.description,
        status=changed.status, images=changed.images,
        variants=tuple(_variant_edit(variant_id, fields) for variant_id, fields in of.items()),
    )  # fmt: skip


def with_fields(product: Product, fields: Mapping[str, Value], variants: Sequence[Variant] | None = None) -> Product:
    """Return a product with these product-level fields (others in `fields` are passed over) and, if given, these variants."""
    images = fields.get("images")
    return replace(
        product,
        title=str(fields.get("title", product.title) or ""),
        description=str(fields.get("description", product.description) or ""),
        status=_status(fields.get("status", product.status)),
        images=tuple(images) if isinstance(images, list) else product.images,
        variants=product.variants if variants is None else tuple(variants),
    )


def _variant_edit(variant_id: str, fields: Fields) -> VariantEdit:
    weight, barcode = fields.get("weight_grams"), fields.get("barcode")
    return VariantEdit(
        id=variant_id,
        fields=frozenset(fields),
        price=_price(fields.get("price")),
        compare_at=_price(fields.get("compare_at")),
        barcode=barcode if isinstance(barcode, str) else None,
        weight_grams=weight if isinstance(weight, int) else None,
    )


def new_variant(source: Variant, sku: str, fields: Mapping[str, Value]) -> Variant:
    """Return the variant to create on another channel: the source's options, and these fields where they are known."""
    edit = _variant_edit("", {**variant_fields(source), **fields})
    return Variant(
        id="", sku=sku, barcode=edit.barcode, title=source.title, price=edit.price, compare_at=edit.compare_at,
        weight_grams=edit.weight_grams, options=source.options,
    )  # fmt: skip


def new_product(source: Product, fields: Mapping[str, Value], variants: Sequence[Variant]) -> Product:
    """Return the product to create on another channel: nothing in it belongs to the channel it came from."""
    return replace(with_fields(source, fields, variants), id="", version=None, extra={})


def _price(value: Value) -> Money | None:
    return _money(value) if isinstance(value, str) else None


def _money(value: str) -> Money:
    amount, _, currency = value.partition(" ")
    return Money.parse(amount, currency)


def _status(value: Value) -> ProductStatus:
    statuses: tuple[ProductStatus, ...] = ("active", "draft", "archived")
    return next((one for one in statuses if one == value), "active")
