"""One SQS queue, over its JSON protocol: long polls, receipts, a visibility timeout, and every message at least once."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from bridge.sandbox.amazon.signature import REGION, SqsError
from bridge.sandbox.amazon.values import Ids, Json
from bridge.sandbox.kit.platform import Now, Sleep

ACCOUNT = "123456789012"
NAME = "commerce-bridge"
_MOST = 10


@dataclass(slots=True)
class Message:
    """A message, and until when nobody sees it."""

    id: str
    body: str
    hidden_until: datetime
    receipt: str = ""
    received: int = 0


class Queue:
    """A standard queue: no order is promised, and a message not deleted comes again."""

    def __init__(self, now: Now, sleep: Sleep, ids: Ids, visibility: float) -> None:
        self.now = now
        self.sleep = sleep
        self.ids = ids
        self.visibility = visibility
        self.messages: list[Message] = []
        self.arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{NAME}"
        self.path = f"/{ACCOUNT}/{NAME}"
        self.lost: Callable[[], bool] = lambda: False

    def put(self, body: Json) -> None:
        """Take a message in."""
        if not self.lost():
            self.messages.append(Message(self.ids.uuid(), msgspec.json.encode(body).decode(), self.now()))

    async def answer(self, target: str, body: Json) -> Json:
        """Answer one action."""
        if not str(body.get("QueueUrl") or "").endswith(self.path):
            raise SqsError(400, "QueueDoesNotExist", "The specified queue does not exist.")
        action = target.removeprefix("AmazonSQS.")
        if action == "ReceiveMessage":
            return await self._receive(body)
        if action == "DeleteMessageBatch":
            return self._delete(body.get("Entries") or [])
        if action == "DeleteMessage":
            self._delete([{"Id": "1", "ReceiptHandle": body.get("ReceiptHandle")}])
            return {}
        raise SqsError(400, "InvalidAction", f"The action {action} is not valid for this endpoint.")

    async def _receive(self, body: Json) -> Json:
        wait, most = int(body.get("WaitTimeSeconds") or 0), int(body.get("MaxNumberOfMessages") or 1)
        if not 1 <= most <= _MOST or not 0 <= wait <= 20:
            raise SqsError(400, "InvalidParameterValue", "MaxNumberOfMessages or WaitTimeSeconds is out of range.")
        until = self.now() + timedelta(seconds=wait)
        found = self._take(most)
        while not found and self.now() < until:
            await self.sleep(min(0.25, (until - self.now()).total_seconds()))
            found = self._take(most)
        shown = [{"MessageId": one.id, "ReceiptHandle": one.receipt, "Body": one.body} for one in found]
        return {"Messages": shown} if shown else {}

    def _take(self, most: int) -> list[Message]:
        found = [one for one in self.messages if one.hidden_until <= self.now()][:most]
        for one in found:
            one.received += 1
            one.receipt = f"{one.id}#{one.received}"
            one.hidden_until = self.now() + timedelta(seconds=self.visibility)
        return found

    def _delete(self, entries: list[Json]) -> Json:
        if not 1 <= len(entries) <= _MOST:
            raise SqsError(400, "TooManyEntriesInBatchRequest", "A batch has 1 to 10 entries.")
        gone = {str(entry.get("ReceiptHandle")).partition("#")[0] for entry in entries}
        self.messages = [one for one in self.messages if one.id not in gone]
        return {"Successful": [{"Id": entry["Id"]} for entry in entries], "Failed": []}
