"""Settings: fields with help, secrets kept quiet, and the needed ones demanded by name."""

from dataclasses import fields

import pytest

from bridge.contract.errors import NeedsPerson
from bridge.domain.listing_map import ListingMap
from bridge.wire.settings import demand, demand_one_of, mapped, secret, setting, settings


@settings
class Access:
    name: str = setting("who you are there")
    token: str = secret("what opens the door")
    url: str = setting("where the door is", default="https://door.test")


def test_a_field_has_help_and_a_secret_is_marked_and_never_shown() -> None:
    given = Access(name="me", token="hush-hush")
    assert "hush" not in repr(given)
    assert given.url == "https://door.test"
    assert {one.name: (one.metadata["help"], bool(one.metadata.get("secret"))) for one in fields(Access)} == {
        "name": ("who you are there", False), "token": ("what opens the door", True), "url": ("where the door is", False),
    }  # fmt: skip


def test_without_a_map_there_is_an_empty_one() -> None:
    @settings
    class Listing:
        listing_map: ListingMap = mapped("where new listings go")

    assert Listing().listing_map == ListingMap()
    assert fields(Listing)[0].metadata["help"] == "where new listings go"


def test_what_has_no_default_has_to_be_given() -> None:
    with pytest.raises(TypeError, match="token"):
        Access(name="me")  # type: ignore[call-arg]


def test_the_first_that_is_empty_is_demanded_by_name() -> None:
    demand(Access(name="me", token="t"), ("name", "token"), "shop")
    with pytest.raises(NeedsPerson) as caught:
        demand(Access(name="me", token=" "), ("name", "token"), "shop", "see the README")
    assert (caught.value.where, caught.value.what) == ("shop", "no token is set")
    assert caught.value.next_step == "set the channel's `token` (see the README)"


def test_one_that_the_account_does_not_have_is_answered_with_those_that_it_has() -> None:
    demand_one_of("market", "DE", {"DE": "", "FR": "France"}, "no market DE", "shop")
    with pytest.raises(NeedsPerson) as caught:
        demand_one_of("market", "IT", {"DE": "", "FR": "France"}, "no market IT", "shop")
    assert (caught.value.where, caught.value.what) == ("shop", "no market IT")
    assert caught.value.next_step == "set the channel's `market` to one of these: DE, FR (France)"
    with pytest.raises(NeedsPerson) as caught:
        demand_one_of("market", "IT", {}, "no market IT", "shop")
    assert caught.value.next_step.endswith(": none")
