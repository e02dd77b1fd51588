"""Items, their groups and their offers: everything, what changed, and products by id."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from hashlib import sha256

import msgspec

from bridge.contract.errors import Gone
from bridge.contract.feed import Bad, Feed, Page
from bridge.domain.catalog import Level, Product
from bridge.wire.feeds import last_moves, understood
from bridge.wire.paging import slices
from bridge.wire.payload import Payload, names, part, rows, sift, stamp, text
from connectors.ebay.client import INVENTORY, Client, escaped
from connectors.ebay.limits import BATCH, PAGE
from connectors.ebay.mapping import GROUP, ITEM, OFFER, Family, group_of, level, products

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
            yield _page(good, bad, self.numbers(items, at))

    async def get(self, product_ids: Sequence[str]) -> Sequence[Product]:
        """Read these products now; ones that are no more are left out. Raises Refused for one that cannot be understood."""
        wanted = [one.removeprefix(ITEM) for one in dict.fromkeys(product_ids) if not one.startswith((GROUP, OFFER))]
        alone = [item for item in await self.by_sku(wanted) if not group_of(item)]
        groups = [one.removeprefix(GROUP) for one in dict.fromkeys(product_ids) if one.startswith(GROUP)]
        good, bad = await self._families(alone, groups)
        understood(good, bad, self._client.where, "look at the listing in Seller Hub")
        return [one for one in good if one.id in set(product_ids)]

    async def items(self) -> AsyncIterator[tuple[list[Payload], datetime]]:
        """Walk all items, 200 a call."""
        params = (("limit", str(PAGE)), ("offset", "0"))
        async for payload, response in self._client.pages(_ITEMS, "read the items", params):
            yield rows(payload, "inventoryItems"), response.at

    def numbers(self, items: Iterable[Payload], at: datetime) -> Page[Level]:
        """Read the numbers that a page of items shows."""
        good, bad = sift(items, partial(level, as_of=at), "sku")
        return Page(items=tuple(good), bad=tuple(bad), as_of=at)

    async def read(self, items: Sequence[Payload], done: set[str]) -> tuple[list[Product], list[Bad]]:
        """Read the products that these items belong to, each once (`done` remembers groups)."""
        groups = [key for key in dict.fromkeys(map(group_of, items)) if key and key not in done]
        done |= set(groups)
        return await self._families([item for item in items if not group_of(item)], groups)

    async def by_sku(self, skus: Sequence[str]) -> list[Payload]:
        """Read items by SKU, 25 a call; those that are no more are left out."""
        found: list[Payload] = []
        for some in slices(skus, BATCH):
            found += (await self.together(some))[0]
        return found

    async def together(self, skus: Sequence[str]) -> tuple[list[Payload], datetime]:
        """Read up to 25 items in one call."""
        body = {"requests": [{"sku": sku} for sku in skus]}
        payload, response = await self._client.post(f"{INVENTORY}/bulk_get_inventory_item", "read items", body)
        answers = [one for one in rows(payload, "responses") if one.get("inventoryItem")]
        return [{"sku": text(one, "sku"), **part(one, "inventoryItem")} for one in answers], response.at

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

    async def _families(self, alone: Iterable[Payload], groups: Iterable[str]) -> tuple[list[Product], list[Bad]]:
        """Read items without a group, and groups by key; those that are no more are left out."""
        found = await asyncio.gather(*map(self._alone, alone), *map(self._grouped, groups))
        good: list[Product] = []
        bad: list[Bad] = []
        for family in filter(None, found):
            try:
                good += products(family)
            except ValueError as error:
                bad.append(Bad(id=family.id, reason=str(error)))
        return good, bad

    async def _alone(self, item: Payload) -> Family:
        sku = text(item, "sku")
        offers = {sku: await self.offers(sku)}
        return Family(id=ITEM + sku, group={}, items=(item,), offers=offers, marketplace=self._client.marketplace)

    async def _grouped(self, key: str) -> Family | None:
        try:
            group = await self.group(key)
        except Gone:
            return None
        skus = names(group, "variantSKUs")
        items = {text(item, "sku"): item for item in await self.by_sku(skus)}
        offers = dict(zip(skus, await asyncio.gather(*map(self.offers, skus)), strict=True))
        members = tuple(items[sku] for sku in skus if sku in items)
        return Family(id=GROUP + key, group=group, items=members, offers=offers, marketplace=self._client.marketplace)


@dataclass(slots=True)
class _Reading:
    """What one walk over all items saw: prints by SKU, products by id."""

    prints: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    shown: dict[str, bytes] = field(default_factory=dict)
    groups: set[str] = field(default_factory=set)
    looked: set[str] = field(default_factory=set)

    def note(self, told: list[Payload], good: list[Product], bad: list[Bad]) -> None:
        """Take in the products of one page; what could not be understood counts as not looked at."""
        self.looked |= {_product_id(item) for item in told} - {one.id for one in bad}
        self.shown |= {one.id: _hash(one) for one in good}

    def gone(self, shown: Iterable[str]) -> list[str]:
        """Return the products that were there and are no more: their items are gone, or their listings have ended."""
        there = {product for product, _ in self.prints.values()}
        ended = self.looked - self.shown.keys()
        return [one for one in shown if one.startswith((ITEM, GROUP)) and (one not in there or one in ended)]


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
        self._last = _Reading()

    def begin(self, at: datetime) -> str:
        """Return the cursor of a reading that never was."""
        return stamp(at)

    async def since(self, cursor: str) -> AsyncIterator[Page[Product]]:
        """Read all items; only the last page, which names the products that are no more, moves the cursor."""
        last, reading = self._last if cursor == self._issued else _Reading(), _Reading()
        self._issued, self._readings = "", self._readings + 1
        async for page in last_moves(
            self._pages(last, reading), cursor, lambda first: self._issue(first, last, reading)
        ):
            yield page

    async def _pages(self, last: _Reading, reading: _Reading) -> AsyncIterator[Page[Product]]:
        due, at = self._due(last.shown), self._client.now()
        async for items, at in self._catalog.items():
            prints = {text(item, "sku"): (_product_id(item), _print(item)) for item in items}
            reading.prints |= prints
            changed = {sku for sku, mark in prints.items() if last.prints.get(sku) != mark or mark[0] in due}
            told = [item for item in items if text(item, "sku") in changed]
            good, bad = await self._catalog.read(told, reading.groups)
            reading.note(told, good, bad)
            news = [one for one in good if last.shown.get(one.id) != reading.shown[one.id]]
            yield _page(news, bad, self._catalog.numbers(items, at))
        dead = [Product(id=one, updated_at=at, deleted=True) for one in reading.gone(last.shown)]
        if dead:
            yield Page(items=tuple(dead), as_of=at)

    def _issue(self, at: datetime, last: _Reading, reading: _Reading) -> str:
        """Remember a reading that is over, and return its cursor."""
        gone = reading.gone(last.shown)
        reading.shown = {one: mark for one, mark in last.shown.items() if one not in gone} | reading.shown
        self._last, self._issued = reading, f"{stamp(at)} {self._readings}"
        return self._issued

    def _due(self, shown: Mapping[str, bytes]) -> set[str]:
        """Return the products whose turn it is."""
        known = sorted(shown)
        share = -(-len(known) // _ROUND)
        start = (self._readings * share) % len(known) if known else 0
        return set((known[start:] + known[:start])[:share])


def _page(good: list[Product], bad: list[Bad], numbers: Page[Level]) -> Page[Product]:
    odd = [Bad(id=ITEM + one.id, reason=one.reason) for one in numbers.bad]
    return Page(items=tuple(good), bad=(*bad, *odd), levels=numbers.items, as_of=numbers.as_of)


def _product_id(item: Payload) -> str:
    return GROUP + group_of(item) if group_of(item) else ITEM + text(item, "sku")


def _print(item: Payload) -> bytes:
    """A number that moves is told as a level: it makes no new product."""
    return _digest({name: value for name, value in item.items() if name != "availability"})


def _hash(product: Product) -> bytes:
    return _digest(msgspec.to_builtins(product))


def _digest(value: object) -> bytes:
    return sha256(msgspec.json.encode(value, order="deterministic")).digest()[:12]
