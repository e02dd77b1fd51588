"""The catalog port: products with variations, and the stock levels they carry."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import datetime

from bridge.contract.feed import Bad, Feed, Page
from bridge.domain.catalog import Level, Product
from connectors.woocommerce import mapping
from connectors.woocommerce.changes import OVERLAP, Changes, later, stamp
from connectors.woocommerce.listing import Fields, Group, Listing
from connectors.woocommerce.mapping import Unreadable, identifier
from connectors.woocommerce.rest import Rest, Row
from connectors.woocommerce.shop import Facts, Shop

__all__ = ["PRODUCT_FIELDS", "Catalog", "page_of"]

_SHARED = "id,sku,global_unique_id,price,regular_price,weight,attributes,manage_stock,stock_quantity,date_modified_gmt"
PRODUCT_FIELDS = Fields(
    f"{_SHARED},name,description,type,status,images,variations,date_created_gmt", f"{_SHARED},parent_id,status"
)


class ProductChanges:
    """What changed in the catalogue. A trashed product leaves the list without a word: a hint or the audit finds it."""

    def __init__(self, rest: Rest, listing: Listing, shop: Shop) -> None:
        self._listing = listing
        self._shop = shop
        self._changes = Changes(rest, "read changed products", "products", PRODUCT_FIELDS.product)

    def begin(self, at: datetime) -> str:
        """Return the cursor for everything changed since this moment."""
        return stamp(at - OVERLAP)

    async def since(self, cursor: str) -> AsyncIterator[Page[Product]]:
        """Read changed products, then those of which only a variation changed; two calls when nothing did."""
        cursor, _, note = cursor.partition("#")
        silent, newest = await self._silent_parents(cursor)
        end = cursor
        async for step in self._changes.since(cursor):
            self._shop.recall(note, step.at)
            silent -= {identifier(row.get("id")) for row in step.rows}
            end = step.cursor
            group = await self._listing.group(step.rows, step.at, PRODUCT_FIELDS)
            yield self._noted(await page_of(group, self._shop, cursor=end), note)
        async for group in self._listing.these(sorted(silent), PRODUCT_FIELDS):
            yield self._noted(await page_of(group, self._shop, cursor=later(end, newest)), note)

    def _noted(self, page: Page[Product], note: str) -> Page[Product]:
        """The shop's facts travel with the cursor, so that the next process need not ask for them."""
        if page.items:
            self._shop.asked_on(page.as_of)
        known = self._shop.note() or note
        return replace(page, cursor=f"{page.cursor}#{known}") if known else page

    async def _silent_parents(self, cursor: str) -> tuple[set[str], str]:
        parents: set[str] = set()
        newest = cursor
        async for step in self._listing.changed_variations(cursor):
            parents |= {identifier(row.get("parent_id")) for row in step.rows}
            newest = step.cursor
        return parents - {""}, newest


class Catalog:
    """What the shop lists."""

    def __init__(self, rest: Rest, listing: Listing, shop: Shop) -> None:
        self.changes: Feed[Product] = ProductChanges(rest, listing, shop)
        self._listing = listing
        self._shop = shop

    async def all(self) -> AsyncIterator[Page[Product]]:
        """Read the whole catalogue, drafts included, fetched ahead."""
        async for group in self._listing.full(PRODUCT_FIELDS):
            yield await page_of(group, self._shop)

    async def get(self, product_ids: Sequence[str]) -> Sequence[Product]:
        """Read these products now; one that is no more is left out."""
        found: dict[str, Product] = {}
        async for group in self._listing.these(product_ids, PRODUCT_FIELDS):
            page = await page_of(group, self._shop)
            found |= {one.id: one for one in page.items}
        return [found[one] for one in dict.fromkeys(product_ids) if one in found]


async def page_of(group: Group, shop: Shop, cursor: str = "") -> Page[Product]:
    """Read a page; a product that cannot be understood is set aside with the reason, its numbers are kept if they can be."""
    if not group.rows:
        return Page(items=(), as_of=group.at, cursor=cursor, total=group.total)
    facts = await shop.facts()
    items: list[Product] = []
    levels: list[Level] = []
    bad: list[Bad] = []
    for row in group.rows:
        variations = group.variations.get(identifier(row.get("id")), [])
        try:
            levels.extend(mapping.levels(row, variations, group.at))
            items.append(_product(row, variations, facts))
        except Unreadable as error:
            bad.append(Bad(id=identifier(row.get("id")), reason=str(error)))
    return Page(
        items=tuple(items), as_of=group.at, cursor=cursor, bad=tuple(bad), levels=tuple(levels), total=group.total
    )


def _product(row: Row, variations: Sequence[Row], facts: Facts) -> Product:
    return mapping.product(row, variations, currency=facts.currency, weight_unit=facts.weight_unit)
