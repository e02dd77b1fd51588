"""What was there before us, and what is read late: nothing is taken from anybody, and nothing is told longer than it is so."""

from datetime import timedelta

from bridge.contract.feed import Page
from bridge.engine.acquaintance import meet_customers
from bridge.engine.points_push import push_points
from bridge.engine.report import ChannelReport
from tests.scenarios.harness_loyalty import ANNA, Street, told


def account(street: Street) -> str:
    return street.accounts[ANNA["email"]]["square"]


def test_points_that_square_has_given_before_us_are_good_everywhere() -> None:
    async def play(street: Street) -> None:
        street.register(ANNA)
        street.shop("square").give_points(customer=account(street), points=500)
        await street.passes(timedelta(days=40))
        await street.sync()
        await street.audit()
        street.buys(ANNA, "shopify")
        await street.sync(3)
        assert street.balance(ANNA).balance == 520
        assert street.shown(ANNA) == dict.fromkeys(("woocommerce", "shopify", "square"), 520)
        street.holds()

    told(play)


def test_what_stood_in_the_way_of_points_is_told_no_longer_once_it_is_gone() -> None:
    async def play(street: Street) -> None:
        await street.opens(ANNA)
        street.buys(ANNA, "woocommerce")
        await street.sync()
        refusal = street.world.platforms["square"].faults.add(kind="status", status=403, path="/loyalty", times=None)
        street.buys(ANNA, "woocommerce")
        await street.sync()
        assert any(subject == "points" for subject, _, _ in street.parked())
        refusal.times = 0
        await street.sync()
        assert street.shown(ANNA)["square"] == 40
        assert street.parked() == []

    told(play)


def test_a_page_of_customers_that_was_read_before_a_write_and_kept_after_it_shows_nothing_twice() -> None:
    async def play(street: Street) -> None:
        await street.opens(ANNA)
        street.buys(ANNA, "woocommerce")
        await street.sync()
        channel = street.world.channels["square"]
        port = channel.connector.customers
        assert port is not None
        read = Page(items=tuple(await port.get([account(street)])), as_of=street.world.around.now())
        street.buys(ANNA, "woocommerce")
        await street.sync()
        street.write(lambda connection: meet_customers(connection, street.context, channel, read))
        await push_points(street.context, channel, ChannelReport())
        loyalty = street.world.platforms["square"].shop.state.loyalty  # type: ignore[attr-defined]
        moves = [event.data["adjust_points"]["points"] for event in loyalty.events]
        assert moves == [20, 20], "somebody could have spent what was shown for a moment"

    told(play)


def test_a_customer_who_has_no_phone_number_is_shown_points_as_soon_as_there_is_one() -> None:
    async def play(street: Street) -> None:
        await street.opens({"name": ANNA["name"], "email": ANNA["email"], "phone": ""}, "square")
        street.buys({**ANNA, "phone": ""}, "square")
        await street.sync()
        assert any("phone number" in reason for _, _, reason in street.parked())
        street.shop("square").edit_customer(account(street), phone=ANNA["phone"])
        await street.sync()
        assert street.shown(ANNA) == {"square": 20}
        assert street.parked() == []

    told(play)
