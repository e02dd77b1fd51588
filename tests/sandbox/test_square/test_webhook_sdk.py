"""Square's own Python client, unchanged, manages the stand-in's webhooks."""

from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from square import AsyncSquare
from square.core.api_error import ApiError

from bridge.sandbox.kit.transport import InProcess

URL = "https://bridge.example/hooks/till"


@pytest.fixture
def client(account: SimpleNamespace) -> AsyncSquare:
    inside = httpx.AsyncClient(transport=InProcess({"square.test": account.platform.app}))
    token = account.platform.credentials["access_token"]
    return AsyncSquare(token=token, base_url="http://square.test", httpx_client=inside)


async def collected(pager: AsyncIterator[Any]) -> list[Any]:
    return [one async for one in pager]


def test_a_subscription_from_cradle_to_grave(account: SimpleNamespace, client: AsyncSquare) -> None:
    async def life() -> None:
        hooks = client.webhooks.subscriptions
        wanted = {"name": "sdk", "event_types": ["payment.updated"], "notification_url": URL}
        made = (await hooks.create(idempotency_key="k", subscription=wanted)).subscription
        assert made.signature_key
        assert made.enabled
        assert [one.id for one in await collected(await hooks.list())] == [made.id]
        assert (await hooks.get(made.id)).subscription == made
        more = {"event_types": ["payment.updated", "order.created"], "enabled": False}
        assert (await hooks.update(made.id, subscription=more)).subscription.event_types == more["event_types"]
        assert await collected(await hooks.list()) == []
        assert len(await collected(await hooks.list(include_disabled=True))) == 1
        key = (await hooks.update_signature_key(made.id, idempotency_key="k2")).signature_key
        assert (await hooks.get(made.id)).subscription.signature_key == key != made.signature_key
        await hooks.delete(made.id)
        with pytest.raises(ApiError) as caught:
            await hooks.get(made.id)
        assert caught.value.status_code == 404

    account.run(life())


def test_events_are_enabled_and_found(account: SimpleNamespace, client: AsyncSquare) -> None:
    async def look() -> None:
        await client.events.enable_events()
        order = account.shop.sale([{"sku": "TEE-RED", "quantity": 1}])
        query = {"filter": {"event_types": ["payment.updated"]}}
        found = await client.events.search_events(query=query, limit=10)
        [event] = found.events
        assert event.data.object["payment"]["order_id"] == order
        assert found.metadata[0].event_id == event.event_id
        assert "payment.updated" in (await client.webhooks.event_types.list()).event_types
        assert "payment.updated" in (await client.events.list_event_types()).event_types

    account.run(look())


def test_a_test_event(account: SimpleNamespace, client: AsyncSquare) -> None:
    async def run() -> None:
        wanted = {"event_types": ["order.updated"], "notification_url": URL}
        made = (await client.webhooks.subscriptions.create(subscription=wanted)).subscription
        told = (await client.webhooks.subscriptions.test(made.id)).subscription_test_result
        assert '"order.updated"' in told.payload
        assert told.status_code is None, "nobody listens"

    account.run(run())
