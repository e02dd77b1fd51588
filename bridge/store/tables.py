"""The tables. Times are UTC text of fixed width, so they sort and read well in both databases."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Dialect,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    and_,
    literal_column,
    or_,
)

__all__ = [
    "bases", "changed", "channels", "conflicts", "counters", "counts", "cursors", "deliveries", "differs",
    "documents", "doubtful", "drifts", "event_sends", "events", "findings", "holds", "hook_secrets", "hourly", "kits",
    "listings", "meta", "metadata", "mirrors", "movements", "order_effects", "order_numbers", "orders", "parked",
    "positions", "products", "requests", "runs", "skus", "spendings", "unverified", "writes",
]  # fmt: skip


class UtcTime(TypeDecorator[datetime]):
    """An aware datetime kept as "2026-11-22T17:00:00.000000Z"."""

    impl = String(27)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _: Dialect) -> str | None:
        if value is None:
            return None
        return _written(value)

    def process_result_value(self, value: Any, _: Dialect) -> datetime | None:
        return _read(value)

    # The two above say what is done; said again as plain functions, SQLAlchemy calls them without its own layers between.
    def bind_processor(self, dialect: Dialect) -> Callable[[datetime | None], str | None]:
        del dialect
        return _written

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], datetime | None]:
        del dialect, coltype
        return _read


def _written(value: datetime | None) -> str | None:
    return None if value is None else f"{value.astimezone(UTC).isoformat(timespec='microseconds')[:-6]}Z"


def _read(value: Any) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value)


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _name(name: str, **more: Any) -> Column[str]:
    return Column(name, String(255), nullable=more.pop("nullable", False), **more)


def _key(name: str) -> Column[str]:
    return _name(name, primary_key=True)


def _time(name: str, *, nullable: bool = True) -> Column[datetime]:
    return Column(name, UtcTime, nullable=nullable)


meta = Table("meta", metadata, _key("name"), Column("value", Text, nullable=False))

channels = Table(
    "channels", metadata, _key("channel"), _name("platform"), _name("currency", default=""), _time("adopted_at"),
    Column("locations", Text, nullable=False, default="{}"), _name("home", default=""),
    Column("clock", Integer, nullable=False, default=0), _time("since"),
    Column("resting", Text, nullable=False, default=""),
)  # fmt: skip

cursors = Table(
    "cursors", metadata, _key("channel"), _key("feed"), Column("cursor", Text, nullable=False), _time("at"), _time("changed_at")
)  # fmt: skip

skus = Table(
    "skus", metadata, _key("sku"), Column("title", Text, nullable=False, default=""), Column("tags", Text, nullable=False, default=""),
    _name("product", default=""), _time("created_at"),
)  # fmt: skip

kits = Table("kits", metadata, _key("sku"), _key("component"), Column("quantity", Integer, nullable=False))

products = Table(
    "products", metadata, _key("channel"), _key("product_id"), Column("body", Text, nullable=False),
    _time("updated_at"), _time("gone_at"),
)  # fmt: skip

listings = Table(
    "listings", metadata, _key("channel"), _key("variant_id"), _name("product_id"), _name("shown_sku", nullable=True),
    _name("barcode", nullable=True), Column("title", Text, nullable=False, default=""), Column("price", BigInteger, nullable=True),
    _name("stock_id", nullable=True), _name("sku", nullable=True), _name("how", nullable=True), _time("gone_at"),
    Index(None, "channel", "sku"), Index(None, "sku"), Index(None, "channel", "product_id"), Index(None, "channel", "stock_id"),
)  # fmt: skip

counters = Table(
    "counters", metadata, _key("kind"), _key("key"), _key("place"), Column("balance", BigInteger, nullable=False, default=0),
    _time("opened_at"), _name("opened_from", default=""),
)  # fmt: skip

movements = Table(
    "movements", metadata, Column("id", Integer, primary_key=True, autoincrement=True), _name("kind"), _name("key"), _name("place"),
    Column("delta", BigInteger, nullable=False), _name("why"), Column("unique_key", String(400), nullable=False),
    _name("channel"), _name("source"), _time("occurred_at"), _time("recorded_at"), Column("note", Text, nullable=False, default=""),
    UniqueConstraint("unique_key"), Index(None, "kind", "key", "place"), Index(None, "recorded_at"),
)  # fmt: skip

holds = Table(
    "holds", metadata, _key("id"), _name("kind"), _name("key"), _name("place"), Column("quantity", BigInteger, nullable=False),
    _name("state"), _time("expires_at"), _time("created_at"), Column("note", Text, nullable=False, default=""),
    Index(None, "kind", "key", "place"),
)  # fmt: skip

positions = Table(
    "positions", metadata, _key("channel"), _key("stock_id"), _key("location"), _name("sku"), _name("place"),
    Column("shown", BigInteger), Column("target", BigInteger), _time("base_at"), _name("base", default=""), _time("verified_at"),
    Column("moved", BigInteger, nullable=False, default=0), _time("moved_at"), Column("late", BigInteger, nullable=False, default=0),
    Column("suspect", BigInteger), _time("suspect_at"), _name("in_flight", nullable=True), _time("written_at"), _time("waits_until"),
    Column("parked", Text, nullable=False, default=""),
    Column("approved", Boolean, nullable=False, default=False), Column("gone", Boolean, nullable=False, default=False),
    Index(None, "sku", "place"), Index(None, "channel", "verified_at"),
)  # fmt: skip

# The work queue, and what is in doubt: looked at after every sale, so they must not cost a walk over the whole catalogue.
# Written with literals, or the databases could not tell that a query asks for just these rows.
differs = positions.c.shown != positions.c.target
doubtful = or_(
    positions.c.suspect.is_not(None), positions.c.late != literal_column("0"), positions.c.base == literal_column("''")
)
# Set by an absolute write that no read has agreed with yet.
unverified = and_(
    positions.c.base == literal_column("'write'"),
    or_(positions.c.verified_at.is_(None), positions.c.verified_at < positions.c.base_at),
)
# Which rows the three indexes hold is said where they are made (migrations 0002, 0003): said here, SQLAlchemy would load the dialects of
# both databases at every start.
for _name_of in ("differs", "doubtful", "unverified"):
    Index(f"ix_positions_{_name_of}", positions.c.channel, positions.c.stock_id, positions.c.location)

writes = Table(
    "writes", metadata, _key("key"), _name("channel"), _name("kind"), Column("body", Text, nullable=False),
    Column("rows", Text, nullable=False), _name("state"), _time("created_at"), _time("done_at"),
    Column("outcome", Text, nullable=False, default=""), _name("ticket", nullable=True), _time("look_at"),
    Column("looks", Integer, nullable=False, default=0, server_default="0"),
    Index(None, "state"), Index(None, "channel", "created_at"),
)  # fmt: skip

# What a channel's limits of a day were spent on: `listing` "" are its calls.
spendings = Table(
    "spendings", metadata, _key("channel"), _key("listing"), Column("hour", UtcTime, primary_key=True),
    Column("spent", Integer, nullable=False), Index(None, "hour"),
)  # fmt: skip

orders = Table(
    "orders", metadata, _key("channel"), _key("order_id"), _name("number"), _name("status"), _time("placed_at"), _time("updated_at"),
    _name("digest"), Column("snapshot", Text, nullable=False), Column("revision", Integer, nullable=False, default=0),
    _name("reference", nullable=True), _name("kind", default="order"), Column("unlinked", Integer, nullable=False, default=0),
    Column("parts", Text, nullable=False, default="{}"), _time("recorded_at"),
    Column("terms", Text, nullable=False, default="{}", server_default="{}"),
    Index(None, "reference"), Index(None, "channel", "updated_at"), Index(None, "unlinked"),
)  # fmt: skip

order_effects = Table(
    "order_effects", metadata, _key("channel"), _key("order_id"), _key("kind"), _key("key"), _key("place"),
    Column("net", BigInteger, nullable=False), Column("baseline", BigInteger, nullable=False, default=0),
)  # fmt: skip

order_numbers = Table(
    "order_numbers", metadata, _key("channel"), _key("order_id"), _key("stock_id"), _key("location"),
    Column("net", BigInteger, nullable=False),
)  # fmt: skip

mirrors = Table(
    "mirrors", metadata, _key("reference"), _name("channel"), _name("order_id"), _name("home"), _name("home_order_id", nullable=True),
    _name("state"), Column("promised", Text, nullable=False, default="[]"), Column("reason", Text, nullable=False, default=""),
    Column("sent", Text, nullable=False, default="{}"), _time("created_at"), _time("updated_at"),
    UniqueConstraint("channel", "order_id"), Index(None, "home", "home_order_id"), Index(None, "state"),
)  # fmt: skip

documents = Table(
    "documents", metadata, _key("kind"), _key("key"), Column("fields", Text, nullable=False), _time("updated_at")
)  # fmt: skip

bases = Table(
    "bases", metadata, _key("channel"), _key("kind"), _key("key"), Column("fields", Text, nullable=False), _time("updated_at")
)  # fmt: skip

changed = Table("changed", metadata, _key("channel"), _key("product_id"))

conflicts = Table(
    "conflicts", metadata, Column("id", Integer, primary_key=True, autoincrement=True), _name("kind"), _name("key"), _name("field"),
    _name("channel"), Column("ours", Text), Column("theirs", Text), _name("winner"), _time("at"),
)  # fmt: skip

counts = Table(
    "counts", metadata, Column("id", Integer, primary_key=True, autoincrement=True), _name("channel"), _name("stock_id"), _name("location"),
    _name("sku"), _name("place"), Column("quantity", BigInteger, nullable=False), Column("expected", BigInteger, nullable=False),
    _time("at"), Column("note", Text, nullable=False, default=""), Index(None, "sku", "place"),
)  # fmt: skip

drifts = Table(
    "drifts", metadata, Column("id", Integer, primary_key=True, autoincrement=True), _name("channel"), _name("stock_id"), _name("location"),
    _name("sku"), _name("place"), Column("shown", BigInteger, nullable=False), Column("found", BigInteger, nullable=False),
    _time("at"), Column("note", Text, nullable=False, default=""), Index(None, "sku", "place"),
)  # fmt: skip

parked = Table(
    "parked", metadata, Column("id", Integer, primary_key=True, autoincrement=True), _name("subject"), _name("channel"), _name("key"),
    Column("reason", Text, nullable=False), _time("since"), Column("attempts", Integer, nullable=False, default=1),
    UniqueConstraint("subject", "channel", "key"),
)  # fmt: skip

findings = Table(
    "findings", metadata, _key("kind"), _key("channel"), _key("key"), Column("text", Text, nullable=False), _time("since")
)  # fmt: skip

runs = Table(
    "runs", metadata, Column("id", Integer, primary_key=True, autoincrement=True), _name("command"), _time("started_at"), _time("ended_at"),
    Column("summary", Text, nullable=False, default="{}"),
)  # fmt: skip

deliveries = Table(
    "deliveries", metadata, Column("id", Integer, primary_key=True, autoincrement=True), _name("channel"), _time("received_at"),
    Column("url", Text, nullable=False), Column("headers", Text, nullable=False), Column("body", LargeBinary, nullable=False),
    _name("state"), _time("done_at"), Column("note", Text, nullable=False, default=""),
    Index(None, "state", "id"), Index(None, "channel", "received_at"), Index(None, "received_at"),
)  # fmt: skip

hook_secrets = Table(
    "hook_secrets", metadata, _key("channel"), _key("secret"), _time("since"), _time("until")
)  # fmt: skip

events = Table(
    "events", metadata, Column("id", Integer, primary_key=True, autoincrement=True), _name("type"), _name("subject"), _time("time"),
    Column("data", Text, nullable=False), Index(None, "time"),
)  # fmt: skip

event_sends = Table(
    "event_sends", metadata, Column("event_id", Integer, primary_key=True, autoincrement=False), _key("target"), _name("subject"),
    _name("state"), Column("attempts", Integer, nullable=False, default=0), _time("next_at"),
    Column("error", Text, nullable=False, default=""), Index(None, "state", "next_at"), Index(None, "target", "subject", "event_id"),
)  # fmt: skip

requests = Table(
    "requests", metadata, _key("token"), _key("key"), _name("digest"), Column("status", Integer, nullable=False),
    Column("answer", Text, nullable=False), _time("at"), Index(None, "at"),
)  # fmt: skip

hourly = Table(
    "hourly", metadata, Column("hour", UtcTime, primary_key=True), _key("channel"), _key("name"),
    Column("value", BigInteger, nullable=False, default=0),
)  # fmt: skip
