"""Documents: product fields kept in step over all channels (design, section 4).

Whatever changes a product marks it in the same transaction; a mark goes once nothing is left to do for it. So the work is what
differs, a crash loses nothing, and a run in which nothing changed makes no call.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from bridge.contract.errors import BridgeError
from bridge.engine.context import Channel, Context
from bridge.engine.documents_create import Creation, create, finish, objections
from bridge.engine.documents_fields import FieldWrite
from bridge.engine.documents_plan import Pair, Plan, Scope, apply_rules, due, plan
from bridge.engine.documents_write import Writer
from bridge.engine.report import Report
from bridge.store import documents as store

__all__ = ["PlannedField", "sync_products"]

PlannedField = FieldWrite

# A write that comes back stale, and one that shows another edit, are planned again; what is left then waits for the next run.
ROUNDS = 4
PART = 500


async def sync_products(
    context: Context,
    channels: Sequence[Channel],
    changed: Mapping[str, set[str]],
    report: Report,
    *,
    skus: Sequence[str] = (),
    dry_run: bool = False,
) -> Sequence[PlannedField]:
    """Merge what changed and write it to `channels`; return every field that was (or with `dry_run` would be) written.

    Reading is never limited: our copy follows all channels, and what may not be written in this run waits for the next. A
    channel that fails is noted in the report, the others go on.
    """
    if not context.rules.documents.owners and not any(channel.create for channel in context.channels.values()):
        return []
    scope = Scope(context=context, channels=channels, report=report, skus=frozenset(skus))
    if not dry_run:
        await asyncio.gather(*(_finish(scope, channel) for channel in channels if channel.create))
        context.database.write(lambda connection: apply_rules(connection, context))
    pairs = context.database.read(lambda connection: due(connection, context, changed))
    run = _Run(scope)
    for start in range(0, len(pairs), PART):
        # A family is looked at whole, so most products were looked at with those of the first channel.
        part = [pair for pair in pairs[start : start + PART] if pair not in run.seen]
        if part and dry_run:
            await run.preview(context.database.read(partial(plan, scope=scope, pairs=part, keep=False)))
        elif part:
            await run.part(part)
        context.progress("comparing products", "", min(start + PART, len(pairs)), len(pairs))
    return run.planned


@dataclass(slots=True)
class _Run:
    scope: Scope
    planned: list[PlannedField] = field(default_factory=list)
    awkward: dict[str, set[str]] = field(default_factory=dict)
    known: set[tuple[str, ...]] = field(default_factory=set)
    seen: set[Pair] = field(default_factory=set)

    async def part(self, pairs: Sequence[Pair]) -> None:
        """Settle some products: plan, write, and plan again until nothing is left or only another run can do it."""
        database = self.scope.context.database
        for channel, product_ids in _by_channel(pairs).items():
            database.write(partial(store.mark, channel=channel, product_ids=product_ids))
        for _ in range(ROUNDS):
            found = database.write(partial(plan, scope=self.scope, pairs=pairs, keep=True))
            self.note(found)
            if found.idle:
                return
            await asyncio.gather(*(self._channel(channel, found) for channel in self.scope.channels))
            pairs = sorted(found.busy)

    async def preview(self, found: Plan) -> None:
        """Note what would be done, with what the platforms say of the listings to be made."""
        channels = {channel.name: channel for channel in self.scope.channels}
        told = [
            await _previewed(channels[one.channel], one) if one.channel in channels else one for one in found.creations
        ]
        self.note(replace(found, creations=told))

    def note(self, found: Plan) -> None:
        """Remember what was planned, and which products were looked at."""
        self.seen |= found.seen
        for write in [*found.writes, *map(_creation, found.creations)]:
            if _name(write) not in self.known:
                self.known.add(_name(write))
                self.planned.append(write)

    async def _channel(self, channel: Channel, found: Plan) -> None:
        report = self.scope.report.of(channel.name)
        writes = [write for write in found.writes if write.channel == channel.name]
        current = {product_id: one for (name, product_id), one in found.current.items() if name == channel.name}
        try:
            if writes:
                awkward = self.awkward.setdefault(channel.name, set())
                await Writer(self.scope.context, channel, report, awkward, channel.turn).run(writes, current)
            for one in found.creations:
                if one.channel == channel.name:
                    async with channel.turn:
                        await create(self.scope.context, channel, report, one)
        except BridgeError as error:
            report.fail(error)


async def _finish(scope: Scope, channel: Channel) -> None:
    report = scope.report.of(channel.name)
    try:
        async with channel.turn:
            await finish(scope.context, channel, report)
    except BridgeError as error:
        report.fail(error)


async def _previewed(channel: Channel, one: Creation) -> Creation:
    try:
        problems = await objections(channel, one)
    except BridgeError as error:
        problems = [f"could not be previewed: {error}"]
    return replace(one, reason=f"cannot be created: {'; '.join(problems)}") if problems else one


def _creation(one: Creation) -> PlannedField:
    return FieldWrite(
        channel=one.channel, kind="creation", key=one.skus[0], product_id="", id="", field="product", before=None,
        after=one.product.title, reason=one.reason or f"{one.channel} lacks it; copied from {one.source}",
    )  # fmt: skip


def _name(write: PlannedField) -> tuple[str, ...]:
    return write.channel, write.kind, write.key, write.product_id, write.id, write.field, str(write.after)


def _by_channel(pairs: Sequence[Pair]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for channel, one in pairs:
        found.setdefault(channel, []).append(one)
    return found
