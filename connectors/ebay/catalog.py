"""Items, their groups and their offers: everything, what changed, and products by id."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import datetime
from functools import partial

from bridge.contract.feed import Bad, Feed, Page
from bridge.domain.catalog import Level, Product
from bridge.wire.api import Params, escaped, if_there
from bridge.wire.differing import Differing, everything
from bridge.wire.feeds import understood
from bridge.wire.paging import by_link, slices
from bridge.wire.payload import Payload, names, part, rows, sift, text, units
from connectors.ebay.client import INVENTORY, Client
from connectors.ebay.limits import BATCH, PAGE
from connectors.ebay.mapping import GROUP, ITEM, OFFER, group_of, level, products

__all__ = ["Catalog"]


class Catalog:
    """The catalog port. Prices and listings are in the offers, and eBay gives offers one SKU a call.

    eBay has no feed of changes, so all items are read, 200 a call, and told where they differ.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self.changes: Feed[Product] = Differing(self)

    def all(self) -> AsyncIterator[Page[Product]]:
        """Read every item, its group once, and its offers."""
        return everything(self)

    async def get(self, product_ids: Sequence[str]) -> Sequence[Product]:
        """Read these products now; ones that are no more are left out. Raises Refused for one that cannot be understood."""
        wanted = [one.removeprefix(ITEM) for one in dict.fromkeys(product_ids) if not one.startswith((GROUP, OFFER))]
        alone = [item for item in await self.by_sku(wanted) if not group_of(item)]
        groups = [one.removeprefix(GROUP) for one in dict.fromkeys(product_ids) if one.startswith(GROUP)]
        good, bad = await self._families(alone, groups)
        understood(good, bad, self._client.where, "look at the listing in Seller Hub")
        return [one for one in good if one.id in set(product_ids)]

    def items(self) -> AsyncIterator[tuple[list[Payload], datetime]]:
        """Walk all items, 200 a call, by the links that eBay gives: it says of `offset` both that it counts pages and records."""

        async def fetch(params: Params) -> tuple[tuple[list[Payload], datetime], int, str, str]:
            payload, response = await self._client.get(f"{INVENTORY}/inventory_item", "read the items", params)
            page = rows(payload, "inventoryItems"), response.at
            return page, units(payload, "total") or 0, text(payload, "next"), text(payload, "prev")

        return by_link(fetch, f"limit={PAGE}&offset=0")

    def owner(self, item: Payload) -> str:
        """Return the id of the product that an item belongs to."""
        return GROUP + group_of(item) if group_of(item) else ITEM + text(item, "sku")

    def look(self, item: Payload) -> Payload:
        """Return what makes the item a changed one: all but its number."""
        return {name: value for name, value in item.items() if name != "availability"}

    def numbers(self, items: Iterable[Payload], at: datetime) -> Page[Level]:
        """Read the numbers that a page of items shows."""
        named = [{**item, "owner": self.owner(item)} for item in items]
        good, bad = sift(named, partial(level, as_of=at), "owner")
        return Page(items=tuple(good), bad=tuple(bad), as_of=at)

    async def read(self, items: Sequence[Payload], done: set[str]) -> tuple[list[Product], list[Bad]]:
        """Read the products that these items belong to, each once (`done` remembers groups)."""
        groups = [key for key in dict.fromkeys(map(group_of, items)) if key and key not in done]
        done |= set(groups)
        return await self._families([item for item in items if not group_of(item)], groups)

    async def by_sku(self, skus: Sequence[str]) -> list[Payload]:
        """Read items by SKU, 25 a call; those that are no more are left out."""
        return [item for some in slices(skus, BATCH) for item in (await self.together(some))[0]]

    async def together(self, skus: Sequence[str]) -> tuple[list[Payload], datetime]:
        """Read up to 25 items in one call."""
        body = {"requests": [{"sku": sku} for sku in skus]}
        payload, response = await self._client.post(f"{INVENTORY}/bulk_get_inventory_item", "read items", body)
        answers = [one for one in rows(payload, "responses") if one.get("inventoryItem")]
        return [{"sku": text(one, "sku"), **part(one, "inventoryItem")} for one in answers], response.at

    async def offers(self, sku: str) -> Payload:
        """Read a SKU's `offers`; none where eBay knows of none."""
        return await if_there(self._client.read(f"{INVENTORY}/offer", "read offers", (("sku", sku),)), {})

    async def group(self, key: str) -> Payload:
        """Read a group; raises Gone."""
        return await self._client.read(f"{INVENTORY}/inventory_item_group/{escaped(key)}", "read a group")

    async def _families(self, alone: Sequence[Payload], groups: Sequence[str]) -> tuple[list[Product], list[Bad]]:
        """Read items without a group, and groups by key; those that are no more are left out."""
        families = await asyncio.gather(*map(self._alone, alone), *map(self._grouped, groups))
        found, bad = sift(families, partial(products, marketplace=self._client.marketplace))
        return [product for some in found for product in some], bad

    async def _alone(self, item: Payload) -> Payload:
        return {"id": self.owner(item), "items": [await self._offered(item)]}

    async def _grouped(self, key: str) -> Payload:
        """Read a group with its items, in its order; one without items where it is no more."""
        group: Payload = await if_there(self.group(key), {})
        items = {text(item, "sku"): item for item in await self.by_sku(names(group, "variantSKUs"))}
        members = [items[sku] for sku in names(group, "variantSKUs") if sku in items]
        return {"id": GROUP + key, "group": group, "items": await asyncio.gather(*map(self._offered, members))}

    async def _offered(self, item: Payload) -> Payload:
        """Add an item's offers, as they came."""
        return {**item, "offers": (await self.offers(text(item, "sku"))).get("offers")}
