"""Deliveries: what they are about, and how endpoints come to be."""

import base64
import hashlib
import hmac
import json
from dataclasses import replace
from typing import Any

import pytest

from bridge.contract.errors import NeedsPerson
from bridge.contract.ports import Connector
from bridge.contract.webhooks import Delivery, Hint, WebhookPort
from tests.connectors.etsy.conftest import Open
from tests.contract.bench import Bench, good
from tests.contract.mailbox import URL, Mailbox

pytestmark = pytest.mark.anyio

# The body as etsy/open-api discussion 1564 shows it.
BODY: dict[str, Any] = {
    "event_type": "order.paid",
    "resource_url": "https://openapi.etsy.com/v3/application/shops/12345/receipts/54321",
    "shop_id": 42,
}


def _port(connector: Connector) -> WebhookPort:
    assert connector.webhooks is not None
    return connector.webhooks


def _signed(bench: Bench, *secrets: str, body: bytes = b"") -> Delivery:
    body = body or json.dumps(BODY).encode()
    at = str(int(bench.loop.now().timestamp()))
    signed = f"msg_1.{at}.".encode() + body
    digests = [hmac.digest(base64.b64decode(one.removeprefix("whsec_")), signed, hashlib.sha256) for one in secrets]
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": at,
        "webhook-signature": " ".join(f"v1,{base64.b64encode(one).decode()}" for one in digests),
    }
    return Delivery(body=body, headers=headers, url=URL)


async def test_it_names_the_receipt(shop: Bench) -> None:
    letter = _signed(shop, *_port(shop.connector).secrets)
    (hint,) = _port(shop.connector).parse(letter)
    assert (hint.kind, hint.id, hint.topic, hint.at) == ("order", "54321", "order.paid", shop.loop.now())


async def test_another_shop_of_the_same_app_is_nothing_to_us(new_shop: Open) -> None:
    ours, theirs = new_shop(settings={"shop_id": "12345"}), new_shop(settings={"shop_id": "44001"})
    letter = _signed(ours, *_port(ours.connector).secrets)
    assert [one.kind for one in _port(ours.connector).parse(letter)] == ["order"]
    assert [one.kind for one in _port(theirs.connector).parse(letter)] == ["nothing"]


@pytest.mark.parametrize(
    ("change", "hint"),
    [
        ({"event_type": "listing.sold"}, Hint(kind="nothing", topic="listing.sold")),
        ({"resource_url": "https://openapi.etsy.com/v3/application/shops/1/receipts/../5"}, Hint(kind="channel", topic="order.paid")),
        ({"resource_url": 17}, Hint(kind="channel", topic="order.paid")),
        ({"event_type": None}, Hint(kind="channel")),
    ],
)  # fmt: skip
async def test_what_it_does_not_know_is_no_order(shop: Bench, change: dict[str, Any], hint: Hint) -> None:
    body = json.dumps({**BODY, **change}).encode()
    (found,) = _port(shop.connector).parse(_signed(shop, body=body))
    assert replace(found, at=None) == hint


async def test_a_cancellation_and_a_shipment_are_told_and_a_refund_is_found_by_polling(shop: Bench) -> None:
    await shop.seed(good("TEE", stock=10))
    mail = Mailbox(shop)
    await mail.open()
    order = await mail.sale("TEE", 2)
    for act, topic in ((shop.shop.fulfil, "order.shipped"), (shop.shop.cancel, "order.canceled")):
        mail.got.clear()
        act(order)
        await mail.hear()
        assert [(one.id, one.topic) for one in mail.hints] == [(order, topic)]
    await shop.platform.courier.stop()


async def test_a_delivery_that_nobody_took_is_brought_again_with_a_new_time(shop: Bench) -> None:
    await shop.seed(good("TEE", stock=10))
    mail = Mailbox(shop, status=500)
    await mail.open()
    await mail.sale("TEE")
    mail.got.clear()
    mail.status = 200
    await shop.wait(6 * 60)
    (again,) = mail.got
    assert mail.port.verify(again, mail.secrets) == "genuine"
    await shop.platform.courier.stop()


async def test_endpoints_are_made_by_hand_and_it_says_how(shop: Bench) -> None:
    port = _port(shop.connector)
    assert list(await port.subscriptions()) == []
    with pytest.raises(NeedsPerson, match="no webhook endpoints") as caught:
        await port.subscribe(port.topics, URL, "")
    assert "webhook portal" in caught.value.next_step
    assert shop.wire.calls == []


async def test_without_a_secret_there_is_no_port_and_the_check_says_so(new_shop: Open) -> None:
    shop = new_shop(settings={"webhook_secret": ""})
    assert shop.connector.webhooks is None
    assert [note for note in (await shop.connector.account.check()).notes if "webhook_secret" in note]
