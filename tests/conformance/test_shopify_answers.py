"""The stand-in's answers to the loyalty documents, checked value by value against Shopify's own schema (2026-10)."""

import asyncio
import json
import random
from pathlib import Path
from typing import Any

import pytest
from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    GraphQLEnumType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    OperationDefinitionNode,
    SelectionSetNode,
    build_schema,
    get_named_type,
    is_leaf_type,
    parse,
)

from bridge.contract.loyalty import CouponWrite, PointsWrite
from bridge.domain.coupons import CouponTerms
from bridge.domain.money import Money
from bridge.sandbox.kit.loop import SimulatedLoop
from bridge.sandbox.kit.transport import InProcess
from bridge.sandbox.shopify import build
from bridge.wire.http import Surroundings
from connectors.shopify import Settings, connect

pytestmark = pytest.mark.conformance

SCALARS: dict[str, tuple[type, ...]] = {
    "Int": (int,), "Float": (int, float), "Boolean": (bool,), "String": (str,), "ID": (str,), "DateTime": (str,), "Decimal": (str,),
    "UnsignedInt64": (str,), "URL": (str,), "Money": (str,), "HTML": (str,),
}  # fmt: skip


class Judge:
    """Walks an answer beside its document and names what the schema does not allow."""

    def __init__(self, schema: GraphQLSchema, text: str) -> None:
        self.schema = schema
        definitions = parse(text).definitions
        self.fragments = {node.name.value: node for node in definitions if isinstance(node, FragmentDefinitionNode)}
        self.operation = next(node for node in definitions if isinstance(node, OperationDefinitionNode))

    def faults(self, data: dict[str, Any]) -> list[str]:
        mutation = self.operation.operation.value == "mutation"
        root = self.schema.mutation_type if mutation else self.schema.query_type
        return self._object(root, self.operation.selection_set, data, "")

    def _object(self, kind: Any, selected: SelectionSetNode, value: dict[str, Any], at: str) -> list[str]:
        found = []
        for owner, node in self._fields(kind, selected):
            key = (node.alias or node.name).value
            if key not in value or node.name.value == "__typename":
                continue
            here = f"{at}.{key}"
            found += self._value(owner.fields[node.name.value].type, node, value[key], here)
        return found

    def _fields(self, kind: Any, selected: SelectionSetNode) -> list[tuple[Any, FieldNode]]:
        found: list[tuple[Any, FieldNode]] = []
        for node in selected.selections:
            if isinstance(node, FieldNode):
                found.append((kind, node))
                continue
            part: Any = self.fragments[node.name.value] if hasattr(node, "name") else node
            inner = self.schema.type_map[part.type_condition.name.value]
            found += self._fields(inner, part.selection_set)
        return found

    def _value(self, kind: Any, node: FieldNode, value: Any, at: str) -> list[str]:
        if isinstance(kind, GraphQLNonNull):
            return [f"{at} is null"] if value is None else self._value(kind.of_type, node, value, at)
        if value is None:
            return []
        if isinstance(kind, GraphQLList):
            rows = enumerate(value)
            return [fault for index, row in rows for fault in self._value(kind.of_type, node, row, f"{at}.{index}")]
        named = get_named_type(kind)
        if isinstance(named, GraphQLEnumType):
            return [] if value in named.values else [f"{at}: {value} is no {named.name}"]
        if is_leaf_type(named):
            return [] if isinstance(value, SCALARS[named.name]) else [f"{at}: {value!r} is no {named.name}"]
        assert node.selection_set is not None
        return self._object(named, node.selection_set, value, at)


@pytest.fixture(scope="module")
def schema(specs: Path) -> GraphQLSchema:
    text = (specs / "shopify" / "shopify-admin-2026-10.graphql").read_text(encoding="utf-8")
    return build_schema(text, assume_valid=True)


async def _live(channel: Any, shop: Any) -> None:
    """Do everything that the three ports can do, with every kind of terms."""
    who = shop.add_customer(name="Ann", email="ann@example.com", phone="+4912345678", consent=True)
    one = who.rpartition("/")[2]
    shop.seed([{"title": "Mug", "variants": [{"sku": "MUG", "price": "20.00", "stock": 9}]}])
    (mug,) = [product async for page in channel.catalog.all() for product in page.items]
    for shown, balance in ((None, 5), (5, 6), (99, 7)):
        await channel.points.show([PointsWrite(customer=one, balance=balance, shown=shown, key="k")])
    terms = (
        CouponTerms(kind="percent", percent=1000, skus=("MUG",), minimum=Money(1000, "USD")),
        CouponTerms(kind="fixed", amount=Money(500, "USD"), emails=("ann@example.com",)),
        CouponTerms(kind="free_shipping", stacks=True),
    )
    only = ((mug.id, mug.variants[0].id),)
    writes = [
        CouponWrite(code=f"CODE{place}", terms=kind, limit=3, only=only if kind.skus else ())
        for place, kind in enumerate(terms)
    ]
    writes += [CouponWrite(code=f"MANY{place}", terms=terms[0], limit=1, only=only, group="ALL") for place in range(20)]
    for _ in range(2):
        for batch in channel.coupons.batches(writes):
            await channel.coupons.write(batch, "key")
    states = {state.code: state for state in await channel.coupons.find([write.code for write in writes])}
    known = [CouponWrite(code=w.code, terms=w.terms, limit=w.limit, only=w.only, group=w.group, id=states[w.code].id,
                         group_id=states[w.code].group_id, active=active) for active in (True, False) for w in writes
             if active or w.code != "MANY0"]  # fmt: skip
    for batch in channel.coupons.batches(known):
        await channel.coupons.write(batch, "key")
    assert [page async for page in channel.coupons.all()]
    assert [page async for page in channel.customers.all()]
    assert [page async for page in channel.customers.changes.since(channel.customers.changes.begin(mug.updated_at))]
    await channel.customers.find(email="ann@example.com", phone="+4912345678")
    await channel.customers.get([one])


def test_every_answer_is_as_the_schema_says(schema: GraphQLSchema) -> None:
    loop, rng, seen = SimulatedLoop(), random.Random(7), []
    platform = build(now=loop.now, sleep=asyncio.sleep, rng=rng, host="http://shop.test")

    async def app(scope: Any, receive: Any, send: Any) -> None:
        bodies: list[bytes] = []

        async def listen() -> Any:
            message = await receive()
            bodies.append(message.get("body", b""))
            return message

        async def tell(message: Any) -> None:
            if message["type"] == "http.response.body":
                seen.append((json.loads(bodies[0]), json.loads(message["body"])))
            await send(message)

        await platform.app(scope, listen, tell)

    transport = InProcess({"shop.test": app})
    around = Surroundings(now=loop.now, time=loop.time, sleep=asyncio.sleep, rng=rng, transport=transport)
    token = platform.credentials["access_token"]
    loop.run_until_complete(
        _live(connect(Settings(url="http://shop.test", access_token=token), around, where="web"), platform.shop)
    )
    loop.close()
    names = {request["operationName"] for request, _ in seen}
    assert {
        "DiscountWrite",
        "CodesAdd",
        "CodesRemove",
        "CampaignCodes",
        "Discounts",
        "PointsShow",
        "CustomersByEmail",
    } <= names
    faults = [
        f"{request['operationName']}{fault}"
        for request, answer in seen
        for fault in [*map(str, answer.get("errors", ())), *Judge(schema, request["query"]).faults(answer["data"])]
    ]
    assert faults == []
