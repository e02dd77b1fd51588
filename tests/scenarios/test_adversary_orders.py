"""Orders that do not behave: edited, paid late, sold at tills, found late."""

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from bridge.rehearsal.trade import Habits, Trade
from bridge.sandbox.kit.platform import Platform, RefusedError
from bridge.sandbox.woocommerce.orders import Glimpse, Order
from bridge.sandbox.woocommerce.shop import Woo
from bridge.store.tables import orders
from tests.scenarios.harness_adversary import Plot, Stage, perform, seeded

pytest_generate_tests = seeded


def test_edited_orders(seed: int) -> None:
    perform(seed, Plot(habits=Habits(edit=4, refund=1)))


def test_orders_paid_later(seed: int) -> None:
    perform(seed, Plot(habits=Habits(unpaid=6, pay=8, edit=2, count=0.5)))


def test_tills_that_never_look_at_the_stock(seed: int) -> None:
    perform(seed, Plot(habits=Habits(till=8, offline=2, count=0.5)))


def test_a_search_index_that_lags(seed: int) -> None:
    lag = [5, 60, 240][seed % 3]
    perform(seed, Plot(options={"shopify": {"search_lag": lag}}, settle=lag))


class Saboteurs(Trade):
    """Trade where WooCommerce's cancels race each other, and orders are thrown away instead of being shipped.

    `heard` are the orders the bridge has: one that was deleted before is a number that fell for no reason anybody can see.
    """

    heard: Callable[[], set[str]]

    def _cancel(self, platform: Platform) -> str:
        if platform.name != "woocommerce":
            return super()._cancel(platform)
        order = self._standing(platform)
        seen, woo = Glimpse.of(order), self._woo(platform)
        for line in order.lines:
            # Both requests put back what both have read; only one of them is goods.
            self.truth[line.sku] -= seen.reduced[line.id]
        for _ in range(2):
            woo.book.set_status(order, "cancelled", seen)
            woo.book.touch(order)
        return f"cancel twice at once {order.id}"

    def _fulfil(self, platform: Platform) -> str:
        if platform.name != "woocommerce":
            return super()._fulfil(platform)
        order, woo = self._standing(platform), self._woo(platform)
        if self.rng.random() < 0.5:
            woo.book.trash(order)
            return f"trash {order.id}"
        woo.book.delete(order)
        return f"delete {order.id} for ever"

    def _standing(self, platform: Platform) -> Order:
        found = self._woo(platform).book.orders.values()
        standing = [order for order in found if order.status == "processing" and str(order.id) in self.heard()]
        if not standing:
            raise RefusedError("nothing was sold yet")
        return self.rng.choice(standing)

    def _woo(self, platform: Platform) -> Woo:
        shop: Any = platform.shop
        woo: Woo = shop.woo
        return woo


def test_orders_cancelled_twice_at_once_or_thrown_away(seed: int) -> None:
    """WooCommerce puts stock back once for each of two requests at the same time; the trash puts nothing back."""

    async def twist(stage: Stage) -> None:
        assert isinstance(stage.trade, Saboteurs)
        mine = sa.select(orders.c.order_id).where(orders.c.channel == "woocommerce")
        stage.trade.heard = lambda: set(stage.world.database.read(lambda connection: connection.scalars(mine).all()))

    habits = Habits(cancel=3, fulfil=2, refund=0, count=0)
    perform(seed, Plot(people=Saboteurs, habits=habits), twist)
