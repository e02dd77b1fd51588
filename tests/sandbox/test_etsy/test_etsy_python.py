"""The client `etsy-python`, unchanged, against a real socket: only the addresses it calls are set to this machine."""

import asyncio
import random
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import uvicorn

from bridge.sandbox.etsy import build
from bridge.sandbox.kit.faults import CutByServer

pytest.importorskip("etsy_python", reason="the outside client etsy-python is not installed: pip install -e .[dev]")


class Server(uvicorn.Server):
    """Tells when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listens = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listens.set()


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[SimpleNamespace]:
    """A shop on a free port of this machine, and a client whose access token has just run out."""
    from etsy_python.v3.common.Env import environment
    from etsy_python.v3.resources.Session import EtsyClient

    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    platform = build(now=lambda: datetime.now(UTC), sleep=asyncio.sleep, rng=random.Random(1), host=url)
    server = Server(uvicorn.Config(CutByServer(platform.app), log_level="error", lifespan="off", ws="none"))
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    assert server.listens.wait(20)
    monkeypatch.setattr(environment, "token_url", f"{url}/v3/public/oauth/token")
    monkeypatch.setattr(environment, "request_url", f"{url}/v3/application")
    known, kept = platform.credentials, []
    client: Any = EtsyClient(
        f"{known['keystring']}:{known['shared_secret']}", "88001.over", known["refresh_token"],
        datetime.now(UTC) - timedelta(seconds=1), lambda *told: kept.append(told),
    )  # fmt: skip
    yield SimpleNamespace(platform=platform, shop=platform.shop, client=client, kept=kept)
    client.session.close()
    server.should_exit = True
    thread.join()
    listener.close()


def _seed(shop: SimpleNamespace) -> int:
    sizes = [{"sku": f"TEE-{size}", "price": "9.00", "stock": 4, "options": {"Size": size}} for size in "SML"]
    rows = shop.shop.seed([{"title": "Tee", "variants": sizes}])
    return int(rows[0]["product"])


def test_it_renews_its_token_and_keeps_the_new_one(shop: SimpleNamespace) -> None:
    from etsy_python.v3.resources.User import UserResource

    me = UserResource(shop.client).get_me().message
    assert me == {"user_id": 88001, "shop_id": 44001}
    ((_, refresh, _),) = shop.kept
    assert refresh != shop.platform.credentials["refresh_token"]


def test_it_reads_listings_and_writes_an_inventory(shop: SimpleNamespace) -> None:
    from etsy_python.v3.models.Listing import UpdateListingInventoryRequest
    from etsy_python.v3.resources.Listing import ListingResource
    from etsy_python.v3.resources.ListingInventory import ListingInventoryResource

    listing = _seed(shop)
    found = ListingResource(shop.client).get_listings_inventory_by_listing_ids([listing]).message
    assert found["results"][0]["listing_id"] == listing
    inventory = ListingInventoryResource(shop.client)
    told = inventory.get_listing_inventory(listing).message
    products = [_product(one, 7 if one["sku"] == "TEE-M" else 4) for one in told["products"]]
    on = {f"{name}_on_property": told[f"{name}_on_property"] for name in ("price", "quantity", "sku")}
    put = inventory.update_listing_inventory(listing, UpdateListingInventoryRequest(products, **on)).message
    assert [one["offerings"][0]["quantity"] for one in put["products"]] == [4, 7, 4]
    assert shop.shop.stock()["TEE-M"] == {"": 7}


def _product(one: Any, quantity: int) -> Any:
    from etsy_python.v3.models.Product import Product

    names = ("property_id", "value_ids", "scale_id", "property_name", "values")
    values = [{name: value[name] for name in names} for value in one["property_values"]]
    (known,) = one["offerings"]
    price = known["price"]["amount"] / known["price"]["divisor"]
    offering = {
        "price": price, "quantity": quantity, "is_enabled": known["is_enabled"],
        "readiness_state_id": known["readiness_state_id"],
    }  # fmt: skip
    return Product(one["sku"], values, [offering])


def test_it_reads_receipts_and_ships(shop: SimpleNamespace) -> None:
    from etsy_python.v3.models.Receipt import CreateReceiptShipmentRequest
    from etsy_python.v3.resources.Receipt import ReceiptResource

    _seed(shop)
    made = shop.shop.sale([{"sku": "TEE-M", "quantity": 2}])
    receipts = ReceiptResource(shop.client)
    found = receipts.get_shop_receipts(44001, was_paid=True, limit=10).message
    assert [one["receipt_id"] for one in found["results"]] == [int(made)]
    request = CreateReceiptShipmentRequest(tracking_code="JD1", carrier_name="dhl")
    shipped = receipts.create_receipt_shipment(44001, int(made), request).message
    assert (shipped["is_shipped"], shipped["shipments"][0]["tracking_code"]) == (True, "JD1")


def test_it_understands_a_refusal(shop: SimpleNamespace) -> None:
    from etsy_python.v3.exceptions.RequestException import RequestException
    from etsy_python.v3.resources.Listing import ListingResource

    with pytest.raises(RequestException) as caught:
        ListingResource(shop.client).get_listing(1)
    assert caught.value.code == 404
