"""The tables."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    and_,
    literal_column,
    or_,
)

from bridge.store.columns import UtcTime, key, metadata, name, time

__all__ = [
    "bases", "changed", "channels", "conflicts", "counters", "counts", "cursors", "deliveries", "differs",
    "documents", "doubtful", "drifts", "event_sends", "events", "findings", "holds", "hook_secrets", "hourly", "kits",
    "listings", "meta", "metadata", "mirrors", "movements", "order_effects", "order_numbers", "orders", "parked",
    "positions", "products", "requests", "runs", "skus", "spendings", "unverified", "writes",
]  # fmt: skip


meta = Table("meta", metadata, key("name"), Column("value", Text, nullable=False))

channels = Table(
    "channels", metadata, key("channel"), name("platform"), name("currency", default=""), time("adopted_at"),
    Column("locations", Text, nullable=False, default="{}"), name("home", default=""),
    Column("clock", Integer, nullable=False, default=0), time("since"),
    Column("resting", Text, nullable=False, default=""),
)  # fmt: skip

cursors = Table(
    "cursors", metadata, key("channel"), key("feed"), Column("cursor", Text, nullable=False), time("at"), time("changed_at")
)  # fmt: skip

skus = Table(
    "skus", metadata, key("sku"), Column("title", Text, nullable=False, default=""), Column("tags", Text, nullable=False, default=""),
    name("product", default=""), time("created_at"),
)  # fmt: skip

kits = Table("kits", metadata, key("sku"), key("component"), Column("quantity", Integer, nullable=False))

products = Table(
    "products", metadata, key("channel"), key("product_id"), Column("body", Text, nullable=False),
    time("updated_at"), time("gone_at"),
)  # fmt: skip

listings = Table(
    "listings", metadata, key("channel"), key("variant_id"), name("product_id"), name("shown_sku", nullable=True),
    name("barcode", nullable=True), Column("title", Text, nullable=False, default=""), Column("price", BigInteger, nullable=True),
    name("stock_id", nullable=True), name("sku", nullable=True), name("how", nullable=True), time("gone_at"),
    Index(None, "channel", "sku"), Index(None, "sku"), Index(None, "channel", "product_id"), Index(None, "channel", "stock_id"),
)  # fmt: skip

counters = Table(
    "counters", metadata, key("kind"), key("key"), key("place"), Column("balance", BigInteger, nullable=False, default=0),
    time("opened_at"), name("opened_from", default=""),
)  # fmt: skip

movements = Table(
    "movements", metadata, Column("id", Integer, primary_key=True, autoincrement=True), name("kind"), name("key"), name("place"),
    Column("delta", BigInteger, nullable=False), name("why"), Column("unique_key", String(400), nullable=False),
    name("channel"), name("source"), time("occurred_at"), time("recorded_at"), Column("note", Text, nullable=False, default=""),
    UniqueConstraint("unique_key"), Index(None, "kind", "key", "place"), Index(None, "recorded_at"),
)  # fmt: skip

holds = Table(
    "holds", metadata, key("id"), name("kind"), name("key"), name("place"), Column("quantity", BigInteger, nullable=False),
    name("state"), time("expires_at"), time("created_at"), Column("note", Text, nullable=False, default=""),
    Index(None, "kind", "key", "place"),
)  # fmt: skip

positions = Table(
    "positions", metadata, key("channel"), key("stock_id"), key("location"), name("sku"), name("place"),
    Column("shown", BigInteger), Column("target", BigInteger), time("base_at"), name("base", default=""), time("verified_at"),
    Column("moved", BigInteger, nullable=False, default=0), time("moved_at"), Column("late", BigInteger, nullable=False, default=0),
    Column("suspect", BigInteger), time("suspect_at"), name("in_flight", nullable=True), time("written_at"), time("waits_until"),
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
for _which in ("differs", "doubtful", "unverified"):
    Index(f"ix_positions_{_which}", positions.c.channel, positions.c.stock_id, positions.c.location)

writes = Table(
    "writes", metadata, key("key"), name("channel"), name("kind"), Column("body", Text, nullable=False),
    Column("rows", Text, nullable=False), name("state"), time("created_at"), time("done_at"),
    Column("outcome", Text, nullable=False, default=""), name("ticket", nullable=True), time("look_at"),
    Column("looks", Integer, nullable=False, default=0, server_default="0"),
    Index(None, "state"), Index(None, "channel", "created_at"),
)  # fmt: skip

# What a channel's limits of a day were spent on: `listing` "" are its calls.
spendings = Table(
    "spendings", metadata, key("channel"), key("listing"), Column("hour", UtcTime, primary_key=True),
    Column("spent", Integer, nullable=False), Index(None, "hour"),
)  # fmt: skip

orders = Table(
    "orders", metadata, key("channel"), key("order_id"), name("number"), name("status"), time("placed_at"), time("updated_at"),
    name("digest"), Column("snapshot", Text, nullable=False), Column("revision", Integer, nullable=False, default=0),
    name("reference", nullable=True), name("kind", default="order"), Column("unlinked", Integer, nullable=False, default=0),
    Column("parts", Text, nullable=False, default="{}"), time("recorded_at"),
    Column("terms", Text, nullable=False, default="{}", server_default="{}"),
    Index(None, "reference"), Index(None, "channel", "updated_at"), Index(None, "unlinked"),
)  # fmt: skip

order_effects = Table(
    "order_effects", metadata, key("channel"), key("order_id"), key("kind"), key("key"), key("place"),
    Column("net", BigInteger, nullable=False), Column("baseline", BigInteger, nullable=False, default=0),
)  # fmt: skip

order_numbers = Table(
    "order_numbers", metadata, key("channel"), key("order_id"), key("stock_id"), key("location"),
    Column("net", BigInteger, nullable=False),
)  # fmt: skip

mirrors = Table(
    "mirrors", metadata, key("reference"), name("channel"), name("order_id"), name("home"), name("home_order_id", nullable=True),
    name("state"), Column("promised", Text, nullable=False, default="[]"), Column("reason", Text, nullable=False, default=""),
    Column("sent", Text, nullable=False, default="{}"), time("created_at"), time("updated_at"),
    UniqueConstraint("channel", "order_id"), Index(None, "home", "home_order_id"), Index(None, "state"),
)  # fmt: skip

documents = Table(
    "documents", metadata, key("kind"), key("key"), Column("fields", Text, nullable=False), time("updated_at")
)  # fmt: skip

bases = Table(
    "bases", metadata, key("channel"), key("kind"), key("key"), Column("fields", Text, nullable=False), time("updated_at")
)  # fmt: skip

changed = Table("changed", metadata, key("channel"), key("product_id"))

conflicts = Table(
    "conflicts", metadata, Column("id", Integer, primary_key=True, autoincrement=True), name("kind"), name("key"), name("field"),
    name("channel"), Column("ours", Text), Column("theirs", Text), name("winner"), time("at"),
)  # fmt: skip

counts = Table(
    "counts", metadata, Column("id", Integer, primary_key=True, autoincrement=True), name("channel"), name("stock_id"), name("location"),
    name("sku"), name("place"), Column("quantity", BigInteger, nullable=False), Column("expected", BigInteger, nullable=False),
    time("at"), Column("note", Text, nullable=False, default=""), Index(None, "sku", "place"),
)  # fmt: skip

drifts = Table(
    "drifts", metadata, Column("id", Integer, primary_key=True, autoincrement=True), name("channel"), name("stock_id"), name("location"),
    name("sku"), name("place"), Column("shown", BigInteger, nullable=False), Column("found", BigInteger, nullable=False),
    time("at"), Column("note", Text, nullable=False, default=""), Index(None, "sku", "place"),
)  # fmt: skip

parked = Table(
    "parked", metadata, Column("id", Integer, primary_key=True, autoincrement=True), name("subject"), name("channel"), name("key"),
    Column("reason", Text, nullable=False), time("since"), Column("attempts", Integer, nullable=False, default=1),
    UniqueConstraint("subject", "channel", "key"),
)  # fmt: skip

findings = Table(
    "findings", metadata, key("kind"), key("channel"), key("key"), Column("text", Text, nullable=False), time("since")
)  # fmt: skip

runs = Table(
    "runs", metadata, Column("id", Integer, primary_key=True, autoincrement=True), name("command"), time("started_at"), time("ended_at"),
    Column("summary", Text, nullable=False, default="{}"),
)  # fmt: skip

deliveries = Table(
    "deliveries", metadata, Column("id", Integer, primary_key=True, autoincrement=True), name("channel"), time("received_at"),
    Column("url", Text, nullable=False), Column("headers", Text, nullable=False), Column("body", LargeBinary, nullable=False),
    name("state"), time("done_at"), Column("note", Text, nullable=False, default=""),
    Index(None, "state", "id"), Index(None, "channel", "received_at"), Index(None, "received_at"),
)  # fmt: skip

hook_secrets = Table(
    "hook_secrets", metadata, key("channel"), key("secret"), time("since"), time("until")
)  # fmt: skip

events = Table(
    "events", metadata, Column("id", Integer, primary_key=True, autoincrement=True), name("type"), name("subject"), time("time"),
    Column("data", Text, nullable=False), Index(None, "time"),
)  # fmt: skip

event_sends = Table(
    "event_sends", metadata, Column("event_id", Integer, primary_key=True, autoincrement=False), key("target"), name("subject"),
    name("state"), Column("attempts", Integer, nullable=False, default=0), time("next_at"),
    Column("error", Text, nullable=False, default=""), Index(None, "state", "next_at"), Index(None, "target", "subject", "event_id"),
)  # fmt: skip

requests = Table(
    "requests", metadata, key("token"), key("key"), name("digest"), Column("status", Integer, nullable=False),
    Column("answer", Text, nullable=False), time("at"), Index(None, "at"),
)  # fmt: skip

hourly = Table(
    "hourly", metadata, Column("hour", UtcTime, primary_key=True), key("channel"), key("name"),
    Column("value", BigInteger, nullable=False, default=0),
)  # fmt: skip
