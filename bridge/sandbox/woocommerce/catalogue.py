"""Products and variations, and WooCommerce's rules about them: SKUs, stock levels, statuses and change dates. No HTTP."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from bridge.sandbox.woocommerce import errors, values
from bridge.sandbox.woocommerce.meta import Meta
from bridge.sandbox.woocommerce.site import Recency, Site

TRASH = "trash"
_TRAIL = ("_wp_trash_meta_", "_wp_desired_post_slug")


@dataclass(slots=True, kw_only=True)
class Product:
    """A row of wp_posts with its meta: a product (`parent_id` 0) or a variation of one. Times are epoch seconds."""

    id: int
    kind: str = "simple"
    parent_id: int = 0
    name: str = "Product"
    slug: str = ""
    status: str = "publish"
    sku: str = ""
    gtin: str = ""
    regular_price: str = ""
    sale_price: str = ""
    description: str = ""
    short_description: str = ""
    manage_stock: bool = False
    stock: int | None = None
    stock_status: str = "instock"
    backorders: str = "no"
    low_stock_amount: int | None = None
    weight: str = ""
    virtual: bool = False
    downloadable: bool = False
    menu_order: int = 0
    total_sales: int = 0
    created: int = 0
    modified: int = 0
    trashed_from: str = ""
    children: list[int] = field(default_factory=list)
    attributes: list[dict[str, Any]] = field(default_factory=list)
    images: list[dict[str, Any]] = field(default_factory=list)
    meta: list[Meta] = field(default_factory=list)
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def is_variation(self) -> bool:
        """Tell a variation from a product."""
        return self.kind == "variation"


@dataclass(slots=True)
class Catalogue:
    """All products and variations with the indexes a request needs."""

    site: Site
    items: dict[int, Product] = field(default_factory=dict)
    by_sku: dict[str, list[int]] = field(default_factory=dict)
    by_gtin: dict[str, list[int]] = field(default_factory=dict)
    product_changes: Recency = field(default_factory=Recency)
    variation_changes: Recency = field(default_factory=Recency)
    attributes: dict[int, dict[str, Any]] = field(default_factory=dict)
    categories: dict[int, dict[str, Any]] = field(default_factory=dict)
    slugs: dict[str, int] = field(default_factory=dict)
    _listings: dict[bool, list[int]] = field(default_factory=dict)

    def product(self, key: int) -> Product | None:
        """Return a product that is no variation."""
        found = self.items.get(key)
        return None if found is None or found.is_variation else found

    def variation(self, parent: int, key: int) -> Product | None:
        """Return a variation of this parent."""
        found = self.items.get(key)
        return found if found is not None and found.is_variation and found.parent_id == parent else None

    def visible(self, *, variations: bool) -> list[int]:
        """Return the ids outside the trash, ascending (which is by date, too: ids only grow)."""
        found = self._listings.get(variations)
        if found is None:
            rows = self.items.values()
            found = [row.id for row in rows if row.is_variation == variations and row.status != TRASH]
            self._listings[variations] = found
        return found

    def add(self, product: Product, *, announce: bool = True) -> None:
        """Put a new product or variation into the shop; its SKU must have been checked."""
        product.created = product.modified = self.site.clock()
        product.slug = self._free_slug(product.slug or values.slugify(self.title(product)))
        self.items[product.id] = product
        self._index(self.by_sku, product.sku.lower(), product.id)
        self._index(self.by_gtin, product.gtin, product.id)
        self._listings.pop(product.is_variation, None)
        if product.is_variation:
            self.items[product.parent_id].children.append(product.id)
        self._align(product)
        self._stamp(product)
        if announce:
            self._published(product)
            self.site.emit("product.created", product.id)

    def title(self, product: Product) -> str:
        """Return the name; a variation's is made of its parent's and its options."""
        if not product.is_variation:
            return product.name
        options = ", ".join(row["option"] for row in product.attributes)
        return f"{self.items[product.parent_id].name} - {options}"

    def _free_slug(self, slug: str) -> str:
        used = self.slugs[slug] = self.slugs.get(slug, 0) + 1
        return slug if used == 1 else f"{slug}-{used}"

    def save(self, product: Product, *, status: str | None = None) -> None:
        """Save as WC_Product::save does: align the stock status, move the date even if nothing changed."""
        if status is not None and status != product.status:
            product.status = status
            self._listings.pop(product.is_variation, None)
            self._published(product)
        self._align(product)
        self._stamp(product)
        self.site.emit("product.updated", product.id)

    def _published(self, product: Product) -> None:
        # A topic of 11.0.1, sent before the others (recorded, deliveries 001 and 043).
        if product.status == "publish":
            self.site.emit("product.published", product.id)

    def _stamp(self, product: Product) -> None:
        product.modified = self.site.clock()
        if not product.is_variation:
            self.product_changes.touch(product.id, product.modified)
            return
        self.variation_changes.touch(product.id, product.modified)
        parent = self.items[product.parent_id]
        self._sync(parent)
        parent.modified = product.modified
        self.product_changes.touch(parent.id, parent.modified)

    def trash(self, product: Product) -> None:
        """Move to the trash; the SKU stays taken. A parent takes its variations along."""
        for child in product.children:
            self.trash(self.items[child])
        if product.status == TRASH:
            return
        product.trashed_from, slug = product.status, product.slug
        trail = {"_wp_trash_meta_status": product.status, "_wp_trash_meta_time": str(self.site.clock())}
        trail["_wp_desired_post_slug"] = slug
        product.meta.extend(Meta(self.site.next_meta(), key, value) for key, value in trail.items())
        product.slug = slug + "__trashed"
        product.status = TRASH
        self._listings.pop(product.is_variation, None)
        self._stamp(product)
        self.site.emit("product.deleted", product.id)

    def untrash(self, product: Product) -> None:
        """Take out of the trash again, to the status and address it had; variations stay there."""
        product.status, product.slug = product.trashed_from, product.slug.removesuffix("__trashed")
        product.meta = [row for row in product.meta if not row.key.startswith(_TRAIL)]
        self._listings.pop(product.is_variation, None)
        self._stamp(product)
        self.site.emit("product.restored", product.id)

    def delete(self, product: Product) -> None:
        """Delete for ever; nothing is announced (deliveries 044, 045)."""
        for child in list(product.children):
            self.delete(self.items[child])
        del self.items[product.id]
        self._unindex(self.by_sku, product.sku.lower(), product.id)
        self._unindex(self.by_gtin, product.gtin, product.id)
        self.product_changes.forget(product.id)
        self.variation_changes.forget(product.id)
        self._listings.pop(product.is_variation, None)
        if product.is_variation:
            self.items[product.parent_id].children.remove(product.id)

    # SKUs and GTINs ------------------------------------------------------------------------------------------------

    @staticmethod
    def _index(index: dict[str, list[int]], key: str, owner: int) -> None:
        if key:
            index.setdefault(key, []).append(owner)

    @staticmethod
    def _unindex(index: dict[str, list[int]], key: str, owner: int) -> None:
        owners = index.get(key)
        if owners and owner in owners:
            owners.remove(owner)
            if not owners:
                del index[key]

    def find_sku(self, sku: str) -> Product | None:
        """Return the live owner of a SKU, compared without case; the trash is not searched."""
        owners = (self.items[owner] for owner in self.by_sku.get(sku.lower(), ()))
        return next((owner for owner in owners if owner.status != TRASH), None)

    def check_sku(self, sku: str, own_id: int) -> None:
        """Raise the platform's error if another product holds the SKU."""
        owners = [owner for owner in self.by_sku.get(sku.lower(), ()) if owner != own_id] if sku else []
        live = next((owner for owner in owners if self.items[owner].status != TRASH), None)
        if live is not None:
            raise errors.duplicate_sku(live, self._free_sku(sku))
        if owners:
            raise errors.sku_of_trashed(sku)

    def _free_sku(self, sku: str) -> str:
        number = 1
        while f"{sku}-{number}".lower() in self.by_sku:
            number += 1
        return f"{sku}-{number}"

    def check_gtin(self, gtin: str, own_id: int) -> None:
        """Raise the platform's error if another product holds the GTIN."""
        owner = next((owner for owner in self.by_gtin.get(gtin, ()) if owner != own_id), None) if gtin else None
        if owner is not None:
            raise errors.duplicate_gtin(owner)

    def rename(self, product: Product, *, sku: str | None = None, gtin: str | None = None) -> None:
        """Change SKU or GTIN of a stored product in the indexes."""
        if sku is not None and sku != product.sku:
            self._unindex(self.by_sku, product.sku.lower(), product.id)
            self._index(self.by_sku, sku.lower(), product.id)
            product.sku = sku
        if gtin is not None and gtin != product.gtin:
            self._unindex(self.by_gtin, product.gtin, product.id)
            self._index(self.by_gtin, gtin, product.id)
            product.gtin = gtin

    # Stock ---------------------------------------------------------------------------------------------------------

    def manager(self, product: Product) -> Product | None:
        """Return whose number counts for this product: its own, its parent's, or nobody's."""
        if product.manage_stock:
            return product
        parent = self.items.get(product.parent_id) if product.is_variation else None
        return parent if parent is not None and parent.manage_stock else None

    def move(self, product: Product, delta: int) -> tuple[int, int] | None:
        """Move stock relatively and atomically, as the SQL update of wc_update_product_stock does; return (old, new)."""
        manager = self.manager(product)
        if manager is None:
            return None
        old = manager.stock or 0
        manager.stock = old + delta
        self.save(manager)
        return old, manager.stock

    def status_of(self, product: Product) -> str:
        """Return the stock status shown: a variation under its parent's stock shows the parent's."""
        manager = self.manager(product)
        return manager.stock_status if manager is not None else product.stock_status

    def _align(self, product: Product) -> None:
        # WC_Product::validate_props: without managed stock there is no quantity and there are no backorders.
        if not product.manage_stock:
            product.stock, product.backorders, product.low_stock_amount = None, "no", None
            if product.kind == "variable":
                self._sync(product)
        elif (product.stock or 0) > 0:
            product.stock_status = "instock"
        else:
            product.stock_status = "onbackorder" if product.backorders != "no" else "outofstock"

    def _sync(self, parent: Product) -> None:
        if parent.manage_stock:
            return
        states = {self.items[child].stock_status for child in parent.children if self.items[child].status == "publish"}
        order = ("instock", "onbackorder", "outofstock")
        parent.stock_status = next((state for state in order if state in states), parent.stock_status)

    # Prices --------------------------------------------------------------------------------------------------------

    def price(self, product: Product) -> str:
        """Return the price asked now; a variable product's is its lowest."""
        if product.kind == "variable":
            prices = [self.price(row) for row in self.published(product)]
            return min((price for price in prices if price), key=Decimal, default="")
        return product.sale_price or product.regular_price

    def published(self, parent: Product) -> Iterator[Product]:
        """Yield the published variations of a parent."""
        return (self.items[child] for child in parent.children if self.items[child].status == "publish")

    def purchasable(self, product: Product) -> bool:
        """Tell whether a price is set and, for a variation, whether it is published (the API's user may buy drafts)."""
        return bool(self.price(product)) and not (product.is_variation and product.status != "publish")
