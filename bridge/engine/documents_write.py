"""Writing document fields to one channel. An edit sets what it names, so sending it again after a lost answer does no harm.

A refused edit is halved until the field that the platform will not take stands alone: that one is parked and not tried
again until it changes; the rest is written. What a platform only accepts is followed by engine/documents_tickets.py.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial

import msgspec
from sqlalchemy.engine import Connection

from bridge.contract.errors import Gone, Refused
from bridge.contract.ports import ProductResult, ProductsPort
from bridge.domain.catalog import Product
from bridge.engine.context import Channel, Context
from bridge.engine.documents_fields import FieldWrite, edit_of, shown
from bridge.engine.documents_plan import parked_key
from bridge.engine.noting import park
from bridge.engine.purse import reserve
from bridge.engine.report import ChannelReport
from bridge.engine.ticket_times import FIRST_LOOK
from bridge.store import documents, edits, listings, notes, spendings
from bridge.store.documents import ACCEPTED, Agreed, Fields, Kind

__all__ = ["Job", "Writer"]

Job = tuple[FieldWrite, ...]
Unit = Callable[[Connection], None]
_PRICES = frozenset({"price", "compare_at"})


@dataclass(slots=True, kw_only=True)
class _Outcome:
    """What came of a batch, to be kept in one transaction."""

    seen: dict[str, Product] = field(default_factory=dict)
    done: list[tuple[FieldWrite, Fields]] = field(default_factory=list)
    refused: list[tuple[FieldWrite, str]] = field(default_factory=list)
    accepted: list[Job] = field(default_factory=list)
    ticket: str = ""


@dataclass(slots=True)
class Writer:
    """Writes to one channel. `awkward` remembers, for the run, fields that were refused: they no longer spoil other edits.

    `turn` is taken for each call where others write to the channel meanwhile.
    """

    context: Context
    channel: Channel
    report: ChannelReport
    awkward: set[str] = field(default_factory=set)
    turn: AbstractAsyncContextManager[object] = field(default_factory=nullcontext)
    _jobs: dict[str, deque[Job]] = field(default_factory=dict)
    _current: dict[str, Product] = field(default_factory=dict)

    async def run(self, writes: Sequence[FieldWrite], current: Mapping[str, Product]) -> None:
        """Write these fields; `current` are their products as last read. Raises TryLater and NeedsPerson."""
        port = self.channel.connector.products
        assert port is not None, "planned only for channels that can write products"
        self._current = dict(current)
        affordable = self._affordable(_by_product(writes))
        self._jobs = {product_id: deque(self._split(mine)) for product_id, mine in affordable.items()}
        await self._all(port)

    async def conclude(
        self, jobs: Sequence[Job], results: Sequence[ProductResult], current: Mapping[str, Product], then: Unit
    ) -> None:
        """Keep what became of jobs that were accepted, with `then` in the same transaction, and write again the halves of those that
        were refused. A crash in between leaves these to be planned anew."""
        port = self.channel.connector.products
        assert port is not None, "it has accepted edits"
        self._current, self._jobs, outcome = dict(current), {job[0].product_id: deque() for job in jobs}, _Outcome()
        lost = [job for job, result in zip(jobs, results, strict=True) if result.stale]
        for job, result in zip(jobs, results, strict=True):
            if not result.stale:
                self._result(outcome, job, result)

        def keep(connection: Connection) -> None:
            self._keep(connection, outcome, "")
            self.reopen(connection, [*lost, *(job for halves in self._jobs.values() for job in halves)])
            then(connection)

        self.context.database.write(keep)
        await self._all(port)

    def reopen(self, connection: Connection, jobs: Iterable[Job]) -> None:
        """What was accepted came to nothing: these fields are as if our edit had never been sent."""
        self._agree(connection, [(write, Agreed(write.before, write.before)) for job in jobs for write in job])

    async def _all(self, port: ProductsPort) -> None:
        size = self.channel.connector.limits.product_batch
        while ready := [product_id for product_id, jobs in self._jobs.items() if jobs]:
            for start in range(0, len(ready), size):
                async with self.turn:
                    jobs = self._still_due({one: self._jobs[one].popleft() for one in ready[start : start + size]})
                    await self._batch(port, jobs)
                self.context.progress("writing products", self.channel.name, start, len(ready))

    def _affordable(self, writes: Mapping[str, list[FieldWrite]]) -> dict[str, list[FieldWrite]]:
        """Put prices before texts, and leave out the listings that were changed as often today as they may be: they wait."""
        urgent = sorted(writes.items(), key=lambda item: not any(write.field in _PRICES for write in item[1]))
        limit = self.channel.connector.limits.changes_per_day
        if not limit:
            return dict(urgent)
        name, now = self.channel.name, self.context.now()
        spent = self.context.database.read(lambda connection: spendings.spent(connection, name, writes.keys(), now))
        return {one: mine for one, mine in urgent if spent.get(one, 0) < limit - reserve(limit)}

    def _spend(self, connection: Connection, product_ids: Iterable[str]) -> None:
        spendings.spend(connection, self.channel.name, dict.fromkeys(product_ids, 1), self.context.now())

    def _split(self, writes: Sequence[FieldWrite]) -> list[Job]:
        together = tuple(write for write in writes if write.field not in self.awkward)
        alone = [(write,) for write in writes if write.field in self.awkward]
        return [together, *alone] if together else list(alone)

    def _still_due(self, jobs: Mapping[str, Job]) -> dict[str, Job]:
        """Leave out what was read to be otherwise since it was planned: it is planned anew."""
        pairs = [(self.channel.name, one) for one in jobs]
        found = self.context.database.read(lambda connection: documents.bodies(connection, pairs))
        due: dict[str, Job] = {}
        for product_id, job in jobs.items():
            there = found.get((self.channel.name, product_id))
            if there is not None and not there.deleted and all(_as_planned(there, write) for write in job):
                due[product_id], self._current[product_id] = job, there
            else:
                self._jobs[product_id].clear()
        return due

    async def _batch(self, port: ProductsPort, jobs: Mapping[str, Job]) -> None:
        if not jobs:
            return
        changes, key = [edit_of(self._current[one], job) for one, job in jobs.items()], self.context.new_key()
        if self.channel.connector.limits.changes_per_day:
            self.context.database.write(partial(self._spend, product_ids=jobs))
        try:
            results: Sequence[ProductResult] = await port.edit(changes, key)
        except (Refused, Gone) as error:
            if len(jobs) > 1:
                for product_id, job in jobs.items():
                    await self._batch(port, {product_id: job})
                return
            results = [ProductResult(id=edit.current.id, reason=error.what) for edit in changes]
        outcome = _Outcome()
        stale = [job[0].product_id for job, result in zip(jobs.values(), results, strict=True) if result.stale]
        for job, result in zip(jobs.values(), results, strict=True):
            if not result.stale:
                self._result(outcome, job, result)
        await self._read_again(outcome, stale)
        self.context.database.write(lambda connection: self._keep(connection, outcome, key))

    def _result(self, outcome: _Outcome, job: Job, result: ProductResult) -> None:
        product_id = job[0].product_id
        if result.ticket:
            outcome.accepted.append(job)
            outcome.ticket = result.ticket
            return
        if result.product is not None:
            outcome.seen[product_id] = self._current[product_id] = result.product
        if not result.reason and result.product is not None:
            outcome.done += [(write, shown(result.product, write.kind, write.id)) for write in job]
        elif len(job) == 1:
            self.awkward.add(job[0].field)
            outcome.refused.append((job[0], result.reason))
        else:
            middle = len(job) // 2
            self._jobs[product_id].extendleft([job[middle:], job[:middle]])

    async def _read_again(self, outcome: _Outcome, product_ids: Sequence[str]) -> None:
        """The product is not what we read: read it again, drop what was planned for it, and let it be merged anew."""
        if not product_ids:
            return
        found = {one.id: one for one in await self.channel.connector.catalog.get(product_ids)}
        for product_id in product_ids:
            self._jobs[product_id].clear()
            dead = replace(self._current[product_id], deleted=True, variants=(), updated_at=self.context.now())
            outcome.seen[product_id] = found.get(product_id, dead)

    def _keep(self, connection: Connection, outcome: _Outcome, key: str) -> None:
        now = self.context.now()
        if outcome.accepted:
            self._accept(connection, outcome, key)
        listings.record(connection, self.channel.name, list(outcome.seen.values()), now)
        agreed: list[tuple[FieldWrite, Agreed]] = []
        for write, returned in outcome.done:
            is_kept = returned.get(write.field) == write.before != write.after
            if is_kept:
                outcome.refused.append((write, "the platform took the edit and kept its own value"))
            else:
                agreed.append((write, Agreed(write.after, returned.get(write.field))))
        agreed += [(write, Agreed(write.after, write.before, "refused")) for write, _ in outcome.refused]
        self._agree(connection, agreed)
        self.report.fields += len(agreed) - len(outcome.refused)
        fine = [parked_key(write) for write, one in agreed if one.note != "refused"]
        notes.unpark(connection, "product", self.channel.name, fine)
        for write, why in outcome.refused:
            reason = f"{write.field} of {write.key} was refused: {why}"
            park(connection, self.context, "product", self.channel.name, parked_key(write), reason)
            self.report.parked.append(reason)

    def _accept(self, connection: Connection, outcome: _Outcome, key: str) -> None:
        jobs, now = msgspec.json.encode(outcome.accepted).decode(), self.context.now()
        edits.accept(connection, self.channel.name, key, outcome.ticket, jobs, now=now, look_at=now + FIRST_LOOK)
        writes = [write for job in outcome.accepted for write in job]
        self._agree(connection, [(write, Agreed(write.after, write.before, ACCEPTED)) for write in writes])

    def _agree(self, connection: Connection, agreed: Sequence[tuple[FieldWrite, Agreed]]) -> None:
        kinds: tuple[Kind, ...] = ("product", "variant")
        for kind in kinds:
            mine = [(write, one) for write, one in agreed if write.kind == kind]
            pairs = [(self.channel.name, write.id) for write, _ in mine]
            bases = {pair: dict[str, Agreed]() for pair in pairs} | documents.agreements(connection, kind, pairs)
            for write, one in mine:
                bases[self.channel.name, write.id][write.field] = one
            documents.save_agreements(connection, kind, bases, self.context.now())


def _by_product(writes: Iterable[FieldWrite]) -> dict[str, list[FieldWrite]]:
    found: dict[str, list[FieldWrite]] = {}
    for write in writes:
        found.setdefault(write.product_id, []).append(write)
    return found


def _as_planned(product: Product, write: FieldWrite) -> bool:
    return shown(product, write.kind, write.id).get(write.field) == write.before
