"""Feeds 2021-06-30, of the one type JSON_LISTINGS_FEED: documents, the queue, and what became of every message."""

import gzip
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from bridge.sandbox.amazon.errors import AmazonError, invalid, not_found
from bridge.sandbox.amazon.listing import patched, problems
from bridge.sandbox.amazon.listings import Listings
from bridge.sandbox.amazon.state import State
from bridge.sandbox.amazon.values import Json, stamp

TYPE = "JSON_LISTINGS_FEED"
MOST = 25_000
_STORE = "/__documents/"


@dataclass(slots=True)
class Document:
    """A file in Amazon's store. What is written may be read by whoever has its address."""

    id: str
    content: bytes | None = None
    content_type: str = ""
    packed: bool = False


@dataclass(slots=True)
class Feed:
    """One feed on its way."""

    id: str
    document: str
    created: datetime
    status: str = "IN_QUEUE"
    started: datetime | None = None
    ended: datetime | None = None
    result: str = ""

    def view(self, marketplace: str) -> Json:
        """Return it as the API shows it."""
        shown: Json = {
            "feedId": self.id, "feedType": TYPE, "marketplaceIds": [marketplace], "createdTime": stamp(self.created),
            "processingStatus": self.status,
        }  # fmt: skip
        if self.started:
            shown["processingStartTime"] = stamp(self.started)
        if self.ended:
            shown["processingEndTime"] = stamp(self.ended)
        if self.result:
            shown["resultFeedDocumentId"] = self.result
        return shown


class Feeds:
    """Feeds are processed one after another, some time after they came."""

    def __init__(self, state: State, listings: Listings) -> None:
        self.state = state
        self.listings = listings
        self.documents: dict[str, Document] = {}
        self.feeds: dict[str, Feed] = {}
        self.fate = ""

    def new_document(self, body: Json) -> Json:
        """Answer createFeedDocument."""
        if not body.get("contentType"):
            raise invalid("contentType is missing.")
        made = Document(f"amzn1.tortuga.4.na.{self.state.ids.uuid()}", content_type=str(body["contentType"]))
        self.documents[made.id] = made
        return {"feedDocumentId": made.id, "url": self._address(made)}

    def read_document(self, document_id: str) -> Json:
        """Answer getFeedDocument."""
        found = self.documents.get(document_id)
        if found is None or found.content is None:
            raise not_found(f"Feed document {document_id} does not exist.")
        packing = {"compressionAlgorithm": "GZIP"} if found.packed else {}
        return {"feedDocumentId": found.id, "url": self._address(found), **packing}

    def upload(self, path: str, content_type: str, content: bytes) -> int:
        """Take a file at the address that was handed out; the content type is part of what was signed."""
        found = self.documents.get(path.removeprefix(_STORE))
        if found is None or content_type != found.content_type:
            return 403
        found.content = content
        return 200

    def download(self, path: str) -> bytes | None:
        """Hand a file out."""
        found = self.documents.get(path.removeprefix(_STORE))
        return found.content if found else None

    def create(self, body: Json) -> Json:
        """Answer createFeed."""
        document = self.documents.get(str(body.get("inputFeedDocumentId") or ""))
        if document is None or document.content is None:
            raise invalid("inputFeedDocumentId does not name a document that was uploaded.")
        if body.get("feedType") != TYPE:
            raise invalid(f"Invalid feedType: {body.get('feedType')}.")
        if body.get("marketplaceIds") != [self.state.options.marketplace]:
            raise invalid("Invalid marketplaceIds.")
        feed = Feed(self.state.ids.number(), document.id, self.state.now())
        self.feeds[feed.id] = feed
        half = self.state.options.feed_seconds / 2
        self.state.later(half, lambda at: self._start(feed, at))
        self.state.later(2 * half, lambda at: self._finish(feed, at))
        return {"feedId": feed.id}

    def read(self, feed_id: str) -> Json:
        """Answer getFeed."""
        return self._feed(feed_id).view(self.state.options.marketplace)

    def cancel(self, feed_id: str) -> Json:
        """Answer cancelFeed: only while it waits."""
        feed = self._feed(feed_id)
        if feed.status != "IN_QUEUE":
            raise invalid(f"Feed {feed_id} is {feed.status}.")
        feed.status = "CANCELLED"
        return {}

    def _feed(self, feed_id: str) -> Feed:
        if feed_id not in self.feeds:
            raise AmazonError(404, "NotFound", f"Feed {feed_id} does not exist.")
        return self.feeds[feed_id]

    def _start(self, feed: Feed, at: datetime) -> None:
        if feed.status == "IN_QUEUE":
            feed.status, feed.started = "IN_PROGRESS", at

    def _finish(self, feed: Feed, at: datetime) -> None:
        """Process it; a fate that was decreed beforehand comes true instead (FATAL, CANCELLED)."""
        if feed.status != "IN_PROGRESS":
            return
        feed.ended, feed.status = at, self.fate or "DONE"
        if feed.status == "DONE":
            report = Document(f"{feed.document}.result", packed=True)
            report.content = gzip.compress(msgspec.json.encode(self._process(feed, at)), mtime=0)
            self.documents[report.id], feed.result = report, report.id
        self._tell(feed, at)

    def _process(self, feed: Feed, at: datetime) -> Json:
        header: Json = {"sellerId": self.state.options.seller_id, "version": "2.0", "feedId": feed.id}
        messages, wrong = self._messages(self.documents[feed.document].content or b"")
        if wrong:
            return {"header": header, "issues": [wrong], "summary": _summary(0, 0, 1)}
        issues = [issue for message in messages for issue in self._apply(message, at)]
        bad = {issue["messageId"] for issue in issues}
        return {"header": header, "issues": issues, "summary": _summary(len(messages), len(bad), len(issues))}

    def _messages(self, content: bytes) -> tuple[list[Json], Json | None]:
        try:
            body: Any = msgspec.json.decode(content)
            header, messages = body["header"], body["messages"]
        except (msgspec.DecodeError, KeyError, TypeError):
            return [], {"severity": "ERROR", "code": "4000003", "message": "Unable to parse the feed."}
        if header.get("sellerId") != self.state.options.seller_id or header.get("version") != "2.0":
            return [], {"severity": "ERROR", "code": "4000003", "message": "The feed header is invalid."}
        if not 1 <= len(messages) <= MOST:
            return [], {"severity": "ERROR", "code": "4000003", "message": f"A feed has 1 to {MOST} messages."}
        return messages, None

    def _apply(self, message: Json, at: datetime) -> list[Json]:
        """Carry out one PATCH; one of a SKU that is not there is accepted, and nothing comes of it."""
        number, sku = message["messageId"], str(message["sku"])
        patches = message.get("patches") or []
        listing = self.state.listings.get(sku)
        try:
            wanted = patched(listing.attributes if listing else {"item_name": [{"value": sku}]}, patches)
        except AmazonError:
            return [_issue(number, sku, "BAD_REQUEST", "Invalid parameters provided.")]
        found = [_issue(number, sku, one["code"], one["message"]) for one in problems(wanted)]
        if message.get("operationType") != "PATCH" or not message.get("productType"):
            found = [_issue(number, sku, "BAD_REQUEST", "Invalid parameters provided.")]
        if not found:
            self.listings.apply_patches(sku, patches, at)
        return found

    def _tell(self, feed: Feed, at: datetime) -> None:
        payload = {
            "accountId": self.state.options.seller_id, "sellerId": self.state.options.seller_id, "feedId": feed.id,
            "feedType": TYPE, "processingStatus": feed.status, "resultFeedDocumentId": feed.result,
        }  # fmt: skip
        self.state.tell("FEED_PROCESSING_FINISHED", {"feedProcessingFinishedNotification": payload}, at)

    def _address(self, document: Document) -> str:
        return f"{self.state.host}{_STORE}{document.id}"


def _issue(number: int, sku: str, code: str, message: str) -> Json:
    return {"messageId": number, "sku": sku, "code": code, "severity": "ERROR", "message": message}


def _summary(messages: int, bad: int, errors: int) -> Json:
    return {
        "errors": errors, "warnings": 0, "messagesProcessed": messages, "messagesAccepted": messages - bad,
        "messagesInvalid": bad,
    }  # fmt: skip
