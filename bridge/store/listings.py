"""Listings: what each channel offers, and which SKU each of them is."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bridge.domain.catalog import Product
from bridge.domain.effects import Bound
from bridge.domain.linking import Candidate, Finding
from bridge.store import documents
from bridge.store.sql import among, chunks, rows_of, upsert
from bridge.store.tables import findings, kits, listings, positions, products, skus

__all__ = [
    "add_skus",
    "barcodes",
    "bind",
    "bound",
    "candidates",
    "forget_others",
    "has_unlinked",
    "known_skus",
    "loose",
    "news",
    "prices",
    "product",
    "products_of",
    "record",
    "replace_findings",
    "set_kits",
    "shared_stock",
    "tags",
    "tell_untracked",
    "unclaimed",
    "unplaced",
    "untracked",
]  # fmt: skip

_HERE = listings.c.channel == sa.bindparam("on")
_VARIANTS = sa.select(listings.c.variant_id, listings.c.stock_id, listings.c.sku).where(
    _HERE, among(listings.c.variant_id, "ids")
)
# That the SKU is known is looked at here: asked for it, SQLite takes all of the channel's known SKUs for the fewer rows.
_SHARING = sa.select(listings.c.stock_id, listings.c.variant_id, listings.c.sku).where(
    _HERE, among(listings.c.stock_id, "ids")
)
_WITH_STOCK = _SHARING.where(listings.c.gone_at.is_(None))
_WENT_WITH_STOCK = _SHARING.where(listings.c.gone_at.is_not(None))
_BODIES = sa.select(products.c.product_id, products.c.body, products.c.gone_at).where(
    products.c.channel == sa.bindparam("on"), among(products.c.product_id, "ids")
)
_KITS = sa.select(kits).order_by(kits.c.sku, kits.c.component)


def news(connection: Connection, channel: str, items: Sequence[Product]) -> list[Product]:
    """Return those that are not as we know them already: the pages of a feed overlap, and most of what they bring is known."""
    known: dict[str, str] = {}
    for part in chunks({one.id for one in items}):
        rows = rows_of(connection, _BODIES, {"on": channel, "ids": part})
        known |= {row.product_id: row.body for row in rows if row.gone_at is None}
    return [one for one in items if one.deleted or known.get(one.id) != _body(one)]


def _body(one: Product) -> str:
    return msgspec.json.encode(one).decode()


def record(connection: Connection, channel: str, items: Sequence[Product], now: datetime) -> bool:
    """Note products as a channel shows them; a tombstone, or a variant that is no more, is marked gone.

    Tells whether any listing went.
    """
    rows = [
        {
            "channel": channel, "product_id": one.id, "body": _body(one), "updated_at": one.updated_at,
            "gone_at": now if one.deleted else None,
        }
        for one in items
    ]  # fmt: skip
    upsert(connection, products, rows)
    upsert(connection, listings, [_listing(channel, one, variant) for one in items for variant in one.variants])
    documents.mark(connection, channel, [one.id for one in items])
    return _mark_gone(connection, channel, items, now)


def _listing(channel: str, one: Product, variant: Any) -> dict[str, Any]:
    title = f"{one.title} {variant.title}".strip() if variant.title and variant.title != one.title else one.title
    return {
        "channel": channel, "variant_id": variant.id, "product_id": one.id, "shown_sku": variant.sku or None,
        "barcode": variant.barcode or None, "title": title, "price": variant.price.minor if variant.price else None,
        "stock_id": variant.stock_id, "gone_at": None,
    }  # fmt: skip


def _mark_gone(connection: Connection, channel: str, items: Sequence[Product], now: datetime) -> bool:
    alive = {one.id: {variant.id for variant in one.variants} if not one.deleted else set() for one in items}
    gone = []
    for part in chunks(alive):
        mine = sa.and_(listings.c.channel == channel, listings.c.product_id.in_(part), listings.c.gone_at.is_(None))
        for row in connection.execute(sa.select(listings.c.product_id, listings.c.variant_id).where(mine)):
            if row.variant_id not in alive[row.product_id]:
                gone.append({"b_channel": channel, "b_variant": row.variant_id})
    if gone:
        same = sa.and_(
            listings.c.channel == sa.bindparam("b_channel"), listings.c.variant_id == sa.bindparam("b_variant")
        )
        connection.execute(listings.update().where(same).values(gone_at=now), gone)
    return bool(gone)


def forget_others(connection: Connection, channel: str, seen: set[str], now: datetime) -> None:
    """Mark gone whatever the channel's whole catalogue no longer has."""
    mine = sa.and_(products.c.channel == channel, products.c.gone_at.is_(None))
    lost = [
        row.product_id
        for row in connection.execute(sa.select(products.c.product_id).where(mine))
        if row.product_id not in seen
    ]
    for part in chunks(lost):
        connection.execute(
            products.update().where(products.c.channel == channel, products.c.product_id.in_(part)).values(gone_at=now)
        )
        same = sa.and_(listings.c.channel == channel, listings.c.product_id.in_(part), listings.c.gone_at.is_(None))
        connection.execute(listings.update().where(same).values(gone_at=now))


def product(connection: Connection, channel: str, product_id: str) -> Product | None:
    """Return a product as the channel last showed it."""
    query = sa.select(products.c.body).where(products.c.channel == channel, products.c.product_id == product_id)
    body = connection.execute(query).scalar()
    return None if body is None else msgspec.json.decode(body, type=Product)


def product_count(connection: Connection, channel: str) -> int:
    """Return how many products a channel lists."""
    mine = sa.and_(products.c.channel == channel, products.c.gone_at.is_(None))
    return connection.execute(sa.select(sa.func.count()).select_from(products).where(mine)).scalar_one()


def products_of(connection: Connection, channel: str, stock_ids: Iterable[str]) -> dict[str, str]:
    """Return stock record -> the product whose listing shows it."""
    found: dict[str, str] = {}
    c = listings.c
    for part in chunks(set(stock_ids)):
        mine = sa.and_(c.channel == channel, c.stock_id.in_(part), c.gone_at.is_(None))
        found.update(
            (row.stock_id, row.product_id)
            for row in connection.execute(sa.select(c.stock_id, c.product_id).where(mine))
        )
    return found


def candidates(connection: Connection) -> list[Candidate]:
    """Return the listings that are not linked yet, on all channels."""
    mine = sa.and_(listings.c.sku.is_(None), listings.c.gone_at.is_(None))
    order = (listings.c.channel, listings.c.variant_id)
    return [
        Candidate(
            channel=row.channel,
            variant_id=row.variant_id,
            sku=row.shown_sku,
            barcode=row.barcode,
            stock_id=row.stock_id,
            title=row.title,
        )
        for row in connection.execute(sa.select(listings).where(mine).order_by(*order))
    ]


def has_unlinked(connection: Connection, channel: str, product_ids: Iterable[str]) -> bool:
    """Tell whether any listing of these products is not linked yet."""
    for part in chunks(set(product_ids)):
        mine = sa.and_(
            listings.c.channel == channel,
            listings.c.product_id.in_(part),
            listings.c.sku.is_(None),
            listings.c.gone_at.is_(None),
        )
        if connection.execute(sa.select(listings.c.variant_id).where(mine).limit(1)).first() is not None:
            return True
    return False


def known_skus(connection: Connection) -> list[str]:
    """Return every SKU."""
    return [sku for (sku,) in connection.execute(sa.select(skus.c.sku))]


def barcodes(connection: Connection) -> dict[str, str]:
    """Return barcode -> SKU of the linked listings, ambiguous barcodes left out."""
    mine = sa.and_(listings.c.sku.is_not(None), listings.c.barcode.is_not(None), listings.c.gone_at.is_(None))
    found: dict[str, set[str]] = {}
    for barcode, sku in connection.execute(sa.select(listings.c.barcode, listings.c.sku).where(mine)):
        found.setdefault(barcode, set()).add(sku)
    return {barcode: next(iter(names)) for barcode, names in found.items() if len(names) == 1}


def prices(connection: Connection) -> list[tuple[str, str, int]]:
    """Return (SKU, channel, price in minor units) of the linked listings."""
    mine = sa.and_(listings.c.sku.is_not(None), listings.c.price.is_not(None), listings.c.gone_at.is_(None))
    query = sa.select(listings.c.sku, listings.c.channel, listings.c.price).where(mine)
    return [(row.sku, row.channel, row.price) for row in connection.execute(query)]


def add_skus(connection: Connection, fresh: Mapping[str, str], now: datetime) -> None:
    """Note SKUs seen for the first time, with a title."""
    upsert(connection, skus, [{"sku": sku, "title": title, "created_at": now} for sku, title in fresh.items()])


def tags(connection: Connection, names: Iterable[str] | None = None) -> dict[str, frozenset[str]]:
    """Return the tags of these SKUs (of all, if none are named)."""
    query = sa.select(skus.c.sku, skus.c.tags).where(skus.c.tags != "")
    rows = (
        connection.execute(query)
        if names is None
        else (row for part in chunks(set(names)) for row in connection.execute(query.where(skus.c.sku.in_(part))))
    )
    return {sku: frozenset(text.split("\n")) for sku, text in rows}


def bind(connection: Connection, rows: Iterable[tuple[str, str, str | None, str | None]]) -> None:
    """Link listings, given as (channel, variant id, SKU, how); a SKU of None unlinks."""
    values: list[dict[str, Any]] = [
        {"b_channel": c, "b_variant": v, "b_sku": sku, "b_how": how} for c, v, sku, how in rows
    ]
    if values:
        same = sa.and_(
            listings.c.channel == sa.bindparam("b_channel"), listings.c.variant_id == sa.bindparam("b_variant")
        )
        new: dict[str, Any] = {"sku": sa.bindparam("b_sku"), "how": sa.bindparam("b_how")}
        connection.execute(listings.update().where(same).values(new), values)
        documents.mark_variants(connection, [(row["b_channel"], row["b_variant"]) for row in values])


def bound(connection: Connection, channel: str, variant_ids: Iterable[str]) -> dict[str, Bound]:
    """Return what these variants are to us; a variant whose number is kept by another record counts as that record's SKU.

    A listing that is gone is still what it was: its orders go on being shipped and refunded.
    """
    rows: dict[str, list[Any]] = {}
    for part in chunks({one for one in variant_ids if one}):
        told = rows_of(connection, _VARIANTS, {"on": channel, "ids": part})
        rows.update((variant_id, tail) for variant_id, *tail in told)
    stock_ids = {stock_id for stock_id, _ in rows.values() if stock_id}
    owners = shared_stock(connection, channel, stock_ids)
    owners = {**shared_stock(connection, channel, stock_ids - owners.keys(), gone=True), **owners}
    parts = _components(connection)
    result = {}
    for variant_id, (stock_id, own) in rows.items():
        sku = owners.get(stock_id) if stock_id else own
        result[variant_id] = Bound(sku, stock_id, parts.get(sku or "", ()))
    return result


def loose(connection: Connection, channel: str, names: Iterable[str]) -> dict[str, Bound]:
    """Return what SKUs are to us that a channel names without a variant: what its listings of that SKU are (those that are gone
    too), else a SKU of ours of that name. None of them has a number there; a SKU that could be several is left out."""
    wanted = set(names)
    if not wanted:
        return {}
    found: dict[str, set[str]] = {}
    for part in chunks(wanted):
        mine = sa.and_(listings.c.channel == channel, listings.c.shown_sku.in_(part), listings.c.sku.is_not(None))
        for shown, sku in connection.execute(sa.select(listings.c.shown_sku, listings.c.sku).where(mine)):
            found.setdefault(shown, set()).add(sku)
        for (sku,) in connection.execute(sa.select(skus.c.sku).where(skus.c.sku.in_(part))):
            found.setdefault(sku, {sku})
    parts = _components(connection)
    single = {shown: next(iter(links)) for shown, links in found.items() if len(links) == 1}
    return {shown: Bound(sku, None, parts.get(sku, ())) for shown, sku in single.items()}


def shared_stock(
    connection: Connection, channel: str, stock_ids: Iterable[str], *, gone: bool = False
) -> dict[str, str]:
    """Return stock record -> the SKU whose number it is; of listings that are `gone`, if asked.

    Where listings of several SKUs share a record (WooCommerce variations with their parent's stock), it is the SKU of the
    listing that the record belongs to; a record that belongs to none of them is left out.
    """
    sharing: dict[str, dict[str, str]] = {}
    for part in chunks(set(stock_ids)):
        query = _WENT_WITH_STOCK if gone else _WITH_STOCK
        for stock_id, variant_id, sku in rows_of(connection, query, {"on": channel, "ids": part}):
            if sku is not None:
                sharing.setdefault(stock_id, {})[variant_id] = sku
    owners = {}
    for stock_id, members in sharing.items():
        owner = members.get(stock_id) or (next(iter(members.values())) if len(set(members.values())) == 1 else None)
        if owner is not None:
            owners[stock_id] = owner
    return owners


def _components(connection: Connection) -> dict[str, tuple[tuple[str, int], ...]]:
    found: dict[str, list[tuple[str, int]]] = {}
    for row in connection.execute(_KITS):
        found.setdefault(row.sku, []).append((row.component, row.quantity))
    return {sku: tuple(parts) for sku, parts in found.items()}


def set_kits(connection: Connection, wanted: Mapping[str, Mapping[str, int]]) -> None:
    """Make the kits those of the config."""
    connection.execute(kits.delete())
    rows = [
        {"sku": sku, "component": part, "quantity": each}
        for sku, parts in wanted.items()
        for part, each in parts.items()
    ]
    upsert(connection, kits, rows)


def replace_findings(connection: Connection, rows: Sequence[Finding], now: datetime) -> None:
    """Make the findings these; one that was there already keeps its date."""
    since = {(row.kind, row.channel, row.key): row.since for row in connection.execute(sa.select(findings))}
    connection.execute(findings.delete())
    values = {
        (one.kind, one.channel, one.key): {
            "kind": one.kind, "channel": one.channel, "key": one.key, "text": one.text,
            "since": since.get((one.kind, one.channel, one.key), now),
        }
        for one in rows
    }  # fmt: skip
    upsert(connection, findings, list(values.values()))


def unclaimed(
    connection: Connection, wanted: Mapping[tuple[str, str], tuple[str, str]]
) -> tuple[dict[tuple[str, str], tuple[str, str]], list[Finding]]:
    """Leave out links to a SKU that another listing of that channel has already (with another number), as findings."""
    holders: dict[tuple[str, str], tuple[str, str | None]] = {}
    mine = sa.and_(listings.c.sku.is_not(None), listings.c.gone_at.is_(None))
    if wanted:
        for row in connection.execute(sa.select(listings).where(mine)):
            holders[row.channel, row.sku] = (row.variant_id, row.stock_id)
    stock = (
        {(row.channel, row.variant_id): row.stock_id for row in connection.execute(sa.select(listings))}
        if holders
        else {}
    )
    free: dict[tuple[str, str], tuple[str, str]] = {}
    taken = []
    for (channel, variant_id), (sku, how) in wanted.items():
        holder = holders.get((channel, sku))
        if holder is None or (holder[1] is not None and holder[1] == stock.get((channel, variant_id))):
            free[channel, variant_id] = (sku, how)
            continue
        text = f"SKU {sku} is linked to listing {holder[0]} already; listing {variant_id} shows it too: give it its own SKU"
        taken.append(Finding(kind="taken", channel=channel, key=variant_id, text=text))
    return free, taken


def untracked(connection: Connection) -> list[Finding]:
    """Return linked listings for which the channel keeps no number."""
    p = positions.c
    silent = sa.and_(p.shown.is_(None), p.verified_at.is_not(None), p.gone.is_(False))
    # Two plain queries: as one, SQLite walked all positions of a channel for each of its listings.
    numberless = {tuple(row) for row in connection.execute(sa.select(p.channel, p.stock_id).where(silent))}
    mine = sa.and_(listings.c.sku.is_not(None), listings.c.gone_at.is_(None))
    if not numberless:
        mine = sa.and_(mine, listings.c.stock_id.is_(None))
    rows = connection.execute(sa.select(listings).where(mine).order_by(listings.c.channel, listings.c.variant_id))
    return [_no_number(row) for row in rows if row.stock_id is None or (row.channel, row.stock_id) in numberless]


def tell_untracked(connection: Connection, channel: str, stock_id: str, *, tracked: bool, now: datetime) -> None:
    """Note, or end, the finding that a channel keeps no number for the listings of a stock record."""
    mine = sa.and_(
        listings.c.channel == channel,
        listings.c.stock_id == stock_id,
        listings.c.sku.is_not(None),
        listings.c.gone_at.is_(None),
    )
    for row in connection.execute(sa.select(listings).where(mine)).all():
        same = sa.and_(findings.c.kind == "untracked", findings.c.channel == channel, findings.c.key == row.variant_id)
        known = connection.execute(sa.select(findings.c.key).where(same)).first() is not None
        if tracked and known:
            connection.execute(findings.delete().where(same))
        elif not tracked and not known:
            one = _no_number(row)
            values = {"kind": one.kind, "channel": channel, "key": one.key, "text": one.text, "since": now}
            connection.execute(findings.insert().values(**values))


def _no_number(row: Any) -> Finding:
    text = f"{row.sku} is not tracked there: switch stock tracking on for it"
    return Finding(kind="untracked", channel=row.channel, key=row.variant_id, text=text)


def unplaced(connection: Connection, channel: str) -> list[tuple[str, str]]:
    """Return (stock record, SKU) of the channel's linked listings that no position exists for."""
    here = sa.select(positions.c.sku).where(
        positions.c.channel == listings.c.channel, positions.c.stock_id == listings.c.stock_id
    )
    mine = sa.and_(
        listings.c.channel == channel,
        listings.c.sku.is_not(None),
        listings.c.stock_id.is_not(None),
        listings.c.gone_at.is_(None),
    )
    query = sa.select(listings.c.stock_id).where(mine, ~here.exists()).distinct()
    owners = shared_stock(connection, channel, [stock_id for (stock_id,) in connection.execute(query)])
    return sorted(owners.items())
