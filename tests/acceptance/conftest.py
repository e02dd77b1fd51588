"""A small merchant: a WooCommerce shop and a Square till with the same three products."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.acceptance.house import Bridge, House, StandIn

if TYPE_CHECKING:
    from tests.acceptance.trio import Trio

STOCK = {"TEE": 10, "MUG": 4, "CAP": 7}


def products(stock: dict[str, int]) -> list[dict[str, Any]]:
    """Return one simple product a SKU."""
    return [
        {"title": f"The {sku}", "variants": [{"sku": sku, "price": "10.00", "stock": n}]} for sku, n in stock.items()
    ]


@pytest.fixture
def house() -> Iterator[House]:
    """Stand-ins that end with the test."""
    house = House()
    yield house
    house.close()


@pytest.fixture
def shop(house: House) -> StandIn:
    """The WooCommerce shop; its tee differs from the till's."""
    return house.build("shop", "woocommerce", products({**STOCK, "TEE": 12}))


@pytest.fixture
def till(house: House) -> StandIn:
    """The Square till, with one location."""
    return house.build("till", "square", products(STOCK), locations=("Main Street",))


@pytest.fixture
def bridge(tmp_path: Path) -> Bridge:
    """The command, not configured."""
    return Bridge(tmp_path)


@pytest.fixture
def trio(house: House, bridge: Bridge) -> "Trio":
    """Three channels with the same numbers, not configured."""
    from tests.acceptance.trio import Trio

    trio = Trio(house, bridge)
    trio.open()
    return trio


def channel_tables(shop: StandIn, till: StandIn) -> dict[str, dict[str, object]]:
    """Return the config tables of both."""
    woo, square = shop.platform.credentials, till.platform.credentials
    key = {"consumer_key": woo["consumer_key"], "consumer_secret": woo["consumer_secret"]}
    return {
        "shop": {"platform": "woocommerce", "url": shop.url, **key},
        "till": {"platform": "square", "url": till.url, "access_token": square["access_token"]},
    }


@pytest.fixture
def configured(bridge: Bridge, shop: StandIn, till: StandIn) -> Bridge:
    """The command with a config for both."""
    bridge.configure(channel_tables(shop, till))
    return bridge


@pytest.fixture
def adopted(configured: Bridge) -> Bridge:
    """The command after adoption with the till's numbers, and a first sync."""
    configured("adopt", "--open", "till")
    configured("sync")
    return configured
