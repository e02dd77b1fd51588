"""Planning documents: one unit of work that settles changed families, keeps what was agreed, and says what is left to write."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec
from sqlalchemy.engine import Connection

from bridge.domain.catalog import Product
from bridge.engine.context import Channel, Context
from bridge.engine.documents_create import Creation, creations
from bridge.engine.documents_family import Family, documents_of, load
from bridge.engine.documents_fields import FieldWrite, Terms, terms_of
from bridge.engine.documents_settle import Document, Settled, settle
from bridge.engine.noting import park
from bridge.engine.report import Report
from bridge.store import channels as channel_store
from bridge.store import documents, notes
from bridge.store.documents import Agreed, Fields, Kind, Listed

__all__ = ["Pair", "Plan", "Scope", "apply_rules", "due", "parked_key", "plan"]

Pair = tuple[str, str]


@dataclass(slots=True, kw_only=True)
class Scope:
    """What this run may touch: channels that answer and are asked for, and SKUs (none named: all)."""

    context: Context
    channels: Sequence[Channel]
    report: Report
    skus: frozenset[str] = frozenset()

    def may_write(self, write: FieldWrite, family: Family) -> bool:
        """Whether this write is part of this run."""
        mine = write.key in self.skus if write.kind == "variant" else not self.skus.isdisjoint(family.skus)
        return self._answers(write.channel) and (mine or not self.skus)

    def may_create(self, one: Creation) -> bool:
        """Whether this creation is part of this run."""
        return self._answers(one.channel) and (not self.skus or not self.skus.isdisjoint(one.skus))

    def _answers(self, channel: str) -> bool:
        return channel in {one.name for one in self.channels} and not self.report.of(channel).error


@dataclass(slots=True, kw_only=True)
class Plan:
    """What is to be written now, the products it is written to, what is to be created.

    `seen` are the products that were looked at, `busy` those of them for which something is left to do.
    """

    writes: list[FieldWrite] = field(default_factory=list)
    current: dict[Pair, Product] = field(default_factory=dict)
    creations: list[Creation] = field(default_factory=list)
    seen: set[Pair] = field(default_factory=set)
    busy: set[Pair] = field(default_factory=set)

    @property
    def idle(self) -> bool:
        """Nothing is left to do."""
        return not self.writes and not self.creations


def parked_key(write: FieldWrite) -> str:
    """How a field is called where it is parked."""
    return f"{write.product_id} {write.id} {write.field}"


def due(connection: Connection, context: Context, changed: Mapping[str, set[str]]) -> list[Pair]:
    """Return the products to look at: the marked ones, the ones just seen to change, and all of a channel with new rules."""
    pairs = {*documents.marked(connection), *((channel, one) for channel, some in changed.items() for one in some)}
    for name in _with_new_rules(connection, context):
        pairs.update((name, one) for one in documents.living(connection, name))
    return sorted(pairs)


def apply_rules(connection: Connection, context: Context) -> None:
    """Where the rules for documents have changed since the last run, look at everything of that channel again."""
    for name, now in _with_new_rules(connection, context).items():
        documents.forget_refusals(connection, name)
        documents.mark(connection, name, documents.living(connection, name))
        notes.set_meta(connection, f"documents/{name}", now)


def _with_new_rules(connection: Connection, context: Context) -> dict[str, str]:
    now = {name: _digest(context, context.channels[name]) for name in adopted(connection, context)}
    return {name: text for name, text in now.items() if notes.get_meta(connection, f"documents/{name}") != text}


def adopted(connection: Connection, context: Context) -> list[str]:
    """Return the configured channels whose first contact is over: only they take part."""
    rows = channel_store.all_channels(connection)
    return [row.channel for row in rows if row.adopted_at is not None and row.channel in context.channels]


def _digest(context: Context, channel: Channel) -> str:
    rules = context.rules.documents
    writers = {name: sorted(some) for name, some in rules.writers.items()}
    price = [str(channel.price.factor), channel.price.rounding, channel.price.step]
    found = [sorted(rules.owners.items()), sorted(writers.items()), price, channel.currency, channel.create]
    return msgspec.json.encode(found).decode()


def plan(connection: Connection, scope: Scope, pairs: Sequence[Pair], *, keep: bool) -> Plan:
    """Settle the families of these products; `keep` writes the outcome down, otherwise nothing is changed."""
    names = adopted(connection, scope.context)
    terms = {name: terms_of(scope.context, scope.context.channels[name]) for name in names}
    families = load(connection, pairs, names)
    work = _Planning(connection, scope, terms)
    for family, found in zip(families, documents_of(connection, families, terms), strict=True):
        work.family(family, found)
    work.plan.seen = {pair for family in families for pair in family.pairs}
    if keep:
        work.lost(pair for pair in pairs if pair not in work.plan.seen and pair[0] in terms)
        work.save()
    return work.plan


class _Planning:
    def __init__(self, connection: Connection, scope: Scope, terms: Mapping[str, Terms]) -> None:
        self.connection = connection
        self.scope = scope
        self.context = scope.context
        self.terms = terms
        self.plan = Plan()
        self.ours: dict[Kind, dict[str, Fields]] = defaultdict(dict)
        self.bases: dict[Kind, dict[Pair, dict[str, Agreed]]] = defaultdict(dict)
        self.settled: list[tuple[Document, Settled]] = []
        self.families: list[Family] = []
        self.quiet: set[Pair] = set()
        self.fine: dict[str, list[str]] = defaultdict(list)

    def family(self, family: Family, found: Sequence[Document]) -> None:
        """Settle one family's documents."""
        self.families.append(family)
        ours: dict[tuple[Kind, str], Fields] = {}
        writes: list[FieldWrite] = []
        for document in found:
            settled = settle(document, self.terms)
            self.settled.append((document, settled))
            ours[document.kind, document.key] = settled.ours
            writes += settled.writes
        now = [write for write in writes if self.scope.may_write(write, family)]
        made = creations(self.connection, list(self.context.channels.values()), family, ours, self.terms)
        self.plan.writes += now
        self.plan.creations += [one for one in made if self.scope.may_create(one)]
        self.plan.current.update({one.pair: one.product for one in family.members})
        (self.plan.busy if writes or made else self.quiet).update(family.pairs)

    def lost(self, pairs: Iterable[Pair]) -> None:
        """Products without any listing: nothing can be done for them."""
        self.quiet.update(pairs)

    def save(self) -> None:
        """Write down our copies, the bases, conflicts and refusals; what is quiet need not be looked at again."""
        now = self.context.now()
        for document, settled in self.settled:
            self._document(document, settled)
        for kind, rows in self.ours.items():
            documents.save_ours(self.connection, kind, rows, now)
        for kind, bases in self.bases.items():
            documents.save_agreements(self.connection, kind, bases, now)
        unnamed = [family for family in self.families if not family.named]
        documents.name_products(self.connection, {sku: one.key for one in unnamed for sku in one.skus})
        for family in self.families:
            self._remarks(family)
        for channel, product_ids in self.fine.items():
            notes.unpark(self.connection, "product", channel, product_ids)
        documents.unmark(self.connection, self.quiet)

    def _document(self, document: Document, settled: Settled) -> None:
        now = self.context.now()
        if settled.ours != document.ours:
            self.ours[document.kind][document.key] = settled.ours
        for sheet in document.sheets:
            base = settled.bases[sheet.channel, sheet.id]
            if base != sheet.agreed:
                self.bases[document.kind][sheet.channel, sheet.id] = base
        for channel, lost in settled.conflicts:
            documents.conflict(self.connection, channel, (document.kind, document.key), lost, now)
        for refusal in settled.refusals:
            write = refusal.write
            reason = f"{write.field} of {write.key}: {refusal.reason}"
            park(self.connection, self.context, "product", write.channel, parked_key(write), reason)
            self.scope.report.of(write.channel).parked.append(reason)

    def _remarks(self, family: Family) -> None:
        """Tell a person about what the documents cannot follow: deletions, and products that are cut differently."""
        for pair, listed in family.gone.items():
            self._deleted(family, pair, listed)
        alike = {one.pair for one in family.alike}
        for one in family.members:
            if one.pair not in alike and len(family.members) > len(family.on(one.channel)):
                reason = (
                    f"{one.product.title or one.product.id} is cut into products differently on {one.channel} than elsewhere:"
                    " title, description, status and images are left alone there, prices and barcodes go on"
                )
                self._park(one.channel, one.product.id, reason)
            else:
                self.fine[one.channel].append(one.product.id)

    def _deleted(self, family: Family, pair: Pair, listed: Sequence[Listed]) -> None:
        channel, product_id = pair
        documents.forget(self.connection, "variant", [(channel, row.variant_id) for row in listed])
        alive = {sku for one in family.on(channel) for sku in one.links.values()}
        dead = sorted({row.sku for row in listed if row.sku} - alive)
        if dead and any(one.channel != channel for one in family.members):
            reason = (
                f"{', '.join(dead)} was deleted on {channel}: nothing is deleted elsewhere, and it is not created there again;"
                " delete it on the other channels too, or create it there by hand"
            )
            self._park(channel, product_id, reason)

    def _park(self, channel: str, key: str, reason: str) -> None:
        park(self.connection, self.context, "product", channel, key, reason)
