"""The official Python client, unchanged, over a real loopback socket; and what the front door does to strangers."""

import asyncio
import base64
import random
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from time import monotonic
from typing import Any

import httpx
import pytest
import uvicorn
from woocommerce import API

from bridge.contract.loyalty import CouponResult, CouponState, CouponWrite, PointsWrite
from bridge.contract.ports import Connector
from bridge.domain.coupons import CouponTerms
from bridge.domain.people import Customer
from bridge.sandbox.kit.platform import Platform
from bridge.sandbox.woocommerce import build
from bridge.wire.http import Surroundings
from connectors.woocommerce import Settings, connect

from .bench import Bench, MakeBench, sized, variant


class Server(uvicorn.Server):
    """A uvicorn that tells when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()


@pytest.fixture(scope="module")
def shop() -> Iterator[Platform]:
    """A shop behind a socket, with the real clock."""
    listener = socket.create_server(("127.0.0.1", 0))
    host = f"http://127.0.0.1:{listener.getsockname()[1]}"
    made = build(now=lambda: datetime.now(UTC), sleep=asyncio.sleep, rng=random.Random(3), host=host)
    made.shop.seed(
        [{"title": "Mug", "variants": [variant("MUG")]}, {"title": "Shirt", "variants": sized("SH", 5, "S", "M")}]
    )
    # The app sends its own Date header.
    server = Server(uvicorn.Config(made.app, log_level="warning", lifespan="off", ws="none", date_header=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    assert server.listening.wait(10)
    yield made
    server.should_exit = True
    thread.join(10)
    listener.close()


def client_of(shop: Platform, kind: str = "") -> Any:
    keys = shop.credentials
    return API(keys["url"], keys[f"{kind}consumer_key"], keys[f"{kind}consumer_secret"], version="wc/v3", timeout=10)


@pytest.fixture
def client(shop: Platform) -> Any:
    return client_of(shop)


def test_it_reads(client: Any) -> None:
    answer = client.get("products", params={"per_page": 1, "orderby": "id", "order": "asc", "_fields": "id,sku"})
    assert (answer.status_code, answer.json()) == (200, [{"id": 11, "sku": "MUG"}])
    assert (answer.headers["x-wp-total"], answer.headers["date"][-3:]) == ("2", "GMT")
    assert [row["sku"] for row in client.get("products/12/variations").json()] == ["SH-M", "SH-S"]
    assert client.get("system_status").json()["environment"]["version"] == "11.0.1"


def test_it_creates_updates_and_deletes(client: Any) -> None:
    made = client.post("products", {"name": "Kännchen", "sku": "POT", "manage_stock": True, "stock_quantity": 3}).json()
    assert client.put(f"products/{made['id']}", {"stock_quantity": 7}).json()["stock_quantity"] == 7
    assert client.delete(f"products/{made['id']}", params={"force": True}).status_code == 200
    assert client.get(f"products/{made['id']}").status_code == 404


def test_it_writes_in_batches(client: Any) -> None:
    done = client.post("products/12/variations/batch", {"update": [{"id": 13, "stock_quantity": 8}, {"id": 99}]}).json()
    assert done["update"][0]["stock_quantity"] == 8
    assert done["update"][1]["error"]["code"] == "woocommerce_rest_product_variation_invalid_id"


def test_it_places_and_refunds_orders(client: Any) -> None:
    order = client.post("orders", {"set_paid": True, "line_items": [{"sku": "MUG", "quantity": 2}]}).json()
    assert order["line_items"][0]["meta_data"][0]["key"] == "_reduced_stock"
    rows = [{"id": order["line_items"][0]["id"], "quantity": 1, "refund_total": 10}]
    assert client.post(f"orders/{order['id']}/refunds", {"api_refund": False, "line_items": rows}).status_code == 201
    assert client.get("orders", params={"status": "processing"}).json()[0]["refunds"][0]["total"] == "-10.00"


def test_it_keeps_codes_and_what_the_connector_wrote_is_one(shop: Platform, client: Any) -> None:
    made = client.post("coupons", {"code": "SPRING5", "amount": "5.00", "usage_limit": 3}).json()
    assert (made["code"], made["usage_limit"], made["date_expires"]) == ("spring5", 3, None)
    terms = CouponTerms(kind="percent", percent=1500, ends_at=datetime(2031, 1, 31, tzinfo=UTC))
    ours, theirs = asyncio.run(_with_codes(shop, CouponWrite(code="AUTUMN15", terms=terms, limit=2), "Spring5"))
    assert (theirs.id, theirs.limit) == (str(made["id"]), 3)
    (shown,) = client.get("coupons", params={"code": "Autumn15"}).json()
    assert (str(shown["id"]), shown["discount_type"], shown["amount"]) == (ours.id, "percent", "15.00")
    assert (shown["usage_limit"], shown["date_expires_gmt"]) == (2, "2031-01-30T23:59:59")
    order = {"line_items": [{"sku": "MUG", "quantity": 1}], "coupon_lines": [{"code": "autumn15"}]}
    assert client.post("orders", order).json()["total"] == "8.50"
    assert client.get(f"coupons/{ours.id}").json()["usage_count"] == 1
    assert client.post("coupons", {"code": "AUTUMN15"}).json()["code"] == "woocommerce_rest_coupon_code_already_exists"
    assert client.delete(f"coupons/{ours.id}", params={"force": True}).status_code == 200


async def _with_codes(shop: Platform, write: CouponWrite, code: str) -> tuple[CouponResult, CouponState]:
    async with open_connector(shop) as woo:
        assert woo.coupons is not None
        (result,) = await woo.coupons.write([write], "key-1")
        assert result.kind == "done", result.reason
        (state,) = await woo.coupons.find([code])
        return result, state


def test_it_keeps_customers_and_sees_the_points_that_the_connector_shows(shop: Platform, client: Any) -> None:
    who = {"email": "ada@example.test", "first_name": "Ada", "billing": {"phone": "+1 555 010 0100"}}
    made = client.post("customers", who).json()
    found, kind = asyncio.run(_with_points(shop, "ADA@example.test", 270))
    assert (found.id, found.name, found.phone, found.points, kind) == (
        str(made["id"]),
        "Ada",
        "+15550100100",
        None,
        "done",
    )
    (shown,) = client.get("customers", params={"email": "ada@example.test"}).json()
    assert {row["key"]: row["value"] for row in shown["meta_data"]}["loyalty_points"] == "270"
    assert client.delete(f"customers/{made['id']}").status_code == 501
    assert client.delete(f"customers/{made['id']}", params={"force": True}).status_code == 200
    assert client.get(f"customers/{made['id']}").json()["code"] == "wc_user_invalid_id"


async def _with_points(shop: Platform, email: str, balance: int) -> tuple[Customer, str]:
    async with open_connector(shop) as woo:
        assert woo.customers is not None
        assert woo.points is not None
        (found,) = await woo.customers.find(email=email)
        (result,) = await woo.points.show([PointsWrite(customer=found.id, balance=balance, shown=None, key="key-1")])
        return found, result.kind


@asynccontextmanager
async def open_connector(shop: Platform) -> AsyncIterator[Connector]:
    """Our own connector on the same socket, with the real clock."""
    keys = shop.credentials
    settings = Settings(url=keys["url"], consumer_key=keys["consumer_key"], consumer_secret=keys["consumer_secret"])
    around = Surroundings(now=lambda: datetime.now(UTC), time=monotonic, sleep=asyncio.sleep, rng=random.Random(5))
    woo = connect(settings, around, where="web")
    yield woo
    assert woo.close is not None
    await woo.close()


def test_it_keeps_webhooks(client: Any) -> None:
    body = {"topic": "order.updated", "delivery_url": "https://bridge.example/hooks/web", "secret": "s3cr3t"}
    made = client.post("webhooks", body).json()
    assert (made["status"], made["hooks"]) == ("active", ["woocommerce_update_order", "woocommerce_order_refunded"])
    assert client.put(f"webhooks/{made['id']}", {"status": "paused"}).json()["status"] == "paused"
    assert [row["id"] for row in client.get("webhooks", params={"status": "paused"}).json()] == [made["id"]]
    assert client.delete(f"webhooks/{made['id']}").status_code == 501
    assert client.delete(f"webhooks/{made['id']}", params={"force": True}).status_code == 200
    assert client.get("webhooks").json() == []


@pytest.mark.parametrize("params", [{"search": "a/b"}, {"search": "a%2Fb"}, {"include[]": "11"}])
def test_what_it_signs_wrongly_is_refused(client: Any, params: dict[str, str]) -> None:
    answer = client.get("products", params=params)
    assert answer.status_code == 401
    assert answer.json()["message"] == "Invalid signature - provided signature does not match."


def test_keys_with_half_the_rights(shop: Platform) -> None:
    assert client_of(shop, "read_").get("products").status_code == 200
    assert "write permissions" in client_of(shop, "read_").put("products/11", {}).json()["message"]
    assert "read permissions" in client_of(shop, "write_").get("products").json()["message"]
    assert client_of(shop, "customer_").get("orders").status_code == 403


def test_the_same_nonce_twice(shop: Platform, client: Any) -> None:
    url = client._API__get_oauth_url(f"{shop.credentials['url']}/wp-json/wc/v3/products", "GET")
    assert httpx.get(url).status_code == 200
    assert httpx.get(url).json()["message"] == "Invalid nonce - nonce has already been used."


def test_a_shop_behind_another_address_signs_with_its_own(shop: Platform, client: Any) -> None:
    other = shop.credentials["url"].replace("127.0.0.1", "localhost")
    url = client._API__get_oauth_url(f"{other}/wp-json/wc/v3/products", "GET")
    assert "does not match" in httpx.get(url.replace("localhost", "127.0.0.1")).json()["message"]


def test_basic_over_plain_http_is_a_stranger(shop: Platform) -> None:
    keys = (shop.credentials["consumer_key"], shop.credentials["consumer_secret"])
    url = f"{shop.credentials['url']}/wp-json/wc/v3/products"
    assert httpx.get(url, auth=keys).json()["code"] == "woocommerce_rest_cannot_view"
    assert httpx.get(url, auth=keys, headers={"x-forwarded-proto": "https"}).status_code == 200


def test_plain_permalinks_hide_the_api(make_bench: MakeBench) -> None:
    bench = make_bench(permalinks="plain")
    answer = bench.call("GET", "products")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "text/html; charset=UTF-8")
    assert bench.call("GET", "", api="/", params={"rest_route": "/wc/v3/products"}).status_code == 401


def test_a_shop_in_a_folder(make_bench: MakeBench) -> None:
    bench = make_bench(host="https://shop.test/store")
    answer = bench.call("GET", "", api="https://shop.test/store/wp-json/")
    assert answer.json()["home"] == "https://shop.test/store"


def test_version_9_9_5(make_bench: MakeBench) -> None:
    bench = make_bench(version="9.9.5")
    bench.shop.seed([{"title": "Cap", "stock_at": "parent", "variants": sized("CAP", 8, "S", "M")}])
    assert bench.refused("GET", "variations") == (404, "rest_no_route")
    assert bench.refused("PUT", "products/11/variations/12", json={"manage_stock": "parent"}) == (
        400,
        "rest_invalid_param",
    )
    order = bench.post("orders", line_items=[{"sku": "CAP-S"}])
    assert "global_unique_id" not in order["line_items"][0]
    bad = bench.call(
        "POST", "orders", json={"line_items": [{"sku": "CAP-S"}], "coupon_lines": [{"code": "nope"}]}
    ).json()
    assert bad["data"] == {"status": 400}
    assert bench.call("PUT", "orders/999", json={}).json()["message"] == "Invalid ID."


def test_a_strangers_bad_argument_is_named_before_the_missing_rights(bench: Bench) -> None:
    assert bench.refused("GET", "products?per_page=0", auth=None) == (400, "rest_invalid_param")
    assert bench.refused("GET", "products/17", auth=None) == (404, "woocommerce_rest_product_invalid_id")


def test_the_id_in_a_body_comes_before_the_one_in_the_path(stocked: Bench) -> None:
    assert stocked.put("products/12", id=11, name="Cup")["id"] == 11


def test_faults_and_control_door(stocked: Bench) -> None:
    stocked.platform.faults.add(kind="throttle", seconds=3)
    answer = stocked.call("GET", "products")
    assert (answer.status_code, answer.headers["retry-after"], answer.headers["server"]) == (429, "3", "nginx")
    sold = stocked.call("POST", "sale", api="/__sandbox/", json={"lines": [{"sku": "MUG", "quantity": 1}]}).json()
    assert stocked.get(f"orders/{sold['result']}")["total"] == "10.00"
    assert stocked.call("GET", "stock", api="/__sandbox/").json()["MUG"] == {"": 9}


def test_pictures_get_an_address_of_the_shops_own(bench: Bench) -> None:
    made = bench.post("products", name="Vase", images=[{"src": "https://cdn.example.test/a/vase.jpg", "alt": "blue"}])
    image = made["images"][0]
    assert image["src"].startswith("https://shop.test/wp-content/uploads/2026/11/vase")
    assert bench.put(f"products/{made['id']}", images=[{"id": image["id"]}])["images"] == [image]
    bad = bench.refused("POST", "products", json={"images": [{"src": "https://cdn.example.test/page"}]})
    assert bad == (400, "woocommerce_product_image_upload_error")


def test_texts_are_shown_in_paragraphs_and_edited_raw(bench: Bench) -> None:
    made = bench.post("products", name="Vase", description="One\nline\n\nTwo")
    assert made["description"] == "One\nline\n\nTwo"
    assert bench.get(f"products/{made['id']}")["description"] == "<p>One<br />\nline</p>\n<p>Two</p>\n"
    assert bench.get(f"products/{made['id']}", context="edit")["description"] == "One\nline\n\nTwo"


def test_basic_auth_header_of_garbage(bench: Bench) -> None:
    junk = {"authorization": "Basic " + base64.b64encode(b"\xff\xfe").decode()}
    assert bench.refused("GET", "products", auth=None, headers=junk) == (401, "woocommerce_rest_cannot_view")
