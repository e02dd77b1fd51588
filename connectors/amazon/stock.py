"""The stock port: merchant-fulfilled numbers, written one by one or as a feed; Amazon's own warehouses are only read."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from itertools import takewhile
from typing import Any

import msgspec

from bridge.contract.errors import BridgeError, Gone, Refused, TryLater
from bridge.contract.feed import Feed, Page
from bridge.contract.stock import Accepted, Cause, Outcome, Prepared, Rejected, StockChange
from bridge.domain.catalog import Level, StockKey
from bridge.wire.http import Response
from connectors.amazon.client import Client
from connectors.amazon.limits import DEFAULT, FEW, LIMITS, MOST, OVERLAP, Ops
from connectors.amazon.listings import NUMBERS, Listings, item_path
from connectors.amazon.mapping import FBA, level
from connectors.amazon.payload import Payload, rows, sift, stamp, text
from connectors.amazon.tickets import read_ticket
from connectors.amazon.warehouse import Warehouse

__all__ = ["Stock", "StockChanges"]

_DOCUMENTS = "feeds/2021-06-30/documents"
_FEEDS = "feeds/2021-06-30/feeds"
_CONTENT = "application/json; charset=UTF-8"


class Stock:
    """A stock id is a SKU, its location DEFAULT; "fba:" before a SKU is the number in Amazon's warehouse."""

    def __init__(self, client: Client, listings: Listings, warehouse: Warehouse) -> None:
        self._client = client
        self._listings = listings
        self._warehouse = warehouse
        self.changes: Feed[Level] | None = StockChanges(self, listings, warehouse)

    async def read(self, keys: Sequence[StockKey]) -> Sequence[Level]:
        """Read these numbers now; a listing that is no more, or is Amazon's to fulfil by now, is left out."""
        mine = [key.stock_id for key in keys if not key.stock_id.startswith(FBA)]
        theirs = [key.stock_id.removeprefix(FBA) for key in keys if key.stock_id.startswith(FBA)]
        items, response = await self._listings.named(mine, NUMBERS)
        found = {one.key: one for one in (self.page(items, response).items if response else ())}
        if theirs:
            found |= {one.key: one async for page in self._warehouse.pages(skus=theirs) for one in page.items}
        return [found[key] for key in keys if key in found]

    async def scan(self) -> AsyncIterator[Page[Level]]:
        """Read every number: the merchant's from the listings, Amazon's from its warehouse."""
        async for items, response, _ in self._listings.walk(NUMBERS):
            yield self.page(items, response)
        async for page in self._warehouse.pages():
            yield page

    def page(self, items: list[Payload], response: Response) -> Page[Level]:
        """Read the numbers of a page of listings."""
        found, bad = sift(items, lambda item: level(item, response.at), "sku")
        return Page(items=tuple(one for one in found if one), bad=tuple(bad), as_of=response.at)

    def batches(self, changes: Sequence[StockChange]) -> Sequence[Sequence[StockChange]]:
        """A few rows go one by one, many as one feed; what is sold out stands in front and need not wait for the feed."""
        gone = len(list(takewhile(lambda change: change.shown + change.delta == 0, changes)))
        ahead = gone if gone <= FEW < len(changes) - gone else 0
        rest = [changes[start : start + MOST] for start in range(ahead, len(changes), MOST)]
        return [changes[:ahead], *rest] if ahead else rest

    def prepare(self, changes: Sequence[StockChange], key: str) -> Prepared:
        """Write down the numbers that are to be there; raises Refused naming the bad row.

        "merge" touches the quantity alone: "replace" would take the handling time away (selling-partner-api-models issue
        4406). The product type PRODUCT serves any listing (selling-partner-api-docs issue 2068).
        """
        if not 1 <= len(changes) <= MOST:
            raise Refused(f"a stock batch has 1 to {MOST} rows, not {len(changes)}")
        wanted = [(change.key.stock_id, _number(change)) for change in changes]
        body = _patches(wanted) if len(changes) <= FEW else _feed(wanted, self._client.settings.seller_id)
        return Prepared(key=key, body=msgspec.json.encode(body).decode(), changes=tuple(changes))

    async def send(self, prepared: Prepared) -> Sequence[Outcome]:
        """Send it. Amazon only accepts: what became of it, the ticket tells."""
        body = msgspec.json.decode(prepared.body)
        return await (self._feed(prepared) if "messages" in body else self._patch(prepared, body["patches"]))

    async def causes(self, keys: Sequence[StockKey], since: datetime) -> Sequence[Cause]:
        """Amazon says nowhere who moved a number."""
        del keys, since
        return []

    async def _patch(self, prepared: Prepared, patches: list[dict[str, Any]]) -> Sequence[Outcome]:
        calls = (self._patch_one(one["sku"], one["body"]) for one in patches)
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

    async def _patch_one(self, sku: str, body: object) -> tuple[Payload, Response]:
        path = item_path(self._client.settings.seller_id, sku)
        return await self._client.call(
            Ops.PATCH_LISTING, "PATCH", path, f"write the quantity of {sku}", params=self._client.here(), body=body
        )

    async def _feed(self, prepared: Prepared) -> Sequence[Outcome]:
        """Upload the document, then have it processed: only the second step can have taken effect unseen."""
        client, op = self._client, "write stock"
        try:
            made, _ = await client.call(
                Ops.CREATE_DOCUMENT, "POST", _DOCUMENTS, op, body={"contentType": _CONTENT}, repeatable=True
            )
            await client.store(text(made, "url"), op, prepared.body.encode(), _CONTENT)
        except TryLater as error:
            error.maybe_applied = False
            raise
        body = {
            "feedType": "JSON_LISTINGS_FEED", "marketplaceIds": [client.market], "inputFeedDocumentId": text(made, "feedDocumentId"),
        }  # fmt: skip
        feed, response = await client.call(Ops.CREATE_FEED, "POST", _FEEDS, op, body=body)
        ticket = text(feed, "feedId")
        return [Accepted(key=change.key, at=response.at, ticket=ticket) for change in prepared.changes]


class StockChanges:
    """Numbers that moved: listings by the time of their last change, then Amazon's warehouse by its own."""

    def __init__(self, stock: Stock, listings: Listings, warehouse: Warehouse) -> None:
        self._stock = stock
        self._listings = listings
        self._warehouse = warehouse

    def begin(self, at: datetime) -> str:
        """Return the cursor for what changed since this moment."""
        return stamp(at - OVERLAP)

    async def since(self, cursor: str) -> AsyncIterator[Page[Level]]:
        """Read what moved; only the last page of all moves the cursor."""
        pages: list[Page[Level]] = []
        following = ""
        async for items, response, _ in self._listings.walk(NUMBERS, cursor):
            following = following or max(cursor, stamp(response.at - OVERLAP))
            for page in pages:
                yield page
            pages = [self._page(items, response, cursor)]
        async for page in self._warehouse.pages(since=cursor):
            pages.append(page)
        for page in pages[:-1]:
            yield page
        yield Page(items=pages[-1].items, bad=pages[-1].bad, as_of=pages[-1].as_of, cursor=following)

    def _page(self, items: list[Payload], response: Response, cursor: str) -> Page[Level]:
        page = self._stock.page(items, response)
        return Page(items=page.items, bad=page.bad, as_of=page.as_of, cursor=cursor)


def _number(change: StockChange) -> int:
    sku, number = change.key.stock_id, change.shown + change.delta
    if sku.startswith(FBA) or change.key.location not in {DEFAULT, ""}:
        place = change.key.location or "Amazon"
        what = (
            f"{sku} lies in Amazon's warehouse ({place}): a quantity written to it would take it out of Amazon's hands"
        )
        raise Refused(what, next_step="unlink it, or let its location be one that is only read")
    if not sku.strip():
        raise Refused("a listing needs a SKU")
    if not LIMITS.stock_min <= number <= LIMITS.stock_max:
        raise Refused(f"{sku}: Amazon takes 0 to {LIMITS.stock_max:,} units, not {number}")
    return number


def _operation(units: int) -> list[dict[str, object]]:
    row = {"fulfillment_channel_code": DEFAULT, "quantity": units}
    return [{"op": "merge", "path": "/attributes/fulfillment_availability", "value": [row]}]


def _patches(wanted: Sequence[tuple[str, int]]) -> dict[str, object]:
    return {
        "patches": [
            {"sku": sku, "body": {"productType": "PRODUCT", "patches": _operation(units)}} for sku, units in wanted
        ]
    }


def _feed(wanted: Sequence[tuple[str, int]], seller_id: str) -> dict[str, object]:
    messages = [
        {
            "messageId": number,
            "sku": sku,
            "operationType": "PATCH",
            "productType": "PRODUCT",
            "patches": _operation(units),
        }
        for number, (sku, units) in enumerate(wanted, 1)
    ]
    return {"header": {"sellerId": seller_id, "version": "2.0"}, "messages": messages}


_Told = datetime | Rejected | BridgeError


def _told(key: StockKey, answer: tuple[Payload, Response] | BaseException) -> _Told:
    """Read one answer: the time at which the row was accepted, why it was not, or the error of its call."""
    if isinstance(answer, Gone):
        return Rejected(key=key, kind="gone", reason=answer.what, code=answer.code)
    if isinstance(answer, Refused):
        return Rejected(key=key, kind="invalid", reason=answer.what, code=answer.code)
    if isinstance(answer, BridgeError):
        return answer
    if isinstance(answer, BaseException):
        raise answer
    payload, response = answer
    if text(payload, "status") == "ACCEPTED":
        return response.at
    issue = next((one for one in rows(payload, "issues") if text(one, "severity") == "ERROR"), {})
    reason = text(issue, "message") or f"Amazon answers {text(payload, 'status') or 'nothing'}"
    return Rejected(key=key, kind="invalid", reason=reason, code=text(issue, "code"))


def _is_grave(error: BridgeError) -> bool:
    """A call that may have taken effect, or that only a person can mend, is no matter of one row."""
    return error.maybe_applied or not isinstance(error, TryLater)


def _outcome(key: StockKey, told: _Told, ticket: str) -> Outcome:
    if isinstance(told, datetime):
        return Accepted(key=key, at=told, ticket=ticket)
    if isinstance(told, Rejected):
        return told
    return Rejected(key=key, kind="retry", reason=told.what, code=told.code)
