"""Part of the order writer of a marketplace: only its buyers make orders, so what cannot be done there is refused with a way out."""

from collections.abc import Sequence
from typing import NoReturn

from bridge.contract.errors import Refused
from bridge.contract.ports import LineRefund, NewOrder
from bridge.domain.money import Money
from bridge.domain.orders import Order, Tracking

__all__ = ["BuyersOnly"]


class BuyersOnly:
    """Refuses all but shipping; a platform that can do more overrides it. `by_hand` is where a person does the rest."""

    def __init__(self, where: str, platform: str, by_hand: str) -> None:
        self._where = where
        self._platform = platform
        self._by_hand = by_hand

    async def find(self, reference: str) -> Order | None:
        """Refuse: no order there carries a reference of ours."""
        self.refuse(f"look for order {reference}: only buyers make orders at {self._platform}", _HOME)

    async def mirror(self, order: NewOrder) -> Order:
        """Refuse: only buyers make orders."""
        self.refuse(f"make order {order.reference}: only buyers make orders at {self._platform}", _HOME)

    async def cancel(self, order: Order, *, restock: bool, key: str) -> Order:
        """Refuse: the API has no call for it."""
        del restock, key
        self.refuse(f"cancel order {order.id}: {self._platform}'s API has no call for it")

    async def refund(
        self, order: Order, lines: Sequence[LineRefund], amount: Money, *, restock: bool, reason: str, key: str
    ) -> Order:
        """Refuse: the API has no call for it."""
        del lines, amount, restock, reason, key
        self.refuse(f"refund order {order.id}: {self._platform}'s API has no call for it")

    def to_ship(self, now: Order, tracking: Sequence[Tracking]) -> list[Tracking]:
        """Return the parcels that are not known there yet, each once; raises Refused where the order was cancelled."""
        if now.status == "cancelled":
            self.refuse(f"order {now.id} was cancelled", "nothing is to be shipped")
        known = {one.number for one in now.tracking}
        return list({one.number: one for one in tracking if one.number and one.number not in known}.values())

    def refund_due(self, order: Order, fresh: Order, amount: Money, *, restock: bool = False) -> bool:
        """Tell whether a refund is still to be made where none has a key: not, if that much was refunded since `order` was read.

        `fresh` is the order as it is now. Raises Refused where it cannot be, as with a `restock` of the goods: money is all that moves.
        """
        if restock:
            step = "refund without restock and write the units back as stock"
            self.refuse(f"refund of order {order.id}: {self._platform}'s API cannot restock with a refund", step)
        if amount.currency != fresh.currency:
            self.refuse(f"order {order.id} is in {fresh.currency}, not {amount.currency}", "give the amount in it")
        if fresh.refunded >= order.refunded + amount:
            return False
        if fresh.refunded + amount > fresh.total:
            self.refuse(f"order {order.id}: {amount} more than was paid", f"look at its refunds at {self._platform}")
        return True

    def refuse(self, what: str, step: str = "") -> NoReturn:
        """Raise Refused, with what a person can do instead."""
        raise Refused(what, where=self._where, next_step=step or self._by_hand)


_HOME = "choose another channel as home of orders"
