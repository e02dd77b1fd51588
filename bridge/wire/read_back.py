"""Tickets of writes that a platform accepts and says no more about: the numbers and listings themselves tell what became of them.

Where "accepted" is said of everything, and shown minutes later or never, to call it applied would free units for other channels that are
still sold there.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from bridge.contract.errors import Gone
from bridge.contract.feed import Page
from bridge.contract.ports import ProductEdit, ProductResult
from bridge.contract.stock import Accepted, Applied, Outcome, Prepared, Rejected, StockChange
from bridge.domain.catalog import Level, Product, StockKey
from bridge.wire.product_edits import fields_of

__all__ = ["EditsReadBack", "NumbersReadBack", "Patience", "accepted", "edit_ticket"]

_READ, _EDIT = "read", "edit"
_OURS = "the ticket is none of ours"
Results = Sequence[Applied | Rejected]


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """`usual` is how soon most writes are to be seen; what is not to be seen after `most` is asked for no more."""

    usual: timedelta
    most: timedelta


def accepted(changes: Sequence[StockChange], told: Sequence[datetime | Rejected]) -> list[Outcome]:
    """Say of each row that it was accepted (at that time) or not. All that were have one ticket: when, and which of the rows they are."""
    times = [one for one in told if isinstance(one, datetime)]
    marks = "".join("y" if isinstance(one, datetime) else "n" for one in told)
    ticket = f"{_READ} {max(times).isoformat()} {marks}" if times else ""
    return [
        Accepted(key=change.key, at=one, ticket=ticket) if isinstance(one, datetime) else one
        for change, one in zip(changes, told, strict=True)
    ]


def edit_ticket(at: datetime, edit: ProductEdit) -> str:
    """Make the ticket of an edit: when it was accepted, and how the edited fields looked before.

    So a value which is neither the old nor the new one is known for the platform's own form of the new one.
    """
    marks = [f"{name}={_mark(_value(edit.current, name))}" for name in fields_of(edit)]
    return f"{_EDIT} {at.isoformat()} {','.join(marks)}"


class NumbersReadBack:
    """Judges accepted rows by the numbers that `read` finds; `as_of` of its page is the platform's time."""

    def __init__(
        self, read: Callable[[Sequence[StockKey]], Awaitable[Page[Level]]], patience: Patience, where: str
    ) -> None:
        self._read = read
        self._patience = patience
        self._where = where

    @staticmethod
    def knows(ticket: str) -> bool:
        """Tell whether a ticket is one of `accepted`."""
        return ticket.startswith(f"{_READ} ")

    async def look(self, ticket: str, prepared: Prepared) -> Results | None:
        """Say what became of each row; None while one may be under way. Raises Gone for a ticket of others, or too old."""
        since, marks = self._parts(ticket, len(prepared.changes))
        rows = list(zip(prepared.changes, marks, strict=True))
        page = await self._read([change.key for change, one in rows if one == "y"])
        found = {level.key.stock_id: level for level in page.items}
        age = page.as_of - since
        results = [
            self._seen(change, found.get(change.key.stock_id), age) if one == "y" else _refused(change.key)
            for change, one in rows
        ]
        known = [one for one in results if one is not None]
        if len(known) == len(results):
            return known
        if age > self._patience.most:
            raise Gone(f"a number was accepted {self._patience.most} ago and is not to be seen", where=self._where)
        return None

    def _parts(self, ticket: str, rows: int) -> tuple[datetime, str]:
        _, at, marks = (*ticket.split(" "), "", "")[:3]
        try:
            since = datetime.fromisoformat(at)
        except ValueError:
            marks = ""
        if len(marks) != rows:
            raise Gone(_OURS, where=self._where)
        return since, marks

    def _seen(self, change: StockChange, there: Level | None, age: timedelta) -> Applied | Rejected | None:
        """Judge a row by the number that is there; None while the old one stands.

        A number between the two is ours, already sold from. One below what was sent may be that as well, or the old one sold from
        while ours is still under way: that has to show within a while, and then the number itself is not told.
        """
        if there is None or there.quantity is None:
            return Rejected(key=change.key, kind="gone", reason="the listing is no more, or has no number of ours now")
        sent, now = change.shown + change.delta, there.quantity
        if sent > change.shown:
            return Applied(key=change.key, at=there.as_of, quantity=now) if now > change.shown else None
        if now == sent:
            return Applied(key=change.key, at=there.as_of, quantity=now)
        late = now < sent and age > self._patience.usual
        return Applied(key=change.key, at=there.as_of) if late else None


class EditsReadBack:
    """The port of accepted edits, for calls that edit one listing each (Limits.product_batch): a ticket is about one."""

    def __init__(
        self,
        read: Callable[[Sequence[str]], Awaitable[Sequence[Product]]],
        patience: Patience,
        *,
        now: Callable[[], datetime],
        where: str,
    ) -> None:
        self._read = read
        self._patience = patience
        self._now = now
        self._where = where

    async def look(self, ticket: str, edits: Sequence[ProductEdit]) -> Sequence[ProductResult] | None:
        """Say whether the listing shows the edit; None while it does not."""
        since, before = self._parts(ticket)
        found = {one.id: one for one in await self._read([edit.current.id for edit in edits])}
        results = []
        for edit in edits:
            there = found.get(edit.current.id)
            if there is None:
                results.append(ProductResult(id=edit.current.id, reason="the listing is no more"))
            elif not self._shows(there, edit, before, since):
                return None
            else:
                results.append(ProductResult(id=there.id, product=there))
        return results

    def _shows(self, there: Product, edit: ProductEdit, before: dict[str, str], since: datetime) -> bool:
        """Whether every field has its new value, or after a while another one than before. Raises Gone after the last while."""
        age = self._now() - since
        late = age > self._patience.usual
        shown = {name: (_value(there, name), value) for name, value in fields_of(edit).items()}
        old = [n for n, (now, new) in shown.items() if now != new and not (late and _mark(now) != before.get(n))]
        if old and age > self._patience.most:
            what = f"{', '.join(old)} was accepted {self._patience.most} ago and is not to be seen"
            raise Gone(what, where=self._where)
        return not old

    def _parts(self, ticket: str) -> tuple[datetime, dict[str, str]]:
        kind, _, rest = ticket.partition(" ")
        at, _, marks = rest.partition(" ")
        try:
            if kind == _EDIT:
                return datetime.fromisoformat(at), dict(one.split("=", 1) for one in marks.split(","))
        except ValueError:
            pass
        raise Gone(_OURS, where=self._where)


def _refused(key: StockKey) -> Rejected:
    return Rejected(key=key, kind="invalid", reason="the row was not accepted")


def _value(product: Product, name: str) -> object:
    return getattr(product if hasattr(product, name) else product.variants[0], name)


def _mark(value: object) -> str:
    return sha256(repr(value).encode()).hexdigest()[:8]
