"""Signatures of Standard Webhooks: what is signed, by which of several secrets, and how old it may be."""

import base64
import hashlib
import hmac
from dataclasses import replace
from datetime import timedelta

import pytest

from bridge.contract.webhooks import Delivery
from bridge.wire.standard_webhooks import is_genuine, sent_at
from tests.unit.make import T0

OURS = "whsec_" + base64.b64encode(b"a secret of the portal").decode()
OTHER = "whsec_" + base64.b64encode(b"another secret of the portal").decode()


def signed(*secrets: str, age: timedelta = timedelta(0), body: bytes = b"{}") -> Delivery:
    at = str(int((T0 - age).timestamp()))
    content = f"msg_1.{at}.".encode() + body
    digests = [hmac.digest(base64.b64decode(one.removeprefix("whsec_")), content, hashlib.sha256) for one in secrets]
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": at,
        "webhook-signature": " ".join(f"v1,{base64.b64encode(one).decode()}" for one in digests),
    }
    return Delivery(body=body, headers=headers, url="https://bridge.test/hooks/shop")


def changed(delivery: Delivery, **headers: str) -> Delivery:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return replace(delivery, headers={**delivery.headers, **named})


def test_any_of_several_signatures_will_do() -> None:
    assert is_genuine(signed(OTHER, OURS), [OURS], T0)
    assert is_genuine(signed(OURS, OTHER), [OURS], T0)
    assert is_genuine(signed(OURS), [OTHER, OURS], T0)
    assert not is_genuine(signed(OTHER), [OURS], T0)
    assert not is_genuine(signed(), [OURS], T0)


def test_signatures_of_other_kinds_are_passed_over() -> None:
    letter = signed(OURS)
    signature = letter.headers["webhook-signature"]
    assert is_genuine(changed(letter, webhook_signature=f"v1a,AAAA {signature} v2,BBBB"), [OURS], T0)
    assert not is_genuine(changed(letter, webhook_signature=signature.replace("v1,", "v2,")), [OURS], T0)
    assert not is_genuine(changed(letter, webhook_signature="v1,\ud800é"), [OURS], T0)


@pytest.mark.parametrize(("minutes", "genuine"), [(0, True), (4, True), (6, False), (-4, True), (-6, False)])
def test_what_is_old_or_from_the_future_is_not_believed(minutes: int, *, genuine: bool) -> None:
    assert is_genuine(signed(OURS, age=timedelta(minutes=minutes)), [OURS], T0) == genuine


def test_id_time_and_body_are_part_of_what_is_signed() -> None:
    letter = signed(OURS)
    assert not is_genuine(changed(letter, webhook_id="msg_2"), [OURS], T0)
    assert not is_genuine(changed(letter, webhook_id=""), [OURS], T0)
    near = str(int(letter.headers["webhook-timestamp"]) + 1)
    assert not is_genuine(changed(letter, webhook_timestamp=near), [OURS], T0)
    assert not is_genuine(replace(letter, body=b"{} "), [OURS], T0)
    assert not is_genuine(signed(OURS, body=b""), [OURS], T0)


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_not base64!"])
def test_an_empty_or_damaged_secret_opens_no_door(secret: str) -> None:
    assert not is_genuine(signed("", OURS), [secret], T0)


@pytest.mark.parametrize("told", ["", "soon", "1", "٣٣٣٣٣٣٣٣٣٣", "99999999999999999999"])
def test_a_time_that_is_none_is_none(told: str) -> None:
    assert sent_at({"webhook-timestamp": told}) is None
