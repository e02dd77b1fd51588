"""Square's own Python client, unchanged, against a real socket."""

import asyncio
import random
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import uvicorn
from square import AsyncSquare, Square
from square.core.api_error import ApiError

from bridge.contract.loyalty import PointsEvent, PointsPort, PointsResult, PointsWrite
from bridge.sandbox.kit.faults import CutByServer
from bridge.sandbox.square import build
from bridge.wire.http import Surroundings
from connectors.square import Settings, connect


class Server(uvicorn.Server):
    """Tells when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listens = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listens.set()


@pytest.fixture(scope="module")
def open_till() -> Iterator[SimpleNamespace]:
    """One account on a free port of this machine."""
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    platform = build(now=lambda: datetime.now(UTC), sleep=asyncio.sleep, rng=random.Random(1), host=url)
    server = Server(uvicorn.Config(CutByServer(platform.app), log_level="error", lifespan="off", ws="none"))
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    assert server.listens.wait(20)
    yield SimpleNamespace(platform=platform, shop=platform.shop, url=url, token=platform.credentials["access_token"])
    server.should_exit = True
    thread.join()
    listener.close()


@pytest.fixture
def till(open_till: SimpleNamespace) -> Iterator[SimpleNamespace]:
    """The account with a client that does not retry."""
    client = Square(token=open_till.token, base_url=open_till.url)
    open_till.client = client
    open_till.place = client.locations.get(location_id="main").location.id
    yield open_till
    open_till.platform.faults.clear()
    client._client_wrapper.httpx_client.httpx_client.close()


def add(till: SimpleNamespace, sku: str, stock: int = 5) -> str:
    """Put an item up for sale; return its variation."""
    [row] = till.shop.seed([{"title": f"Item {sku}", "variants": [{"sku": sku, "price": "4.50", "stock": stock}]}])
    return str(row["variant"])


def test_locations_and_merchant(till: SimpleNamespace) -> None:
    names = [place.name for place in till.client.locations.list().locations]
    assert names == ["Harbour", "Main Street"]
    assert till.client.merchants.get(merchant_id="me").merchant.main_location_id == till.place


def test_catalog_upsert_list_search_and_retrieve(till: SimpleNamespace) -> None:
    variation = {"name": "Regular", "sku": "SDK-1", "price_money": {"amount": 450, "currency": "USD"}}
    nested = {"type": "ITEM_VARIATION", "id": "#v", "item_variation_data": variation}
    objects = [{"type": "ITEM", "id": "#i", "item_data": {"name": "Coffee", "variations": [nested]}}]
    made = till.client.catalog.batch_upsert(idempotency_key="sdk-1", batches=[{"objects": objects}])
    ids = {one.client_object_id: one.object_id for one in made.id_mappings}
    assert "Coffee" in [one.item_data.name for one in till.client.catalog.list(types="ITEM")]
    query = {"exact_query": {"attribute_name": "sku", "attribute_value": "SDK-1"}}
    found = till.client.catalog.search(object_types=["ITEM_VARIATION"], query=query)
    assert [one.id for one in found.objects] == [ids["#v"]]
    one = till.client.catalog.object.get(object_id=ids["#i"]).object
    assert one.item_data.variations[0].item_variation_data.price_money.amount == 450


def test_inventory_changes_counts_and_log(till: SimpleNamespace) -> None:
    variation = add(till, "SDK-STOCK")
    adjustment = {
        "catalog_object_id": variation,
        "from_state": "IN_STOCK",
        "to_state": "SOLD",
        "from_location_id": till.place,
        "to_location_id": till.place,
        "quantity": "2",
        "occurred_at": datetime.now(UTC).isoformat(),
    }
    changes = [{"type": "ADJUSTMENT", "adjustment": adjustment}]
    answer = till.client.inventory.batch_create_changes(idempotency_key="sdk-2", changes=changes)
    assert [count.quantity for count in answer.counts] == ["3"]
    counts = list(till.client.inventory.batch_get_counts(catalog_object_ids=[variation], location_ids=[till.place]))
    assert [(count.state, count.quantity) for count in counts] == [("IN_STOCK", "3")]
    log = list(
        till.client.inventory.batch_get_changes(catalog_object_ids=[variation], states=["SOLD"], types=["ADJUSTMENT"])
    )
    assert [one.adjustment.from_location_id for one in log] == [till.place]


def test_an_order_from_creation_to_refund(till: SimpleNamespace) -> None:
    variation = add(till, "SDK-ORDER")
    lines = [{"catalog_object_id": variation, "quantity": "2"}]
    order = till.client.orders.create(
        idempotency_key="sdk-3", order={"location_id": till.place, "reference_id": "web-1", "line_items": lines}
    ).order
    payment = till.client.payments.create(
        idempotency_key="sdk-4",
        source_id="EXTERNAL",
        order_id=order.id,
        amount_money={"amount": order.total_money.amount, "currency": "USD"},
        external_details={"type": "OTHER", "source": "Web"},
    ).payment
    assert till.client.orders.get(order_id=order.id).order.state == "COMPLETED"
    assert till.shop.stock()["SDK-ORDER"][till.place] == 3
    refund = till.client.refunds.refund_payment(
        idempotency_key="sdk-5", payment_id=payment.id, amount_money={"amount": 450, "currency": "USD"}
    ).refund
    found = till.client.orders.search(location_ids=[till.place], limit=1).orders
    assert [one.id for one in found] == [refund.order_id]
    assert found[0].returns[0].source_order_id == order.id
    assert payment.id in [one.id for one in till.client.payments.list()]
    assert refund.id in [one.id for one in till.client.refunds.list()]


def test_errors_arrive_as_api_errors(till: SimpleNamespace) -> None:
    with pytest.raises(ApiError) as refused:
        till.client.orders.get(order_id="NOPE")
    assert (refused.value.status_code, refused.value.errors[0].code) == (404, "NOT_FOUND")
    stranger = Square(token="wrong", base_url=till.url)
    with pytest.raises(ApiError) as unknown:
        stranger.locations.list()
    assert (unknown.value.status_code, unknown.value.errors[0].category) == (401, "AUTHENTICATION_ERROR")
    stranger._client_wrapper.httpx_client.httpx_client.close()


def test_a_throttled_call_arrives_as_an_api_error(till: SimpleNamespace) -> None:
    till.platform.faults.add(kind="throttle", path="/v2/locations", times=1)
    with pytest.raises(ApiError) as refused:
        till.client.locations.list(request_options={"max_retries": 0})
    assert (refused.value.status_code, refused.value.errors[0].code) == (429, "RATE_LIMITED")


def test_the_asynchronous_client(till: SimpleNamespace) -> None:
    async def names() -> list[Any]:
        client = AsyncSquare(token=till.token, base_url=till.url)
        places = (await client.locations.list()).locations or []
        await client._client_wrapper.httpx_client.httpx_client.aclose()
        return [place.name for place in places]

    assert asyncio.run(names()) == ["Harbour", "Main Street"]


def test_customers_and_points(till: SimpleNamespace) -> None:
    ada = till.client.customers.create(given_name="Ada", phone_number="+14155550142", idempotency_key="sdk-c").customer
    query = {"filter": {"phone_number": {"exact": "+1 (415) 555-0142"}}}
    assert [one.id for one in till.client.customers.search(query=query).customers] == [ada.id]
    assert (
        till.client.customers.bulk_retrieve_customers(customer_ids=[ada.id]).responses[ada.id].customer.given_name
        == "Ada"
    )
    program = till.client.loyalty.programs.get(program_id="main").program
    account = till.client.loyalty.accounts.create(
        loyalty_account={"program_id": program.id, "mapping": {"phone_number": "+14155550142"}}, idempotency_key="sdk-a"
    ).loyalty_account
    till.client.loyalty.accounts.adjust(
        account_id=account.id, idempotency_key="sdk-p", adjust_points={"points": 12, "reason": "Welcome"}
    )
    found = till.client.loyalty.accounts.search(query={"customer_ids": [ada.id]}).loyalty_accounts
    assert [(one.id, one.balance) for one in found] == [(account.id, 12)]
    events = till.client.loyalty.search_events(
        query={"filter": {"loyalty_account_filter": {"loyalty_account_id": account.id}}}
    )
    assert [(one.type, one.source, one.adjust_points.reason) for one in events.events] == [
        ("ADJUST_POINTS", "LOYALTY_API", "Welcome")
    ]
    reward = till.client.loyalty.rewards.create(
        reward={"loyalty_account_id": account.id, "reward_tier_id": program.reward_tiers[0].id}, idempotency_key="sdk-r"
    ).reward
    till.client.loyalty.rewards.delete(reward_id=reward.id)
    assert till.client.loyalty.accounts.get(account_id=account.id).loyalty_account.balance == 12


def test_the_client_sees_what_the_connector_wrote_and_the_other_way_round(till: SimpleNamespace) -> None:
    bob = till.client.customers.create(given_name="Bob", phone_number="+14155550143", idempotency_key="sdk-b").customer

    async def go() -> tuple[PointsResult, list[PointsEvent]]:
        async with connected(till) as port:
            first = PointsWrite(customer=bob.id, balance=30, shown=None, key="points-1", phones=("+14155550143",))
            (made,) = await port.show([first])
            till.client.loyalty.accounts.adjust(
                account_id=made.points_id,
                idempotency_key="sdk-o",
                adjust_points={"points": -4, "reason": "By another program"},
            )
            second = PointsWrite(customer=bob.id, balance=50, shown=30, key="points-2", points_id=made.points_id)
            (result,) = await port.show([second])
            assert port.events is not None
            start = port.events.begin(datetime.now(UTC) - timedelta(minutes=1))
            return result, [event async for page in port.events.since(start) for event in page.items]

    result, events = asyncio.run(go())
    account = till.client.loyalty.accounts.get(account_id=result.points_id).loyalty_account
    assert (result.kind, result.balance, account.balance, account.customer_id) == ("done", 46, 46, bob.id)
    mine = [event for event in events if event.points_id == account.id]
    assert sorted((event.kind, event.points, event.key) for event in mine) == [
        ("adjust", -4, ""),
        ("ours", 20, "points-2"),
        ("ours", 30, "points-1"),
    ]


@asynccontextmanager
async def connected(till: SimpleNamespace) -> AsyncIterator[PointsPort]:
    """Open the connector on the account, over the real socket."""
    around = Surroundings(
        now=lambda: datetime.now(UTC), time=time.monotonic, sleep=asyncio.sleep, rng=random.Random(1), timeout=10.0
    )
    connector = connect(Settings(access_token=till.token, url=till.url), around, where="till")
    assert connector.points is not None
    assert connector.close is not None
    yield connector.points
    await connector.close()
