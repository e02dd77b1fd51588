"""Google: many calls in one, stores beside the online offer, writes that show later, versions that rise, tokens."""

import asyncio
from functools import partial
from typing import Any

import pytest

from bridge.contract.errors import NeedsPerson, Refused, TryLater
from bridge.contract.stock import Applied, Rejected, StockChange
from bridge.domain.catalog import Product, StockKey, Variant
from bridge.domain.money import Money
from bridge.domain.surface import items_of
from bridge.sandbox.kit.loop import START
from bridge.wire.batching import BOUNDARY, Piece, pack, unpack
from tests.connectors.surfaces import Surface, on_a_surface

play = partial(on_a_surface, "google", settings={})
ONLINE = "online"


def test_a_write_is_taken_in_at_once_and_shown_later() -> None:
    async def scene(surface: Surface) -> None:
        surface.seed("TEE")
        _, (outcome,) = await surface.write(("TEE", 0), location=ONLINE)
        assert isinstance(outcome, Applied)
        assert outcome.quantity is None
        (before,) = await surface.connector.stock.read([StockKey("TEE", ONLINE)])
        assert before.quantity == 10
        await asyncio.sleep(1200)
        (after,) = await surface.connector.stock.read([StockKey("TEE", ONLINE)])
        assert after.quantity == 0
        assert surface.connector.limits.visible_after >= 1200

    play(scene, seconds=1200.0)


def test_sold_out_says_so_and_comes_back() -> None:
    async def scene(surface: Surface) -> None:
        surface.seed("TEE")
        for target in (0, 3):
            await surface.write(("TEE", target), location=ONLINE)
            surface.shop.catalogue.settle()
            shown = surface.shop.catalogue.items["TEE"]
            assert (shown.quantity, shown.available) == (target, target > 0)

    play(scene)


def test_stores_have_numbers_of_their_own_and_say_what_pickup_they_offer() -> None:
    async def scene(surface: Surface) -> None:
        surface.seed("TEE")
        await surface.write(("TEE", 4), location="MAIN")
        await surface.write(("TEE", 0), location="HARBOUR")
        assert surface.shop.stock()["TEE"] == {ONLINE: 10, "MAIN": 4, "HARBOUR": 0}
        local = surface.shop.catalogue.items["TEE"].more["local"]
        assert local["MAIN"] == {
            "availability": "IN_STOCK",
            "quantity": "4",
            "pickupMethod": "BUY",
            "pickupSla": "SAME_DAY",
        }
        assert local["HARBOUR"]["availability"] == "OUT_OF_STOCK"
        keys = [StockKey("TEE", place) for place in (ONLINE, "MAIN", "HARBOUR")]
        assert [level.quantity for level in await surface.connector.stock.read(keys)] == [10, 4, 0]
        pages = [page async for page in surface.connector.catalog.all()]
        assert {level.key: level.quantity for page in pages for level in page.levels} == dict(
            zip(keys, [10, 4, 0], strict=True)
        )

    on_a_surface("google", scene, {"pickup": "BUY SAME_DAY"}, stores=("MAIN", "HARBOUR"))


def test_online_and_stores_are_never_in_one_call_and_the_order_stays() -> None:
    async def scene(surface: Surface) -> None:
        places = (ONLINE, ONLINE, "MAIN", ONLINE)
        rows = [StockChange(key=StockKey(str(n), place), delta=0, shown=1) for n, place in enumerate(places)]
        batches = surface.connector.stock.batches(rows)
        assert [[row.key.location for row in batch] for batch in batches] == [[ONLINE, ONLINE], ["MAIN"], [ONLINE]]
        with pytest.raises(Refused):
            surface.connector.stock.prepare(rows, "k")
        with pytest.raises(Refused, match="ELSEWHERE"):
            await surface.write(("TEE", 1), location="ELSEWHERE")

    on_a_surface("google", scene, {}, stores=("MAIN",))


def test_a_batch_that_is_refused_half_says_which_half() -> None:
    async def scene(surface: Surface) -> None:
        surface.seed("TEE", "CAP", "MUG")
        surface.shop.refuse("CAP", "[availability] Invalid value")
        _, outcomes = await surface.write(("TEE", 1), ("CAP", 2), ("GHOST", 3), ("MUG", 4), location=ONLINE)
        assert [type(one) for one in outcomes] == [Applied, Rejected, Rejected, Applied]
        assert [one.kind for one in outcomes if isinstance(one, Rejected)] == ["invalid", "gone"]
        assert {sku: row[ONLINE] for sku, row in surface.shop.stock().items()} == {"TEE": 1, "CAP": 10, "MUG": 4}

    play(scene)


def test_a_key_that_is_taken_back_in_the_middle_costs_the_rest_a_second_try_and_then_needs_a_person() -> None:
    async def scene(surface: Surface) -> None:
        surface.seed("TEE", "CAP", "MUG")
        await surface.connector.account.check()
        # The batch itself is the first call, its first row the second.
        surface.shop.revoke(after=2)
        _, outcomes = await surface.write(("TEE", 1), ("CAP", 2), ("MUG", 3), location=ONLINE)
        assert [type(one) for one in outcomes] == [Applied, Rejected, Rejected]
        assert {one.kind for one in outcomes if isinstance(one, Rejected)} == {"retry"}
        with pytest.raises(NeedsPerson):
            await surface.write(("CAP", 2), ("MUG", 3), location=ONLINE)

    play(scene)


def test_a_quota_that_ends_in_the_middle_is_retried() -> None:
    async def scene(surface: Surface) -> None:
        surface.seed("TEE", "CAP")
        _, outcomes = await surface.write(("TEE", 1), ("CAP", 2), location=ONLINE)
        assert [one.kind for one in outcomes if isinstance(one, Rejected)] == ["retry"]

    play(scene, calls_per_minute=1)


def test_an_insertion_that_comes_late_overwrites_nothing_newer() -> None:
    async def scene(surface: Surface) -> None:
        variant = Variant(id="", sku="CAP", price=Money(900, "USD"))
        images = ("https://x.example/1.jpg",)
        cap = Product(id="", title="Cap", description="Warm", images=images, variants=(variant,), updated_at=START)
        made = await surface.connector.products.create(cap, "k")
        assert made.variants[0].sku == "CAP"
        state = surface.shop.state
        assert state.versions["CAP"] == int(START.timestamp() * 1000)
        (one,) = items_of(cap, "https://x.example/{sku}")
        piece = surface.connector.products._insert(one, cap)
        assert piece.body["versionNumber"] == str(state.versions["CAP"])
        state.versions["CAP"] += 1
        surface.shop.catalogue.items.clear()
        wrong = await surface.connector.products._carry_out([("CAP", piece)], "create a product")
        assert "version" in wrong["CAP"]

    play(scene)


def test_a_supplemental_source_is_written_whole_and_nothing_else_is() -> None:
    async def scene(surface: Surface) -> None:
        surface.seed("TEE")
        surface.shop.edit_product("TEE", title="By the feed")
        prepared, (outcome,) = await surface.write(("TEE", 0), location=ONLINE)
        assert isinstance(outcome, Applied)
        assert "productInputs:insert" in prepared.body
        assert "104629" in prepared.body
        surface.shop.catalogue.settle()
        item = surface.shop.catalogue.items["TEE"]
        assert (item.title, item.available) == ("By the feed", False)

    on_a_surface("google", scene, {"stock_source": "104629"})


def test_a_token_ends_and_is_fetched_anew() -> None:
    async def scene(surface: Surface) -> None:
        surface.seed("TEE")
        for _ in range(3):
            assert await surface.connector.catalog.get(["TEE"])
            await asyncio.sleep(700)

    play(scene, token_seconds=600)


@pytest.mark.parametrize(("option", "word"), [("access", "users"), ("registered", "service_account")])
def test_access_that_is_missing_needs_a_person(option: str, word: str) -> None:
    async def scene(surface: Surface) -> None:
        with pytest.raises(NeedsPerson) as caught:
            await surface.connector.account.check()
        assert word in caught.value.next_step

    options: dict[str, Any] = {option: False}
    play(scene, **options)


def test_a_data_source_that_is_none_of_ours_needs_a_person() -> None:
    async def scene(surface: Surface) -> None:
        with pytest.raises(NeedsPerson) as caught:
            await surface.connector.account.check()
        assert "data_source" in caught.value.next_step

    on_a_surface("google", scene, {"data_source": "1"})
    on_a_surface("google", scene, {}, source="FILE")


def test_a_key_that_is_none_is_said_without_being_shown() -> None:
    async def scene(surface: Surface) -> None:
        raise AssertionError("nothing is opened")

    for given in ("/no/such/file.json", "{}", '{"client_email": "a@b"}'):
        with pytest.raises(NeedsPerson, match="service_account"):
            on_a_surface("google", scene, {"service_account": given})


def test_a_batch_is_put_together_again_in_any_order_and_says_what_is_missing() -> None:
    pieces = [Piece(method="GET", path="/a"), Piece(method="PATCH", path="/b?x=1", body={"t": f"--{BOUNDARY}"})]
    sent = pack(pieces)
    assert sent.count(f"--{BOUNDARY}\r\n".encode()) == 2
    assert sent.endswith(f"--{BOUNDARY}--\r\n".encode())
    answer = (
        b"--x\r\nContent-Type: application/http\r\nContent-ID: <response-2>\r\n\r\nHTTP/1.1 404 Not Found\r\n"
        b'Content-Type: application/json\r\n\r\n{"error": {"code": 404}}\r\n--x--\r\n'
    )
    first, second = unpack("multipart/mixed; boundary=x", answer, 2)
    assert first is None
    assert second is not None
    assert (second.status, dict(second.body)) == (404, {"error": {"code": 404}})


def test_an_answer_that_lacks_calls_leaves_the_write_in_doubt() -> None:
    async def scene(surface: Surface) -> None:
        surface.seed("TEE")
        surface.faults.add(kind="html", path="/batch/")
        with pytest.raises(TryLater) as caught:
            await surface.write(("TEE", 1), location=ONLINE)
        assert caught.value.maybe_applied

    play(scene)
