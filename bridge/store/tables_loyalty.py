"""The tables of people, points and coupon codes. What a counter holds is in the ledger; these say what its movements were made from."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, String, Table, Text

from bridge.store.columns import UtcTime, key, name, time
from bridge.store.tables import metadata

__all__ = [
    "campaigns", "claims", "code_listings", "code_uses", "contacts", "coupons", "customers", "lots", "merges", "metadata", "order_people",
    "persons", "returned_units", "rule_versions", "spends",
]  # fmt: skip

persons = Table(
    "persons", metadata, key("person"), time("created_at"), name("merged_into", nullable=True), time("forgotten_at"),
    name("referral", nullable=True), Index(None, "merged_into"),
)  # fmt: skip

# A contact belongs to one person; `value` is normalised (lower-case e-mail, E.164 phone).
contacts = Table(
    "contacts", metadata, key("kind"), key("value"), name("person"), Column("verified", Boolean, nullable=False), time("since"),
    Index(None, "person"),
)  # fmt: skip

# Which rows the indexes of work hold is said where they are made (migrations 0004 and 0006).
# `points_shown` is what the channel shows, `points_target` what it should show, `points_key` that of a write that is on its way.
customers = Table(
    "customers", metadata, key("channel"), key("customer_id"), name("person"), name("points_id", default=""),
    Column("points_shown", BigInteger), Column("points_target", BigInteger), time("points_at"), name("points_key", nullable=True),
    Column("points_sent", BigInteger),
    Column("points_note", Text, nullable=False, default=""), Column("consent", Boolean), time("updated_at"), time("gone_at"),
    Index(None, "person"), Index(None, "channel", "points_id"), Index("ix_customers_work", "channel", "customer_id"),
    Index("ix_customers_unread", "channel", "customer_id"), Index(None, "points_key"),
)  # fmt: skip

# What moved when two persons became one, so that it can be taken back.
merges = Table(
    "merges", metadata, Column("id", Integer, primary_key=True, autoincrement=True), name("kept"), name("gone"), time("at"),
    Column("why", Text, nullable=False), Column("body", Text, nullable=False), time("undone_at"),
    Index(None, "kept"), Index(None, "gone"),
)  # fmt: skip

rule_versions = Table(
    "rule_versions", metadata, key("kind"), Column("since", UtcTime, primary_key=True), name("version"),
    Column("body", Text, nullable=False),
)  # fmt: skip

# Who an order belongs to, and what it counts for the tier (minor units).
order_people = Table(
    "order_people", metadata, key("channel"), key("order_id"), name("person"), Column("spend", BigInteger, nullable=False, default=0),
    time("placed_at"), Index(None, "person"),
)  # fmt: skip

# Units that an order of its own took back of a line (Square books returns so); with no line, minor units of money without goods.
returned_units = Table(
    "returned_units", metadata, key("channel"), key("order_id"), key("line_id"), name("source_order"), name("source_line"),
    Column("units", Integer, nullable=False), Index(None, "channel", "source_order"),
)  # fmt: skip

# `earned` is what the line was worth when it was first seen, `kept` what is left of it, `expired` what the ledger has as expired.
lots = Table(
    "lots", metadata, Column("id", String(400), primary_key=True), name("person"), name("channel"), name("order_id"), name("line_id"),
    Column("earned", BigInteger, nullable=False), Column("kept", BigInteger, nullable=False), Column("terms", Text, nullable=False),
    time("earned_at"), time("spendable_at"), time("expires_at"), Column("expired", BigInteger, nullable=False, default=0),
    Column("turn", Integer, nullable=False, default=0), Column("noticed", Boolean, nullable=False, default=False),
    Column("note", Text, nullable=False, default=""),
    Index(None, "person"), Index(None, "channel", "order_id"), Index(None, "spendable_at"), Index(None, "expires_at"),
)  # fmt: skip

spends = Table(
    "spends", metadata, Column("id", String(400), primary_key=True), name("person"), Column("points", BigInteger, nullable=False),
    time("at"), name("why"), name("channel"), name("source"), Column("note", Text, nullable=False, default=""),
    Index(None, "person"), Index(None, "channel", "source"),
)  # fmt: skip

# The terms of codes. A code that stands alone is a campaign of its own name (`solo`). `uses` is each code's, null: unlimited.
campaigns = Table(
    "campaigns", metadata, key("name"), Column("terms", Text, nullable=False), name("policy"), Column("channels", Text, nullable=False),
    Column("uses", Integer), Column("restore", Boolean, nullable=False), Column("solo", Boolean, nullable=False),
    name("kind", default="coupon"), time("created_at"), time("closed_at"), Column("note", Text, nullable=False, default=""),
    Column("reward", BigInteger, nullable=False, default=0),
)  # fmt: skip

# `person` is whose points are in it (`points` of them, held by `hold`), or who invites by it.
coupons = Table(
    "coupons", metadata, key("code"), name("campaign"), name("person", nullable=True),
    Column("points", BigInteger, nullable=False, default=0), name("hold", nullable=True), time("created_at"), time("closed_at"),
    Column("reminded", Boolean, nullable=False, default=False),
    Index(None, "campaign"), Index(None, "person"), Index(None, "hold"),
)  # fmt: skip

# `count` is 1 while the order uses the code, 0 once it was cancelled and the use given back.
code_uses = Table(
    "code_uses", metadata, key("channel"), key("order_id"), key("code"), name("person", default=""),
    Column("count", Integer, nullable=False), Column("counted_there", Integer, nullable=False, default=0), time("at"),
    Column("note", Text, nullable=False, default=""),
    Index(None, "code"), Index(None, "person"),
)  # fmt: skip

# A code on a channel: what should be there (`limit`, `active`, `wanted`: a digest of all that is written) and what is (`shown`).
code_listings = Table(
    "code_listings", metadata, key("channel"), key("code"), name("external_id", default=""), name("group_id", default=""),
    Column("most", Integer), Column("active", Boolean, nullable=False, default=True), name("wanted"), name("shown", default=""),
    Column("shown_most", Integer), Column("used_there", Integer), Column("allotted", Integer, nullable=False, default=0),
    Column("ceiling", Integer, nullable=False, default=0), time("cut_at"), name("key", nullable=True), time("verified_at"),
    time("since"), Column("reason", Text, nullable=False, default=""), Column("tries", Integer, nullable=False, default=0),
    Index(None, "code"), Index(None, "key"), Index("ix_code_listings_work", "channel", "code"),
)  # fmt: skip

claims = Table(
    "claims", metadata, key("id"), name("code"), name("channel"), name("state"), name("person", default=""), time("created_at"),
    time("expires_at"), name("order_id", default=""), Index(None, "code", "state"),
)  # fmt: skip
