"""Answers as the four errors: the recorded ones, and those of proxies and broken sites."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import httpx
import msgspec
import pytest

from bridge.contract.errors import BridgeError, Gone, NeedsPerson, Refused, TryLater
from bridge.contract.ports import Connector
from bridge.wire.http import Request, Response
from connectors.woocommerce.judge import judge

if TYPE_CHECKING:
    from tests.connectors.woocommerce.conftest import Shop

Recorded = Callable[[str, str, str], dict[str, Any]]


def judged(status: int, content: bytes, *, repeatable: bool = True, after: str = "") -> BridgeError | None:
    request = Request(method="GET", path="x", op="read products", repeatable=repeatable)
    at = datetime(2026, 11, 22, tzinfo=UTC)
    return judge(
        request,
        Response(
            op="read products",
            status=status,
            headers={"retry-after": after, "location": after},
            content=content,
            at=at,
            ms=1.0,
        ),
    )


@pytest.mark.parametrize(
    ("group", "name", "kind", "step"),
    [
        ("errors", "215_401_no_auth", NeedsPerson, "sign_calls"),
        ("errors", "216_401_bad_key", NeedsPerson, "check consumer_key"),
        ("errors", "217_401_bad_secret", NeedsPerson, "consumer secret"),
        ("errors", "218_401_read_key", NeedsPerson, "Read/Write"),
        ("errors", "219_401_write_key", NeedsPerson, "Read/Write"),
        ("errors", "220_404_route", NeedsPerson, "WooCommerce active"),
        ("errors", "221_404_product", Gone, ""),
        ("errors", "222_404_put_product", Gone, ""),
        ("errors", "223_404_order", Gone, ""),
        ("errors", "224_404_order_put", Gone, ""),
        ("errors", "228_400_bad_json", Refused, ""),
        ("errors", "230_400_two_bad", Refused, ""),
        ("errors", "235_plain_query_route", NeedsPerson, "consumer_key"),
        ("errors", "239_403_customer_key", NeedsPerson, "Shop manager"),
        ("auth", "244_http_basic", NeedsPerson, "sign_calls"),
        ("auth", "250_http_oauth1_nonce", TryLater, ""),
        ("auth", "251_http_oauth1_old", NeedsPerson, "clock"),
        ("auth", "252_http_oauth1_future", NeedsPerson, "clock"),
        ("auth", "253_http_oauth1_bad", NeedsPerson, "WordPress Settings > General"),
        ("auth", "254_http_oauth1_missing", NeedsPerson, "url"),
        ("products", "030_create_dup_sku", Refused, "SKU is taken"),
        ("products", "072_create_sku_of_trashed", Refused, "trash"),
        ("products", "065_batch_101", Refused, ""),
        ("products", "073_delete_trashed_again", Gone, ""),
        ("products", "075_get_deleted", Gone, ""),
        ("variations", "086_get_wrong_parent", Gone, ""),
        ("variations", "089_update_stock_via", Refused, "bridge link"),
        ("orders", "126_refund_too_much", Refused, "refunds"),
        ("orders", "127_refund_api_refund", Refused, "refunds"),
        ("orders", "143_create_bad_customer", Refused, ""),
        ("orders", "156_get_deleted", Gone, ""),
    ],
)
def test_recorded_answers(
    recorded: Recorded, version: str, group: str, name: str, kind: type[BridgeError], step: str
) -> None:
    call = recorded(version, group, name)
    error = judged(call["status"], msgspec.json.encode(call["json"]))
    assert type(error) is kind
    assert error.code == call["json"]["code"]
    assert step in error.next_step
    assert call["json"]["message"] in error.what


def test_a_parameter_that_was_refused_is_named(recorded: Recorded) -> None:
    error = judged(400, msgspec.json.encode(recorded("11.0.1", "errors", "230")["json"]))
    assert error is not None
    assert "per_page is not of type integer" in error.what


def test_a_page_instead_of_json_is_a_permalink_matter() -> None:
    error = judged(404, b"<!DOCTYPE html><title>Page not found</title>")
    assert isinstance(error, NeedsPerson)
    assert "Permalinks" in error.next_step


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_what_passes_by_itself_is_tried_later(status: int) -> None:
    error = judged(status, b"<html>busy</html>", after="7")
    assert isinstance(error, TryLater)
    assert error.after == 7


@pytest.mark.parametrize("repeatable", [True, False])
def test_a_maintenance_page_that_says_200_is_no_answer(repeatable: bool) -> None:
    error = judged(200, b"\n<html>We'll be back</html>", repeatable=repeatable)
    assert isinstance(error, TryLater)
    assert error.maybe_applied != repeatable
    assert judged(200, b"\xef\xbb\xbf[]") is None


def test_a_crash_while_writing_may_have_taken_effect() -> None:
    body = b'{"code":"internal_server_error","message":"There has been a critical error on this website."}'
    error = judged(500, body, repeatable=False)
    assert isinstance(error, TryLater)
    assert error.maybe_applied
    assert "critical error" in error.what


def test_a_redirect_names_the_address_to_use() -> None:
    error = judged(301, b"", after="https://www.shop.example/wp-json/")
    assert isinstance(error, NeedsPerson)
    assert "https://www.shop.example" in error.what


def test_not_to_be_trashed_is_refused() -> None:
    body = (
        b'{"code":"woocommerce_rest_trash_not_supported","message":"does not support trashing","data":{"status":501}}'
    )
    assert isinstance(judged(501, body), Refused)


@pytest.mark.anyio
async def test_a_byte_order_mark_in_front_is_borne(shop: "Shop", woo: Connector) -> None:
    shop.on(
        "GET",
        "orders/5",
        lambda _: httpx.Response(
            404, content=b"\xef\xbb\xbf" + b'{"code":"woocommerce_rest_shop_order_invalid_id","message":"Invalid ID."}'
        ),
    )
    with pytest.raises(Gone, match="web: read order: Invalid ID"):
        await woo.sales.get("5")


@pytest.mark.anyio
async def test_a_used_nonce_is_signed_anew_and_sent_again(shop: "Shop", woo: Connector) -> None:
    answers = [
        shop.json(
            {
                "code": "woocommerce_rest_authentication_error",
                "message": "Invalid nonce - nonce has already been used.",
            },
            401,
        ),
        shop.json({"code": "woocommerce_rest_shop_order_invalid_id", "message": "Invalid ID."}, 404),
    ]
    shop.on("GET", "orders/5", lambda _: answers.pop(0))
    with pytest.raises(Gone):
        await woo.sales.get("5")
    assert len(shop.calls) == 2


@pytest.mark.anyio
async def test_no_secret_in_an_error(shop: "Shop", woo: Connector) -> None:
    shop.on("GET", "orders/5", {"code": "x", "message": "you sent ck_key0000 and cs_secret0000"}, status=400)
    with pytest.raises(Refused) as caught:
        await woo.sales.get("5")
    assert "cs_secret0000" not in str(caught.value)
    assert "ck_key0000" not in str(caught.value)
