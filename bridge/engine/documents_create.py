"""Creating the listings a channel lacks, where the merchant asked for it (`create = true`)."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import msgspec
from sqlalchemy.engine import Connection

from bridge.contract.errors import BridgeError, Gone, Refused
from bridge.contract.ports import Making
from bridge.contract.stock import Rejected, StockChange
from bridge.domain.catalog import Level, Product, StockKey, Variant
from bridge.engine.collect import examine_levels
from bridge.engine.context import Channel, Context
from bridge.engine.documents_family import Family, Member
from bridge.engine.documents_fields import Terms, new_product, new_variant, product_fields
from bridge.engine.noting import park
from bridge.engine.report import ChannelReport
from bridge.engine.ticket_times import FIRST_LOOK
from bridge.store import documents, edits, listings, notes
from bridge.store.documents import Agreed, Fields, Kind

__all__ = ["Creation", "Pending", "begin", "create", "creations", "finish", "keep", "objections", "refuse"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Creation:
    """A product to create on `channel`. `reason` is set where it cannot be: a price in another currency."""

    channel: str
    product: Product
    skus: tuple[str, ...]
    source: str
    reason: str = ""

    @property
    def digest(self) -> str:
        """The same for the same product, so that one that was refused is not tried again until it changes."""
        named = replace(self.product, updated_at=self.product.updated_at.min)
        return hashlib.blake2b(msgspec.json.encode(named), digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """A creation that the platform has accepted, and the product as it shall be there."""

    creation: Creation
    product: Product


Ours = Mapping[tuple[Kind, str], Fields]
Unit = Callable[[Connection], None]


def nothing(connection: Connection) -> None:
    """Add nothing to a transaction."""
    del connection


def creations(
    connection: Connection, channels: Sequence[Channel], family: Family, ours: Ours, terms: Mapping[str, Terms]
) -> list[Creation]:
    """Return what these channels lack of a family. What was deleted there, or is there without a link, is left alone."""
    found = []
    for channel in channels:
        if channel.create and channel.name in terms and terms[channel.name].writable:
            wanted = [
                _creation(one, channel, family, ours, terms[channel.name]) for one in _sources(family, channel, terms)
            ]
            found += [one for one in wanted if one is not None and _is_missing(connection, one)]
    return found


def _sources(family: Family, channel: Channel, terms: Mapping[str, Terms]) -> list[Member]:
    """The products to copy: those of the title's owner if it has any, else of the first channel that has."""
    owner = terms[channel.name].owners.get("title", "")
    names = sorted({one.channel for one in family.members} - {channel.name}, key=lambda name: (name != owner, name))
    return family.on(names[0]) if names else []


def _creation(source: Member, channel: Channel, family: Family, ours: Ours, terms: Terms) -> Creation | None:
    linked = [variant for variant in source.product.variants if variant.id in source.links]
    if not linked or source.product.status == "archived":
        return None
    title = ours.get(("product", family.key), {}) if source in family.alike else {}
    fields = {**product_fields(source.product), **title}
    variants, reason = list[Variant](), ""
    for variant in linked:
        sku = source.links[variant.id]
        try:
            variants.append(_variant(variant, sku, ours.get(("variant", sku), {}), terms))
        except ValueError as error:
            reason = f"{sku}: {error}"
    product = new_product(source.product, fields, variants)
    return Creation(
        channel=channel.name, product=product, skus=tuple(source.links[one.id] for one in linked), source=source.channel,
        reason=reason,
    )  # fmt: skip


def _variant(source: Variant, sku: str, ours: Fields, terms: Terms) -> Variant:
    plain = new_variant(source, sku, ours)
    prices = {"price": plain.price, "compare_at": plain.compare_at}
    wanted = {name: terms.wanted(name, str(price)) for name, price in prices.items() if price is not None}
    return new_variant(source, sku, {**ours, **wanted})


def _is_missing(connection: Connection, one: Creation) -> bool:
    if documents.listed_skus(connection, one.channel, one.skus):
        return False
    key = (one.channel, one.skus[0])
    known = documents.agreements(connection, "creation", [key]).get(key, {}).get("product")
    if known is None or known.note == documents.ACCEPTED:
        return known is None
    return known.note != "refused" or known.wanted != one.digest


async def create(context: Context, channel: Channel, report: ChannelReport, one: Creation) -> None:
    """Create a product, record and link it at once; its stock follows as a position like any other."""
    port = channel.connector.products
    assert port is not None, "planned only for channels that can write products"
    try:
        if one.reason:
            raise Refused(one.reason)
        if problems := await objections(channel, one):
            raise Refused("; ".join(problems))
        context.database.write(partial(begin, context=context, one=one))
        made = await port.create(one.product, f"bridge-{one.digest}")
    except (Refused, Gone) as error:
        context.database.write(partial(refuse, context=context, report=report, one=one, error=error))
        return
    if isinstance(made, Making):
        context.database.write(partial(_accept, context=context, one=one, making=made))
    else:
        await keep(context, channel, report, one, made)


async def keep(
    context: Context, channel: Channel, report: ChannelReport, one: Creation, made: Product, then: Unit = nothing
) -> None:
    """Record a product that was made, with `then` in the same transaction, and take its stock up."""
    try:
        levels = await _counted(context, channel, made)
    except (Refused, Gone) as error:
        context.database.write(partial(refuse, context=context, report=report, one=one, error=error, then=then))
        return
    context.database.write(partial(_record, context=context, one=one, made=made, then=then))
    report.created += 1
    await examine_levels(context, channel, levels, report)


async def objections(channel: Channel, one: Creation) -> Sequence[str]:
    """Return what the platform itself says is wrong with a new listing, where it can be asked without making it."""
    preview = channel.connector.preview
    return () if preview is None or one.reason else await preview.problems(one.product)


async def finish(context: Context, channel: Channel, report: ChannelReport) -> None:
    """Take up creations that never came to their end: the answer was lost, or the process ended.

    The feed has brought the product meanwhile, so nothing would create it again; its stock has still to be kept from 0.
    """
    for sku, product_id in context.database.read(lambda connection: documents.begun(connection, channel.name)).items():
        made = context.database.read(partial(listings.product, channel=channel.name, product_id=product_id))
        levels = [] if made is None else await _counted(context, channel, made)
        context.database.write(partial(documents.forget, kind="creation", pairs=[(channel.name, sku)]))
        await examine_levels(context, channel, levels, report)


def begin(connection: Connection, context: Context, one: Creation) -> None:
    """What follows may take effect although nobody hears of it: remembered before it is sent."""
    note = {"product": Agreed(one.digest, None, "begun")}
    documents.save_agreements(connection, "creation", {(one.channel, one.skus[0]): note}, context.now())


def _accept(connection: Connection, context: Context, one: Creation, making: Making) -> None:
    """The platform makes it later: until its ticket has told, it is not planned again."""
    now, key = context.now(), (one.channel, one.skus[0])
    pending = msgspec.json.encode([Pending(creation=one, product=making.product)]).decode()
    look_at = now + FIRST_LOOK
    edits.accept(
        connection, one.channel, context.new_key(), making.ticket, pending, now=now, look_at=look_at, kind="creation"
    )
    note = {"product": Agreed(one.digest, None, documents.ACCEPTED)}
    documents.save_agreements(connection, "creation", {key: note}, now)


def refuse(
    connection: Connection,
    context: Context,
    report: ChannelReport,
    one: Creation,
    error: BridgeError,
    then: Unit = nothing,
) -> None:
    """Park a creation that the platform would not carry out: it is not tried again until the product changes, or a person says so."""
    reason = f"{one.product.title or one.skus[0]} cannot be created: {error}"
    note = {"product": Agreed(one.digest, None, "refused")}
    documents.save_agreements(connection, "creation", {(one.channel, one.skus[0]): note}, context.now())
    park(connection, context, "product", one.channel, f"new {one.skus[0]}", reason)
    report.parked.append(reason)
    then(connection)


def _record(connection: Connection, context: Context, one: Creation, made: Product, then: Unit) -> None:
    now = context.now()
    listings.record(connection, one.channel, [made], now)
    links = [(one.channel, variant.id, variant.sku, "created") for variant in made.variants if variant.sku in one.skus]
    listings.bind(connection, links)
    documents.save_agreements(connection, "product", {(one.channel, made.id): _own_form(one.product, made)}, now)
    documents.forget(connection, "creation", [(one.channel, one.skus[0])])
    notes.unpark(connection, "product", one.channel, [f"new {one.skus[0]}"])
    then(connection)


def _own_form(wanted: Product, made: Product) -> dict[str, Agreed]:
    """What a platform keeps in a form of its own is agreed as it came back; the rest is compared, and shows what is missing."""
    asked, returned = product_fields(wanted), product_fields(made)
    return {name: Agreed(asked[name], returned[name]) for name in ("description", "images") if returned[name]}


async def _counted(context: Context, channel: Channel, made: Product) -> list[Level]:
    """Read the new product's numbers; where the channel keeps none yet, it starts to, from 0: the next push fills them.

    All this before the product is linked, so that a crash in between begins again with `create`, which finds it.
    """
    channel.written.clear()
    records = {variant.stock_id for variant in made.variants if variant.stock_id}
    keys = [StockKey(one, place) for one in sorted(records) for place in channel.places]
    port, size = channel.connector.stock, channel.connector.limits.read_batch
    levels = [level for at in range(0, len(keys), size) for level in await port.read(keys[at : at + size])]
    untracked = [StockChange(key=one.key, delta=0, shown=0, track=True) for one in levels if one.quantity is None]
    started: dict[StockKey, Level] = {}
    for batch in port.batches(untracked):
        for outcome in await port.send(port.prepare(batch, context.new_key())):
            if isinstance(outcome, Rejected):
                raise Refused(f"{made.title} was made, but its stock cannot be tracked: {outcome.reason}")
            started[outcome.key] = Level(key=outcome.key, quantity=0, as_of=outcome.at)
    return [started.get(level.key, level) for level in levels]
