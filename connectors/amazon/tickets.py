"""What became of numbers that Amazon accepted.

A patch that is ACCEPTED is queued, and one of a SKU that does not exist is accepted too (selling-partner-api-models issues
2797, 4402). To call it applied would free units for other channels that Amazon still sells; so it is a ticket, and the listing
itself, read back, tells. A feed has a report.
"""

import gzip
from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from bridge.contract.errors import Gone, TryLater
from bridge.contract.stock import Applied, Prepared, Rejected
from bridge.wire.payload import Payload, moment, part, text
from bridge.wire.read_back import NumbersReadBack
from connectors.amazon.client import Client
from connectors.amazon.judge import errors_of, said
from connectors.amazon.limits import PATIENCE
from connectors.amazon.stock import Stock

__all__ = ["Tickets"]

Results = Sequence[Applied | Rejected]


class Tickets:
    """The tickets port."""

    def __init__(self, client: Client, stock: Stock) -> None:
        self._client = client
        self._patches = NumbersReadBack(stock.mine, PATIENCE, client.where)

    async def look(self, ticket: str, prepared: Prepared) -> Results | None:
        """Ask for the results of an accepted write; None while Amazon is at work."""
        if self._patches.knows(ticket):
            return await self._patches.look(ticket, prepared)
        return await self._report(ticket, prepared)

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


def _results(prepared: Prepared, report: Payload, at: datetime) -> Results:
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
