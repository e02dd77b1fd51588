"""Stock calls: batches at the floor, values checked before they go out, outcomes per row."""

import json
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.contract.errors import NeedsPerson, Refused, TryLater
from bridge.contract.ports import Connector
from bridge.contract.stock import Applied, Prepared, Rejected, StockChange
from bridge.domain.catalog import StockKey
from connectors.woocommerce import LIMITS, Settings, connect

if TYPE_CHECKING:
    from tests.connectors.woocommerce.conftest import Shop

Recorded = Callable[[str, str, str], dict[str, Any]]


def change(stock_id: str, delta: int = 1, shown: int = 5, **more: Any) -> StockChange:
    return StockChange(key=StockKey(stock_id), delta=delta, shown=shown, **more)


STOCK_IDS = st.one_of(
    st.integers(1, 10**6).map(str),
    st.tuples(st.integers(1, 4), st.integers(1, 10**6)).map(lambda pair: f"{pair[0]}/{pair[1]}"),
)


@given(ids=st.lists(STOCK_IDS, max_size=400))
def test_batches_are_the_fewest_there_can_be(new_shop: "type[Shop]", ids: list[str]) -> None:
    settings = Settings(url="https://shop.example", consumer_key="ck_key0000", consumer_secret="cs_secret0000")
    stock = connect(settings, new_shop().around(), where="web").stock
    changes = [change(one) for one in ids]
    batches = stock.batches(changes)
    parents = Counter(one.partition("/")[0] if "/" in one else "" for one in ids)
    assert len(batches) == sum(-(-count // 100) for count in parents.values())
    assert Counter(row.key for batch in batches for row in batch) == Counter(row.key for row in changes)
    for number, batch in enumerate(batches):
        assert len(stock.prepare(batch, f"k{number}").changes) <= LIMITS.stock_batch


def test_the_body_is_exact(woo: Connector) -> None:
    rows = [change("7", -3), change("8", 4, 0, track=True)]
    assert woo.stock.prepare(rows, "k").body == (
        '{"update":[{"id":7,"inventory_delta":-3},{"id":8,"manage_stock":true,"stock_quantity":4}]}'
    )


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([], "1 to 100"),
        ([change(str(n)) for n in range(1, 102)], "1 to 100"),
        ([change("7"), change("8/9")], "one product's variations"),
        ([change("abc")], "abc"),
        ([change("7/x")], "7/x"),
        ([change("7", 1.5)], "whole"),  # type: ignore[arg-type]
        ([change("7", True)], "whole"),
        ([change("7", 10**12)], "outside"),
        ([StockChange(key=StockKey("7", "shop"), delta=1, shown=1)], "no locations"),
    ],
)
def test_a_bad_row_is_refused_before_it_goes_out(woo: Connector, rows: list[StockChange], reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        woo.stock.prepare(rows, "k")


@pytest.mark.anyio
async def test_a_prepared_write_goes_out_byte_for_byte_after_a_restart(
    shop: "Shop", woo: Connector, recorded: Recorded
) -> None:
    shop.on("POST", "products/41/variations/batch", recorded("11.0.1", "variations", "096")["json"])
    rows = (change("41/42"), change("41/999999"), change("41/47"))
    body = '{"update":[{"id":42,"inventory_delta":1},{"id":999999,"inventory_delta":1},{"id":47,"inventory_delta":1}]}'
    outcomes = await woo.stock.send(Prepared(key="k", body=body, changes=rows))
    assert shop.calls[0].content == body.encode()
    assert shop.calls[0].headers["content-type"] == "application/json"
    assert outcomes[0] == Applied(key=StockKey("41/42"), at=shop.now, quantity=31)
    assert [one.kind for one in outcomes[1:] if isinstance(one, Rejected)] == ["gone", "gone"]


@pytest.mark.anyio
async def test_a_variation_sent_as_a_product_is_invalid(shop: "Shop", woo: Connector, recorded: Recorded) -> None:
    shop.on("POST", "products/batch", recorded("11.0.1", "products", "063")["json"])
    (outcome,) = await woo.stock.send(woo.stock.prepare([change("47")], "k"))
    assert isinstance(outcome, Rejected)
    assert (outcome.kind, outcome.code) == ("invalid", "woocommerce_rest_invalid_product_id")


@pytest.mark.anyio
async def test_the_same_product_twice_in_a_batch_has_two_outcomes(
    shop: "Shop", woo: Connector, recorded: Recorded
) -> None:
    shop.on("POST", "products/batch", recorded("11.0.1", "products", "064")["json"])
    outcomes = await woo.stock.send(woo.stock.prepare([change("80"), change("80")], "k"))
    assert [one.quantity for one in outcomes if isinstance(one, Applied)] == [1, 2]


@pytest.mark.anyio
@pytest.mark.parametrize("answer", [{"update": []}, {}, []])
async def test_an_answer_that_does_not_name_all_rows_decides_nothing(
    shop: "Shop", woo: Connector, answer: object
) -> None:
    shop.on("POST", "products/batch", answer)
    with pytest.raises(TryLater, match="web") as caught:
        await woo.stock.send(woo.stock.prepare([change("7")], "k"))
    assert caught.value.maybe_applied


@pytest.mark.anyio
async def test_a_page_in_answer_to_a_write_may_hide_that_it_took_effect(shop: "Shop", woo: Connector) -> None:
    shop.on("POST", "products/batch", lambda _: httpx.Response(200, content=b"<html>maintenance</html>"))
    with pytest.raises(TryLater, match="web") as caught:
        await woo.stock.send(woo.stock.prepare([change("7")], "k"))
    assert caught.value.maybe_applied
    assert len(shop.calls) == 1


@pytest.mark.anyio
async def test_a_shop_that_cannot_be_reached_was_not_written_to(shop: "Shop", woo: Connector) -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    shop.on("POST", "products/batch", refuse)
    with pytest.raises(TryLater) as caught:
        await woo.stock.send(woo.stock.prepare([change("7")], "k"))
    assert not caught.value.maybe_applied
    assert len(shop.calls) == 5


@pytest.mark.anyio
async def test_numbers_are_read_in_one_call_per_kind(shop: "Shop", woo: Connector) -> None:
    shop.on(
        "GET", "products", [{"id": 7, "manage_stock": True, "stock_quantity": "12"}, {"id": 8, "manage_stock": False}]
    )
    row = {"id": 42, "parent_id": 41, "manage_stock": True, "stock_quantity": -2}
    shop.on("GET", "variations", [row])
    levels = await woo.stock.read([StockKey(one) for one in ("41/42", "8", "7", "41/43")])
    assert [(level.key.stock_id, level.quantity) for level in levels] == [("41/42", -2), ("8", None), ("7", 12)]
    assert [shop.asked(0)["include"], shop.asked(1)["include"]] == ["8,7", "42,43"]


@pytest.mark.anyio
async def test_a_list_of_variations_that_ignores_the_ids_is_not_believed(shop: "Shop", woo: Connector) -> None:
    shop.on("GET", "variations", [{"id": 99, "parent_id": 98, "manage_stock": True, "stock_quantity": 1}])
    shop.on("GET", "products/41/variations", [{"id": 42, "manage_stock": True, "stock_quantity": 3}])
    (level,) = await woo.stock.read([StockKey("41/42")])
    assert level.quantity == 3


@pytest.mark.anyio
async def test_a_number_that_is_not_whole_is_set_aside_by_the_scan(shop: "Shop", woo: Connector) -> None:
    shop.on("GET", "variations", [])
    good, bad = ({"id": n, "manage_stock": True, "stock_quantity": quantity} for n, quantity in ((7, 3), (8, 2.5)))
    shop.on("GET", "products", [good, bad])
    (page,) = [page async for page in woo.stock.scan()]
    assert [level.quantity for level in page.items] == [3]
    assert [(one.id, "2.5" in one.reason) for one in page.bad] == [("8", True)]


def test_limits_say_what_the_shop_takes(woo: Connector) -> None:
    assert (LIMITS.stock_write, LIMITS.serial_writes, LIMITS.stock_in_catalog) == ("delta", True, True)
    assert woo.stock.changes is None
    shop = ("account", "catalog", "stock", "orders", "products", "order_writer", "webhooks")
    assert woo.offers == (*shop, "customers", "points", "coupons")


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"url": "shop.example"}, "url"),
        ({"consumer_key": "key"}, "consumer_key"),
        ({"status_paid": "pending"}, "status_paid"),
        ({"weight_unit": "stone"}, "weight_unit"),
    ],
)
def test_settings_that_cannot_be_right_are_named(shop: "Shop", changes: dict[str, str], name: str) -> None:
    given = {"url": "https://shop.example", "consumer_key": "ck_key0000", "consumer_secret": "cs_secret0000", **changes}
    with pytest.raises(NeedsPerson, match=f"web: setting {name}"):
        connect(Settings(**given), shop.around(), where="web")  # type: ignore[arg-type]


def test_the_secret_is_not_shown(settings: Settings) -> None:
    assert "cs_secret0000" not in repr(settings)


@pytest.mark.anyio
async def test_https_sends_basic_and_plain_http_signs(shop: "Shop", settings: Settings) -> None:
    shop.on("GET", "products", [])
    await connect(settings, shop.around(), where="web").catalog.get(["1"])
    assert shop.calls[0].headers["authorization"] == "Basic Y2tfa2V5MDAwMDpjc19zZWNyZXQwMDAw"
    plain = Settings(url="http://shop.example/", consumer_key="ck_key0000", consumer_secret="cs_secret0000")
    await connect(plain, shop.around(), where="web").catalog.get(["1"])
    asked = shop.asked()
    assert "authorization" not in shop.calls[1].headers
    assert asked["oauth_timestamp"] == str(int(datetime(2026, 11, 22, 17, tzinfo=UTC).timestamp()))
    assert (asked["oauth_consumer_key"], asked["include"]) == ("ck_key0000", "1")
    assert asked["oauth_signature"]
    assert "secret" not in str(shop.calls[1].url)


def test_the_shell_opens_the_official_client(woo: Connector) -> None:
    assert woo.shell is not None
    client: Any = woo.shell()["woo"]
    assert (client.url, client.consumer_key, client.version) == ("https://shop.example", "ck_key0000", "wc/v3")


@pytest.mark.anyio
async def test_check_refuses_an_address_that_signatures_would_not_match(shop: "Shop") -> None:
    shop.on("GET", "", {"name": "S", "home": "http://www.shop.example", "namespaces": ["wc/v3"]})
    plain = Settings(url="http://shop.example", consumer_key="ck_key0000", consumer_secret="cs_secret0000")
    with pytest.raises(NeedsPerson, match="calls itself") as caught:
        await connect(plain, shop.around(), where="web").account.check()
    assert caught.value.next_step == "set url to http://www.shop.example"


@pytest.mark.anyio
async def test_check_notes_what_does_not_fit(shop: "Shop", settings: Settings, recorded: Recorded) -> None:
    shop.on("GET", "", {"name": "Real", "home": "https://shop.example", "namespaces": ["wp/v2"]})
    with pytest.raises(NeedsPerson, match="without WooCommerce"):
        await connect(settings, shop.around(), where="web").account.check()
    shop.on("GET", "", {"name": "Real", "home": "https://shop.example", "namespaces": ["wp/v2", "wc/v3"]})
    shop.on("GET", "system_status", recorded("11.0.1", "auth", "259")["json"])
    shop.on("GET", "settings/products", recorded("11.0.1", "auth", "260")["json"])
    shop.on("POST", "products/batch", recorded("11.0.1", "products", "066")["json"])
    identity = await connect(settings, shop.around(), where="web").account.check()
    assert (identity.name, identity.version, identity.currency, identity.now) == ("Real", "11.0.1", "USD", shop.now)
    assert any("set weight_unit to lbs" in note for note in identity.notes)
    (probe,) = [request for request in shop.calls if request.method != "GET"]
    assert json.loads(probe.content) == {}
