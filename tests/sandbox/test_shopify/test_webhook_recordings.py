"""Recorded webhook subscriptions of a development store, replayed: same variables, same answers, same points."""

import json
from typing import Any

import pytest

from tests.sandbox.test_shopify.kit import PAYLOADS, Caller

pytestmark = pytest.mark.anyio
RECORDED = json.loads((PAYLOADS / "recorded_webhooks.json").read_text())
ENDPOINT = "endpoint { __typename ... on WebhookHttpEndpoint { callbackUrl } }"
FIELDS = f"id topic format includeFields metafieldNamespaces filter createdAt updatedAt {ENDPOINT}"
PAYLOAD = f"webhookSubscription {{ {FIELDS} }} userErrors {{ field message }}"
DOCUMENTS = {
    "create": f"""mutation M($topic: WebhookSubscriptionTopic!, $webhookSubscription: WebhookSubscriptionInput!) {{
      webhookSubscriptionCreate(topic: $topic, webhookSubscription: $webhookSubscription) {{ {PAYLOAD} }} }}""",
    "update": f"""mutation M($id: ID!, $webhookSubscription: WebhookSubscriptionInput!) {{
      webhookSubscriptionUpdate(id: $id, webhookSubscription: $webhookSubscription) {{ {PAYLOAD} }} }}""",
    "delete": """mutation M($id: ID!) {
      webhookSubscriptionDelete(id: $id) { deletedWebhookSubscriptionId userErrors { field message } } }""",
    "one": f"query Q($id: ID!) {{ webhookSubscription(id: $id) {{ {FIELDS} }} }}",
    "list": f"""query Q($first: Int, $query: String, $sortKey: WebhookSubscriptionSortKeys, $reverse: Boolean) {{
      webhookSubscriptions(first: $first, query: $query, sortKey: $sortKey, reverse: $reverse) {{
        nodes {{ id topic format createdAt updatedAt {ENDPOINT} }} edges {{ cursor node {{ id topic }} }}
        pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} }} }}""",
}
# Times are those of the recording; cursors are opaque, and hold them.
PASSING = {"createdAt", "updatedAt", "cursor", "startCursor", "endCursor"}


class Replay:
    """Keeps which of our ids stands for which recorded one."""

    def __init__(self) -> None:
        self.ids: dict[str, str] = {}

    def ours(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {key: self.ours(entry) for key, entry in value.items()}
        return self.ids.get(value, value) if isinstance(value, str) else value

    def same(self, recorded: Any, got: Any, key: str = "") -> bool:
        """Compare an answer with the recorded one, field by field of the recording."""
        if isinstance(recorded, dict) and isinstance(got, dict):
            return all(name in got and self.same(value, got[name], name) for name, value in recorded.items())
        if isinstance(recorded, list) and isinstance(got, list):
            return len(recorded) == len(got) and all(map(self.same, recorded, got))
        if key == "id" and isinstance(got, str):
            return self.ids.setdefault(recorded, got) == got
        if key == "deletedWebhookSubscriptionId":
            return bool(self.ours(recorded) == got)
        return key in PASSING or bool(recorded == got)


async def test_every_recorded_call_is_answered_as_recorded(caller: Caller) -> None:
    replay = Replay()
    for entry in RECORDED:
        answer = await caller.ask(DOCUMENTS[entry["call"]], replay.ours(entry["variables"]))
        assert "errors" not in answer, (entry["source"], answer)
        assert replay.same(entry["data"], answer["data"]), (entry["source"], answer["data"])
        assert answer["extensions"]["cost"]["requestedQueryCost"] == entry["cost"], entry["source"]
    assert len(RECORDED) == 38


async def test_a_subscription_that_is_not_there_cannot_be_changed_or_deleted(caller: Caller) -> None:
    gone = {"id": "gid://shopify/WebhookSubscription/999999999999"}
    errors = [{"field": ["id"], "message": "Webhook subscription does not exist"}]
    deleted = await caller.data(DOCUMENTS["delete"], gone)
    assert deleted["webhookSubscriptionDelete"] == {"deletedWebhookSubscriptionId": None, "userErrors": errors}
    changed = await caller.data(DOCUMENTS["update"], {**gone, "webhookSubscription": {"uri": "https://example.com/h"}})
    assert changed["webhookSubscriptionUpdate"] == {"webhookSubscription": None, "userErrors": errors}


async def test_topics_and_addresses_choose_what_is_listed(caller: Caller) -> None:
    for topic, uri in (("ORDERS_CREATE", "https://a.example/h"), ("PRODUCTS_UPDATE", "https://a.example/h")):
        await caller.data(DOCUMENTS["create"], {"topic": topic, "webhookSubscription": {"uri": uri, "name": topic}})
    listed = """query Q($topics: [WebhookSubscriptionTopic!], $uri: String) {
      webhookSubscriptions(first: 5, topics: $topics, uri: $uri) { nodes { topic name uri callbackUrl legacyResourceId
        apiVersion { handle displayName supported } } }
      webhookSubscriptionsCount { count precision } }"""
    found = await caller.data(listed, {"topics": ["PRODUCTS_UPDATE"]})
    (row,) = found["webhookSubscriptions"]["nodes"]
    assert (row["topic"], row["name"], row["uri"]) == ("PRODUCTS_UPDATE", "PRODUCTS_UPDATE", row["callbackUrl"])
    assert row["apiVersion"] == {"handle": "2026-10", "displayName": "2026-10", "supported": True}
    assert found["webhookSubscriptionsCount"] == {"count": 2, "precision": "EXACT"}
    elsewhere = await caller.data(listed, {"uri": "https://b.example/h"})
    assert elsewhere["webhookSubscriptions"]["nodes"] == []


@pytest.mark.parametrize("options", [{"scopes": {"read_products"}}])
async def test_a_topic_needs_its_scope(caller: Caller) -> None:
    wanted = {"uri": "https://a.example/h"}
    refused = await caller.data(DOCUMENTS["create"], {"topic": "ORDERS_CREATE", "webhookSubscription": wanted})
    text = "You cannot create a webhook subscription with the specified topic"
    assert refused["webhookSubscriptionCreate"]["userErrors"] == [{"field": ["webhookSubscription"], "message": text}]
    for topic in ("PRODUCTS_UPDATE", "INVENTORY_ITEMS_UPDATE", "APP_UNINSTALLED"):
        made = await caller.data(DOCUMENTS["create"], {"topic": topic, "webhookSubscription": wanted})
        assert made["webhookSubscriptionCreate"]["userErrors"] == []


@pytest.mark.parametrize(
    ("uri", "refusal"),
    [
        ("http://localhost:8080/hooks/web", None),
        ("http://127.0.0.1/hooks/web", None),
        ("http://bridge.example/hooks/web", "Address protocol http:// is not supported"),
        ("https://shop.myshopify.com/hooks", "Address cannot be a Shopify or an internal domain"),
        ("no address", "Address is invalid"),
        ("https://[::1", "Address is invalid"),
    ],
)
async def test_only_loopback_may_be_plain_http(caller: Caller, uri: str, refusal: str | None) -> None:
    made = await caller.data(DOCUMENTS["create"], {"topic": "ORDERS_PAID", "webhookSubscription": {"uri": uri}})
    errors = made["webhookSubscriptionCreate"]["userErrors"]
    assert [error["message"] for error in errors] == ([refusal] if refusal else [])


async def test_a_filter_is_not_pretended(caller: Caller) -> None:
    wanted = {"uri": "https://a.example/h", "filter": "id:1"}
    answer = await caller.ask(DOCUMENTS["create"], {"topic": "ORDERS_PAID", "webhookSubscription": wanted})
    assert "does not filter webhooks" in answer["errors"][0]["message"]
    assert answer["data"] == {"webhookSubscriptionCreate": None}
