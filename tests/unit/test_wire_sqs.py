"""A merchant's queue: where it is, and what its answers mean."""

import httpx
import pytest

from bridge.contract.errors import BridgeError, NeedsPerson, TryLater
from bridge.wire.http import Request, Response
from bridge.wire.sqs import Queue, Sqs, judge
from tests.unit.make import T0
from tests.unit.wirebench import Server, simulate

ADDRESS = "https://sqs.eu-west-1.amazonaws.com/123456789012/bridge"


@pytest.mark.parametrize(
    ("address", "given", "region"),
    [
        (ADDRESS, "", "eu-west-1"), (ADDRESS, "us-west-2", "us-west-2"), ("http://localhost:9324/1/bridge", "", "us-east-1"),
        ("https://sqs.example/1/bridge", "", "us-east-1"),
    ],
)  # fmt: skip
def test_its_address_names_the_region(address: str, given: str, region: str) -> None:
    assert Sqs(address=address, given_region=given).region == region


def test_its_address_names_account_and_queue() -> None:
    assert Sqs(address=ADDRESS, secret="hush-hush").arn == "arn:aws:sqs:eu-west-1:123456789012:bridge"
    assert "hush" not in repr(Sqs(address=ADDRESS, secret="hush-hush"))


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, b"{}", None),
        (400, b'{"__type": "com.amazonaws.sqs#QueueDoesNotExist", "message": "gone"}', NeedsPerson),
        (403, b'{"__type": "com.amazon.coral#AccessDenied"}', NeedsPerson),
        (400, b'{"__type": "com.amazon.coral#ThrottlingException"}', TryLater),
        (503, b'{"__type": "com.amazon.coral#ServiceUnavailable"}', TryLater),
        (502, b"<html>", TryLater),
    ],
)
def test_an_answer_says_who_acts_next(status: int, body: bytes, kind: type[BridgeError] | None) -> None:
    response = Response(op="read the queue", status=status, headers={}, content=body, at=T0, ms=1)
    error = judge(Request(method="POST", path="", op="read the queue"), response)
    assert error is None if kind is None else type(error) is kind


def test_messages_are_taken_and_deleted_ten_a_call_by_signed_requests() -> None:
    pytest.importorskip("botocore", reason="the extra `amazon` is not installed: nothing signs the calls to SQS")

    async def main(server: Server) -> None:
        sqs = Sqs(address=ADDRESS, key_id="AKIA", secret="secret")
        queue = Queue(sqs, server.around, where="shop", extra="amazon")
        assert (queue.address, queue.arn) == (sqs.address, sqs.arn)
        (message,) = await queue.receive()
        assert (message.receipt, message.delivery.body) == ("r-1", b"hello")
        await queue.delete([f"r-{number}" for number in range(12)])
        targets = [request.headers["x-amz-target"] for _, request in server.sent]
        assert targets == ["AmazonSQS.ReceiveMessage", "AmazonSQS.DeleteMessageBatch", "AmazonSQS.DeleteMessageBatch"]
        assert {str(request.url) for _, request in server.sent} == {"https://sqs.eu-west-1.amazonaws.com/"}
        assert all("Credential=AKIA/" in request.headers["authorization"] for _, request in server.sent)
        await queue.http.aclose()

    simulate(main, httpx.Response(200, json={"Messages": [{"Body": "hello", "ReceiptHandle": "r-1"}]}))
