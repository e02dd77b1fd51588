"""Items, their groups and their offers: everything, what changed, and products by id."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256

import msgspec

from bridge.contract.errors import Gone, Refused
from bridge.contract.feed import Bad, Feed, Page
from bridge.domain.catalog import Product
from connectors.ebay.client import INVENTORY, Client, escaped
from connectors.ebay.limits import BATCH, PAGE
from connectors.ebay.mapping import GROUP, ITEM, OFFER, Family, group_of, level, products
from connectors.ebay.payload import Payload, part, rows, sift, stamp, text, texts

__all__ = ["Catalog", "CatalogChanges"]

_ITEMS = f"{INVENTORY}/inventory_item"
# Of the products that show no change, one in so many is looked at again at each reading.
_ROUND = 50


class Catalog:
    """The catalog port. Prices and listings are in the offers, and eBay gives offers one SKU a call."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.changes: Feed[Product] = CatalogChanges(client, self)

    async def all(self) -> AsyncIterator[Page[Product]]:
        """Read every item, its group once, and its offers."""
        done: set[str] = set()
        async for items, at in self.items():
            good, bad = await self.read(items, done)
            levels, odd = sift(items, lambda item, at=at: level(item, at), _name)  # type: ignore[misc]
            yield Page(items=tuple(good), bad=(*bad, *odd), levels=tuple(levels), as_of=at)

    async def get(self, product_ids: Sequence[str]) -> Sequence[Product]:
        """Read these products now; ones that are no more are left out. Raises Refused for one that cannot be understood."""
        wanted = [one.removeprefix(ITEM) for one in dict.fromkeys(product_ids) if not one.startswith((GROUP, OFFER))]
        found = [item for item in await self.by_sku(wanted) if not group_of(item)]
        groups = [one.removeprefix(GROUP) for one in dict.fromkeys(product_ids) if one.startswith(GROUP)]
        families = [*(await asyncio.gather(*(self._alone(item) for item in found)))]
        families += [one for one in await asyncio.gather(*map(self._grouped, groups)) if one is not None]
        good, bad = _understood(families)
        if bad:
            step = "look at the listing in Seller Hub"
            raise Refused(f"{bad[0].id}: {bad[0].reason}", where=self._client.where, next_step=step)
        return [one for one in good if one.id in set(product_ids)]

    async def items(self) -> AsyncIterator[tuple[list[Payload], datetime]]:
        """Walk all items, 200 a call."""
        async for payload, response in self._client.pages(
            _ITEMS, "read the items", (("limit", str(PAGE)), ("offset", "0"))
        ):
            yield rows(payload, "inventoryItems"), response.at

    async def read(self, items: Iterable[Payload], done: set[str]) -> tuple[list[Product], list[Bad]]:
        """Read the products that these items belong to, each once (`done` remembers groups)."""
        items = list(items)
        keys = [key for key in dict.fromkeys(map(group_of, items)) if key and key not in done]
        done |= set(keys)
        alone = [self._alone(item) for item in items if not group_of(item)]
        families = await asyncio.gather(*alone, *map(self._grouped, keys))
        return _understood([one for one in families if one is not None])

    async def by_sku(self, skus: Sequence[str]) -> list[Payload]:
        """Read items by SKU, 25 a call; those that are no more are left out."""
        found: list[Payload] = []
        for start in range(0, len(skus), BATCH):
            body = {"requests": [{"sku": sku} for sku in skus[start : start + BATCH]]}
            payload, _ = await self._client.post(f"{INVENTORY}/bulk_get_inventory_item", "read items", body)
            answers = rows(payload, "responses")
            found += [
                {"sku": text(one, "sku"), **part(one, "inventoryItem")} for one in answers if one.get("inventoryItem")
            ]
        return found

    async def offers(self, sku: str) -> list[Payload]:
        """Read a SKU's offers; none where eBay knows of none."""
        try:
            payload, _ = await self._client.get(f"{INVENTORY}/offer", "read offers", (("sku", sku),))
        except Gone:
            return []
        return rows(payload, "offers")

    async def group(self, key: str) -> Payload:
        """Read a group; raises Gone."""
        payload, _ = await self._client.get(f"{INVENTORY}/inventory_item_group/{escaped(key)}", "read a group")
        return payload

    async def _alone(self, item: Payload) -> Family:
        sku = text(item, "sku")
        offers = {sku: await self.offers(sku)}
        return Family(id=ITEM + sku, group={}, items=(item,), offers=offers, marketplace=self._client.marketplace)

    async def _grouped(self, key: str) -> Family | None:
        try:
            group = await self.group(key)
        except Gone:
            return None
        skus = texts(group, "variantSKUs")
        items = {text(item, "sku"): item for item in await self.by_sku(skus)}
        offers = dict(zip(skus, await asyncio.gather(*map(self.offers, skus)), strict=True))
        members = tuple(items[sku] for sku in skus if sku in items)
        return Family(id=GROUP + key, group=group, items=members, offers=offers, marketplace=self._client.marketplace)


@dataclass(slots=True)
class _Reading:
    """What one walk over all items saw."""

    prints: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    shown: dict[str, bytes] = field(default_factory=dict)
    groups: set[str] = field(default_factory=set)
    there: set[str] = field(default_factory=set)
    looked: set[str] = field(default_factory=set)

    def note(
        self, prints: dict[str, tuple[str, bytes]], told: list[Payload], good: list[Product], bad: list[Bad]
    ) -> None:
        """Take in one page; what could not be understood counts as not looked at."""
        self.prints |= prints
        self.there |= {name for name, _ in prints.values()}
        self.looked |= {_product_id(item) for item in told} - {one.id for one in bad}
        self.shown |= {one.id: _hash(one) for one in good}

    def misses(self, product_id: str) -> bool:
        """Tell whether a product that was there is no more: its items are gone, or its listings have ended."""
        if not product_id.startswith((ITEM, GROUP)):
            return False
        return product_id not in self.there or (product_id in self.looked and product_id not in self.shown)


class CatalogChanges:
    """What differs from the reading before. eBay has no feed of changes, so all items are read, 200 a call.

    The cursor names the reading whose pages were all stored: what that one saw is remembered, and only where the cursor is
    not its own (a restart, a reading broken off) everything is told again. An item shows neither price nor listing:
    the offers of changed items are read, and in turn those of a fiftieth of the others.
    """

    def __init__(self, client: Client, catalog: Catalog) -> None:
        self._client = client
        self._catalog = catalog
        self._issued = ""
        self._readings = 0
        self._prints: dict[str, tuple[str, bytes]] = {}
        self._shown: dict[str, bytes] = {}

    def begin(self, at: datetime) -> str:
        """Return the cursor of a reading that never was."""
        return stamp(at)

    async def since(self, cursor: str) -> AsyncIterator[Page[Product]]:
        """Read all items; only the last page moves the cursor."""
        same = cursor == self._issued
        known, shown = (self._prints, self._shown) if same else ({}, {})
        self._issued, self._readings = "", self._readings + 1
        due, reading, page = self._due(shown), _Reading(), None
        async for items, at in self._catalog.items():
            if page is not None:
                yield page
            prints = {text(item, "sku"): (_product_id(item), _print(item)) for item in items}
            told = [
                one
                for one in items
                if known.get(text(one, "sku")) != prints[text(one, "sku")] or _product_id(one) in due
            ]
            good, bad = await self._catalog.read(told, reading.groups)
            reading.note(prints, told, good, bad)
            levels, odd = sift(items, lambda item, at=at: level(item, at), _name)  # type: ignore[misc]
            news = tuple(one for one in good if shown.get(one.id) != reading.shown[one.id])
            page = Page(items=news, bad=(*bad, *odd), levels=tuple(levels), as_of=at, cursor=cursor)
        assert page is not None
        gone = [one for one in shown if reading.misses(one)]
        self._prints, self._shown = reading.prints, {k: v for k, v in shown.items() if k not in gone} | reading.shown
        self._issued = f"{stamp(page.as_of)} {self._readings}"
        dead = (Product(id=one, updated_at=page.as_of, deleted=True) for one in gone)
        yield replace(page, items=(*page.items, *dead), cursor=self._issued)

    def _due(self, shown: dict[str, bytes]) -> set[str]:
        """Return the products whose turn it is."""
        names = sorted(shown)
        share = -(-len(names) // _ROUND)
        start = (self._readings * share) % len(names) if names else 0
        return set((names[start:] + names[:start])[:share])


def _understood(families: Iterable[Family]) -> tuple[list[Product], list[Bad]]:
    good, bad = sift(families, products, lambda family: family.id)
    return [product for found in good for product in found], bad


def _product_id(item: Payload) -> str:
    return GROUP + group_of(item) if group_of(item) else ITEM + text(item, "sku")


def _print(item: Payload) -> bytes:
    """A number that moves is told as a level: it makes no new product."""
    return _digest({name: value for name, value in item.items() if name != "availability"})


def _hash(product: Product) -> bytes:
    return _digest(msgspec.to_builtins(product))


def _digest(value: object) -> bytes:
    return sha256(msgspec.json.encode(value, order="deterministic")).digest()[:12]


def _name(item: Payload) -> str:
    return ITEM + str(item.get("sku"))
