"""What became of numbers that Amazon accepted.

A patch that is ACCEPTED is queued, and one of a SKU that does not exist is accepted too (selling-partner-api-models issues
2797, 4402). To call it applied would free units for other channels that Amazon still sells; so it is a ticket, and the listing
itself, read back, tells. A feed has a report.
"""

import gzip
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from bridge.contract.errors import Gone, TryLater
from bridge.contract.stock import Applied, Prepared, Rejected, StockChange
from bridge.domain.catalog import Level, StockKey
from bridge.wire.payload import Payload, part, rows, sift, text
from connectors.amazon.client import Client
from connectors.amazon.limits import PATIENCE, USUAL
from connectors.amazon.listings import NUMBERS, Listings
from connectors.amazon.mapping import level
from connectors.amazon.payload import moment

__all__ = ["Tickets", "read_ticket"]

_READ = "read"
Results = Sequence[Applied | Rejected]


def read_ticket(at: datetime, accepted: Sequence[bool]) -> str:
    """Make the ticket of patches: when they were accepted, and which of the rows were."""
    return f"{_READ} {at.isoformat()} {''.join('y' if one else 'n' for one in accepted)}"


class Tickets:
    """The tickets port."""

    def __init__(self, client: Client, listings: Listings) -> None:
        self._client = client
        self._listings = listings

    async def look(self, ticket: str, prepared: Prepared) -> Results | None:
        """Ask for the results of an accepted write; None while Amazon is at work."""
        kind, _, rest = ticket.partition(" ")
        return await (self._read_back(rest, prepared) if kind == _READ else self._report(ticket, prepared))

    async def _read_back(self, rest: str, prepared: Prepared) -> Results | None:
        since, accepted = self._parts(rest, prepared)
        skus = [change.key.stock_id for change, one in zip(prepared.changes, accepted, strict=True) if one == "y"]
        items, response = await self._listings.named(skus, NUMBERS)
        assert response is not None
        numbers, _ = sift(items, lambda item: level(item, response.at), "sku")
        found = {one.key.stock_id: one for one in numbers if one}
        age = response.at - since
        results = [
            _seen(change, found.get(change.key.stock_id), age) if one == "y" else _refused(change.key)
            for change, one in zip(prepared.changes, accepted, strict=True)
        ]
        known = [one for one in results if one is not None]
        if len(known) == len(results):
            return known
        if age > PATIENCE:
            raise Gone(f"Amazon accepted a quantity {PATIENCE} ago and does not show it", where=self._client.where)
        return None

    def _parts(self, rest: str, prepared: Prepared) -> tuple[datetime, str]:
        at, _, accepted = rest.partition(" ")
        try:
            since = datetime.fromisoformat(at)
        except ValueError:
            accepted = ""
        if len(accepted) != len(prepared.changes):
            raise Gone("the ticket is none of ours", where=self._client.where)
        return since, accepted

    async def _report(self, feed_id: str, prepared: Prepared) -> Results | None:
        feed, response = await self._client.call("getFeed", f"look at feed {feed_id}", feed=feed_id)
        status = text(feed, "processingStatus")
        if status in {"IN_QUEUE", "IN_PROGRESS"}:
            return None
        if status == "CANCELLED":
            why = f"feed {feed_id} was cancelled before it began"
            return [Rejected(key=change.key, kind="retry", reason=why) for change in prepared.changes]
        document = text(feed, "resultFeedDocumentId")
        if not document:
            # FATAL: "some, none, or all of the operations may have completed" (model): only the numbers know.
            raise Gone(f"feed {feed_id} ended as {status} without a report", where=self._client.where, code=status)
        report = await self._document(document)
        ended = moment(feed, "processingEndTime") if feed.get("processingEndTime") else response.at
        return _results(prepared, report, ended)

    async def _document(self, document_id: str) -> Payload:
        op = "read a feed's report"
        found, _ = await self._client.call("getFeedDocument", op, document=document_id)
        content = await self._client.store(text(found, "url"), op, None)
        try:
            plain = gzip.decompress(content) if text(found, "compressionAlgorithm") == "GZIP" else content
            report = msgspec.json.decode(plain)
        except (OSError, EOFError, msgspec.DecodeError) as error:
            raise TryLater(f"{op}: it cannot be read ({error})", where=self._client.where) from error
        return report if isinstance(report, Mapping) else {}


def _seen(change: StockChange, there: Level | None, age: timedelta) -> Applied | Rejected | None:
    """Judge a row by the number that is there; None while the old one stands.

    A number between the two is ours, already sold from. One below what was sent may be that as well, or the old one sold from
    while ours is still under way: that has to show within a while, and then the number itself is not told.
    """
    if there is None or there.quantity is None:
        why = "the listing is no more, or Amazon fulfils it now"
        return Rejected(key=change.key, kind="gone", reason=why)
    sent, now = change.shown + change.delta, there.quantity
    if sent > change.shown:
        return Applied(key=change.key, at=there.as_of, quantity=now) if now > change.shown else None
    if now == sent:
        return Applied(key=change.key, at=there.as_of, quantity=now)
    return Applied(key=change.key, at=there.as_of) if now < sent and age > USUAL else None


def _refused(key: StockKey) -> Rejected:
    return Rejected(key=key, kind="invalid", reason="Amazon did not accept the row")


def _results(prepared: Prepared, report: Payload, at: datetime) -> Results:
    """Read a report: an error names its message by number, one that names none is about the whole feed."""
    errors = [issue for issue in rows(report, "issues") if text(issue, "severity") == "ERROR"]
    by_row = {text(issue, "messageId"): issue for issue in reversed(errors)}
    whole = by_row.get("") if not part(report, "summary").get("messagesAccepted") else None
    return [
        _result(change.key, by_row.get(str(number), whole), at) for number, change in enumerate(prepared.changes, 1)
    ]


def _result(key: StockKey, issue: Payload | None, at: datetime) -> Applied | Rejected:
    if issue is None:
        return Applied(key=key, at=at)
    return Rejected(key=key, kind="invalid", reason=text(issue, "message"), code=text(issue, "code"))
