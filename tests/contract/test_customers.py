"""Customers: everybody is read, people are found by exactly their contacts, and who changed is told."""

from datetime import timedelta

import pytest

from bridge.contract.feed import Feed
from bridge.domain.people import Customer
from bridge.sandbox.kit.loop import START
from tests.contract.bench import Bench, pages

pytestmark = [pytest.mark.anyio, pytest.mark.offers("customers")]

ADA = {"name": "Ada Lovelace", "email": "Ada.L@example.com", "phone": "+14155550142"}
HOUR = 3600


async def _everybody(bench: Bench) -> list[Customer]:
    await bench.seen()
    found = list[Customer]()
    async for page in bench.people.all():
        assert not page.bad
        found += page.items
    return found


async def _found(bench: Bench, *, email: str = "", phone: str = "") -> list[str]:
    await bench.seen()
    return [one.id for one in await bench.people.find(email=email, phone=phone)]


def _feed(bench: Bench) -> Feed[Customer]:
    assert bench.people.changes is not None
    return bench.people.changes


async def _caught_up(bench: Bench) -> str:
    """Read the feed to its end, hours apart, so that overlaps are behind."""
    cursor = _feed(bench).begin(START)
    for _ in range(3):
        await bench.wait(HOUR)
        cursor = (await pages(_feed(bench), cursor))[-1].cursor
    return cursor


@pytest.mark.parametrize("beyond", [-1, 0, 1])
async def test_everybody_is_read_once_over_page_boundaries(bench: Bench, beyond: int) -> None:
    made = [bench.person(number) for number in range(bench.facts.customer_page + beyond)]
    found = [one.id for one in await _everybody(bench)]
    assert len(found) == len(set(found))
    assert set(made) <= set(found)


async def test_it_says_who_changed_or_that_it_cannot(bench: Bench) -> None:
    assert (bench.people.changes is not None) == bench.facts.people_change


async def test_nobody_is_a_page_too(bench: Bench) -> None:
    assert await _everybody(bench) == []


async def test_what_is_read_is_what_the_shop_knows(bench: Bench) -> None:
    ada = bench.person(1, **ADA)
    (one,) = [one for one in await _everybody(bench) if one.id == ada]
    assert (one.name, one.email.casefold(), one.phone) == ("Ada Lovelace", ADA["email"].casefold(), ADA["phone"])
    assert one.points is None


@pytest.mark.where("knows_consent")
async def test_whoever_does_not_want_to_be_written_to_is_known(bench: Bench) -> None:
    yes, no = bench.person(1, consent=True), bench.person(2, consent=False)
    consent = {one.id: one.consent for one in await _everybody(bench)}
    assert consent[yes] in {True, None}
    assert consent[no] is False


async def test_one_that_is_no_more_is_left_out(bench: Bench) -> None:
    ids = [bench.person(number) for number in range(3)]
    bench.shop.delete_customer(ids[1])
    await bench.seen()
    assert {one.id for one in await bench.people.get(ids)} == {ids[0], ids[2]}
    assert await bench.people.get([ids[1]]) == []
    assert ids[1] not in {one.id for one in await _everybody(bench)}


async def test_many_are_read_by_id(bench: Bench) -> None:
    ids = [bench.person(number) for number in range(bench.facts.customer_page + 1)]
    await bench.seen()
    assert {one.id for one in await bench.people.get(ids)} == set(ids)
    assert await bench.people.get([]) == []


@pytest.mark.parametrize("email", ["ada.l@example.com", "ADA.L@EXAMPLE.COM", "Ada.L@example.com"])
async def test_an_email_address_is_found_in_any_case(bench: Bench, email: str) -> None:
    bench.person(1)
    ada = bench.person(2, **ADA)
    assert await _found(bench, email=email) == [ada]


@pytest.mark.parametrize("other", ["da.l@example.com", "ada.l@example.co", "ada.l", "example.com", "ada@example.com"])
async def test_an_email_address_is_not_found_by_less(bench: Bench, other: str) -> None:
    bench.person(1, **ADA)
    assert await _found(bench, email=other) == []


async def test_who_has_a_longer_email_address_is_somebody_else(bench: Bench) -> None:
    ada = bench.person(1, **ADA)
    bench.person(2, email="mada.l@example.com")
    bench.person(3, email="ada.l@example.com.au")
    assert await _found(bench, email="ada.l@example.com") == [ada]


@pytest.mark.where("phone_search")
async def test_a_phone_number_is_found(bench: Bench) -> None:
    bench.person(1)
    ada = bench.person(2, **ADA)
    assert await _found(bench, phone="+14155550142") == [ada]


@pytest.mark.where("phone_search")
@pytest.mark.parametrize("other", ["+14155550143", "+1415555014", "4155550142", "0142", "+44155550142", "415 555"])
async def test_a_phone_number_is_not_found_by_less_or_another(bench: Bench, other: str) -> None:
    bench.person(1, **ADA)
    assert await _found(bench, phone=other) == []


async def test_without_a_contact_nobody_is_found(bench: Bench) -> None:
    bench.person(1, **ADA)
    await bench.seen()
    bench.wire.calls.clear()
    assert list(await bench.people.find()) == []
    assert bench.wire.calls == []


@pytest.mark.where("phone_search")
async def test_either_contact_is_enough_and_nobody_comes_twice(bench: Bench) -> None:
    ada, other = bench.person(1, **ADA), bench.person(2)
    assert await _found(bench, email=ADA["email"], phone=ADA["phone"]) == [ada]
    assert set(await _found(bench, email=ADA["email"], phone="+14155550002")) == {ada, other}


async def test_reading_and_finding_write_nothing(bench: Bench) -> None:
    ada = bench.person(1, **ADA)
    await _everybody(bench)
    await _found(bench, email=ADA["email"], phone=ADA["phone"])
    await bench.people.get([ada])
    assert not any(bench.facts.writes(call.method, call.path, call.body) for call in bench.wire.calls)


async def test_personal_data_is_in_no_text(bench: Bench) -> None:
    bench.person(1, **ADA)
    await bench.seen()
    shown = repr([page async for page in bench.people.all()]) + repr(await bench.people.find(email=ADA["email"]))
    assert shown.count("Customer(") >= 2
    assert not [word for word in ("ada.l", "lovelace", "5550142") if word in shown.casefold()]


@pytest.mark.where("people_change")
async def test_who_changed_is_told(bench: Bench) -> None:
    ids = [bench.person(number) for number in range(3)]
    cursor = await _caught_up(bench)
    bench.shop.edit_customer(ids[1], name="Somebody Else")
    new = bench.person(3)
    await bench.wait(2)
    await bench.seen()
    told = {one.id: one.name for page in await pages(_feed(bench), cursor) for one in page.items}
    assert told == {ids[1]: "Somebody Else", new: "Person 3"}


@pytest.mark.where("people_change")
async def test_at_rest_nobody_is_told_twice(bench: Bench) -> None:
    bench.person(1)
    cursor = await _caught_up(bench)
    found = await pages(_feed(bench), cursor)
    assert [one for page in found for one in page.items] == []
    assert found[-1].cursor


@pytest.mark.where("people_change")
@pytest.mark.parametrize("beyond", [-1, 0, 1])
async def test_the_page_boundary_of_changes_loses_nobody(bench: Bench, beyond: int) -> None:
    """All of them changed in the same second, as an import leaves them."""
    made = {bench.person(number) for number in range(bench.facts.customer_page + beyond)}
    await bench.seen()
    told = {
        one.id
        for page in await pages(_feed(bench), _feed(bench).begin(START - timedelta(days=1)))
        for one in page.items
    }
    assert told == made


@pytest.mark.where("people_change")
async def test_a_broken_off_reading_of_changes_loses_nobody(bench: Bench) -> None:
    """Whoever changed last may stand on any page."""
    made = [bench.person(number) for number in range(bench.facts.customer_page + 20)]
    cursor, seen = await _caught_up(bench), set[str]()
    for customer in reversed(made):
        await bench.wait(30)
        bench.shop.edit_customer(customer, name="Changed")
    await bench.seen()
    async for page in _feed(bench).since(cursor):
        seen |= {one.id for one in page.items}
        cursor = page.cursor
        break
    await bench.wait(HOUR)
    seen |= {one.id for page in await pages(_feed(bench), cursor) for one in page.items}
    assert seen == set(made)


@pytest.mark.where("people_change")
async def test_a_change_in_the_very_second_of_the_cursor_is_not_lost(bench: Bench) -> None:
    first, second = bench.person(1), bench.person(2)
    cursor = await _caught_up(bench)
    bench.shop.edit_customer(first, name="First")
    cursor = (await pages(_feed(bench), cursor))[-1].cursor
    bench.shop.edit_customer(second, name="Second")
    await bench.seen()
    told = {one.name for page in await pages(_feed(bench), cursor) for one in page.items}
    assert "Second" in told


@pytest.mark.where("people_change")
async def test_a_cursor_is_made_without_a_call_and_kept_as_text(bench: Bench) -> None:
    cursor = _feed(bench).begin(START)
    assert bench.wire.calls == []
    bench.person(1)
    await bench.wait(2)
    restarted = bench.connect().customers
    assert restarted is not None
    assert restarted.changes is not None
    await bench.seen()
    assert len([one for page in await pages(restarted.changes, cursor) for one in page.items]) == 1
