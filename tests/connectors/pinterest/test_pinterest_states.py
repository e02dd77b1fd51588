"""Pinterest: in stock or sold out, batches and their results, tokens. What the contract suite says of numbers is said here of 1 and 0."""

import asyncio
from functools import partial

import pytest

from bridge.contract.errors import Gone, NeedsPerson, Refused, TryLater
from bridge.contract.ports import ProductEdit, VariantEdit
from bridge.contract.stock import Accepted, Applied, Rejected
from bridge.domain.catalog import StockKey
from tests.connectors.surfaces import Surface, on_a_surface

play = partial(on_a_surface, "pinterest", settings={})


def _seen(surface: Surface, sku: str) -> int:
    return int(surface.shop.stock()[sku]["catalog"])


def test_sold_out_says_so_and_comes_back_even_within_a_minute() -> None:
    async def scene(surface: Surface) -> None:
        surface.seed("TEE")
        for target in (0, 1, 0, 1):
            prepared, outcomes = await surface.write(("TEE", target))
            await asyncio.sleep(2)
            ended = await surface.ended(prepared, outcomes)
            assert ended is not None
            assert isinstance(ended[0], Applied)
            assert _seen(surface, "TEE") == target
            (level,) = await surface.connector.stock.read([StockKey("TEE")])
            assert level.quantity == target

    play(scene)


def test_a_batch_that_pinterest_skips_as_the_same_again_is_to_be_written_anew() -> None:
    async def scene(surface: Surface) -> None:
        surface.seed("TEE")
        prepared, _ = await surface.write(("TEE", 0))
        again = await surface.connector.stock.send(prepared)
        assert [one.kind for one in again if isinstance(one, Rejected)] == ["retry"]

    play(scene)


def test_a_number_above_one_is_refused_by_us_by_its_item() -> None:
    async def scene(surface: Surface) -> None:
        for target in (2, -1):
            with pytest.raises(Refused, match="TEE"):
                await surface.write(("TEE", target))
        assert surface.connector.calls() == 0

    play(scene)


def test_a_batch_that_fails_half_says_which_half() -> None:
    async def scene(surface: Surface) -> None:
        surface.seed("TEE", "CAP", "MUG")
        surface.shop.refuse("CAP")
        prepared, outcomes = await surface.write(("TEE", 0), ("CAP", 0), ("GHOST", 0), ("MUG", 0))
        assert {type(one) for one in outcomes} == {Accepted}
        assert await surface.ended(prepared, outcomes) is None
        await asyncio.sleep(2)
        ended = await surface.ended(prepared, outcomes)
        assert ended is not None
        assert [type(one) for one in ended] == [Applied, Rejected, Rejected, Applied]
        assert [one.kind for one in ended if isinstance(one, Rejected)] == ["invalid", "gone"]
        assert [one.key.stock_id for one in ended] == ["TEE", "CAP", "GHOST", "MUG"]

    play(scene)


def test_a_batch_that_never_ends_stays_open_and_an_unknown_one_is_gone() -> None:
    async def scene(surface: Surface) -> None:
        surface.seed("TEE")
        surface.shop.stall()
        prepared, outcomes = await surface.write(("TEE", 0))
        await asyncio.sleep(3600)
        assert await surface.ended(prepared, outcomes) is None
        with pytest.raises(Gone):
            await surface.connector.tickets.look("0123456789abcdef0123456789abcdef", prepared)

    play(scene)


@pytest.mark.parametrize(("kind", "shown"), [("cut_before", 1), ("cut_after", 0), ("status", 1)])
def test_a_lost_answer_is_never_repeated_and_may_have_worked(kind: str, shown: int) -> None:
    async def scene(surface: Surface) -> None:
        surface.seed("TEE")
        surface.faults.add(kind=kind, method="POST", path="/items/batch$")
        with pytest.raises(TryLater) as caught:
            await surface.write(("TEE", 0))
        assert caught.value.maybe_applied
        await asyncio.sleep(2)
        assert _seen(surface, "TEE") == shown

    play(scene)


def test_a_token_ends_and_is_fetched_anew() -> None:
    async def scene(surface: Surface) -> None:
        surface.seed("TEE")
        for _ in range(3):
            assert await surface.connector.catalog.get(["TEE"])
            await asyncio.sleep(700)

    play(scene, token_seconds=600)


def test_access_that_is_taken_back_in_the_middle_needs_a_person() -> None:
    async def scene(surface: Surface) -> None:
        surface.seed("TEE")
        prepared, outcomes = await surface.write(("TEE", 0))
        surface.shop.revoke()
        with pytest.raises(NeedsPerson) as caught:
            await surface.ended(prepared, outcomes)
        assert "refresh_token" in caught.value.next_step

    play(scene)


def test_a_token_without_the_right_to_write_needs_a_person() -> None:
    async def scene(surface: Surface) -> None:
        surface.seed("TEE")
        with pytest.raises(NeedsPerson) as caught:
            await surface.write(("TEE", 0))
        assert "catalogs:write" in caught.value.next_step
        assert _seen(surface, "TEE") == 1

    play(scene, scopes=("catalogs:read",))


def test_trial_access_has_less_to_spend() -> None:
    async def scene(surface: Surface) -> None:
        assert surface.connector.limits.writes_per_day == 500
        assert 0 < surface.connector.limits.per_second < 0.02

    on_a_surface("pinterest", scene, {"access": "trial"})


def test_another_catalogue_of_the_account_is_named() -> None:
    async def scene(surface: Surface) -> None:
        with pytest.raises(NeedsPerson) as caught:
            await surface.connector.account.check()
        assert "2680059592705" in caught.value.next_step

    on_a_surface("pinterest", scene, {"catalog_id": "1"})


def test_pictures_are_refused_and_taking_off_a_reduced_price_works() -> None:
    async def scene(surface: Surface) -> None:
        surface.seed("TEE", compare_at="20.00")
        (tee,) = await surface.connector.catalog.get(["TEE"])
        assert tee.variants[0].compare_at is not None
        pictures = ProductEdit(current=tee, fields=frozenset({"images"}), images=("https://x.example/2.jpg",))
        (result,) = await surface.connector.products.edit([pictures], "k")
        assert "images" in result.reason
        plain = VariantEdit(id="TEE", fields=frozenset({"compare_at"}), compare_at=None)
        reduced = ProductEdit(current=tee, fields=frozenset(), variants=(plain,))
        (result,) = await surface.connector.products.edit([reduced], "k")
        await asyncio.sleep(5)
        (result,) = await surface.connector.edit_tickets.look(result.ticket, [reduced])
        assert result.reason == ""
        (now,) = await surface.connector.catalog.get(["TEE"])
        assert (now.variants[0].price, now.variants[0].compare_at) == (tee.variants[0].price, None)

    play(scene)
