"""An independent client of eBay's (bidkit), unchanged, against a real socket.

Others: ebay-rest is pointed at a local address only by patching its generated packages; eBay has no official Python client.
"""

import asyncio
import json
import random
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
import uvicorn

from bridge.sandbox.ebay import build
from bridge.sandbox.ebay.notifications import sign
from bridge.sandbox.kit.faults import CutByServer

bidkit = pytest.importorskip("bidkit", reason="bidkit is not installed: it is part of the extra `dev`")


class Server(uvicorn.Server):
    """Tells when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listens = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listens.set()


@pytest.fixture(scope="module")
def seller() -> Iterator[SimpleNamespace]:
    """One seller on a free port of this machine, and the client."""
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    platform = build(now=lambda: datetime.now(UTC), sleep=asyncio.sleep, rng=random.Random(1), host="https://ebay.test")
    server = Server(uvicorn.Config(CutByServer(platform.app), log_level="error", lifespan="off", ws="none"))
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    assert server.listens.wait(20)
    known = platform.credentials
    config = {
        "app_id": known["client_id"], "cert_id": known["client_secret"], "refresh_token": known["refresh_token"],
        "base_url_override": url, "max_retries": 0,
        "scopes": tuple(f"https://api.ebay.com/oauth/api_scope/{one}" for one in ("sell.inventory", "sell.fulfillment")),
    }  # fmt: skip
    client = bidkit.EbayClient(config)
    yield SimpleNamespace(platform=platform, shop=platform.shop, client=client)
    client.close()
    server.should_exit = True
    thread.join()
    listener.close()


def _good(sku: str) -> dict[str, Any]:
    return {
        "title": f"Title of {sku}",
        "variants": [{"sku": sku, "stock": 10, "price": "12.50", "barcode": "4006381333931"}],
    }


def test_items_and_offers_are_read_by_its_strict_models(seller: SimpleNamespace) -> None:
    seller.shop.seed([_good("TEE"), _good("A/B C")])
    inventory = seller.client.sell.inventory
    items = inventory.get_inventory_items(limit="200", offset="0")
    assert {one.sku for one in items.inventory_items} >= {"TEE", "A/B C"}
    assert inventory.get_inventory_item("A/B C").product.title == "Title of A/B C"
    (offer,) = inventory.get_offers(sku="TEE").offers
    assert (offer.pricing_summary.price.value, offer.listing.listing_status) == ("12.50", "ACTIVE")


def test_numbers_are_written_each_for_itself(seller: SimpleNamespace) -> None:
    seller.shop.seed([_good("NUM")])
    rows = [{"sku": sku, "shipToLocationAvailability": {"quantity": 4}} for sku in ("NUM", "nobody")]
    answer = seller.client.sell.inventory.bulk_update_price_quantity(body={"requests": rows})
    assert [(one.sku, one.status_code) for one in answer.responses] == [("NUM", 200), ("nobody", 404)]
    assert seller.shop.stock()["NUM"] == {"": 4}


def test_an_order_is_read_and_shipped(seller: SimpleNamespace) -> None:
    seller.shop.seed([_good("SHIP")])
    made = seller.shop.sale([{"sku": "SHIP", "quantity": 2}])
    fulfillment = seller.client.sell.fulfillment
    found = fulfillment.get_orders(
        filter=f"lastmodifieddate:[{datetime.now(UTC):%Y}-01-01T00:00:00.000Z..]", limit="10"
    )
    assert made in {one.order_id for one in found.orders}
    order = fulfillment.get_order(made)
    lines = [{"lineItemId": one.line_item_id, "quantity": one.quantity} for one in order.line_items]
    body = {"lineItems": lines, "trackingNumber": "1Z9", "shippingCarrierCode": "UPS"}
    fulfillment.create_shipping_fulfillment(made, body=body)
    assert fulfillment.get_order(made).order_fulfillment_status == "FULFILLED"


def test_a_refusal_has_the_shape_it_expects(seller: SimpleNamespace) -> None:
    from bidkit.errors import EbayAPIError

    with pytest.raises(EbayAPIError) as caught:
        seller.client.sell.inventory.get_inventory_item("nobody")
    assert caught.value.status_code == 404
    assert caught.value.payload["errors"][0]["errorId"] == 25702


def test_its_verifier_believes_what_was_signed_and_nothing_else(seller: SimpleNamespace) -> None:
    from bidkit.notifications import NotificationVerifier

    body = json.dumps({"metadata": {"topic": "ORDER_CONFIRMATION"}}, indent=1).encode()
    verifier = NotificationVerifier(seller.client)
    assert verifier.verify(body, sign(body))
    assert not verifier.verify(body + b" ", sign(body))
