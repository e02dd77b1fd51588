"""Products on their way out: every value checked, then shaped as Shopify's inputs. No network here."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from bridge.contract.errors import Refused
from bridge.contract.ports import ProductEdit, VariantEdit
from bridge.domain.catalog import Product, Variant
from bridge.domain.money import Money
from connectors.shopify.mapping import gid

__all__ = ["Plan", "handle", "new_product", "plan", "same_image"]

_STATUS = {"active": "ACTIVE", "draft": "DRAFT", "archived": "ARCHIVED"}
_ROWS = 250  # array input cap: shopify.dev/docs/api/usage/limits
_LONGEST = 255


@dataclass(slots=True)
class Plan:
    """One product's part of an edit document: its variables by field, ready to be numbered."""

    id: str
    product: dict[str, Any] | None = None
    media: list[dict[str, Any]] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    variants: list[list[dict[str, Any]]] = field(default_factory=list)

    @property
    def shape(self) -> tuple[bool, bool, int]:
        """What `documents.edit_products` builds from."""
        return self.product is not None, bool(self.gone), len(self.variants)

    def variables(self, index: int) -> dict[str, Any]:
        """The variables of this product as the index-th of its document."""
        own = gid("Product", self.id)
        named: dict[str, Any] = {}
        if self.gone:
            named |= {f"gone{index}": self.gone, f"owner{index}": own}
        for chunk, rows in enumerate(self.variants):
            named |= {f"variants{index}_{chunk}": rows, f"of{index}_{chunk}": own}
        if self.product is not None or not self.variants:
            named |= {f"product{index}": {"id": own, **(self.product or {})}, f"media{index}": self.media}
        return named


def plan(edit: ProductEdit, current: Product, currency: str) -> Plan:
    """Check an edit against the product as it is, and shape it; raises Refused naming the bad value."""
    made = Plan(id=current.id)
    own = _own_fields(edit, current)
    if "images" in edit.fields:
        wanted = [_url(url) for url in edit.images]
        new = [url for url in wanted if not any(same_image(url, old) for old in current.images)]
        made.media = [{"mediaContentType": "IMAGE", "originalSource": url} for url in new]
        old = [url for url in current.images if not any(same_image(keep, url) for keep in wanted)]
        made.gone = [gid("MediaImage", current.extra[f"media {url}"]) for url in old]
    if own or made.media:
        made.product = own
    rows = [_variant_row(variant, currency) for variant in edit.variants if variant.fields]
    made.variants = [rows[start : start + _ROWS] for start in range(0, len(rows), _ROWS)]
    return made


def _own_fields(edit: ProductEdit, current: Product) -> dict[str, Any]:
    own: dict[str, Any] = {}
    if "title" in edit.fields:
        own["title"] = _text(edit.title, "title", least=1)
    if "description" in edit.fields:
        own["descriptionHtml"] = edit.description
    # An unlisted product is on sale, by its link only; writing "active" would put it into the shop's lists.
    if "status" in edit.fields and not (edit.status == "active" and current.extra.get("status") == "UNLISTED"):
        own["status"] = _status(edit.status)
    return own


def _variant_row(edit: VariantEdit, currency: str) -> dict[str, Any]:
    row: dict[str, Any] = {"id": gid("ProductVariant", edit.id)}
    item: dict[str, Any] = {}
    if "price" in edit.fields:
        row["price"] = _price(edit.price, currency, edit.id)
    if "compare_at" in edit.fields:
        row["compareAtPrice"] = _price(edit.compare_at, currency, edit.id) if edit.compare_at else None
    if "barcode" in edit.fields:
        row["barcode"] = _text(edit.barcode, "barcode") if edit.barcode else None
    if "sku" in edit.fields:
        item["sku"] = _text(edit.sku or "", "SKU")
    if "weight_grams" in edit.fields:
        item["measurement"] = _weight(edit.weight_grams)
    return {**row, "inventoryItem": item} if item else row


def new_product(product: Product, currency: str) -> dict[str, Any]:
    """Shape a new product as ProductSetInput, tracked and with no stock; raises Refused."""
    if not product.variants:
        raise Refused(f"product {product.title!r} has no variant to create")
    names = product.options or ("Title",)
    if len(names) > 3:
        raise Refused(f"product {product.title!r} has {len(names)} options, Shopify takes 3")
    values = [_values(variant, names, product) for variant in product.variants]
    if len(set(values)) != len(values):
        raise Refused(f"product {product.title!r} has two variants with the same option values")
    options = [
        {"name": name, "position": place + 1, "values": [{"name": text} for text in dict.fromkeys(column)]}
        for place, (name, column) in enumerate(zip(names, zip(*values, strict=True), strict=True))
    ]
    variants = [_new_variant(v, names, chosen, currency) for v, chosen in zip(product.variants, values, strict=True)]
    made = {
        "title": _text(product.title, "title", least=1), "descriptionHtml": product.description,
        "status": _status(product.status), "handle": handle(product), "productOptions": options, "variants": variants,
    }  # fmt: skip
    files = [{"originalSource": _url(url), "contentType": "IMAGE"} for url in product.images]
    return {**made, "files": files} if files else made


def _values(variant: Variant, names: Sequence[str], product: Product) -> tuple[str, ...]:
    if not product.options and not variant.options and len(product.variants) == 1:
        return ("Default Title",)
    chosen = dict(variant.options)
    lacking = [name for name in names if not chosen.get(name)]
    if lacking:
        raise Refused(f"variant {variant.sku or variant.title!r} of {product.title!r} has no value for {lacking[0]}")
    return tuple(chosen[name] for name in names)


def _new_variant(variant: Variant, names: Sequence[str], chosen: Sequence[str], currency: str) -> dict[str, Any]:
    made: dict[str, Any] = {
        "optionValues": [{"optionName": name, "name": text} for name, text in zip(names, chosen, strict=True)],
        "price": _price(variant.price, currency, variant.sku or variant.title),
        "inventoryItem": {"tracked": True, "measurement": _weight(variant.weight_grams)},
    }
    if variant.sku:
        made["sku"] = _text(variant.sku, "SKU")
    if variant.barcode:
        made["barcode"] = _text(variant.barcode, "barcode")
    if variant.compare_at:
        made["compareAtPrice"] = _price(variant.compare_at, currency, variant.sku or variant.title)
    return made


def handle(product: Product) -> str:
    """Return the address part for a product we create: title and first SKU, so that a repeat can look for it."""
    sku = next((variant.sku for variant in product.variants if variant.sku), "")
    plain = unicodedata.normalize("NFKD", f"{product.title} {sku}").encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:200] or "product"


def same_image(one: str, other: str) -> bool:
    """Tell whether two addresses are one picture: Shopify keeps the file's name, with a suffix where it is taken."""
    names = [PurePosixPath(urlsplit(url).path).stem.lower() for url in (one, other)]
    return one == other or names[0] == names[1] or names[1].startswith(f"{names[0]}_")


def _price(amount: Money | None, currency: str, whose: str) -> str:
    if amount is None or amount.minor < 0 or amount.currency != currency:
        raise Refused(f"{whose}: {amount} is no price for a shop that sells in {currency}")
    return amount.decimal


def _weight(weight: int | None) -> dict[str, Any]:
    if (weight or 0) < 0:
        raise Refused(f"a weight of {weight} g")
    return {"weight": {"value": weight or 0, "unit": "GRAMS"}}


def _status(status: str) -> str:
    if status not in _STATUS:
        raise Refused(f"{status!r} is no status of a product")
    return _STATUS[status]


def _text(text: str | None, name: str, *, least: int = 0) -> str:
    if text is None or not least <= len(text) <= _LONGEST:
        raise Refused(f"a {name} has {least} to {_LONGEST} characters, not {len(text or '')}")
    return text


def _url(url: str) -> str:
    if not re.match(r"https?://[^/\s]+/\S+$", url):
        raise Refused(f"{url!r} is not the address of a picture")
    return url
