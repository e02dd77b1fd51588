"""Families: the products of all channels that share linked SKUs, which makes them one product to us."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.engine import Connection

from bridge.domain.catalog import Product
from bridge.engine.documents_fields import Terms, product_fields, variant_fields
from bridge.engine.documents_settle import Document, Sheet
from bridge.store import documents
from bridge.store.documents import ACCEPTED, Agreed, Fields, Listed

__all__ = ["Family", "Member", "documents_of", "load"]

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A product of a family on one channel; `links` is variant id -> SKU of its living, linked variants."""

    channel: str
    product: Product
    links: Mapping[str, str]

    @property
    def pair(self) -> Pair:
        """Its name in the store."""
        return self.channel, self.product.id


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """`key` names the product document; `gone` are deleted listings that were linked, by (channel, product id)."""

    key: str
    members: tuple[Member, ...]
    gone: Mapping[Pair, tuple[Listed, ...]]
    skus: tuple[str, ...]
    named: bool

    def on(self, channel: str) -> list[Member]:
        """Return the family's products on a channel."""
        return [one for one in self.members if one.channel == channel]

    @property
    def pairs(self) -> list[Pair]:
        """Everything of this family that may be marked as changed."""
        return sorted({*(one.pair for one in self.members), *self.gone})

    @property
    def alike(self) -> list[Member]:
        """The members that are the only product of the family on their channel: only those show the same product."""
        return [one for one in self.members if len(self.on(one.channel)) == 1]


def load(connection: Connection, pairs: Iterable[Pair], channels: Iterable[str]) -> list[Family]:
    """Load the families of these products, as far as they are on these channels."""
    wanted = set(channels)
    rows = [row for row in documents.related(connection, pairs) if row.channel in wanted]
    bodies = documents.bodies(connection, {(row.channel, row.product_id) for row in rows if not row.gone})
    keys = documents.product_keys(connection, {row.sku for row in rows if row.sku})
    return [_family(group, bodies, keys) for group in _groups(rows)]


def _groups(rows: Sequence[Listed]) -> list[list[Listed]]:
    """Join products that share a linked SKU, over however many steps."""
    parent: dict[object, object] = {}

    def root(one: object) -> object:
        while parent.setdefault(one, one) != one:
            parent[one] = parent[parent[one]]
            one = parent[one]
        return one

    for row in rows:
        root((row.channel, row.product_id))
        if row.sku:
            parent[root((row.channel, row.product_id))] = root(row.sku)
    groups: dict[object, list[Listed]] = defaultdict(list)
    for row in rows:
        groups[root((row.channel, row.product_id))].append(row)
    return list(groups.values())


def _family(rows: Sequence[Listed], bodies: Mapping[Pair, Product], keys: Mapping[str, str]) -> Family:
    links: dict[Pair, dict[str, str]] = defaultdict(dict)
    gone: dict[Pair, list[Listed]] = defaultdict(list)
    for row in rows:
        pair = (row.channel, row.product_id)
        if row.gone and row.sku:
            gone[pair].append(row)
        elif not row.gone and pair in bodies:
            links[pair].update({row.variant_id: row.sku} if row.sku else {})
    members = [Member(channel=pair[0], product=bodies[pair], links=found) for pair, found in sorted(links.items())]
    dead = {row.sku for some in gone.values() for row in some if row.sku}
    names = sorted({sku for one in members for sku in one.links.values()} | dead)
    known = sorted({keys[sku] for sku in names if keys.get(sku) in names})
    key = known[0] if known else next(iter(names), "")
    return Family(
        key=key,
        members=tuple(members),
        gone={pair: tuple(some) for pair, some in gone.items()},
        skus=tuple(names),
        named=all(keys.get(sku) == key for sku in names),
    )


def documents_of(
    connection: Connection, families: Sequence[Family], terms: Mapping[str, Terms]
) -> list[list[Document]]:
    """Return each family's documents with all their sheets, in few queries for many families."""
    members = [one for family in families for one in family.members]
    store = _Stored(
        products=documents.ours(connection, "product", [family.key for family in families]),
        variants=documents.ours(connection, "variant", [sku for family in families for sku in family.skus]),
        product_bases=documents.agreements(connection, "product", [one.pair for one in members]),
        variant_bases=documents.agreements(
            connection, "variant", [(one.channel, variant_id) for one in members for variant_id in one.links]
        ),
    )
    return [_documents(family, terms, store) for family in families]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stored:
    products: Mapping[str, Fields]
    variants: Mapping[str, Fields]
    product_bases: Mapping[Pair, Mapping[str, Agreed]]
    variant_bases: Mapping[Pair, Mapping[str, Agreed]]


def _documents(family: Family, terms: Mapping[str, Terms], store: _Stored) -> list[Document]:
    if not family.skus:
        return []
    sheets = [
        Sheet(
            channel=one.channel, product_id=one.product.id, id=one.product.id,
            theirs=_heard(product_fields(one.product), terms[one.channel], store.product_bases.get(one.pair, {})),
            agreed=store.product_bases.get(one.pair, {}),
        )
        for one in family.alike
        if one.links
    ]  # fmt: skip
    product = Document(kind="product", key=family.key, ours=store.products.get(family.key, {}), sheets=tuple(sheets))
    by_sku: dict[str, list[Sheet]] = defaultdict(list)
    for one in family.members:
        for variant in one.product.variants:
            if variant.id in one.links:
                agreed = store.variant_bases.get((one.channel, variant.id), {})
                theirs = _heard(variant_fields(variant), terms[one.channel], agreed)
                by_sku[one.links[variant.id]].append(
                    Sheet(channel=one.channel, product_id=one.product.id, id=variant.id, theirs=theirs, agreed=agreed)
                )
    variants = [
        Document(kind="variant", key=sku, ours=store.variants.get(sku, {}), sheets=tuple(found))
        for sku, found in sorted(by_sku.items())
    ]
    return [product, *variants]


def _heard(fields: Fields, terms: Terms, agreed: Mapping[str, Agreed]) -> Fields:
    """Only fields with an owner are looked at, and none while an edit of ours is on its way there."""
    flying = {name for name, one in agreed.items() if one.note == ACCEPTED}
    return {name: value for name, value in fields.items() if name in terms.owners and name not in flying}
