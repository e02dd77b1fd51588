"""Numbers: the merchant's own, written one by one or as a feed, and what became of them; Amazon's warehouses are only read.

A patch that is ACCEPTED is queued, and one of a SKU that does not exist is accepted too (selling-partner-api-models issues
2797, 4402). To call it applied would free units for other channels that Amazon still sells; so it is a ticket, and the listing
itself, read back, tells. A feed has a report.
"""

import gzip
import zlib
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from itertools import takewhile
from typing import Any

import msgspec

from bridge.contract.errors import Gone, Refused, TryLater
from bridge.contract.feed import Feed, Page
from bridge.contract.stock import Accepted, Applied, Outcome, Prepared, Rejected, StockChange
from bridge.domain.catalog import Level, StockKey
from bridge.wire.api import Answer
from bridge.wire.feeds import ChangedSince
from bridge.wire.paging import by_cursor, joined, slices
from bridge.wire.payload import Payload, maybe_instant, part, text
from bridge.wire.read_back import NumbersReadBack, accepted
from bridge.wire.stock_rows import NamesNoCauses, check, found, one_by_one, prepared, target
from connectors.amazon.catalog import NUMBERS, Catalog
from connectors.amazon.client import Client
from connectors.amazon.judge import errors_of, said
from connectors.amazon.limits import DEFAULT, FEW, LIMITS, MOST, OVERLAP, PATIENCE
from connectors.amazon.mapping import FBA, numbers, stored

__all__ = ["Stock", "Tickets"]

# getInventorySummaries takes so many SKUs a call.
_SKUS = 50
_CONTENT = "application/json; charset=UTF-8"


class Stock(NamesNoCauses):
    """The stock port. A stock id is a SKU, its location DEFAULT; "fba:" before a SKU is the number in Amazon's warehouse."""

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
        return [*slices(changes[:ahead], FEW), *slices(changes[ahead:], MOST)]

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
            return (await self._client.submit("patchListingsItem", f"write the quantity of {sku}", sku, wanted[sku])).at

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
        asked = {"details": "true", "granularityType": "Marketplace", "granularityId": self._client.market}
        together, alone = joined(skus, _SKUS)
        calls = [*({"sellerSkus": some} for some in together), *({"sellerSku": sku} for sku in alone)]
        for named in calls or [{"startDateTime": since}]:
            async for payload, response in by_cursor(partial(self._summaries, {**asked, **named})):
                yield stored(payload, response.at, self._client.warehouse)

    async def _summaries(self, asked: Mapping[str, str], token: str | None) -> tuple[Answer, str | None]:
        op, params = "read the stock in Amazon's warehouses", self._client.here(**asked, nextToken=token or "")
        answer = await self._client.call("getInventorySummaries", op, params=params)
        return answer, text(part(answer[0], "pagination"), "nextToken") or None


class Tickets:
    """The tickets port."""

    def __init__(self, client: Client, stock: Stock) -> None:
        self._client = client
        self._patches = NumbersReadBack(stock.mine, PATIENCE, client.where)

    async def look(self, ticket: str, prepared: Prepared) -> Sequence[Applied | Rejected] | None:
        """Ask for the results of an accepted write; None while Amazon is at work."""
        if self._patches.knows(ticket):
            return await self._patches.look(ticket, prepared)
        return await self._report(ticket, prepared)

    async def _report(self, feed_id: str, prepared: Prepared) -> Sequence[Applied | Rejected] | None:
        feed, response = await self._client.call("getFeed", f"look at feed {feed_id}", feed=feed_id)
        status = text(feed, "processingStatus")
        if status in {"IN_QUEUE", "IN_PROGRESS"}:
            return None
        if status == "CANCELLED":
            why = f"feed {feed_id} was cancelled before it began"
            return [Rejected(key=change.key, kind="retry", reason=why) for change in prepared.changes]
        if document := text(feed, "resultFeedDocumentId"):
            ended = maybe_instant(feed.get("processingEndTime")) or response.at
            return _results(prepared, await self._document(document), ended)
        # FATAL: "some, none, or all of the operations may have completed" (model): only the numbers know.
        raise Gone(f"feed {feed_id} ended as {status} without a report", where=self._client.where, code=status)

    async def _document(self, document_id: str) -> Payload:
        op = "read a feed's report"
        found, _ = await self._client.call("getFeedDocument", op, document=document_id)
        content = await self._client.store(text(found, "url"), op)
        try:
            plain = gzip.decompress(content) if text(found, "compressionAlgorithm") == "GZIP" else content
            return msgspec.json.decode(plain, type=dict[str, Any])
        except (OSError, EOFError, zlib.error, ValueError) as error:
            raise TryLater(f"{op}: it cannot be read ({error})", where=self._client.where) from error


def _patch(change: StockChange) -> list[dict[str, object]]:
    sku, place = change.key.stock_id, change.key.location
    if sku.startswith(FBA) or place not in {DEFAULT, ""}:
        what = f"{sku} lies in Amazon's warehouse ({place or 'Amazon'}): a quantity written to it would take it out of Amazon's hands"
        raise Refused(what, next_step="unlink it, or let its location be one that is only read")
    if not sku.strip():
        raise Refused("a listing needs a SKU")
    row = {"fulfillment_channel_code": DEFAULT, "quantity": target(change, LIMITS)}
    return [{"op": "merge", "path": "/attributes/fulfillment_availability", "value": [row]}]


def _results(prepared: Prepared, report: Payload, at: datetime) -> Sequence[Applied | Rejected]:
    """Read a report: an error names its message by number, one that names none is about the whole feed."""
    by_row = {text(issue, "messageId"): issue for issue in reversed(errors_of(report))}
    whole = by_row.get("", {}) if not part(report, "summary").get("messagesAccepted") else {}
    issues = [by_row.get(str(number), whole) for number, _ in enumerate(prepared.changes, 1)]
    return [
        Rejected(key=change.key, kind="invalid", reason=said(issue), code=text(issue, "code"))
        if issue
        else Applied(key=change.key, at=at)
        for change, issue in zip(prepared.changes, issues, strict=True)
    ]
