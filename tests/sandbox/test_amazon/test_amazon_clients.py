"""Amazon's own Python client, and AWS's for the queue, unchanged, against a real socket."""

import asyncio
import gc
import json
import random
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
import uvicorn

from bridge.sandbox.amazon import build
from bridge.sandbox.kit.faults import CutByServer

MARKET = "ATVPDKIKX0DER"


class Server(uvicorn.Server):
    """Tells when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listens = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listens.set()


@pytest.fixture(scope="module")
def account() -> Iterator[SimpleNamespace]:
    """One account on a free port of this machine."""
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    platform = build(
        now=lambda: datetime.now(UTC), sleep=asyncio.sleep, rng=random.Random(1), host=url, queue=True, lag=0.0
    )
    server = Server(uvicorn.Config(CutByServer(platform.app), log_level="error", lifespan="off", ws="none"))
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    assert server.listens.wait(20)
    platform.shop.seed([{"title": "Tee", "variants": [{"sku": "A/B 1", "price": "9.00", "stock": 10}]}])
    yield SimpleNamespace(shop=platform.shop, url=url, **platform.credentials)
    server.should_exit = True
    thread.join()
    listener.close()


def test_the_official_client_reads_and_patches(account: SimpleNamespace) -> None:
    spapi = pytest.importorskip("spapi", reason="amzn-sp-api is not installed")
    config = spapi.SPAPIConfig(account.client_id, account.client_secret, account.refresh_token, region="NA")
    client = spapi.SPAPIClient(config, oauth_endpoint=f"{account.url}/auth/o2/token", endpoint=account.url).api_client
    from spapi.api.listings_items_v2021_08_01.listings_api import ListingsApi

    items = ListingsApi(client)
    row = {"fulfillment_channel_code": "DEFAULT", "quantity": 7}
    patch = {"op": "merge", "path": "/attributes/fulfillment_availability", "value": [row]}
    body = {"productType": "PRODUCT", "patches": [patch]}
    done = items.patch_listings_item(account.seller_id, "A/B 1", [MARKET], body)
    assert done.status == "ACCEPTED"
    found = items.get_listings_item(account.seller_id, "A/B 1", [MARKET], included_data=["fulfillmentAvailability"])
    assert [one.quantity for one in found.fulfillment_availability] == [7]


# That client leaves its socket open; it is collected here, where its warning is expected.
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
def test_a_client_of_others_searches_listings(account: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    api = pytest.importorskip("sp_api.api", reason="python-amazon-sp-api is not installed")
    from sp_api.auth import AccessTokenClient
    from sp_api.base import Marketplaces

    monkeypatch.setattr(AccessTokenClient, "host", account.url.partition("://")[2])
    monkeypatch.setattr(AccessTokenClient, "scheme", "http://")
    known = {"lwa_app_id": account.client_id, "lwa_client_secret": account.client_secret}
    client = api.ListingsItems(
        credentials={**known, "refresh_token": account.refresh_token}, marketplace=Marketplaces.US
    )
    client.endpoint = account.url
    found = client.search_listings_items(account.seller_id, marketplaceIds=[MARKET], includedData=["summaries"])
    assert [one["sku"] for one in found.payload["items"]] == ["A/B 1"]
    del client, found
    gc.collect()


def test_the_queue_answers_aws_own_client(account: SimpleNamespace) -> None:
    boto3 = pytest.importorskip("boto3", reason="boto3 is not installed")
    sqs = boto3.client(
        "sqs", endpoint_url=f"{account.url}/__sqs", region_name="us-east-1",
        aws_access_key_id=account.aws_access_key_id, aws_secret_access_key=account.aws_secret_access_key,
    )  # fmt: skip
    account.shop.seller.queue.put({"NotificationType": "ORDER_CHANGE"})
    (message,) = sqs.receive_message(QueueUrl=account.queue_url, WaitTimeSeconds=1)["Messages"]
    assert json.loads(message["Body"]) == {"NotificationType": "ORDER_CHANGE"}
    entries = [{"Id": "1", "ReceiptHandle": message["ReceiptHandle"]}]
    assert sqs.delete_message_batch(QueueUrl=account.queue_url, Entries=entries)["Successful"] == [{"Id": "1"}]
    assert account.shop.seller.queue.messages == []
    with pytest.raises(Exception, match="InvalidClientTokenId"):
        boto3.client(
            "sqs", endpoint_url=f"{account.url}/__sqs", region_name="us-east-1", aws_access_key_id="AKIANOBODY",
            aws_secret_access_key="x",
        ).receive_message(QueueUrl=account.queue_url)  # fmt: skip
