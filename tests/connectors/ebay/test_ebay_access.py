"""Tokens, scopes, and what the account says of itself."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from bridge.contract.errors import NeedsPerson, TryLater
from bridge.contract.stock import StockChange
from bridge.domain.catalog import StockKey
from tests.connectors.ebay.conftest import House, good


def _tokens(house: House) -> int:
    return len(house.wire.paths("/oauth2/token"))


def test_however_many_ask_one_token_is_fetched(house: House) -> None:
    house.shop.seed([good("TEE")])

    async def many() -> None:
        await asyncio.gather(*(house.ebay.stock.read([StockKey("TEE")]) for _ in range(8)))

    house.run(many())
    assert _tokens(house) == 1


def test_a_token_is_renewed_before_it_runs_out(house: House) -> None:
    house.shop.seed([good("TEE")])
    for seconds, fetched in ((0, 1), (6000, 1), (700, 2)):
        house.wait(seconds)
        house.run(_read(house))
        assert _tokens(house) == fetched


async def _read(house: House) -> Any:
    return await house.ebay.stock.read([StockKey("TEE")])


def test_a_token_that_ebay_forgot_is_fetched_anew_once(house: House) -> None:
    house.shop.seed([good("TEE")])
    house.run(_read(house))
    house.state.grants.clear()
    assert house.run(_read(house))
    assert _tokens(house) == 2


def test_a_consent_withdrawn_in_mid_work_needs_a_person_and_writes_nothing(house: House) -> None:
    house.shop.seed([good("TEE")])
    house.run(_read(house))
    house.state.revoked = True
    stock = house.ebay.stock
    prepared = stock.prepare([StockChange(key=StockKey("TEE"), delta=-1, shown=10)], "k")

    async def send() -> None:
        await stock.send(prepared)

    with pytest.raises(NeedsPerson, match="refresh token") as caught:
        house.run(send())
    assert "refresh_token" in caught.value.next_step
    assert house.shop.stock() == {"TEE": {"": 10}}
    assert len(house.wire.paths("bulk_update_price_quantity")) == 1


async def _check(house: House) -> Any:
    return await house.ebay.account.check()


def test_without_out_of_stock_control_a_merchant_is_told(build_house: Callable[..., House]) -> None:
    assert house_notes(build_house(out_of_stock=False))[0].startswith("out-of-stock control is off")
    assert house_notes(build_house()) == ()


def house_notes(house: House) -> tuple[str, ...]:
    """Return what the check tells a merchant."""
    return tuple(house.run(_check(house)).notes)


def test_scopes_that_are_only_nice_to_have_are_notes(build_house: Callable[..., House]) -> None:
    house = build_house(scopes=("sell.inventory", "sell.fulfillment"))
    identity = house.run(_check(house))
    assert identity.missing == ()
    assert [note.split(":")[0].rpartition(" ")[2] for note in identity.notes] == [
        "sell.account.readonly", "sell.finances", "commerce.notification.subscription",
    ]  # fmt: skip


def test_a_check_of_a_good_consent_takes_three_calls(house: House) -> None:
    house.run(_check(house))
    assert len(house.wire.sent) == 3


def test_a_site_that_nobody_knows_is_named(house: House) -> None:
    wrong = house.open(marketplace="EBAY_XX")

    async def check() -> None:
        await wrong.account.check()

    with pytest.raises(NeedsPerson, match="EBAY_XX") as caught:
        house.run(check())
    assert "EBAY_GB" in caught.value.next_step


def test_the_site_is_named_in_every_call_and_the_language_in_writes(house: House) -> None:
    house.shop.seed([good("TEE")])
    house.run(_read(house))
    calls = [one for one in house.wire.sent if not one.url.path.endswith("/token")]
    assert {one.headers["x-ebay-c-marketplace-id"] for one in calls} == {"EBAY_US"}


def test_too_many_calls_are_waited_out_and_then_given_up(house: House) -> None:
    house.platform.faults.add(kind="throttle", path="/sell/", times=None)
    with pytest.raises(TryLater) as caught:
        house.run(_read(house))
    assert caught.value.code == "2001"
