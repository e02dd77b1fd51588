"""/api/v1: who may call, what a call must look like, and looking things up."""

from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from tests.engine.bench import one_sku
from tests.webserver.api_house import House, api_story


def _is_problem(answer: httpx.Response, status: int, *words: str) -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert set(body) == {"type", "title", "status", "detail", "where", "next"}
    assert body["status"] == status
    assert all(body[name] for name in ("title", "detail", "where", "next")), body
    for word in words:
        assert word in f"{body['detail']} {body['where']} {body['next']}"


def test_who_has_no_token_or_the_wrong_one_is_told_where_one_comes_from() -> None:
    async def story(house: House) -> None:
        _is_problem(await house.get("/skus", token=""), 401, "bridge token")
        _is_problem(await house.get("/skus", token="stranger"), 401)
        answer = await house.client.get("/api/v1/skus", headers={"authorization": "Basic dGlsbDp4"})
        _is_problem(answer, 401)
        assert answer.headers["www-authenticate"].startswith("Bearer")
        answer = await house.client.get("/api/v1/skus", headers={"authorization": "bearer till-secret"})
        assert answer.status_code == 200

    api_story(story)


@pytest.mark.parametrize(
    ("token", "path", "status"),
    [
        ("reader", "/skus", 200),
        ("reader", "/holds", 403),
        ("reader", "/sales", 403),
        ("reader", "/counts", 403),
        ("scraper", "/skus", 403),
        ("scraper", "/orders", 403),
    ],
)
def test_a_token_may_do_what_its_scopes_say(token: str, path: str, status: int) -> None:
    async def story(house: House) -> None:
        changes = path in {"/holds", "/sales", "/counts"}
        answer = await (house.post(path, {}, token=token) if changes else house.get(path, token=token))
        if status == 200:
            assert answer.status_code == 200
        else:
            _is_problem(answer, status, token)
        assert house.bench.balance("A") == 10

    api_story(story)


def test_the_document_is_for_everybody_and_describes_every_route() -> None:
    async def story(house: House) -> None:
        answer = await house.get("/openapi.json", token="")
        document = answer.json()
        assert document["openapi"] == "3.1.0"
        assert set(document["paths"]) == {
            "/skus", "/skus/{sku}", "/skus/{sku}/movements", "/orders", "/orders/{channel}/{order_id}", "/holds",
            "/holds/{hold_id}", "/holds/{hold_id}/capture", "/holds/{hold_id}/release", "/sales", "/counts",
            "/customers", "/customers/{person}", "/customers/{person}/points", "/customers/{person}/redemptions",
            "/coupons/{code}", "/coupons/{code}/close", "/coupons/{code}/claims", "/claims/{claim_id}/capture",
            "/claims/{claim_id}/release",
        }  # fmt: skip
        answer = await house.client.post("/api/v1/openapi.json")
        _is_problem(answer, 405)

    api_story(story)


@pytest.mark.parametrize(
    ("method", "path"), [("DELETE", "/skus"), ("POST", "/skus"), ("GET", "/sales"), ("PUT", "/holds/x")]
)
def test_a_method_that_is_not_there_is_405_with_those_that_are(method: str, path: str) -> None:
    async def story(house: House) -> None:
        answer = await house.client.request(method, f"/api/v1{path}", headers={"authorization": "Bearer till-secret"})
        _is_problem(answer, 405)
        assert answer.headers["allow"] == ("POST" if path == "/sales" else "GET")

    api_story(story)


@pytest.mark.parametrize(
    "path", ["/", "/sku", "/skus/", "/orders/woocommerce/", "/v2/skus", "/customers/K%0A/points", "/skus/%0A"]
)
def test_a_path_that_is_not_there_says_so(path: str) -> None:
    async def story(house: House) -> None:
        _is_problem(await house.get(path), 404)

    api_story(story)


async def _raw(house: House, content: bytes, headers: Mapping[str, str] | None = None) -> httpx.Response:
    mine = {"authorization": "Bearer till-secret", "idempotency-key": "k", "content-type": "application/json"}
    return await house.client.post("/api/v1/counts", content=content, headers={**mine, **(headers or {})})


def test_a_body_that_cannot_be_read_is_refused_with_the_reason() -> None:
    async def story(house: House) -> None:
        _is_problem(await _raw(house, b"{"), 400, "JSON")
        _is_problem(await _raw(house, b"\xff\xfe"), 400)
        _is_problem(await _raw(house, b"[" * 100_000), 400)
        _is_problem(await _raw(house, b"{}", {"content-type": "text/plain"}), 415, "application/json")
        _is_problem(await _raw(house, b"{}", {"content-type": ""}), 415)
        _is_problem(await _raw(house, b" " * (256 * 1024 + 1)), 413, "256 KiB")

    api_story(story)


def test_a_body_without_a_length_is_cut_off_where_it_is_too_large() -> None:
    async def story(house: House) -> None:
        sent = 0

        async def endless() -> Any:
            nonlocal sent
            while sent < 1000:
                sent += 1
                yield b" " * 64 * 1024

        mine = {"authorization": "Bearer till-secret", "idempotency-key": "k", "content-type": "application/json"}
        answer = await house.client.post("/api/v1/counts", content=endless(), headers=mine)
        _is_problem(answer, 413)
        assert sent < 20

    api_story(story)


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"quantity": -1}, "body.quantity"),
        ({"quantity": 1_000_001}, "body.quantity"),
        ({"quantity": "3"}, "body.quantity"),
        ({"quantity": 1.5}, "body.quantity"),
        ({"quantity": None}, "body.quantity"),
        ({"sku": ""}, "body.sku"),
        ({"sku": "A" * 161}, "body.sku"),
        ({"sku": "A\u0000"}, "body.sku"),
        ({"counted_at": "2026-11-02T08:00:00"}, "body.counted_at"),
        ({"counted_at": "yesterday"}, "body.counted_at"),
        ({"counted_at": 1_700_000_000}, "body.counted_at"),
        ({"units": 1}, "body"),
    ],
)
def test_a_field_that_is_wrong_is_named(change: dict[str, Any], where: str) -> None:
    async def story(house: House) -> None:
        body = {"sku": "A", "quantity": 3, "counted_at": house.now, **change}
        answer = await house.post("/counts", body)
        _is_problem(answer, 422)
        assert answer.json()["where"] == where
        assert house.bench.balance("A") == 10

    api_story(story)


def test_every_post_wants_a_key() -> None:
    async def story(house: House) -> None:
        for key in ("", "x" * 201, "with space", "t\u00e4st"):
            headers = [(b"authorization", b"Bearer till-secret"), (b"idempotency-key", key.encode())]
            answer = await house.client.post("/api/v1/counts", headers=headers if key else headers[:1], json={})
            _is_problem(answer, 400, "Idempotency-Key")

    api_story(story)


def test_a_sku_shows_what_can_be_sold_and_what_each_channel_shows() -> None:
    async def story(house: House) -> None:
        await house.post("/holds", {"sku": "A", "quantity": 3, "expires_in": 60})
        body = (await house.get("/skus/A")).json()
        assert (body["sku"], body["title"], body["parts"]) == ("A", "Tee", {})
        assert [(one["place"], one["balance"], one["held"], one["available"]) for one in body["places"]] == [
            ("main", 10, 3, 7)
        ]
        shown = {one["channel"]: (one["shown"], one["target"]) for one in body["channels"]}
        assert shown == {"woocommerce": (10, 7), "square": (10, 7)}
        assert all(one["age"] >= 0 for one in body["channels"])
        _is_problem(await house.get("/skus/a"), 404, "did you mean A")
        _is_problem(await house.get("/skus/%00"), 404)

    api_story(story, "woocommerce", "square")


def test_a_kit_shows_how_often_it_can_be_made() -> None:
    async def story(house: House) -> None:
        house.app.loaded = _with_kit(house)
        body = (await house.get("/skus/SET")).json()
        assert body["parts"] == {"A": 2, "B": 1}
        assert [(one["place"], one["balance"], one["available"]) for one in body["places"]] == [("main", None, 5)]
        listed = (await house.get("/skus", params={"search": "set"})).json()["items"]
        assert [(one["sku"], one["places"][0]["available"]) for one in listed] == [("SET", 5)]

    kit = {"title": "Set", "variants": [{"sku": "SET", "price": "20.00", "stock": 0}]}
    api_story(story, goods={"woocommerce": [*one_sku("A", 10), *one_sku("B", 6), kit]}, kits={"SET": {"A": 2, "B": 1}})


def _with_kit(house: House) -> Any:
    return House(house.bench, config="[kits]\nSET = { A = 2, B = 1 }\n").app.loaded


def test_skus_are_listed_by_name_page_by_page() -> None:
    async def story(house: House) -> None:
        seen: list[str] = []
        cursor = ""
        for _ in range(3):
            page = (await house.get("/skus", params={"limit": "2", "cursor": cursor})).json()
            seen += [one["sku"] for one in page["items"]]
            cursor = page["next"]
        assert seen == ["S1", "S2", "S3", "S4", "S5"]
        assert cursor is None

    api_story(story, goods={"woocommerce": [good for n in range(1, 6) for good in one_sku(f"S{n}", n)]})


def test_skus_are_found_by_words_of_their_name_or_title() -> None:
    async def story(house: House) -> None:
        async def found(words: str) -> list[str]:
            page = (await house.get("/skus", params={"search": words})).json()
            return [one["sku"] for one in page["items"]]

        assert await found("tee") == ["A"]
        assert await found("B") == ["B"]
        assert await found("cap b") == ["B"]
        assert await found("%") == []
        assert await found("_") == []

    api_story(story)


@pytest.mark.parametrize("path", ["/skus", "/orders", "/skus/A/movements"])
@pytest.mark.parametrize(
    "query", [{"limit": "0"}, {"limit": "201"}, {"limit": "x"}, {"cursor": "!"}, {"cursor": "AAAA"}, {"page": "2"}]
)
def test_a_query_that_is_wrong_is_422(path: str, query: dict[str, str]) -> None:
    async def story(house: House) -> None:
        _is_problem(await house.get(path, params=query), 422)

    api_story(story)


def test_movements_are_listed_newest_first_page_by_page() -> None:
    async def story(house: House) -> None:
        for number in range(4):
            assert (await house.sell(f"S-{number}", {"A": 1})).status_code == 201
        seen: list[tuple[str, str]] = []
        cursor = ""
        while cursor is not None:
            page = (await house.get("/skus/A/movements", params={"limit": "2", "cursor": cursor})).json()
            seen += [(one["why"], one["source"]) for one in page["items"]]
            cursor = page["next"]
        assert seen[:4] == [("sale", f"S-{number}") for number in (3, 2, 1, 0)]
        assert [why for why, _ in seen[4:]] == ["opening"]
        elsewhere = (await house.get("/skus/A/movements", params={"place": "harbour"})).json()
        assert elsewhere == {"items": [], "next": None}
        _is_problem(await house.get("/skus/nothing/movements"), 404)

    api_story(story)


def test_orders_are_listed_and_looked_up_without_anything_about_the_person() -> None:
    async def story(house: House) -> None:
        order_id = house.bench.shop("woocommerce").sale([{"sku": "A", "quantity": 3}])
        await house.bench.wait()
        await house.bench.sync()
        await house.sell("S-1", {"B": 1})
        listed = (await house.get("/orders")).json()["items"]
        assert [(one["channel"], one["id"]) for one in listed] == [("api:till", "S-1"), ("woocommerce", str(order_id))]
        first = (await house.get("/orders", params={"limit": "1"})).json()
        second = (await house.get("/orders", params={"limit": "1", "cursor": first["next"]})).json()
        assert [*first["items"], *second["items"]] == listed
        assert second["next"] is None
        assert (await house.get("/orders", params={"channel": "api:till"})).json()["items"] == listed[:1]
        assert (await house.get("/orders", params={"status": "cancelled"})).json()["items"] == []
        body = (await house.get(f"/orders/woocommerce/{order_id}")).json()
        assert body["effects"] == [{"sku": "A", "place": "main", "net": -3, "before": 0}]
        assert [(line["sku"], line["quantity"]) for line in body["lines"]] == [("A", 3)]
        assert not {"customer", "ship_to", "email", "name", "address", "tracking"} & set(body)
        _is_problem(await house.get("/orders/woocommerce/none"), 404)

    api_story(story)
