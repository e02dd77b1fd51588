"""What the connector wrote, as another program sees it: Shopify's own client (ShopifyAPI 12.7), unchanged, on a real socket."""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from bridge.contract.loyalty import CouponWrite, PointsWrite
from bridge.contract.ports import Connector
from bridge.domain.coupons import CouponTerms
from bridge.domain.money import Money
from bridge.sandbox.kit.transport import InProcess
from bridge.sandbox.shopify import build
from bridge.wire.http import Surroundings
from connectors.shopify import Settings, connect
from tests.sandbox.test_shopify.official import session_on

pytestmark = pytest.mark.anyio

CODE = """query Code($code: String!) { codeDiscountNodeByCode(code: $code) { codeDiscount { __typename ... on DiscountCodeBasic {
  title status usageLimit appliesOncePerCustomer startsAt endsAt combinesWith { orderDiscounts productDiscounts shippingDiscounts }
  codesCount { count } context { ... on DiscountCustomers { customers { id } } }
  minimumRequirement { ... on DiscountMinimumSubtotal { greaterThanOrEqualToSubtotal { amount currencyCode } } }
  customerGets { value { ... on DiscountPercentage { percentage } ... on DiscountAmount { amount { amount } } }
    items { ... on DiscountProducts { productVariants(first: 5) { nodes { sku } } } } } } } } }"""
POINTS = (
    """query Points($id: ID!) { customer(id: $id) { metafield(namespace: "bridge", key: "points") { type value } } }"""
)


async def _no_sleep(_: float) -> None:
    raise AssertionError("nothing here asks for a delay")


@dataclass(frozen=True, slots=True)
class Outside:
    """The shop's verbs, the connector, and the other program."""

    shop: Any
    channel: Connector
    client: Any

    def ask(self, text: str, variables: dict[str, Any]) -> Any:
        answer = json.loads(self.client.GraphQL().execute(text, variables))
        assert "errors" not in answer, answer["errors"]
        return answer["data"]


@pytest.fixture
def outside() -> Iterator[Outside]:
    rng = random.Random(1)
    platform = build(now=lambda: datetime.now(UTC), sleep=_no_sleep, rng=rng, host="http://shop.test")
    transport = InProcess({"shop.test": platform.app})
    around = Surroundings(
        now=lambda: datetime.now(UTC), time=lambda: 0.0, sleep=_no_sleep, rng=rng, transport=transport
    )
    settings = Settings(url="http://shop.test", access_token=platform.credentials["access_token"])
    with session_on(platform) as client:
        yield Outside(platform.shop, connect(settings, around, where="web"), client)


async def test_it_sees_the_code_with_all_its_terms(outside: Outside) -> None:
    (row,) = outside.shop.seed([{"title": "Cap", "variants": [{"sku": "CAP", "price": "10.00", "stock": 5}]}])
    who = outside.shop.add_customer(name="Ann", email="ann@example.com")
    terms = CouponTerms(
        kind="percent", percent=1550, minimum=Money(3000, "USD"), per_customer=1, emails=("ann@example.com",), skus=("CAP",),
        starts_at=datetime(2026, 1, 1, tzinfo=UTC), ends_at=datetime(2100, 1, 1, tzinfo=UTC), stacks=True,
    )  # fmt: skip
    only = ((row["product"].rpartition("/")[2], row["variant"].rpartition("/")[2]),)
    assert outside.channel.coupons is not None
    (made,) = await outside.channel.coupons.write(
        [CouponWrite(code="AUTUMN15", terms=terms, limit=40, only=only)], "key"
    )
    assert made.kind == "done"
    found = outside.ask(CODE, {"code": "autumn15"})["codeDiscountNodeByCode"]["codeDiscount"]
    assert found == {
        "__typename": "DiscountCodeBasic", "title": "AUTUMN15", "status": "ACTIVE", "usageLimit": 40, "appliesOncePerCustomer": True,
        "startsAt": "2026-01-01T00:00:00Z", "endsAt": "2100-01-01T00:00:00Z", "codesCount": {"count": 1},
        "combinesWith": {"orderDiscounts": True, "productDiscounts": True, "shippingDiscounts": True},
        "context": {"customers": [{"id": who}]},
        "minimumRequirement": {"greaterThanOrEqualToSubtotal": {"amount": "30.0", "currencyCode": "USD"}},
        "customerGets": {"value": {"percentage": 0.155}, "items": {"productVariants": {"nodes": [{"sku": "CAP"}]}}},
    }  # fmt: skip


async def test_it_sees_a_campaign_as_one_discount(outside: Outside) -> None:
    terms = CouponTerms(kind="fixed", amount=Money(500, "USD"))
    writes = [CouponWrite(code=f"GIFT{number:04}", terms=terms, limit=1, group="WINTER") for number in range(250)]
    assert outside.channel.coupons is not None
    await outside.channel.coupons.write(writes, "key")
    found = outside.ask(CODE, {"code": "GIFT0249"})["codeDiscountNodeByCode"]["codeDiscount"]
    assert (found["codesCount"]["count"], found["usageLimit"], found["title"]) == (
        250,
        1,
        "bridge: WINTER",
    )
    assert found["customerGets"]["value"] == {"amount": {"amount": "5.0"}}


async def test_it_sees_the_points_and_its_own_are_seen(outside: Outside) -> None:
    who = outside.shop.add_customer(name="Ann", email="ann@example.com")
    write = PointsWrite(customer=who.rpartition("/")[2], balance=120, shown=None, key="k")
    assert outside.channel.points is not None
    (done,) = await outside.channel.points.show([write])
    assert done.kind == "done"
    assert outside.ask(POINTS, {"id": who})["customer"]["metafield"] == {"type": "number_integer", "value": "120"}
    text = """mutation Set($id: ID!) { metafieldsSet(metafields: [
      { ownerId: $id, namespace: "bridge", key: "points", type: "number_integer", value: "7" }]) { userErrors { message } } }"""
    assert outside.ask(text, {"id": who})["metafieldsSet"]["userErrors"] == []
    (stale,) = await outside.channel.points.show(
        [PointsWrite(customer=write.customer, balance=130, shown=120, key="l")]
    )
    assert (stale.kind, stale.balance) == ("stale", 7)
