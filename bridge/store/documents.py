"""Documents: our own copy, what each channel agreed to, conflicts, and which products have to be looked at.

Our copy is kept by document key: ("variant", SKU) and ("product", the product's key, one of its SKUs). What a channel agreed
to is kept by the channel's own id, so that a listing made anew starts anew.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bridge.domain.catalog import Product
from bridge.domain.merge import Conflict
from bridge.store.sql import chunks, upsert
from bridge.store.tables import bases, changed, conflicts, documents, listings, products, skus

__all__ = [
    "ACCEPTED", "Agreed", "Fields", "Kind", "Listed", "Value", "agreements", "begun", "bodies", "conflict", "forget",
    "forget_refusals", "listed_skus", "living", "mark", "mark_skus", "mark_variants", "marked", "name_products", "on_their_way", "ours",
    "product_keys", "related", "retry", "save_agreements", "save_ours", "unmark",
]  # fmt: skip

Value = str | int | list[str] | None
Fields = dict[str, Value]
Kind = Literal["product", "variant", "creation"]
Pair = tuple[str, str]
ACCEPTED = "accepted"


class Agreed(msgspec.Struct, frozen=True, array_like=True):
    """One field of a base: what we wanted there, and what the channel returned for it.

    The two differ where a platform keeps a value in its own form (an image's address), so each side is compared with its
    own. `note` is "refused" where the platform would not take it, "lost ..." where its own change was overruled, and "accepted" while
    it has taken our edit in and not carried it out: `returned` is what it showed before.
    """

    wanted: Value
    returned: Value
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A listing as far as documents need it."""

    channel: str
    variant_id: str
    product_id: str
    sku: str | None
    gone: bool


def mark(connection: Connection, channel: str, product_ids: Iterable[str]) -> None:
    """Note, together with whatever changed them, that these products have to be looked at."""
    upsert(connection, changed, [{"channel": channel, "product_id": one} for one in set(product_ids)])


def living(connection: Connection, channel: str) -> list[str]:
    """Return the ids of all products of a channel that are not deleted."""
    query = sa.select(products.c.product_id).where(products.c.channel == channel, products.c.gone_at.is_(None))
    return list(connection.execute(query).scalars())


def mark_variants(connection: Connection, pairs: Iterable[Pair]) -> None:
    """Note that the products of these (channel, variant id) have to be looked at: they were linked or unlinked."""
    for channel, variant_ids in _by_channel(pairs).items():
        for part in chunks(variant_ids):
            mine = sa.and_(listings.c.channel == channel, listings.c.variant_id.in_(part))
            mark(connection, channel, connection.execute(sa.select(listings.c.product_id).where(mine)).scalars())


def mark_skus(connection: Connection, names: Iterable[str]) -> None:
    """Note that all products that are linked to these SKUs have to be looked at."""
    for channel, product_ids in _by_channel(_with_skus(connection, names)).items():
        mark(connection, channel, product_ids)


def marked(connection: Connection) -> list[Pair]:
    """Return the (channel, product id) to look at."""
    order = (changed.c.channel, changed.c.product_id)
    rows = connection.execute(sa.select(changed.c.channel, changed.c.product_id).order_by(*order))
    return [(row.channel, row.product_id) for row in rows]


def unmark(connection: Connection, pairs: Iterable[Pair]) -> None:
    """Note that nothing is left to do for these products."""
    for channel, product_ids in _by_channel(pairs).items():
        for part in chunks(product_ids):
            mine = sa.and_(changed.c.channel == channel, changed.c.product_id.in_(part))
            connection.execute(changed.delete().where(mine))


def related(connection: Connection, pairs: Iterable[Pair]) -> list[Listed]:
    """Return every listing of these products, and of all products that share linked SKUs with them."""
    found: dict[Pair, Listed] = {}
    wanted, seen, known = set(pairs), set[Pair](), set[str]()
    while wanted:
        seen |= wanted
        fresh = _of_products(connection, wanted)
        found.update({(row.channel, row.variant_id): row for row in fresh})
        names = {row.sku for row in fresh if row.sku} - known
        known |= names
        wanted = _with_skus(connection, names) - seen
    return sorted(found.values(), key=lambda row: (row.channel, row.product_id, row.variant_id))


def _of_products(connection: Connection, pairs: Iterable[Pair]) -> list[Listed]:
    rows: list[Listed] = []
    for channel, product_ids in _by_channel(pairs).items():
        for part in chunks(product_ids):
            mine = sa.and_(listings.c.channel == channel, listings.c.product_id.in_(part))
            rows.extend(_listed(row) for row in connection.execute(sa.select(listings).where(mine)))
    return rows


def _with_skus(connection: Connection, names: Iterable[str]) -> set[Pair]:
    found: set[Pair] = set()
    for part in chunks(names):
        rows = connection.execute(
            sa.select(listings.c.channel, listings.c.product_id).where(listings.c.sku.in_(part)).distinct()
        )
        found.update((row.channel, row.product_id) for row in rows)
    return found


def listed_skus(connection: Connection, channel: str, names: Iterable[str]) -> set[str]:
    """Return, in lower case, those of the SKUs that a listing of the channel shows or is linked to, gone or not."""
    found: set[str] = set()
    for part in chunks({name.lower() for name in names}):
        for column in (listings.c.shown_sku, listings.c.sku):
            lower = sa.func.lower(column)
            query = sa.select(lower).where(listings.c.channel == channel, lower.in_(part))
            found.update(connection.execute(query).scalars())
    return found


def bodies(connection: Connection, pairs: Iterable[Pair]) -> dict[Pair, Product]:
    """Return products as their channels last showed them, deleted ones as tombstones."""
    found: dict[Pair, Product] = {}
    for channel, product_ids in _by_channel(pairs).items():
        for part in chunks(product_ids):
            mine = sa.and_(products.c.channel == channel, products.c.product_id.in_(part))
            for row in connection.execute(sa.select(products.c.product_id, products.c.body).where(mine)):
                found[channel, row.product_id] = msgspec.json.decode(row.body, type=Product)
    return found


def product_keys(connection: Connection, names: Iterable[str]) -> dict[str, str]:
    """Return SKU -> the key of the product document it belongs to, where it has one."""
    found: dict[str, str] = {}
    for part in chunks(set(names)):
        query = sa.select(skus.c.sku, skus.c.product).where(skus.c.sku.in_(part), skus.c.product != "")
        found.update({row.sku: row.product for row in connection.execute(query)})
    return found


def name_products(connection: Connection, keys: Mapping[str, str]) -> None:
    """Note which product document each SKU belongs to."""
    if keys:
        statement = skus.update().where(skus.c.sku == sa.bindparam("b_sku")).values(product=sa.bindparam("b_product"))
        connection.execute(statement, [{"b_sku": sku, "b_product": key} for sku, key in keys.items()])


def ours(connection: Connection, kind: Kind, keys: Iterable[str]) -> dict[str, Fields]:
    """Return our copy of these documents."""
    found: dict[str, Fields] = {}
    for part in chunks(set(keys)):
        mine = sa.and_(documents.c.kind == kind, documents.c.key.in_(part))
        for row in connection.execute(sa.select(documents.c.key, documents.c.fields).where(mine)):
            found[row.key] = msgspec.json.decode(row.fields, type=Fields)
    return found


def save_ours(connection: Connection, kind: Kind, rows: Mapping[str, Fields], now: datetime) -> None:
    """Write our copy of these documents."""
    values = [{"kind": kind, "key": key, "fields": _text(fields), "updated_at": now} for key, fields in rows.items()]
    upsert(connection, documents, values)


def agreements(connection: Connection, kind: Kind, pairs: Iterable[Pair]) -> dict[Pair, dict[str, Agreed]]:
    """Return the bases of these (channel, id): what was last agreed with the channel, field by field."""
    found: dict[Pair, dict[str, Agreed]] = {}
    for channel, ids in _by_channel(pairs).items():
        for part in chunks(ids):
            mine = sa.and_(bases.c.channel == channel, bases.c.kind == kind, bases.c.key.in_(part))
            for row in connection.execute(sa.select(bases.c.key, bases.c.fields).where(mine)):
                found[channel, row.key] = msgspec.json.decode(row.fields, type=dict[str, Agreed])
    return found


def save_agreements(
    connection: Connection, kind: Kind, rows: Mapping[Pair, Mapping[str, Agreed]], now: datetime
) -> None:
    """Write bases."""
    values = [
        {"channel": channel, "kind": kind, "key": key, "fields": _text(fields), "updated_at": now}
        for (channel, key), fields in rows.items()
    ]
    upsert(connection, bases, values)


def on_their_way(connection: Connection, sku: str) -> list[tuple[str, str, Value]]:
    """Return (channel, field, value) of what platforms have accepted of a SKU's product and not carried out yet."""
    mine = sa.and_(listings.c.sku == sku, listings.c.gone_at.is_(None))
    found: list[tuple[str, str, Value]] = []
    for row in connection.execute(sa.select(listings).where(mine).order_by(listings.c.channel)).all():
        for kind, one in (("product", row.product_id), ("variant", row.variant_id)):
            fields = agreements(connection, kind, [(row.channel, one)]).get((row.channel, one), {})  # type: ignore[arg-type]
            found += [
                (row.channel, name, each.wanted) for name, each in sorted(fields.items()) if each.note == ACCEPTED
            ]
    return found


def begun(connection: Connection, channel: str) -> dict[str, str]:
    """Return the products whose creation on a channel never came to its end and that it lists: first SKU -> product id."""
    mine = sa.and_(bases.c.channel == channel, bases.c.kind == "creation")
    rows = connection.execute(sa.select(bases.c.key, bases.c.fields).where(mine))
    notes = {row.key: msgspec.json.decode(row.fields, type=dict[str, Agreed]) for row in rows}
    open_ones = [key for key, fields in notes.items() if any(one.note == "begun" for one in fields.values())]
    found: dict[str, str] = {}
    for part in chunks(open_ones):
        here = sa.and_(listings.c.channel == channel, listings.c.sku.in_(part), listings.c.gone_at.is_(None))
        found.update((row.sku, row.product_id) for row in connection.execute(sa.select(listings).where(here)))
    return found


def forget(connection: Connection, kind: Kind, pairs: Iterable[Pair]) -> None:
    """Drop bases: should the listing come back, that is a first contact again."""
    for channel, ids in _by_channel(pairs).items():
        for part in chunks(ids):
            mine = sa.and_(bases.c.channel == channel, bases.c.kind == kind, bases.c.key.in_(part))
            connection.execute(bases.delete().where(mine))


def forget_refusals(connection: Connection, channel: str) -> None:
    """Let everything the channel refused be tried once more: its rules have changed."""
    mine = sa.and_(bases.c.channel == channel, bases.c.fields.contains('"refused"'))
    for row in list(connection.execute(sa.select(bases).where(mine))):
        _forget_refused(connection, row)


def retry(connection: Connection, channel: str, keys: Iterable[str]) -> None:
    """Let parked documents be tried once more; `keys` are those they are parked under: "PRODUCT", "PRODUCT ID FIELD", "new SKU"."""
    for key in keys:
        is_new, _, sku = key.partition("new ")
        ids = [sku] if not is_new and sku else key.split(" ")[:2]
        mine = sa.and_(bases.c.channel == channel, bases.c.key.in_(ids))
        for row in list(connection.execute(sa.select(bases).where(mine))):
            _forget_refused(connection, row)
        sources = sa.and_(listings.c.sku.in_(ids), listings.c.gone_at.is_(None))
        for row in connection.execute(sa.select(listings.c.channel, listings.c.product_id).where(sources)).all():
            mark(connection, row.channel, [row.product_id])
        mark(connection, channel, _existing(connection, channel, ids))


def _existing(connection: Connection, channel: str, product_ids: Iterable[str]) -> list[str]:
    mine = sa.and_(products.c.channel == channel, products.c.product_id.in_(list(product_ids)))
    return list(connection.execute(sa.select(products.c.product_id).where(mine)).scalars())


def _forget_refused(connection: Connection, row: Any) -> None:
    fields = msgspec.json.decode(row.fields, type=dict[str, Agreed])
    kept = {name: value for name, value in fields.items() if value.note != "refused"}
    same = sa.and_(bases.c.channel == row.channel, bases.c.kind == row.kind, bases.c.key == row.key)
    connection.execute(bases.update().where(same).values(fields=_text(kept)))


def conflict(connection: Connection, channel: str, document: tuple[Kind, str], lost: Conflict, now: datetime) -> None:
    """Record a conflict for `bridge conflicts`."""
    kind, key = document
    connection.execute(
        conflicts.insert().values(
            kind=kind, key=key, field=lost.field, channel=channel, ours=_text(lost.ours), theirs=_text(lost.theirs),
            winner=lost.winner, at=now,
        )
    )  # fmt: skip


def _listed(row: Any) -> Listed:
    return Listed(
        channel=row.channel, variant_id=row.variant_id, product_id=row.product_id, sku=row.sku, gone=row.gone_at is not None
    )  # fmt: skip


def _by_channel(pairs: Iterable[Pair]) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for channel, one in sorted(set(pairs)):
        grouped.setdefault(channel, []).append(one)
    return grouped


def _text(value: object) -> str:
    return msgspec.json.encode(value).decode()
