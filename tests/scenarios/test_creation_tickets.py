"""New products that a platform only accepts: nothing waits for them, nothing repeats them, and each comes to an end."""

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
from bridge.store.tables import bases, changed, parked, writes
from tests.scenarios.harness_documents import (
    CrashError,
    CrashingDatabase,
    catalog,
    everything,
    fine,
    make,
    numbers,
    products,
    rows,
    simulated,
)  # fmt: skip

WOO, META, PINTEREST = "woocommerce", "meta", "pinterest"
# What the surfaces show of five and of three: Pinterest knows only whether there is any.
SHOWN = {META: {"CAP": 5, "MUG": 3}, PINTEREST: {"CAP": 1, "MUG": 1}}


def good(sku: str, stock: int) -> dict[str, Any]:
    return {
        "title": f"Title of {sku}", "description": "Soft.", "images": [f"https://shop.example/{sku}.jpg"],
        "variants": [{"sku": sku, "price": "9.00", "stock": stock}],
    }  # fmt: skip


async def met(loop: SimulatedLoop, surface: str = META) -> World:
    """A shop with two products, and a surface that has one of them and takes half a minute for everything."""
    goods = {WOO: [good("CAP", 5), good("MUG", 3)], surface: [good("MUG", 3)]}
    world = make(
        loop, goods, documents=Documents(owners={"title": WOO, "price": WOO}), options={surface: {"seconds": 30.0}},
        overrides={surface: {"create": True}},
    )  # fmt: skip
    await world.adopt(WOO)
    return world


def waiting(world: World, surface: str = META) -> int:
    return world.database.read(edits.counts).get(surface, 0)


def sent(world: World) -> list[str]:
    """How each creation that was accepted stands."""
    return [row.state for row in rows(world, writes) if row.kind == "creation"]


def notes(world: World) -> set[str]:
    told = [row.fields for row in rows(world, bases) if row.kind == "creation"]
    return {note for fields in told for note in ("begun", "accepted", "refused") if f'"{note}"' in fields}


async def later(world: World, times: int = 3) -> None:
    for _ in range(times):
        await asyncio.sleep(90)
        fine(await everything(world))


@pytest.mark.parametrize("surface", [META, PINTEREST])
def test_an_accepted_creation_is_not_waited_for_nor_repeated_and_its_stock_follows(surface: str) -> None:
    async def story(loop: SimulatedLoop) -> None:
        world = await met(loop, surface)
        before = loop.time()
        report, _ = await products(world)
        fine(report)
        assert loop.time() - before < 5
        assert (waiting(world, surface), notes(world), report.of(surface).created) == (1, {"accepted"}, 0)
        for _ in range(2):
            await asyncio.sleep(3)
            _, planned = await products(world)
            assert [one for one in planned if one.kind == "creation"] == []
        assert set(await catalog(world, surface)) == {"MUG"}
        await asyncio.sleep(60)
        report, _ = await products(world)
        fine(report)
        assert (report.of(surface).created, waiting(world, surface), notes(world)) == (1, 0, set())
        await later(world)
        assert numbers(world, surface) == SHOWN[surface]
        assert (sent(world), rows(world, parked), rows(world, changed)) == (["done"], [], [])

    simulated(story)


def test_one_run_of_everything_asks_until_the_product_is_made() -> None:
    async def story(loop: SimulatedLoop) -> None:
        world = await met(loop)
        report = await everything(world)
        fine(report)
        assert (report.of(META).created, report.edits_accepted) == (1, 0)

    simulated(story)


def test_what_the_platform_finds_wrong_later_is_parked_with_its_words_and_not_tried_again() -> None:
    async def story(loop: SimulatedLoop) -> None:
        world = await met(loop)
        shop: Any = world.platforms[META].shop
        shop.refuse("CAP", "The item violates a policy")
        fine(await everything(world))
        await later(world)
        (told,) = [row.reason for row in rows(world, parked)]
        assert "Title of CAP cannot be created" in told
        assert "The item violates a policy" in told
        assert (set(await catalog(world, META)), sent(world), notes(world)) == ({"MUG"}, ["done"], {"refused"})
        shop.state.refused.clear()
        keys = [row.key for row in rows(world, parked)]
        world.database.write(lambda connection: store.retry(connection, META, keys))
        await later(world)
        assert (set(await catalog(world, META)), rows(world, parked)) == ({"CAP", "MUG"}, [])
        assert numbers(world, META) == SHOWN[META]

    simulated(story)


@pytest.mark.parametrize("after_commit", [False, True])
def test_a_death_at_any_commit_makes_the_product_once(after_commit: bool) -> None:
    async def story(loop: SimulatedLoop) -> None:
        died = 0
        for left in range(14):
            world = await met(loop)
            database = world.database
            assert isinstance(database, CrashingDatabase)
            for at in (0, 1):
                database.left, database.after_commit = left if at == left % 2 else None, after_commit
                try:
                    await everything(world)
                except CrashError:
                    died += 1
                database.left = None
                world.restart()
                await asyncio.sleep(60)
            await later(world)
            assert numbers(world, META) == SHOWN[META]
            assert (waiting(world), rows(world, parked), notes(world)) == (0, [], set())
            await world.close()
        assert died > 8

    simulated(story)


def test_a_ticket_that_never_ends_is_told_and_the_product_is_created_anew() -> None:
    async def story(loop: SimulatedLoop) -> None:
        world = await met(loop)
        shop: Any = world.platforms[META].shop
        shop.stall()
        await products(world)
        await asyncio.sleep(3_600)
        await products(world)
        assert sent(world) == ["accepted"]
        await asyncio.sleep(23.5 * 3_600)
        await products(world)
        (told,) = [row.reason for row in rows(world, parked)]
        assert "has not said within 24 h what became of the new product Title of CAP" in told
        assert sorted(sent(world)) == ["accepted", "read back"]
        shop.stall(on=False)
        await later(world)
        assert numbers(world, META) == SHOWN[META]
        assert (waiting(world), rows(world, parked)) == (0, [])

    simulated(story)


def test_a_ticket_that_is_known_no_more_is_settled_by_the_catalogue() -> None:
    async def story(loop: SimulatedLoop) -> None:
        world = await met(loop)
        await products(world)
        await asyncio.sleep(60)
        forged = writes.update().where(writes.c.kind == "creation").values(ticket="AczNobody")
        world.database.write(lambda connection: connection.execute(forged))
        await later(world)
        assert (sent(world), notes(world), rows(world, parked)) == (["read back"], set(), [])
        assert numbers(world, META) == SHOWN[META]

    simulated(story)


def test_the_daemon_asks_by_itself() -> None:
    async def story(loop: SimulatedLoop) -> None:
        world = await met(loop)
        live = Live(world.context, Pace(poll=timedelta(minutes=1)))
        stop = asyncio.Event()
        work = asyncio.ensure_future(live.run(stop))
        (documents,) = [job for job in live.jobs() if job.name == "documents"]
        await asyncio.sleep(15)
        await documents.run()
        await asyncio.sleep(5)
        assert sent(world) == ["accepted"]
        await asyncio.sleep(240)
        assert numbers(world, META) == SHOWN[META]
        assert (sent(world), waiting(world), live.bugs) == (["done"], 0, [])
        stop.set()
        await work

    simulated(story)
