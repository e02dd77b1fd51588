"""What others are told: events derived from what changed, and written in the same transaction as the change.

Pure where it can be: `order_news` and `stock_news` say what a change means, `Events` writes it for the targets that want it.
There is no order.ready: no platform tells us yet that an order lies ready to be picked up.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from sqlalchemy.engine import Connection

from bridge.domain.ledger import Counter
from bridge.domain.orders import Order, OrderStatus
from bridge.store import events
from bridge.store.events import Draft

__all__ = ["Events", "Target", "order_news", "stock_news"]

OrderNews = Literal["order.paid", "order.fulfilled", "order.cancelled"]
StockNews = Literal["stock.out", "stock.low", "stock.back"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Who is told. `types` empty means all; `low` is the number of units at which stock counts as low (0 = never)."""

    name: str
    url: str
    secret: str = field(repr=False)
    types: frozenset[str] = frozenset()
    low: int = 5

    def wants(self, kind: str) -> bool:
        """Whether this target is told of such events."""
        return not self.types or kind in self.types


def order_news(before: OrderStatus | None, after: OrderStatus) -> tuple[OrderNews, ...]:
    """Say what a new snapshot tells, by its status and that of the one before (None: this is the first)."""
    if after == "cancelled":
        return () if before == "cancelled" else ("order.cancelled",)
    news: list[OrderNews] = []
    if after in {"paid", "fulfilled"} and before not in {"paid", "fulfilled"}:
        news.append("order.paid")
    if after == "fulfilled" and before != "fulfilled":
        news.append("order.fulfilled")
    return tuple(news)


def stock_news(before: int, after: int, low: int) -> StockNews | None:
    """Say what a change of the units that are free to sell tells: one thing at most."""
    if before > 0 >= after:
        return "stock.out"
    if before <= 0 < after:
        return "stock.back"
    return "stock.low" if before > low >= after > 0 else None


class Events:
    """Writes events to the outbox; every method belongs into the transaction of what happened."""

    def __init__(self, targets: Sequence[Target]) -> None:
        self.targets = tuple(targets)

    def orders(
        self, connection: Connection, channel: str, changes: Iterable[tuple[OrderStatus | None, Order]], now: datetime
    ) -> None:
        """Tell what snapshots of a channel's orders changed: (status before, newest snapshot)."""
        drafts = [
            self._draft(kind, f"order/{channel}/{order.id}", order.updated_at, _facts(channel, order))
            for before, order in changes
            for kind in order_news(before, order.status)
        ]
        events.emit(connection, drafts, now)

    def stock(self, connection: Connection, changes: Mapping[Counter, tuple[int, int]], now: datetime) -> None:
        """Tell which SKUs ran out, ran low or are back: (free before, free after) by counter."""
        drafts = [
            Draft(type=kind, subject=_shelf(counter.key, counter.place), time=now, data=data, targets=tuple(names))
            for counter, (before, after) in sorted(changes.items())
            for kind, names, data in self._news(counter, before, after)
        ]
        events.emit(connection, drafts, now)

    def _news(self, counter: Counter, before: int, after: int) -> Iterable[tuple[str, list[str], dict[str, Any]]]:
        told: dict[str, list[str]] = {}
        for target in self.targets:
            kind = stock_news(before, after, target.low)
            if kind is not None and target.wants(kind):
                told.setdefault(kind, []).append(target.name)
        data = {"sku": counter.key, "place": counter.place, "available": after, "available_before": before}
        return [(kind, names, data) for kind, names in told.items()]

    def drift(self, connection: Connection, data: Mapping[str, Any], now: datetime) -> None:
        """Tell that a channel's number was not what it had to be; `data` names sku, place, channel, shown, found, note."""
        subject = _shelf(data["sku"], data["place"])
        events.emit(connection, [self._draft("drift", subject, now, data)], now)

    def parked(
        self, connection: Connection, subject: str, channel: str, key: str, reason: str, now: datetime, but: str = ""
    ) -> None:
        """Tell that something was set aside, whoever is concerned; `but` is a target that is not told."""
        data = {"subject": subject, "channel": channel, "key": key, "reason": reason}
        name = f"parked/{subject}/{channel}/{key}"
        events.emit(connection, [self._draft("parked", name, now, data, but=but)], now)

    def silent(self, connection: Connection, channel: str, since: datetime, now: datetime) -> None:
        """Tell that a channel sells and its webhooks say nothing, since when."""
        data = {"channel": channel, "since": since}
        events.emit(connection, [self._draft("webhooks.silent", f"channel/{channel}", now, data)], now)

    def loyalty(self, connection: Connection, kind: str, key: str, data: Mapping[str, Any], now: datetime) -> None:
        """Tell what happened to a person's points, or to a code; `key` is the person or the code. Nobody is named."""
        events.emit(connection, [self._draft(kind, f"loyalty/{key}", now, data)], now)

    def _draft(self, kind: str, subject: str, time: datetime, data: Mapping[str, Any], *, but: str = "") -> Draft:
        names = tuple(one.name for one in self.targets if one.wants(kind) and one.name != but)
        return Draft(type=kind, subject=subject, time=time, data=data, targets=names)


def _shelf(sku: str, place: str) -> str:
    return f"sku/{sku}@{place}"


def _facts(channel: str, order: Order) -> dict[str, Any]:
    """What is told of an order: no personal data; who needs them asks the shop for the order."""
    lines = [
        {"sku": line.sku, "title": line.title, "quantity": line.quantity, "total": line.total.minor} for line in order.lines
    ]  # fmt: skip
    return {
        "channel": channel, "id": order.id, "number": order.number, "status": order.status, "placed_at": order.placed_at,
        "updated_at": order.updated_at, "currency": order.currency, "total": order.total.minor, "refunded": order.refunded.minor,
        "lines": lines, "tracking": [{"carrier": one.carrier, "number": one.number, "url": one.url} for one in order.tracking],
        "test": order.test,
    }  # fmt: skip
