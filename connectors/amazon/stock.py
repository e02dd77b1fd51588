"""The stock port: merchant-fulfilled numbers, written one by one or as a feed; Amazon's own warehouses are only read."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from functools import partial
from itertools import takewhile
from typing import Any

import msgspec

from bridge.contract.errors import BridgeError, Gone, Refused, TryLater
from bridge.contract.feed import Feed, Page
from bridge.contract.stock import Accepted, Outcome, Prepared, Rejected, StockChange
from bridge.domain.catalog import Level, StockKey
from bridge.wire.api import Answer
from bridge.wire.feeds import last_moves
from bridge.wire.http import Response
from bridge.wire.paging import slices
from bridge.wire.payload import Payload, sift, stamp, text
from bridge.wire.read_back import read_ticket
from bridge.wire.stock_rows import NamesNoCauses, check, found, prepared, rejection, target
from connectors.amazon.client import Client
from connectors.amazon.limits import DEFAULT, FEW, LIMITS, MOST, OVERLAP
from connectors.amazon.listings import NUMBERS, Listings
from connectors.amazon.mapping import FBA, level
from connectors.amazon.payload import issue_of
from connectors.amazon.warehouse import Warehouse

__all__ = ["Stock", "StockChanges"]

_CONTENT = "application/json; charset=UTF-8"


class Stock(NamesNoCauses):
    """A stock id is a SKU, its location DEFAULT; "fba:" before a SKU is the number in Amazon's warehouse."""

    def __init__(self, client: Client, listings: Listings, warehouse: Warehouse) -> None:
        self._client = client
        self._listings = listings
        self._warehouse = warehouse
        self.changes: Feed[Level] | None = StockChanges(self)

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
        """Read every number, or those that moved: the merchant's from the listings, Amazon's from its warehouse."""
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
        return await (self._feed(prepared) if "messages" in body else self._one_by_one(prepared, body["patches"]))

    async def _one_by_one(self, prepared: Prepared, patches: list[dict[str, Any]]) -> Sequence[Outcome]:
        calls = (self._write(one["sku"], one["body"]) for one in patches)
        answers = await asyncio.gather(*calls, return_exceptions=True)
        told = [_told(change.key, answer) for change, answer in zip(prepared.changes, answers, strict=True)]
        errors = [one for one in told if isinstance(one, BridgeError)]
        accepted = [one for one in told if isinstance(one, datetime)]
        if errors and (not accepted or any(_is_grave(error) for error in errors)):
            worst = next(filter(_is_grave, errors), errors[0])
            worst.maybe_applied = worst.maybe_applied or bool(accepted)
            raise worst
        ticket = read_ticket(max(accepted), [isinstance(one, datetime) for one in told]) if accepted else ""
        return [_outcome(change.key, one, ticket) for change, one in zip(prepared.changes, told, strict=True)]

    async def _write(self, sku: str, body: object) -> Answer:
        op = f"write the quantity of {sku}"
        return await self._client.call("patchListingsItem", op, params=self._client.here(), body=body, sku=sku)

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


class StockChanges:
    """Numbers that moved: listings by the time of their last change, then Amazon's warehouse by its own."""

    def __init__(self, stock: Stock) -> None:
        self._stock = stock

    def begin(self, at: datetime) -> str:
        """Return the cursor for what changed since this moment."""
        return stamp(at - OVERLAP)

    async def since(self, cursor: str) -> AsyncIterator[Page[Level]]:
        """Read what moved; only the last page of all moves the cursor."""
        pages = self._stock.scan(cursor)
        async for page in last_moves(pages, cursor, lambda first: max(cursor, self.begin(first))):
            yield page


def _page(items: list[Payload], response: Response) -> Page[Level]:
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


_Told = datetime | Rejected | BridgeError


def _told(key: StockKey, answer: Answer | BaseException) -> _Told:
    """Read one answer: the time at which the row was accepted, why it was not, or the error of its call."""
    if isinstance(answer, Gone | Refused):
        return rejection(key, answer)
    if isinstance(answer, BridgeError):
        return answer
    if isinstance(answer, BaseException):
        raise answer
    payload, response = answer
    if text(payload, "status") == "ACCEPTED":
        return response.at
    issue = issue_of(payload)
    reason = text(issue, "message") or f"Amazon answers {text(payload, 'status') or 'nothing'}"
    return Rejected(key=key, kind="invalid", reason=reason, code=text(issue, "code"))


def _is_grave(error: BridgeError) -> bool:
    """A call that may have taken effect, or that only a person can mend, is no matter of one row."""
    return error.maybe_applied or not isinstance(error, TryLater)


def _outcome(key: StockKey, told: _Told, ticket: str) -> Outcome:
    if isinstance(told, datetime):
        return Accepted(key=key, at=told, ticket=ticket)
    return told if isinstance(told, Rejected) else rejection(key, told)
