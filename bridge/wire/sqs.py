"""A merchant's SQS queue as the queue port: SQS's JSON protocol through our own wire, signed by botocore (an extra)."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import msgspec

from bridge.contract.errors import BridgeError, NeedsPerson, TryLater
from bridge.contract.webhooks import Delivery, Queued
from bridge.wire.http import Http, Request, Response, Surroundings, default_judge, snippet
from bridge.wire.paging import slices
from bridge.wire.payload import Payload, answered, decoded, rows, text

__all__ = ["Queue", "Sqs", "judge"]

# One long poll and its deletes; SQS waits 20 s at most, takes and gives ten messages a call.
_WAIT = 20
_MOST = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Sqs:
    """Where a queue is, and the AWS key that may read it (empty: AWS's own search finds one: environment, profile, machine role)."""

    address: str
    key_id: str = ""
    secret: str = field(default="", repr=False)
    given_region: str = ""

    @property
    def region(self) -> str:
        """The region of the queue: the one that is given, or the one its address names."""
        host = urlsplit(self.address).hostname or ""
        named = host.split(".")[1] if host.startswith("sqs.") and host.count(".") > 1 else "us-east-1"
        return self.given_region or named

    @property
    def arn(self) -> str:
        """The ARN of the queue: its address ends in account and name."""
        account, _, name = urlsplit(self.address).path.strip("/").rpartition("/")
        return f"arn:aws:sqs:{self.region}:{account.rpartition('/')[2]}:{name}"


class Queue:
    """The queue port. The queue's policy lets only the platform write into it, so what is in it is genuine."""

    def __init__(self, sqs: Sqs, around: Surroundings, *, where: str, extra: str) -> None:
        """Raises NeedsPerson where botocore, which `extra` brings, is not installed."""
        self.address, self.arn = sqs.address, sqs.arn
        self._sqs = sqs
        self._signing = _botocore(where, extra)
        self._found: Any = None
        self._now = around.now
        self.http = Http(
            around, where=where, base_url=sqs.address.rstrip("/").rsplit("/", 2)[0], budget=around.budget(), concurrency=4,
            sign=self._sign, judge=judge, secrets=(sqs.secret,),
        )  # fmt: skip

    async def receive(self) -> Sequence[Queued]:
        """Take up to ten messages, waiting up to 20 s for the first. One not deleted comes again after the queue's own timeout."""
        body = {"QueueUrl": self.address, "MaxNumberOfMessages": _MOST, "WaitTimeSeconds": _WAIT}
        payload = await self._ask("ReceiveMessage", "read the queue", body)
        return [self._queued(message) for message in rows(payload, "Messages")]

    async def delete(self, receipts: Sequence[str]) -> None:
        """Have the queue forget messages, ten a call."""
        for some in slices(receipts, _MOST):
            entries = [{"Id": str(number), "ReceiptHandle": receipt} for number, receipt in enumerate(some)]
            await self._ask("DeleteMessageBatch", "clear the queue", {"QueueUrl": self.address, "Entries": entries})

    async def _ask(self, action: str, op: str, body: object) -> Payload:
        headers = {"x-amz-target": f"AmazonSQS.{action}", "content-type": "application/x-amz-json-1.0"}
        request = Request(
            method="POST", path="", op=op, body=msgspec.json.encode(body), headers=headers, repeatable=True
        )
        return answered(await self.http.send(request))

    def _queued(self, message: Payload) -> Queued:
        delivery = Delivery(body=text(message, "Body").encode(), headers={}, url=self.address)
        return Queued(receipt=text(message, "ReceiptHandle"), delivery=delivery)

    async def _sign(self, request: Request) -> Request:
        keys = await self._credentials()
        headers = self._signing(request, f"{self.http.url}/", keys, self._sqs.region, self._now())
        return replace(request, headers=headers)

    async def _credentials(self) -> Any:
        if self._found is None:
            self._found = _given(self._sqs) if self._sqs.key_id else await asyncio.to_thread(_search)
        if self._found is None:
            step = "set `aws_access_key_id` and `aws_secret_access_key`"
            raise NeedsPerson("no AWS key is found for the queue", where=self.http.where, next_step=step)
        return self._found.get_frozen_credentials()


def judge(request: Request, response: Response) -> BridgeError | None:
    """Judge an answer of SQS: {"__type": "...#Code", "message"}."""
    body = decoded(response.content)
    code = str(body.get("__type") or "").rpartition("#")[2]
    if response.status < 300 or not code or response.status >= 429:
        return default_judge(request, response)
    if "Throttl" in code:
        return TryLater(f"{request.op}: {code}", code=code)
    what = f"{request.op}: {code}: {body.get('message') or snippet(response.content)}"
    step = "check `queue_url` and the AWS key: it needs sqs:ReceiveMessage and sqs:DeleteMessage on that queue"
    return NeedsPerson(what, code=code, next_step=step)


def _given(sqs: Sqs) -> Any:
    from botocore.credentials import Credentials

    return Credentials(sqs.key_id, sqs.secret)


def _search() -> Any:
    from botocore.session import get_session

    return get_session().get_credentials()


def _botocore(where: str, extra: str) -> Any:
    """Return the signer; loaded only where a queue is configured."""
    try:
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest
    except ImportError as error:
        what, step = "the queue needs a package that is not installed", f"pip install 'commerce-bridge[{extra}]'"
        raise NeedsPerson(what, where=where, next_step=step) from error

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
