"""Keys, tokens, scopes, and how often one may ask."""

from types import SimpleNamespace

import pytest

from tests.sandbox.test_etsy.conftest import Open


def test_both_parts_of_the_key_are_wanted(shop: SimpleNamespace) -> None:
    assert shop.ask("GET", "/openapi-ping").status_code == 200
    refused = shop.ask("GET", "/openapi-ping", headers={"x-api-key": shop.known["keystring"]})
    assert (refused.status_code, "keystring:shared_secret" in refused.json()["error"]) == (403, True)


def test_a_token_ends_after_an_hour(shop: SimpleNamespace) -> None:
    assert shop.ask("GET", "/users/me").json() == {"user_id": 88001, "shop_id": 44001}
    shop.later(3600)
    assert shop.ask("GET", "/users/me").json() == {
        "error": "invalid_token", "error_description": "access token is expired",
    }  # fmt: skip
    fresh = shop.renew(shop.tokens["refresh_token"]).json()
    assert (fresh["expires_in"], fresh["refresh_token"] != shop.tokens["refresh_token"]) == (3600, True)


@pytest.mark.parametrize(("lives", "status"), [(True, 200), (False, 400)])
def test_a_used_refresh_token_lives_on_or_does_not(open_shop: Open, lives: bool, status: int) -> None:
    shop = open_shop(old_refresh_lives=lives)
    assert shop.renew(shop.known["refresh_token"]).status_code == status


def test_a_refresh_token_ends_after_ninety_days(shop: SimpleNamespace) -> None:
    shop.later(90 * 24 * 3600)
    answer = shop.renew(shop.tokens["refresh_token"])
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


def test_a_scope_that_was_not_given_is_missed(open_shop: Open) -> None:
    shop = open_shop(scopes=("listings_r",))
    assert shop.ask("GET", "/shops/44001/listings").status_code == 200
    refused = shop.ask("GET", "/shops/44001/receipts")
    assert (refused.status_code, refused.json()["error"]) == (403, "insufficient_scope")
    assert shop.ask("POST", "/scopes", data={"token": shop.tokens["access_token"]}).json() == {"scopes": ["listings_r"]}


def test_another_shop_is_not_to_be_had(shop: SimpleNamespace) -> None:
    assert shop.ask("GET", "/shops/1/listings").status_code == 403


def test_too_many_in_a_second_or_a_day_are_told_to_wait(open_shop: Open) -> None:
    shop = open_shop(calls_per_second=2, calls_per_day=5)
    told = [shop.ask("GET", "/openapi-ping") for _ in range(3)]
    assert [one.status_code for one in told] == [200, 200, 429]
    assert (told[2].headers["retry-after"], told[1].headers["x-remaining-this-second"]) == ("1", "0")
    for _ in range(3):
        shop.later(2)
        assert shop.ask("GET", "/openapi-ping").status_code == 200
    shop.later(2)
    over = shop.ask("GET", "/openapi-ping")
    assert (over.status_code, over.headers["x-remaining-today"]) == (429, "0")
    assert int(over.headers["retry-after"]) > 80_000
    shop.later(int(over.headers["retry-after"]))
    assert shop.ask("GET", "/openapi-ping").status_code == 200
