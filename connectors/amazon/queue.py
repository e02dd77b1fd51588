"""The queue port: SQS over its JSON protocol, through our own wire, signed by botocore (the extra `amazon`)."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import msgspec

from bridge.contract.errors import NeedsPerson
from bridge.contract.webhooks import Delivery, Queued
from bridge.wire.budget import Budget
from bridge.wire.http import Http, Request, Surroundings
from connectors.amazon.judge import judge_queue
from connectors.amazon.payload import Payload, rows, text
from connectors.amazon.settings import Settings

__all__ = ["Queue", "arn_of", "region_of"]

# One long poll and its deletes; SQS waits 20 s at most, takes and gives ten messages a call.
_WAIT = 20
_MOST = 10
_SERVICE = "AmazonSQS"


def region_of(settings: Settings) -> str:
    """Return the region of the queue: the one that is set, or the one its address names."""
    host = urlsplit(settings.queue_url).hostname or ""
    return settings.aws_region or (
        host.split(".")[1] if host.startswith("sqs.") and host.count(".") > 1 else "us-east-1"
    )


def arn_of(settings: Settings) -> str:
    """Return the ARN of the queue: its address ends in account and name."""
    account, _, name = urlsplit(settings.queue_url).path.strip("/").rpartition("/")
    return f"arn:aws:sqs:{region_of(settings)}:{account.rpartition('/')[2]}:{name}"


class Queue:
    """The merchant's queue. Its policy lets only Amazon write into it, so what is in it is genuine."""

    def __init__(self, settings: Settings, around: Surroundings, *, where: str) -> None:
        self.address = settings.queue_url
        self._settings = settings
        self._where = where
        self._signing = _botocore(where)
        self._found: Any = None
        root = settings.queue_url.rstrip("/").rsplit("/", 2)[0]
        free = Budget(capacity=1, per_second=0, time=around.time, sleep=around.sleep)
        self._now = around.now
        self.http = Http(
            around, where=where, base_url=root, budget=free, concurrency=4, sign=self._sign, judge=judge_queue,
            secrets=(settings.aws_secret_access_key,),
        )  # fmt: skip

    async def receive(self) -> Sequence[Queued]:
        """Take up to ten messages, waiting up to 20 s for the first. One not deleted comes again after the queue's own timeout."""
        body = {"QueueUrl": self.address, "MaxNumberOfMessages": _MOST, "WaitTimeSeconds": _WAIT}
        payload = await self._ask("ReceiveMessage", "read the queue", body)
        return [self._queued(message) for message in rows(payload, "Messages")]

    async def delete(self, receipts: Sequence[str]) -> None:
        """Have the queue forget messages, ten a call."""
        for start in range(0, len(receipts), _MOST):
            some = receipts[start : start + _MOST]
            entries = [{"Id": str(number), "ReceiptHandle": receipt} for number, receipt in enumerate(some)]
            await self._ask("DeleteMessageBatch", "clear the queue", {"QueueUrl": self.address, "Entries": entries})

    async def _ask(self, action: str, op: str, body: object) -> Payload:
        headers = {"x-amz-target": f"{_SERVICE}.{action}", "content-type": "application/x-amz-json-1.0"}
        request = Request(
            method="POST", path="", op=op, body=msgspec.json.encode(body), headers=headers, repeatable=True
        )
        payload = (await self.http.send(request)).json()
        return payload if isinstance(payload, dict) else {}

    def _queued(self, message: Payload) -> Queued:
        delivery = Delivery(body=text(message, "Body").encode(), headers={}, url=self.address)
        return Queued(receipt=text(message, "ReceiptHandle"), delivery=delivery)

    async def _sign(self, request: Request) -> Request:
        """Sign as AWS wants it; where no key is set, AWS's own search finds one (environment, profile, machine role)."""
        headers = self._signing(
            request, f"{self.http.url}/", await self._credentials(), region_of(self._settings), self._now()
        )
        return replace(request, headers=headers)

    async def _credentials(self) -> Any:
        if self._found is None:
            self._found = (
                await asyncio.to_thread(_search) if not self._settings.aws_access_key_id else _given(self._settings)
            )
        if self._found is None:
            raise NeedsPerson(
                "no AWS key is found for the queue", where=self._where,
                next_step="set `aws_access_key_id` and `aws_secret_access_key`",
            )  # fmt: skip
        return self._found.get_frozen_credentials()


def _given(settings: Settings) -> Any:
    from botocore.credentials import Credentials

    return Credentials(settings.aws_access_key_id, settings.aws_secret_access_key)


def _search() -> Any:
    from botocore.session import get_session

    return get_session().get_credentials()


def _botocore(where: str) -> Any:
    """Return the signer; loaded only where a queue is configured."""
    try:
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest
    except ImportError as error:
        raise NeedsPerson(
            "the queue needs a package that is not installed",
            where=where,
            next_step="pip install 'commerce-bridge[amazon]'",
        ) from error

    class Signer(SigV4Auth):  # type: ignore[misc]
        """Botocore's signature, at the time that it is told: its own `add_auth` looks at the machine's clock."""

        def sign(self, request: Any, at: datetime) -> None:
            request.context["timestamp"] = at.strftime("%Y%m%dT%H%M%SZ")
            self._modify_request_before_signing(request)
            text = self.string_to_sign(request, self.canonical_request(request))
            self._inject_signature_to_request(request, self.signature(text, request))

    def sign(request: Request, url: str, credentials: Any, region: str, at: datetime) -> dict[str, str]:
        plain = AWSRequest(method=request.method, url=url, data=request.body, headers=dict(request.headers))
        Signer(credentials, "sqs", region).sign(plain, at)
        return dict(plain.headers.items())

    return sign
