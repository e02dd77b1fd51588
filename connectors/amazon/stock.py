"""The stock port: merchant-fulfilled numbers, written one by one or as a feed; Amazon's own warehouses are only read."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from itertools import takewhile

import msgspec

from bridge.contract.errors import Refused, TryLater
from bridge.contract.feed import Feed, Page
from bridge.contract.stock import Accepted, Outcome, Prepared, Rejected, StockChange
from bridge.domain.catalog import Level, StockKey
from bridge.wire.api import Answer
from bridge.wire.feeds import ChangedSince
from bridge.wire.paging import by_cursor, slices
from bridge.wire.payload import part, text
from bridge.wire.read_back import accepted
from bridge.wire.stock_rows import NamesNoCauses, check, found, one_by_one, prepared, target
from connectors.amazon.catalog import NUMBERS, Catalog
from connectors.amazon.client import Client
from connectors.amazon.limits import DEFAULT, FEW, LIMITS, MOST, OVERLAP
from connectors.amazon.mapping import FBA, numbers, stored

__all__ = ["Stock"]

# getInventorySummaries takes so many SKUs a call.
_SKUS = 50
_CONTENT = "application/json; charset=UTF-8"


class Stock(NamesNoCauses):
    """A stock id is a SKU, its location DEFAULT; "fba:" before a SKU is the number in Amazon's warehouse."""

    def __init__(self, client: Client, catalog: Catalog) -> None:
        self._client = client
        self._catalog = catalog
        self.changes: Feed[Level] | None = ChangedSince(self.scan, OVERLAP)

    async def read(self, keys: Sequence[StockKey]) -> Sequence[Level]:
        """Read these numbers now; a listing that is no more, or is Amazon's to fulfil by now, is left out."""
        mine = [key for key in keys if not key.stock_id.startswith(FBA)]
        theirs = [key.stock_id.removeprefix(FBA) for key in keys if key.stock_id.startswith(FBA)]
        levels = list((await self.mine(mine)).items)
        if theirs:
            levels += [one async for page in self._stored(skus=theirs) for one in page.items]
        return found(keys, levels)

    async def mine(self, keys: Sequence[StockKey]) -> Page[Level]:
        """Read the merchant's own numbers."""
        return numbers(*await self._catalog.named([key.stock_id for key in keys], NUMBERS))

    async def scan(self, since: str = "") -> AsyncIterator[Page[Level]]:
        """Read every number, or those that moved since: the merchant's from the listings, then Amazon's from its warehouse."""
        async for items, at in self._catalog.walk(NUMBERS, since):
            yield numbers(items, at)
        async for page in self._stored(since=since):
            yield page

    def batches(self, changes: Sequence[StockChange]) -> Sequence[Sequence[StockChange]]:
        """A few rows go one by one, many as one feed; what is sold out stands in front and need not wait for the feed."""
        gone = len(list(takewhile(lambda change: change.shown + change.delta == 0, changes)))
        ahead = gone if gone <= FEW < len(changes) - gone else 0
        return [*([changes[:ahead]] if ahead else []), *slices(changes[ahead:], MOST)]

    def prepare(self, changes: Sequence[StockChange], key: str) -> Prepared:
        """Write down the numbers that are to be there; raises Refused naming the bad row.

        "merge" touches the quantity alone: "replace" would take the handling time away (selling-partner-api-models issue
        4406). The product type PRODUCT serves any listing (selling-partner-api-docs issue 2068).
        """
        check(changes, MOST)
        patches = [(change.key.stock_id, {"productType": "PRODUCT", "patches": _patch(change)}) for change in changes]
        if len(changes) <= FEW:
            return prepared({"patches": [{"sku": sku, "body": patch} for sku, patch in patches]}, changes, key)
        messages = [
            {"messageId": number, "sku": sku, "operationType": "PATCH", **patch}
            for number, (sku, patch) in enumerate(patches, 1)
        ]
        header = {"sellerId": self._client.settings.seller_id, "version": "2.0"}
        return prepared({"header": header, "messages": messages}, changes, key)

    async def send(self, prepared: Prepared) -> Sequence[Outcome]:
        """Send it. Amazon only accepts: what became of it, the ticket tells."""
        body = msgspec.json.decode(prepared.body)
        if "messages" in body:
            return await self._feed(prepared)
        wanted = {one["sku"]: one["body"] for one in body["patches"]}

        async def write(change: StockChange) -> datetime | Rejected:
            sku = change.key.stock_id
            op = f"write the quantity of {sku}"
            return (await self._client.submit("patchListingsItem", op, sku, wanted[sku])).at

        return accepted(prepared.changes, await one_by_one(prepared.changes, write))

    async def _feed(self, prepared: Prepared) -> Sequence[Outcome]:
        """Upload the document, then have it processed: only the second step can have taken effect unseen."""
        client, op = self._client, "write stock"
        try:
            made, _ = await client.call("createFeedDocument", op, body={"contentType": _CONTENT})
            await client.store(text(made, "url"), op, prepared.body.encode(), _CONTENT)
        except TryLater as error:
            error.maybe_applied = False
            raise
        body = {"feedType": "JSON_LISTINGS_FEED", "marketplaceIds": [client.market]}
        body["inputFeedDocumentId"] = text(made, "feedDocumentId")
        feed, response = await client.call("createFeed", op, body=body)
        ticket = text(feed, "feedId")
        return [Accepted(key=change.key, at=response.at, ticket=ticket) for change in prepared.changes]

    async def _stored(self, skus: Sequence[str] = (), since: str = "") -> AsyncIterator[Page[Level]]:
        """Read what lies in Amazon's warehouses: all, some SKUs, or what changed; nothing where the merchant does not ask for it."""
        if not self._client.settings.fba:
            return
        for some in slices(skus, _SKUS) or [()]:
            async for payload, response in self._summaries(",".join(some), since):
                yield stored(payload, response.at, self._client.warehouse)

    def _summaries(self, skus: str, since: str) -> AsyncIterator[Answer]:
        asked = {"details": "true", "granularityType": "Marketplace", "granularityId": self._client.market}
        op = "read the stock in Amazon's warehouses"

        async def fetch(token: str | None) -> tuple[Answer, str | None]:
            params = self._client.here(**asked, sellerSkus=skus, startDateTime=since, nextToken=token or "")
            answer = await self._client.call("getInventorySummaries", op, params=params)
            return answer, text(part(answer[0], "pagination"), "nextToken") or None

        return by_cursor(fetch)


def _patch(change: StockChange) -> list[dict[str, object]]:
    sku, place = change.key.stock_id, change.key.location
    if sku.startswith(FBA) or place not in {DEFAULT, ""}:
        what = f"{sku} lies in Amazon's warehouse ({place or 'Amazon'}): a quantity written to it would take it out of Amazon's hands"
        raise Refused(what, next_step="unlink it, or let its location be one that is only read")
    if not sku.strip():
        raise Refused("a listing needs a SKU")
    row = {"fulfillment_channel_code": DEFAULT, "quantity": target(change, LIMITS)}
    return [{"op": "merge", "path": "/attributes/fulfillment_availability", "value": [row]}]
