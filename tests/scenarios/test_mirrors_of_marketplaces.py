"""Orders of marketplaces, packed at home: what the platform ships itself is left out, and a buyer it keeps to itself is no hindrance."""

from dataclasses import replace

import pytest

from bridge.contract.limits import Limits
from bridge.domain.orders import Address, Contact
from bridge.engine.mirror_intend import intend, new_order
from bridge.store import tables
from tests.engine.fair import BAY, SHOP, Fair, visit
from tests.unit.make import line, order

FIXED = replace(BAY, limits=Limits(stock_write="absolute", fixed_locations=frozenset({"fba"})))
HOME = line("v-A", 2, id="1", sku="A")
ABROAD = line("v-B", 1, id="2", sku="B", location="fba")


def test_what_lies_in_the_platforms_warehouse_is_not_packed_here() -> None:
    async def story(fair: Fair) -> None:
        bought = order(HOME, ABROAD)
        mirror = fair.database.write(lambda c: intend(c, fair.context, fair.channels["shop"], "bay", bought))
        assert [item.sku for item in mirror.sent.items] == ["A"]
        assert [one.sku for one in new_order(mirror, bought, fair.channels["shop"]).lines] == ["A"]

    visit(story, shop=SHOP, bay=FIXED)


def test_an_order_that_the_platform_ships_whole_is_mirrored_nowhere() -> None:
    async def story(fair: Fair) -> None:
        mirror = fair.database.write(lambda c: intend(c, fair.context, fair.channels["shop"], "bay", order(ABROAD)))
        assert (mirror.state, mirror.promised) == ("ended", [])

    visit(story, shop=SHOP, bay=FIXED)


@pytest.mark.parametrize("told", [False, True])
def test_a_buyer_that_the_platform_redacts_is_named_as_such(told: bool) -> None:
    async def story(fair: Fair) -> None:
        who = {"customer": Contact(name="Ann"), "ship_to": Address(city="Ghent")} if told else {}
        bought = order(HOME, **who)
        mirror = fair.database.write(lambda c: intend(c, fair.context, fair.channels["shop"], "bay", bought))
        made = new_order(mirror, bought, fair.channels["shop"])
        assert ("to be seen there only" in made.note) is not told
        assert (made.ship_to is not None) is told

    visit(story, shop=SHOP, bay=BAY)


def test_a_currency_that_the_home_shop_does_not_have_is_parked_in_words() -> None:
    async def story(fair: Fair) -> None:
        bought = replace(order(HOME), currency="USD")
        mirror = fair.database.write(lambda c: intend(c, fair.context, fair.channels["shop"], "bay", bought))
        assert (mirror.state, mirror.promised) == ("failed", [])
        parked = fair.database.read(lambda c: list(c.execute(tables.parked.select())))
        assert "it is in USD and shop sells in EUR" in parked[0].reason
        assert fair.balance("A") == 10

    visit(story, shop=SHOP, bay=BAY)
