"""Tokens: an hour each, a new refresh token every time, and a restart in between, whichever way Etsy treats the old one."""

import asyncio
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from bridge.contract.errors import NeedsPerson
from bridge.wire.vault import Memory
from tests.connectors.etsy.conftest import Open
from tests.contract.bench import Bench, good

pytestmark = pytest.mark.anyio

HOUR = 3600
EITHER: list[dict[str, Any]] = [{"old_refresh_lives": True}, {"old_refresh_lives": False}]


def _renewals(bench: Bench) -> int:
    return sum(count for call, count in bench.platform.faults.calls.items() if call.endswith("/oauth/token"))


@pytest.mark.parametrize("belief", EITHER)
async def test_a_token_serves_for_an_hour_and_is_renewed_ahead(new_shop: Open, belief: dict[str, Any]) -> None:
    shop = new_shop(**belief)
    for _ in range(5):
        await shop.connector.account.check()
        await shop.wait(9 * 60)
    assert _renewals(shop) == 1
    for hour in range(1, 30):
        await shop.wait(HOUR)
        await shop.connector.account.check()
        assert _renewals(shop) == 1 + hour


@pytest.mark.parametrize("belief", EITHER)
async def test_a_restart_goes_on_with_the_newest_token(new_shop: Open, belief: dict[str, Any]) -> None:
    shop = new_shop(**belief)
    await shop.connector.account.check()
    await shop.wait(2 * HOUR)
    await shop.connector.account.check()
    restarted = shop.connect()
    await restarted.account.check()
    assert _renewals(shop) == 2, "the access token is still good"
    await shop.wait(80 * 24 * HOUR)
    await shop.connect().account.check()
    assert _renewals(shop) == 3


async def test_where_the_old_token_lives_a_lost_vault_is_no_loss(new_shop: Open) -> None:
    shop = new_shop(old_refresh_lives=True)
    await shop.connector.account.check()
    shop.around = replace(shop.around, vault=Memory())
    assert (await shop.connect().account.check()).name


async def test_where_it_does_not_a_person_hears_what_to_do(new_shop: Open) -> None:
    shop = new_shop(old_refresh_lives=False)
    await shop.connector.account.check()
    shop.around = replace(shop.around, vault=Memory())
    with pytest.raises(NeedsPerson, match="revoked") as caught:
        await shop.connect().account.check()
    assert "refresh_token" in caught.value.next_step


async def test_a_new_token_in_the_settings_goes_before_the_kept_one(shop: Bench) -> None:
    await shop.connector.account.check()
    shop.shop.state.access.revoke()
    shop.shop.state.access.refresh["88001.given-anew"] = int(shop.loop.now().timestamp()) + HOUR
    with pytest.raises(NeedsPerson):
        await shop.connect().account.check()
    assert (await shop.connect(refresh_token="88001.given-anew").account.check()).name


async def test_the_configured_token_is_the_last_resort(new_shop: Open) -> None:
    shop = new_shop(old_refresh_lives=True)
    await shop.connector.account.check()
    kept = [token for token in shop.shop.state.access.refresh if token != shop.platform.credentials["refresh_token"]]
    for token in kept:
        del shop.shop.state.access.refresh[token]
    await shop.wait(2 * HOUR)
    assert (await shop.connector.account.check()).name


async def test_two_processes_with_one_vault_do_not_lock_each_other_out(new_shop: Open) -> None:
    shop = new_shop(old_refresh_lives=False)
    first, second = shop.connector, shop.connect()
    for _ in range(6):
        await first.account.check()
        await second.account.check()
        await shop.wait(HOUR)
    assert _renewals(shop) == 6


async def test_calls_that_were_refused_together_renew_once(shop: Bench) -> None:
    await shop.seed(good("TEE"))
    ids = [(await shop.variant("TEE"))[0].id]
    shop.shop.state.access.access.clear()
    found = await asyncio.gather(*(shop.connector.catalog.get(ids) for _ in range(3)))
    assert [len(one) for one in found] == [1, 1, 1]
    assert _renewals(shop) == 2


async def test_a_token_is_never_shown_to_another_address(shop: Bench) -> None:
    await shop.connector.account.check()
    mark = len(shop.wire.all)
    with pytest.raises(Exception, match=r"nobody\.example"):
        await shop.connect(url="https://nobody.example").account.check()
    headers = [call.headers.get("authorization") for call in shop.wire.all[mark:] if call.host == "nobody.example"]
    assert headers
    assert set(headers) == {None}


async def test_a_lost_answer_to_a_renewal_is_tried_again(new_shop: Open) -> None:
    shop = new_shop(old_refresh_lives=True)
    shop.platform.faults.add(kind="cut_after", path="/oauth/token$")
    assert (await shop.connector.account.check()).name


async def test_the_lower_allowance_of_an_app_is_kept(new_shop: Open) -> None:
    shop = new_shop(calls_per_second=2)
    await shop.seed(*(good(f"SKU-{number}") for number in range(3)))
    await shop.wait(10)
    shop.wire.calls.clear()
    for _ in range(3):
        await shop.catalogue()
    calls = [call.at for call in shop.wire.calls]
    assert len(calls) == 15, "nothing was refused, so nothing was repeated"
    assert all(later - earlier >= 0.99 for earlier, later in pairwise(calls[2:]))
