"""Access: tokens, scopes, the API version, and settings that keep their secrets."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from bridge.contract.errors import NeedsPerson
from bridge.contract.ports import Connector
from bridge.contract.stock import StockChange
from bridge.domain.catalog import StockKey
from connectors.shopify import LIMITS, Settings, connect
from connectors.shopify.account import missing_scopes
from connectors.shopify.limits import LOYALTY_SCOPES, OPTIONAL_SCOPES, REQUIRED_SCOPES, WRITER_SCOPES

ALL = (*REQUIRED_SCOPES, *WRITER_SCOPES, *OPTIONAL_SCOPES, *LOYALTY_SCOPES)
Make = Callable[..., dict[str, Any]]


def who(*scopes: str) -> dict[str, Any]:
    granted = [{"handle": scope} for scope in scopes]
    shop = {"name": "My shop", "currencyCode": "CAD", "myshopifyDomain": "my-shop.myshopify.com"}
    return {"data": {"shop": shop, "currentAppInstallation": {"accessScopes": granted}}}


def place(number: int, *, active: bool = True) -> dict[str, Any]:
    return {"id": f"gid://shopify/Location/{number}", "name": f"Shop {number}", "isActive": active}


@pytest.mark.anyio
async def test_who_we_are(stage: Any, shop: Connector, page: Make) -> None:
    stage.say("Who", who(*ALL))
    stage.say("Locations", {"data": {"locations": page(place(1), place(2, active=False))}})
    found = await shop.account.check()
    assert (found.name, found.currency, found.missing, found.notes) == ("My shop", "CAD", (), ())
    assert [(one.id, one.active) for one in found.locations] == [("1", True), ("2", False)]
    assert set(stage.names()) == {"Who", "Locations"}


@pytest.mark.anyio
async def test_what_is_missing_is_named(stage: Any, page: Make) -> None:
    settings = Settings(shop="my-shop", access_token="shpat_0123456789abcdef", location="3")
    shop = connect(settings, stage.around(), where="web")
    stage.say("Who", who("read_products", "write_inventory", "read_locations"))
    stage.say("Locations", {"data": {"locations": page(place(1))}})
    found = await shop.account.check()
    assert found.missing == ("read_orders", "read_merchant_managed_fulfillment_orders", "read_returns")
    assert any("write_orders" in note for note in found.notes)
    assert any("`location` is 3" in note for note in found.notes)


def test_writing_includes_reading() -> None:
    assert missing_scopes({"write_orders"}, ("read_orders", "write_orders", "write_products")) == ("write_products",)


@pytest.mark.anyio
async def test_a_merchant_without_loyalty_needs_no_scope_for_it(stage: Any, shop: Connector, page: Make) -> None:
    stage.say("Who", who(*REQUIRED_SCOPES, *WRITER_SCOPES, *OPTIONAL_SCOPES))
    stage.say("Locations", {"data": {"locations": page(place(1))}})
    found = await shop.account.check()
    assert found.missing == ()
    assert [note.split(":")[0] for note in found.notes] == [
        "without the scope write_customers points cannot be shown here",
        "without the scope write_discounts coupon codes cannot be kept here",
    ]


@pytest.mark.anyio
async def test_another_api_version_is_never_silent(stage: Any, shop: Connector, recorded: Callable[[str], Any]) -> None:
    stage.version = "2027-07"
    stage.say("Who", who(*ALL))
    with pytest.raises(NeedsPerson, match="2027-07"):
        await shop.account.check()
    # And nothing is written while that is so.
    made = shop.stock.prepare([StockChange(key=StockKey("1", "9"), delta=1, shown=1)], "key")
    with pytest.raises(NeedsPerson, match="2027-07"):
        await shop.stock.send(made)
    assert "StockAdjust" not in stage.names()


@pytest.mark.anyio
async def test_a_write_that_was_answered_counts_even_if_the_version_changed_meanwhile(
    stage: Any, shop: Connector, recorded: Callable[[str], Any]
) -> None:
    stage.version = "2027-07"
    stage.say("StockAdjust", recorded("stock_write")["inventoryAdjustQuantities"])
    made = shop.stock.prepare([StockChange(key=StockKey("1", "9"), delta=1, shown=1)], "key")
    assert len(await shop.stock.send(made)) == 1
    with pytest.raises(NeedsPerson, match="2027-07"):
        await shop.stock.send(made)


def app_settings() -> Settings:
    return Settings(shop="my-shop", client_id="app", client_secret="very-secret-value")


@pytest.mark.anyio
async def test_an_app_asks_for_one_token_and_renews_it_ahead(stage: Any, page: Make) -> None:
    shop = connect(app_settings(), stage.around(), where="web")
    stage.say("token", *({"access_token": f"granted-{n}", "scope": "", "expires_in": 86399} for n in (1, 2)))
    stage.say("LevelsScan", {"data": {"inventoryItems": page()}})

    async def scan() -> None:
        assert [one async for one in shop.stock.scan()]

    await asyncio.gather(*(scan() for _ in range(5)))
    assert stage.names().count("token") == 1
    stage.clock += timedelta(hours=23, minutes=55).total_seconds()
    await scan()
    assert stage.names().count("token") == 2
    assert stage.headers[-1]["x-shopify-access-token"] == "granted-2"


@pytest.mark.anyio
async def test_a_refused_token_is_renewed_once(stage: Any, page: Make) -> None:
    shop = connect(app_settings(), stage.around(), where="web")
    stage.say("token", *({"access_token": f"granted-{n}", "expires_in": 86399} for n in (1, 2)))
    denied = httpx.Response(401, json={"errors": "[API] Invalid API key or access token"})
    stage.say("LevelsScan", denied, {"data": {"inventoryItems": page()}})
    assert [one async for one in shop.stock.scan()]
    stage.say("LevelsScan", denied)
    with pytest.raises(NeedsPerson):
        assert [one async for one in shop.stock.scan()]


@pytest.mark.anyio
async def test_a_refused_static_token_needs_a_person(stage: Any, shop: Connector) -> None:
    stage.say("Who", httpx.Response(401, json={"errors": "[API] Invalid API key or access token"}))
    with pytest.raises(NeedsPerson) as raised:
        await shop.account.check()
    assert len(stage.asked) == 1
    assert raised.value.where == "web"


@pytest.mark.anyio
async def test_wrong_app_credentials_need_a_person(stage: Any) -> None:
    shop = connect(app_settings(), stage.around(), where="web")
    stage.say("token", httpx.Response(400, json={"error": "invalid_client", "secret": "very-secret-value"}))
    with pytest.raises(NeedsPerson, match="client id") as raised:
        await shop.account.check()
    assert "very-secret-value" not in str(raised.value)


@pytest.mark.parametrize(
    ("written", "url"),
    [
        ("my-shop", "https://my-shop.myshopify.com"), ("My-Shop.myshopify.com", "https://my-shop.myshopify.com"),
        ("https://my-shop.myshopify.com/admin", "https://my-shop.myshopify.com"),
    ],
)  # fmt: skip
def test_a_shop_may_be_written_in_several_ways(written: str, url: str) -> None:
    assert Settings(shop=written).base_url == url
    assert Settings(shop=written, url="http://localhost:9/").base_url == "http://localhost:9"


@pytest.mark.parametrize("settings", [Settings(), Settings(shop="x"), Settings(shop="x", client_id="app")])
def test_settings_that_cannot_work_are_said_at_once(settings: Settings, stage: Any) -> None:
    with pytest.raises(NeedsPerson):
        connect(settings, stage.around(), where="web")


def test_secrets_are_not_shown() -> None:
    shown = repr(Settings(shop="x", access_token="shpat_secret", client_secret="very-secret-value"))
    assert "secret" not in shown.replace("client_secret", "")


def test_what_the_connector_offers(shop: Connector) -> None:
    assert shop.offers == (
        "account", "catalog", "stock", "orders", "products", "order_writer", "webhooks", "customers", "points", "coupons",
    )  # fmt: skip
    assert shop.limits is LIMITS


@pytest.mark.anyio
async def test_the_shell_is_the_official_client(shop: Connector) -> None:
    assert shop.shell is not None
    client: Any = shop.shell()["shopify"]
    try:
        assert client.ShopifyResource.headers["X-Shopify-Access-Token"] == "shpat_0123456789abcdef"
        assert client.ShopifyResource.site == "https://my-shop.myshopify.com/admin/api/2026-10"
    finally:
        client.ShopifyResource.clear_session()
    assert shop.close is not None
    await shop.close()
