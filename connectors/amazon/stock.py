"""The stock port: merchant-fulfilled numbers, written one by one or as a feed; Amazon's own warehouses are only read."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from functools import partial
from itertools import takewhile

import msgspec

from bridge.contract.errors import Refused, TryLater
from bridge.contract.feed import Feed, Page
from bridge.contract.stock import Accepted, Outcome, Prepared, Rejected, StockChange
from bridge.domain.catalog import Level, StockKey
from bridge.wire.feeds import ChangedSince
from bridge.wire.http import Response
from bridge.wire.paging import slices
from bridge.wire.payload import Payload, sift, text
from bridge.wire.read_back import accepted
from bridge.wire.stock_rows import NamesNoCauses, check, found, one_by_one, prepared, target
from connectors.amazon.client import Client
from connectors.amazon.limits import DEFAULT, FEW, LIMITS, MOST, OVERLAP
from connectors.amazon.listings import NUMBERS, Listings
from connectors.amazon.mapping import FBA, level
from connectors.amazon.payload import errors_of
from connectors.amazon.warehouse import Warehouse

__all__ = ["Stock"]

_CONTENT = "application/json; charset=UTF-8"


class Stock(NamesNoCauses):
    """A stock id is a SKU, its location DEFAULT; "fba:" before a SKU is the number in Amazon's warehouse."""

    def __init__(self, client: Client, listings: Listings, warehouse: Warehouse) -> None:
        self._client = client
        self._listings = listings
        self._warehouse = warehouse
        self.changes: Feed[Level] | None = ChangedSince(self.scan, OVERLAP)

    async def read(self, keys: Sequence[StockKey]) -> Sequence[Level]:
        """Read these numbers now; a listing that is no more, or is Amazon's to fulfil by now, is left out."""
        mine = [key for key in keys if not key.stock_id.startswith(FBA)]
        theirs = [key.stock_id.removeprefix(FBA) for key in keys if key.stock_id.startswith(FBA)]
        levels = list((await self.mine(mine)).items)
        if theirs:
            levels += [one async for page in self._warehouse.pages(skus=theirs) for one in page.items]
        return found(keys, levels)

    async def mine(self, keys: Sequence[StockKey]) -> Page[Level]:
        """Read the merchant's own numbers."""
        items, response = await self._listings.named([key.stock_id for key in keys], NUMBERS)
        return _page(items, response) if response else Page(items=(), as_of=self._client.now())

    async def scan(self, since: str = "") -> AsyncIterator[Page[Level]]:
        """Read every number, or those that moved since: the merchant's from the listings, then Amazon's from its warehouse."""
        async for items, response in self._listings.walk(NUMBERS, since):
            yield _page(items, response)
        async for page in self._warehouse.pages(since=since):
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
            return await self._write(change.key, wanted[change.key.stock_id])

        return accepted(prepared.changes, await one_by_one(prepared.changes, write))

    async def _write(self, key: StockKey, body: object) -> datetime | Rejected:
        op, here = f"write the quantity of {key.stock_id}", self._client.here()
        payload, response = await self._client.call("patchListingsItem", op, params=here, body=body, sku=key.stock_id)
        if text(payload, "status") == "ACCEPTED":
            return response.at
        issue = next(iter(errors_of(payload)), {})
        reason = text(issue, "message") or f"Amazon answers {text(payload, 'status') or 'nothing'}"
        return Rejected(key=key, kind="invalid", reason=reason, code=text(issue, "code"))

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


def _page(items: Sequence[Payload], response: Response) -> Page[Level]:
    found, bad = sift(items, partial(level, at=response.at), "sku")
    return Page(items=tuple(filter(None, found)), bad=tuple(bad), as_of=response.at)


def _patch(change: StockChange) -> list[dict[str, object]]:
    sku, place = change.key.stock_id, change.key.location
    if sku.startswith(FBA) or place not in {DEFAULT, ""}:
        what = f"{sku} lies in Amazon's warehouse ({place or 'Amazon'}): a quantity written to it would take it out of Amazon's hands"
        raise Refused(what, next_step="unlink it, or let its location be one that is only read")
    if not sku.strip():
        raise Refused("a listing needs a SKU")
    row = {"fulfillment_channel_code": DEFAULT, "quantity": target(change, LIMITS)}
    return [{"op": "merge", "path": "/attributes/fulfillment_availability", "value": [row]}]
