"""Product edits that a platform only accepts: nothing waits for them, nothing repeats them, and each comes to an end."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from bridge.engine.context import Documents
from bridge.engine.lane import Pace
from bridge.engine.live import Live
from bridge.rehearsal.world import World
from bridge.sandbox.kit.loop import SimulatedLoop
from bridge.store import documents as store
from bridge.store import edits
from bridge.store.tables import bases, changed, conflicts, parked, writes
from tests.scenarios.harness_documents import (
    CrashError,
    CrashingDatabase,
    catalog,
    everything,
    fine,
    make,
    products,
    rows,
    simulated,
)  # fmt: skip

WOO, META, PINTEREST = "woocommerce", "meta", "pinterest"
SLOW = {META: {"seconds": 30.0}, PINTEREST: {"seconds": 30.0}}


def goods(*skus: str) -> list[dict[str, Any]]:
    return [
        {"title": f"Title of {sku}", "description": "Soft.", "variants": [{"sku": sku, "price": "9.00", "stock": 3}]}
        for sku in skus
    ]


async def met(loop: SimulatedLoop, surface: str = META, *skus: str, **more: Any) -> World:
    """A shop that owns titles and prices, and a surface that shows the same and takes its time."""
    more = {"options": {surface: SLOW[surface]}} | more
    mine = goods(*(skus or ("CAP", "MUG")))
    owned = Documents(owners=dict.fromkeys(("title", "price"), WOO))
    world = make(loop, {WOO: mine, surface: mine}, documents=owned, **more)
    await world.adopt(WOO)
    fine(await everything(world))
    await asyncio.sleep(120)
    fine(await everything(world))
    await asyncio.sleep(120)
    return world


async def titles(world: World, name: str = META) -> dict[str, str]:
    return {sku: product.title for sku, (product, _) in (await catalog(world, name)).items()}


async def prices(world: World, name: str = META) -> dict[str, str]:
    return {sku: str(variant.price) for sku, (_, variant) in (await catalog(world, name)).items()}


def open_edits(world: World, name: str = META) -> int:
    return world.database.read(edits.counts).get(name, 0)


def sent(world: World, name: str = META) -> int:
    """How many batches of edits the platform has got."""
    return sum(row.kind == "product" and row.channel == name for row in rows(world, writes))


def agreed_notes(world: World) -> set[str]:
    return {note for row in rows(world, bases) for note in ("accepted", "refused") if f'"{note}"' in row.fields}


@pytest.mark.parametrize("surface", [META, PINTEREST])
def test_an_accepted_edit_is_not_waited_for_nor_repeated_and_is_done_when_the_platform_says_so(surface: str) -> None:
    async def story(loop: SimulatedLoop) -> None:
        world = await met(loop, surface)
        world.platforms[WOO].shop.edit_product("CAP", title="Hat", price="7.00")
        before = loop.time()
        report, planned = await products(world)
        fine(report)
        assert loop.time() - before < 5
        assert sorted(write.field for write in planned) == ["price", "title"]
        assert (open_edits(world, surface), agreed_notes(world)) == (1, {"accepted"})
        # Read again before the batch has come through: the old values are no news, and nothing is sent again.
        for _ in range(2):
            await asyncio.sleep(3)
            _, planned = await products(world)
            assert planned == []
        assert (await titles(world, surface))["CAP"] == "Title of CAP"
        await asyncio.sleep(40)
        report, planned = await products(world)
        fine(report)
        assert (report.of(surface).fields, planned, open_edits(world, surface)) == (2, [], 0)
        assert (await titles(world, surface), (await prices(world, surface))["CAP"]) == (
            {"CAP": "Hat", "MUG": "Title of MUG"}, "7.00 USD",
        )  # fmt: skip
        await asyncio.sleep(120)
        _, planned = await products(world)
        assert (planned, agreed_notes(world), sent(world, surface)) == ([], set(), 1)
        assert not rows(world, conflicts)
        assert not rows(world, parked)
        assert not rows(world, changed)

    simulated(story)


def test_a_newer_value_waits_for_the_ticket_of_the_older_one() -> None:
    async def story(loop: SimulatedLoop) -> None:
        world = await met(loop)
        world.platforms[WOO].shop.edit_product("CAP", title="Hat")
        await products(world)
        await asyncio.sleep(5)
        world.platforms[WOO].shop.edit_product("CAP", title="Bonnet")
        world.platforms[WOO].shop.edit_product("MUG", title="Cup")
        _, planned = await products(world)
        assert [write.after for write in planned] == ["Cup"], "the other product does not wait"
        await asyncio.sleep(40)
        _, planned = await products(world)
        assert [write.after for write in planned] == ["Bonnet"]
        await asyncio.sleep(60)
        await products(world)
        assert await titles(world) == {"CAP": "Bonnet", "MUG": "Cup"}
        assert not rows(world, conflicts)

    simulated(story)


def test_a_rejected_field_is_found_by_halves_parked_with_the_platforms_words_and_not_tried_again() -> None:
    async def story(loop: SimulatedLoop) -> None:
        world = await met(loop)
        shop: Any = world.platforms[META].shop
        shop.refuse("CAP", "The item violates a policy")
        world.platforms[WOO].shop.edit_product("CAP", title="Hat", price="7.00")
        world.platforms[WOO].shop.edit_product("MUG", title="Cup")
        fine(await everything(world))
        for _ in range(4):
            await asyncio.sleep(60)
            fine(await everything(world))
        assert await titles(world) == {"CAP": "Title of CAP", "MUG": "Cup"}
        told = sorted(row.reason for row in rows(world, parked))
        assert told == [
            "price of CAP was refused: The item violates a policy", "title of CAP was refused: The item violates a policy",
        ]  # fmt: skip
        # Both products in one batch, then the two fields of the one alone.
        assert (open_edits(world), sent(world), agreed_notes(world)) == (0, 3, {"refused"})
        shop.state.refused.clear()
        keys = [row.key for row in rows(world, parked)]
        world.database.write(lambda connection: store.retry(connection, META, keys))
        for _ in range(3):
            await asyncio.sleep(60)
            fine(await everything(world))
        assert (await titles(world))["CAP"] == "Hat"
        assert not rows(world, parked)

    simulated(story)


@pytest.mark.parametrize("after_commit", [False, True])
def test_a_death_at_any_commit_loses_no_edit_and_doubles_none_of_its_effects(after_commit: bool) -> None:
    async def story(loop: SimulatedLoop) -> None:
        died = 0
        for left in range(12):
            world = await met(loop)
            database = world.database
            assert isinstance(database, CrashingDatabase)
            world.platforms[META].shop.refuse("MUG")  # type: ignore[attr-defined]
            world.platforms[WOO].shop.edit_product("CAP", title="Hat", price="7.00")
            world.platforms[WOO].shop.edit_product("MUG", title="Cup", price="5.00")
            await products(world)
            await asyncio.sleep(60)
            database.left, database.after_commit = left, after_commit
            try:
                await products(world)
            except CrashError:
                died += 1
            database.left = None
            world.restart()
            for _ in range(5):
                await asyncio.sleep(60)
                fine(await everything(world))
            assert (await titles(world), await prices(world)) == (
                {"CAP": "Hat", "MUG": "Title of MUG"}, {"CAP": "7.00 USD", "MUG": "9.00 USD"},
            )  # fmt: skip
            assert (open_edits(world), len(rows(world, parked)), agreed_notes(world)) == (0, 2, {"refused"})
            await world.close()
        assert died > 5

    simulated(story)


def test_a_ticket_that_never_ends_is_reported_and_what_differs_is_written_anew() -> None:
    async def story(loop: SimulatedLoop) -> None:
        world = await met(loop)
        shop: Any = world.platforms[META].shop
        shop.stall()
        world.platforms[WOO].shop.edit_product("CAP", title="Hat")
        await products(world)
        await asyncio.sleep(3_600)
        await products(world)
        assert (open_edits(world), sent(world)) == (1, 1)
        await asyncio.sleep(23.5 * 3_600)
        await products(world)
        (told,) = [row.reason for row in rows(world, parked)]
        assert "has not said within 24 h what became of edits to 1 products" in told
        assert sent(world) == 2
        shop.stall(on=False)
        await asyncio.sleep(120)
        await products(world)
        assert (await titles(world))["CAP"] == "Hat"
        assert (open_edits(world), rows(world, parked)) == (0, [])

    simulated(story)


def test_a_forgotten_ticket_is_settled_by_the_product_itself() -> None:
    async def story(loop: SimulatedLoop) -> None:
        world = await met(loop)
        world.platforms[WOO].shop.edit_product("CAP", title="Hat")
        await products(world)
        await asyncio.sleep(60)
        (row,) = [one for one in rows(world, writes) if one.kind == "product"]
        forged = writes.update().where(writes.c.key == row.key).values(ticket="AczNobody")
        world.database.write(lambda connection: connection.execute(forged))
        _, planned = await products(world)
        assert (planned, open_edits(world)) == ([], 0), "it shows the new title, so there is nothing left to do"
        assert [one.state for one in rows(world, writes) if one.kind == "product"] == ["read back"]
        assert (agreed_notes(world), rows(world, conflicts)) == (set(), [])

    simulated(story)


def test_a_product_deleted_meanwhile_stops_nothing() -> None:
    async def story(loop: SimulatedLoop) -> None:
        world = await met(loop)
        world.platforms[WOO].shop.edit_product("CAP", title="Hat")
        world.platforms[WOO].shop.edit_product("MUG", title="Cup")
        await products(world)
        world.platforms[META].shop.delete_product("CAP")
        await asyncio.sleep(200)
        for _ in range(3):
            fine(await everything(world))
            await asyncio.sleep(120)
        assert (await titles(world), open_edits(world)) == ({"MUG": "Cup"}, 0)

    simulated(story)


def test_the_daemon_asks_by_itself_and_writes_what_waited() -> None:
    async def story(loop: SimulatedLoop) -> None:
        world = await met(loop)
        live = Live(world.context, Pace(poll=timedelta(hours=2)))
        stop = asyncio.Event()
        work = asyncio.ensure_future(live.run(stop))
        await asyncio.sleep(20)
        world.platforms[WOO].shop.edit_product("CAP", title="Hat")
        live.lanes[WOO].send("poll")
        await asyncio.sleep(5)
        assert open_edits(world) == 1
        world.platforms[WOO].shop.edit_product("CAP", title="Bonnet")
        live.lanes[WOO].send("poll")
        await asyncio.sleep(150)
        assert (await titles(world))["CAP"] == "Bonnet"
        await asyncio.sleep(60)
        assert (open_edits(world), sent(world), live.bugs) == (0, 2, [])
        stop.set()
        await work

    simulated(story)
