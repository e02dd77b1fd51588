"""Webhooks of the sandbox against the real shops: the recorded calls, and which topics the recorded actions were told by."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from .bench import Bench, MakeBench, sized, variant
from .post_office import PostOffice, open_office

PAYLOADS = Path(__file__).parents[1] / "payloads" / "woocommerce"
CALLS = json.loads((PAYLOADS / "webhooks.json").read_text("utf-8"))
ACTIONS = json.loads((PAYLOADS / "webhook_actions.json").read_text("utf-8"))
# How the recording shop's receiver answered; nothing listened on 8097.
_RECEIVER = {"http://127.0.0.1:8097/none": 0, "http://127.0.0.1:8099/status/500": 500}
_TOPICS = [
    f"{kind}.{event}"
    for kind in ("product", "order", "coupon", "customer")
    for event in ("created", "updated", "deleted")
]


def replay(make_bench: MakeBench, version: str) -> dict[int, list[str]]:
    """Make the recorded calls again and tell what is not as it was, by their numbers."""
    office = open_office(make_bench, "https://127.0.0.1:8443", version=version)
    office.answer = lambda url: _RECEIVER.get(url, 200)
    bench, found = office.bench, {}
    for call in CALLS[version]:
        bench.time[0] = call["at"]
        answer = bench.call(call["method"], call["path"], json=call.get("json"))
        office.collect()
        wrong = [] if answer.status_code == call["status"] else [f"status {answer.status_code}"]
        wrong += [
            f"{name}: {answer.headers.get(name)}"
            for name, text in call["headers"].items()
            if answer.headers.get(name) != text
        ]
        found[call["n"]] = wrong if answer.json() == call["body"] else [*wrong, answer.text]
    return found


@pytest.fixture(scope="module")
def replayed(make_bench: MakeBench) -> dict[str, dict[int, list[str]]]:
    return {version: replay(make_bench, version) for version in CALLS}


@pytest.mark.parametrize(("version", "number"), [(version, call["n"]) for version in CALLS for call in CALLS[version]])
def test_a_recorded_call_is_answered_as_the_real_shop_did(
    version: str, number: int, replayed: dict[str, dict[int, list[str]]]
) -> None:
    assert replayed[version][number] == []


@dataclass(slots=True)
class Shop:
    """A shop with a mug (11), a cap counted as a whole (12: 13, 14), a shirt (15: 16, 17), and a memory for the actions."""

    bench: Bench
    post: PostOffice
    kept: dict[str, int] = field(default_factory=dict)

    def order(self, **body: Any) -> dict[str, Any]:
        made: dict[str, Any] = self.bench.post("orders", **body)
        self.kept["order"] = made["id"]
        return made

    def old(self, action: Callable[["Shop"], object]) -> "Shop":
        """Do something earlier, of which nothing is to be told now."""
        action(self)
        self.post.collect()
        return self

    def told(self) -> list[list[str]]:
        return sorted([letter.topic, self._kind(letter.payload, letter.topic)] for letter in self.post.collect())

    def _kind(self, payload: dict[str, Any], topic: str) -> str:
        if payload["id"] in self.bench.shop.woo.coupons.rows:
            return "coupon"
        product = self.bench.shop.woo.catalogue.items.get(payload["id"])
        return product.kind if product else topic.partition(".")[0]


def paid(shop: Shop) -> dict[str, Any]:
    lines = [{"product_id": 11, "quantity": 2}, {"product_id": 15, "variation_id": 16, "quantity": 1}]
    return shop.order(set_paid=True, line_items=lines)


def pending(shop: Shop) -> dict[str, Any]:
    return shop.order(line_items=[{"product_id": 11, "quantity": 1}])


def processing(shop: Shop) -> Any:
    return shop.bench.put(f"orders/{pending(shop)['id']}", status="processing")


def refund(shop: Shop) -> None:
    order = shop.bench.get(f"orders/{shop.kept['order']}")
    line = [{"id": order["line_items"][0]["id"], "quantity": 1, "refund_total": 1}]
    shop.bench.post(f"orders/{order['id']}/refunds", api_refund=False, line_items=line)


def drop(path: str, *, force: bool = False) -> Callable[[Shop], object]:
    def act(shop: Shop) -> object:
        params = {"force": "true"} if force else {}
        return shop.bench.call("DELETE", path.format(**shop.kept), params=params).raise_for_status()

    return act


def put(path: str, **body: Any) -> Callable[[Shop], object]:
    return lambda shop: shop.bench.put(path.format(**shop.kept), **body)


def post(path: str, **body: Any) -> Callable[[Shop], object]:
    return lambda shop: shop.bench.post(path.format(**shop.kept), **body)


def code(shop: Shop) -> None:
    shop.kept["coupon"] = shop.bench.post("coupons", code="hk-10", amount="10")["id"]


def account(shop: Shop) -> None:
    shop.kept["customer"] = shop.bench.post("customers", email="hk@example.test")["id"]


def paid_by_them(shop: Shop) -> None:
    shop.order(set_paid=True, customer_id=shop.kept["customer"], line_items=[{"product_id": 11, "quantity": 1}])


def sale(sku: str, **how: Any) -> Callable[[Shop], object]:
    return lambda shop: shop.post.do(lambda: shop.bench.shop.sale([{"sku": sku, "quantity": 1}], **how))


def twice(shop: Shop) -> None:
    for quantity in (10, 11):
        shop.bench.put("products/11", stock_quantity=quantity)


def rejected(shop: Shop) -> None:
    assert shop.bench.refused("PUT", "products/11", json={"stock_quantity": "lots"})[0] == 400


def three(shop: Shop) -> None:
    made = [shop.bench.post("products", name=name)["id"] for name in ("A", "B", "C")]
    shop.post.collect()
    shop.bench.post("products/batch", update=[{"id": key, "stock_quantity": 33} for key in made])


def older(shop: Shop) -> None:
    """The form of action 11 was saved 11 s after the product was made on the one shop, 10 s after on the other."""
    shop.bench.forward(11 if shop.bench.shop.woo.site.modern else 10)


# The recorded action's number: what happened before, unheard, and the action itself.
STORIES: dict[int, tuple[Callable[[Shop], object], ...]] = {
    1: (post("products", name="Hook prod", regular_price="5"),),
    2: (put("products/11", stock_quantity=9),),
    3: (put("products/11", stock_quantity=10),),
    4: (put("products/11"),),
    5: (put("products/11", meta_data=[{"key": "a", "value": "1"}]),),
    6: (rejected,),
    7: (twice,),
    8: (three,),
    9: (lambda shop: shop.post.do(lambda: shop.bench.shop.count("MUG", 40)),),
    10: (lambda shop: shop.post.do(lambda: shop.bench.shop.edit_product("MUG", title="Mug")),),
    11: (older, lambda shop: shop.post.do(lambda: shop.bench.shop.edit_product("MUG", price="6.00"))),
    12: (put("products/15/variations/16", stock_quantity=15),),
    14: (put("products/12", stock_quantity=50),),
    15: (post("products/15/variations", regular_price="3"),),
    16: (drop("products/15/variations/16", force=True),),
    17: (sale("MUG"),),
    18: (sale("SHIRT-S"),),
    19: (sale("CAP-S"),),
    20: (sale("MUG", payment_method="bacs"),),
    22: (paid,),
    23: (pending,),
    24: (pending, put("orders/{order}", status="processing")),
    25: (processing, put("orders/{order}", meta_data=[{"key": "a", "value": "1"}])),
    26: (processing, post("orders/{order}/notes", note="hello")),
    27: (paid, refund),
    28: (processing, put("orders/{order}", status="cancelled")),
    29: (processing, drop("orders/{order}")),
    30: (processing, drop("orders/{order}"), drop("orders/{order}", force=True)),
    31: (processing, drop("orders/{order}", force=True)),
    32: (code,),
    33: (code, put("coupons/{coupon}", amount="11")),
    34: (code, lambda shop: shop.order(line_items=[{"product_id": 11}], coupon_lines=[{"code": "hk-10"}])),
    35: (code, drop("coupons/{coupon}")),
    36: (code, drop("coupons/{coupon}", force=True)),
    37: (account,),
    38: (account, put("customers/{customer}", first_name="Hk")),
    39: (account, put("customers/{customer}", meta_data=[{"key": "loyalty_points", "value": "5"}])),
    40: (account, paid_by_them),
    41: (account, drop("customers/{customer}", force=True)),
    42: (drop("products/11"),),
    43: (drop("products/11"), put("products/11", status="publish")),
    44: (drop("products/11", force=True),),
    45: (drop("products/15", force=True),),
    47: (lambda shop: shop.bench.shop.plugin_sets_stock("MUG", 3),),
}


@pytest.mark.parametrize("version", ["11.0.1", "9.9.5"])
@pytest.mark.parametrize("number", STORIES)
def test_an_action_is_told_by_the_recorded_topics(make_bench: MakeBench, version: str, number: int) -> None:
    office = open_office(make_bench, version=version)
    office.bench.shop.seed(
        [
            {"title": "Mug", "variants": [variant("MUG")]},
            {"title": "Cap", "stock_at": "parent", "variants": sized("CAP", 8, "S", "M")},
            {"title": "Shirt", "variants": sized("SHIRT", 5, "S", "M")},
        ]
    )
    office.register(*_TOPICS, *(["product.published"] if version == "11.0.1" else []))
    shop = Shop(office.bench, office)
    *before, action = STORIES[number]
    for earlier in before:
        shop.old(earlier)
    action(shop)
    recorded = next(row for row in ACTIONS[version] if row["n"] == number)
    assert shop.told() == sorted(recorded["told"]), recorded["action"]
