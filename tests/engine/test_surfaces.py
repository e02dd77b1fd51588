"""Surfaces: they show goods and sell none. And a platform's own warehouse: read, believed, never written."""

from dataclasses import replace

from bridge.contract.limits import Limits
from bridge.store import tables
from tests.engine.fair import BAY, SHOP, Fair, visit
from tests.engine.test_absolute import audited
from tests.engine.test_tickets import living

ADS = replace(BAY, sells=False)


def test_a_surface_shows_what_the_ledger_has() -> None:
    async def story(fair: Fair) -> None:
        assert fair.number("ads", "A") == 10
        fair.market("shop").sale([{"sku": "A", "quantity": 10}])
        await living(fair, 65)
        assert fair.number("ads", "A") == 0
        assert fair.position("ads", "A").verified_at is not None

    other = [{"title": "Tee", "variants": [{"sku": "A", "price": "10.00", "stock": 3}]}]
    visit(story, shop=SHOP, ads=ADS, goods={"ads": other})


def test_a_number_changed_on_a_surface_is_drift_whatever_the_config_says() -> None:
    async def story(fair: Fair) -> None:
        fair.market("ads").count("A", 60)
        await audited(fair, "ads")
        assert (fair.balance("A"), fair.number("ads", "A")) == (10, 10)
        assert len(fair.database.read(lambda c: list(c.execute(tables.drifts.select())))) == 1

    visit(story, shop=SHOP, ads=ADS, overrides={"ads": {"counts_from": True}})


def test_a_surface_never_opens_the_ledger() -> None:
    async def story(fair: Fair) -> None:
        assert fair.balance("ONLY") is None
        await audited(fair, "ads")
        assert fair.balance("ONLY") is None
        assert fair.number("ads", "ONLY") == 4, "and nothing is written of what nobody knows"

    goods = [
        {"title": "Tee", "variants": [{"sku": "A", "price": "10.00", "stock": 10}]},
        {"title": "Rest", "variants": [{"sku": "ONLY", "price": "10.00", "stock": 4}]},
    ]
    visit(story, shop=SHOP, ads=ADS, goods={"ads": goods})


WAREHOUSE = replace(
    BAY, locations=("home", "fba"), limits=Limits(stock_write="absolute", fixed_locations=frozenset({"fba"}))
)
TWO_PLACES = [{"title": "Tee", "variants": [{"sku": "A", "price": "10.00", "stock": {"home": 10, "fba": 7}}]}]
PLACES = {"zon": {"places": {"home": "main", "fba": "amazon"}}}


def test_the_platforms_own_warehouse_is_a_place_of_its_own_that_is_never_written() -> None:
    async def story(fair: Fair) -> None:
        assert (fair.balance("A"), fair.balance("A", "amazon")) == (10, 7)
        fair.market("zon").sale([{"sku": "A", "quantity": 2}], location="home")
        fair.market("zon").count("A", 19, location="fba")
        await audited(fair, "zon")
        assert (fair.balance("A"), fair.number("shop", "A")) == (8, 8)
        assert fair.balance("A", "amazon") == 19
        assert fair.position("zon", "A", "amazon").target is None
        assert all(one.key.location == "home" for batch in fair.market("zon").sent for one in batch)
        moved = fair.database.read(lambda c: list(c.execute(tables.movements.select())))
        last = next(row for row in reversed(moved) if row.place == "amazon")
        assert (last.why, last.delta, last.channel) == ("receipt", 12, "zon")

    visit(story, shop=SHOP, zon=WAREHOUSE, goods={"zon": TWO_PLACES}, overrides=PLACES)


def test_units_lost_in_the_platforms_warehouse_are_believed_too() -> None:
    async def story(fair: Fair) -> None:
        fair.market("zon").count("A", 6, location="fba")
        await audited(fair, "zon")
        assert fair.balance("A", "amazon") == 6
        assert fair.database.read(lambda c: list(c.execute(tables.drifts.select()))) == []

    visit(story, shop=SHOP, zon=WAREHOUSE, goods={"zon": TWO_PLACES}, overrides=PLACES)
