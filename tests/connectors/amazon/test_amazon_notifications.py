"""What a notification says to look at, and the queue it comes through. Payloads: schemas/notifications of the model repository."""

import json
from collections.abc import Callable

import pytest

from bridge.contract.webhooks import Delivery
from connectors.amazon.webhooks import hints
from tests.contract.bench import Bench, good

pytestmark = pytest.mark.anyio
MARKET = "ATVPDKIKX0DER"
SIZE = {"SellerId": "A3TH9S8BH6GOGM", "FulfillmentChannelCode": "DEFAULT", "Sku": "NLS-SHOES-03", "Quantity": 99}
ORDER = {"OrderChangeNotification": {"AmazonOrderId": "903-8868176-2219830", "OrderChangeType": "BuyerRequestedChange"}}
STORED = {
    "SKU": "SELLERSKU-1",
    "FulfillmentInventoryByMarketplace": [{"MarketplaceId": MARKET, "FulfillmentInventory": {"Fulfillable": 50}}],
}
FEED = {"feedProcessingFinishedNotification": {"feedId": "127814019248", "processingStatus": "DONE"}}


def told(body: object) -> tuple[str, str, str, int | None]:
    (hint,) = hints(json.dumps(body).encode(), MARKET, "AMAZON_NA")
    return hint.kind, hint.id, hint.location, hint.quantity


@pytest.mark.parametrize(
    ("topic", "payload", "expected"),
    [
        ("ORDER_CHANGE", ORDER, ("order", "903-8868176-2219830", "", None)),
        ("FBA_INVENTORY_AVAILABILITY_CHANGES", STORED, ("stock", "fba:SELLERSKU-1", "AMAZON_NA", 50)),
        ("LISTINGS_ITEM_MFN_QUANTITY_CHANGE", SIZE, ("stock", "NLS-SHOES-03", "DEFAULT", 99)),
        ("LISTINGS_ITEM_STATUS_CHANGE", {"Sku": "A"}, ("product", "A", "", None)),
        ("PRICING_HEALTH", {}, ("nothing", "", "", None)),
        ("ORDER_CHANGE", {"OrderChangeNotification": {"AmazonOrderId": "../x"}}, ("channel", "", "", None)),
    ],
)
def test_a_notification_says_what_to_look_at(
    topic: str, payload: object, expected: tuple[str, str, str, int | None]
) -> None:
    message = {"NotificationType": topic, "EventTime": "2026-01-11T00:09:53.109Z", "Payload": payload}
    assert told(message) == expected
    assert told({"detail-type": topic, "detail": message}) == expected


def test_a_feed_that_ended_is_written_small_and_has_its_ticket_looked_at() -> None:
    topic = "FEED_PROCESSING_FINISHED"
    assert told({"notificationType": topic, "payload": FEED})[:2] == ("ticket", "127814019248")
    assert told({"notificationType": topic, "payload": {}})[:2] == ("nothing", "")


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"NotificationType": 7}', b"\xff"])
def test_what_cannot_be_understood_is_about_the_whole_channel(body: bytes) -> None:
    assert [hint.kind for hint in hints(body, MARKET, "AMAZON_NA")] == ["channel"]


async def test_a_sale_comes_through_the_queue_until_it_is_deleted(shop: Callable[..., Bench]) -> None:
    pytest.importorskip("botocore", reason="the extra `amazon` is not installed: nothing signs the calls to SQS")
    bench = shop(queue=True)
    connector, queue, hooks = bench.connector, bench.connector.queue, bench.connector.webhooks
    assert queue is not None
    assert hooks is not None
    made = await hooks.subscribe(hooks.topics, queue.address, "")
    assert await hooks.subscribe(hooks.topics, queue.address, "") == made
    assert await hooks.subscriptions() == made
    await bench.seed(good("TEE", stock=10))
    order = bench.shop.sale([{"sku": "TEE", "quantity": 1}])
    (message,) = await queue.receive()
    assert [(hint.kind, hint.id) for hint in hooks.parse(message.delivery)] == [("order", order)]
    await bench.wait(30)
    (again,) = await queue.receive()
    assert again.delivery == message.delivery
    await queue.delete([again.receipt])
    before = bench.loop.time()
    assert list(await queue.receive()) == []
    assert bench.loop.time() - before >= 20
    assert hooks.verify(Delivery(body=b"{}", headers={}, url="https://x"), ()) == "forged"
    for one in made:
        await hooks.unsubscribe(one.id)
    assert await hooks.subscriptions() == []
    assert connector.calls() > 0
