"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    _what_we_know()
    _listings()
    _ledger()
    _positions()
    _orders()
    _documents()
    _examinations()
    _notes()


def _what_we_know() -> None:
    op.create_table(
        "meta",
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_meta")),
    )
    op.create_table(
        "channels",
        sa.Column("channel", sa.String(length=255), nullable=False),
        sa.Column("platform", sa.String(length=255), nullable=False),
        sa.Column("currency", sa.String(length=255), nullable=False),
        sa.Column("adopted_at", sa.String(27), nullable=True),
        sa.Column("locations", sa.Text(), nullable=False),
        sa.Column("home", sa.String(length=255), nullable=False),
        sa.Column("clock", sa.Integer(), nullable=False),
        sa.Column("since", sa.String(27), nullable=True),
        sa.Column("resting", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("channel", name=op.f("pk_channels")),
    )
    op.create_table(
        "cursors",
        sa.Column("channel", sa.String(length=255), nullable=False),
        sa.Column("feed", sa.String(length=255), nullable=False),
        sa.Column("cursor", sa.Text(), nullable=False),
        sa.Column("at", sa.String(27), nullable=True),
        sa.Column("changed_at", sa.String(27), nullable=True),
        sa.PrimaryKeyConstraint("channel", "feed", name=op.f("pk_cursors")),
    )
    op.create_table(
        "skus",
        sa.Column("sku", sa.String(length=255), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("tags", sa.Text(), nullable=False),
        sa.Column("product", sa.String(length=255), nullable=False),
        sa.Column("created_at", sa.String(27), nullable=True),
        sa.PrimaryKeyConstraint("sku", name=op.f("pk_skus")),
    )
    op.create_table(
        "kits",
        sa.Column("sku", sa.String(length=255), nullable=False),
        sa.Column("component", sa.String(length=255), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("sku", "component", name=op.f("pk_kits")),
    )


def _listings() -> None:
    op.create_table(
        "products",
        sa.Column("channel", sa.String(length=255), nullable=False),
        sa.Column("product_id", sa.String(length=255), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.String(27), nullable=True),
        sa.Column("gone_at", sa.String(27), nullable=True),
        sa.PrimaryKeyConstraint("channel", "product_id", name=op.f("pk_products")),
    )
    op.create_table(
        "listings",
        sa.Column("channel", sa.String(length=255), nullable=False),
        sa.Column("variant_id", sa.String(length=255), nullable=False),
        sa.Column("product_id", sa.String(length=255), nullable=False),
        sa.Column("shown_sku", sa.String(length=255), nullable=True),
        sa.Column("barcode", sa.String(length=255), nullable=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("price", sa.BigInteger(), nullable=True),
        sa.Column("stock_id", sa.String(length=255), nullable=True),
        sa.Column("sku", sa.String(length=255), nullable=True),
        sa.Column("how", sa.String(length=255), nullable=True),
        sa.Column("gone_at", sa.String(27), nullable=True),
        sa.PrimaryKeyConstraint("channel", "variant_id", name=op.f("pk_listings")),
    )
    op.create_index(op.f("ix_listings_channel_product_id"), "listings", ["channel", "product_id"], unique=False)
    op.create_index(op.f("ix_listings_channel_sku"), "listings", ["channel", "sku"], unique=False)
    op.create_index(op.f("ix_listings_channel_stock_id"), "listings", ["channel", "stock_id"], unique=False)
    op.create_index(op.f("ix_listings_sku"), "listings", ["sku"], unique=False)


def _ledger() -> None:
    op.create_table(
        "counters",
        sa.Column("kind", sa.String(length=255), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("place", sa.String(length=255), nullable=False),
        sa.Column("balance", sa.BigInteger(), nullable=False),
        sa.Column("opened_at", sa.String(27), nullable=True),
        sa.Column("opened_from", sa.String(length=255), nullable=False),
        sa.PrimaryKeyConstraint("kind", "key", "place", name=op.f("pk_counters")),
    )
    op.create_table(
        "movements",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(length=255), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("place", sa.String(length=255), nullable=False),
        sa.Column("delta", sa.BigInteger(), nullable=False),
        sa.Column("why", sa.String(length=255), nullable=False),
        sa.Column("unique_key", sa.String(length=400), nullable=False),
        sa.Column("channel", sa.String(length=255), nullable=False),
        sa.Column("source", sa.String(length=255), nullable=False),
        sa.Column("occurred_at", sa.String(27), nullable=True),
        sa.Column("recorded_at", sa.String(27), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_movements")),
        sa.UniqueConstraint("unique_key", name=op.f("uq_movements_unique_key")),
    )
    op.create_index(op.f("ix_movements_kind_key_place"), "movements", ["kind", "key", "place"], unique=False)
    op.create_index(op.f("ix_movements_recorded_at"), "movements", ["recorded_at"], unique=False)
    op.create_table(
        "holds",
        sa.Column("id", sa.String(length=255), nullable=False),
        sa.Column("kind", sa.String(length=255), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("place", sa.String(length=255), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=255), nullable=False),
        sa.Column("expires_at", sa.String(27), nullable=True),
        sa.Column("created_at", sa.String(27), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_holds")),
    )
    op.create_index(op.f("ix_holds_kind_key_place"), "holds", ["kind", "key", "place"], unique=False)


def _positions() -> None:
    op.create_table(
        "positions",
        sa.Column("channel", sa.String(length=255), nullable=False),
        sa.Column("stock_id", sa.String(length=255), nullable=False),
        sa.Column("location", sa.String(length=255), nullable=False),
        sa.Column("sku", sa.String(length=255), nullable=False),
        sa.Column("place", sa.String(length=255), nullable=False),
        sa.Column("shown", sa.BigInteger(), nullable=True),
        sa.Column("target", sa.BigInteger(), nullable=True),
        sa.Column("base_at", sa.String(27), nullable=True),
        sa.Column("base", sa.String(length=255), nullable=False),
        sa.Column("verified_at", sa.String(27), nullable=True),
        sa.Column("moved", sa.BigInteger(), nullable=False),
        sa.Column("moved_at", sa.String(27), nullable=True),
        sa.Column("late", sa.BigInteger(), nullable=False),
        sa.Column("suspect", sa.BigInteger(), nullable=True),
        sa.Column("suspect_at", sa.String(27), nullable=True),
        sa.Column("in_flight", sa.String(length=255), nullable=True),
        sa.Column("parked", sa.Text(), nullable=False),
        sa.Column("approved", sa.Boolean(), nullable=False),
        sa.Column("gone", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("channel", "stock_id", "location", name=op.f("pk_positions")),
    )
    op.create_index(op.f("ix_positions_channel_verified_at"), "positions", ["channel", "verified_at"], unique=False)
    op.create_index(op.f("ix_positions_sku_place"), "positions", ["sku", "place"], unique=False)
    op.create_table(
        "writes",
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("channel", sa.String(length=255), nullable=False),
        sa.Column("kind", sa.String(length=255), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("rows", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=255), nullable=False),
        sa.Column("created_at", sa.String(27), nullable=True),
        sa.Column("done_at", sa.String(27), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_writes")),
    )
    op.create_index(op.f("ix_writes_channel_created_at"), "writes", ["channel", "created_at"], unique=False)
    op.create_index(op.f("ix_writes_state"), "writes", ["state"], unique=False)


def _orders() -> None:
    op.create_table(
        "orders",
        sa.Column("channel", sa.String(length=255), nullable=False),
        sa.Column("order_id", sa.String(length=255), nullable=False),
        sa.Column("number", sa.String(length=255), nullable=False),
        sa.Column("status", sa.String(length=255), nullable=False),
        sa.Column("placed_at", sa.String(27), nullable=True),
        sa.Column("updated_at", sa.String(27), nullable=True),
        sa.Column("digest", sa.String(length=255), nullable=False),
        sa.Column("snapshot", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("reference", sa.String(length=255), nullable=True),
        sa.Column("kind", sa.String(length=255), nullable=False),
        sa.Column("unlinked", sa.Integer(), nullable=False),
        sa.Column("parts", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.String(27), nullable=True),
        sa.PrimaryKeyConstraint("channel", "order_id", name=op.f("pk_orders")),
    )
    op.create_index(op.f("ix_orders_channel_updated_at"), "orders", ["channel", "updated_at"], unique=False)
    op.create_index(op.f("ix_orders_reference"), "orders", ["reference"], unique=False)
    op.create_index(op.f("ix_orders_unlinked"), "orders", ["unlinked"], unique=False)
    op.create_table(
        "order_effects",
        sa.Column("channel", sa.String(length=255), nullable=False),
        sa.Column("order_id", sa.String(length=255), nullable=False),
        sa.Column("kind", sa.String(length=255), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("place", sa.String(length=255), nullable=False),
        sa.Column("net", sa.BigInteger(), nullable=False),
        sa.Column("baseline", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("channel", "order_id", "kind", "key", "place", name=op.f("pk_order_effects")),
    )
    op.create_table(
        "order_numbers",
        sa.Column("channel", sa.String(length=255), nullable=False),
        sa.Column("order_id", sa.String(length=255), nullable=False),
        sa.Column("stock_id", sa.String(length=255), nullable=False),
        sa.Column("location", sa.String(length=255), nullable=False),
        sa.Column("net", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("channel", "order_id", "stock_id", "location", name=op.f("pk_order_numbers")),
    )
    op.create_table(
        "mirrors",
        sa.Column("reference", sa.String(length=255), nullable=False),
        sa.Column("channel", sa.String(length=255), nullable=False),
        sa.Column("order_id", sa.String(length=255), nullable=False),
        sa.Column("home", sa.String(length=255), nullable=False),
        sa.Column("home_order_id", sa.String(length=255), nullable=True),
        sa.Column("state", sa.String(length=255), nullable=False),
        sa.Column("promised", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("sent", sa.Text(), nullable=False),
        sa.Column("created_at", sa.String(27), nullable=True),
        sa.Column("updated_at", sa.String(27), nullable=True),
        sa.PrimaryKeyConstraint("reference", name=op.f("pk_mirrors")),
        sa.UniqueConstraint("channel", "order_id", name=op.f("uq_mirrors_channel_order_id")),
    )
    op.create_index(op.f("ix_mirrors_home_home_order_id"), "mirrors", ["home", "home_order_id"], unique=False)
    op.create_index(op.f("ix_mirrors_state"), "mirrors", ["state"], unique=False)


def _documents() -> None:
    op.create_table(
        "documents",
        sa.Column("kind", sa.String(length=255), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("fields", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.String(27), nullable=True),
        sa.PrimaryKeyConstraint("kind", "key", name=op.f("pk_documents")),
    )
    op.create_table(
        "bases",
        sa.Column("channel", sa.String(length=255), nullable=False),
        sa.Column("kind", sa.String(length=255), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("fields", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.String(27), nullable=True),
        sa.PrimaryKeyConstraint("channel", "kind", "key", name=op.f("pk_bases")),
    )
    op.create_table(
        "changed",
        sa.Column("channel", sa.String(length=255), nullable=False),
        sa.Column("product_id", sa.String(length=255), nullable=False),
        sa.PrimaryKeyConstraint("channel", "product_id", name=op.f("pk_changed")),
    )
    op.create_table(
        "conflicts",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(length=255), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("field", sa.String(length=255), nullable=False),
        sa.Column("channel", sa.String(length=255), nullable=False),
        sa.Column("ours", sa.Text(), nullable=True),
        sa.Column("theirs", sa.Text(), nullable=True),
        sa.Column("winner", sa.String(length=255), nullable=False),
        sa.Column("at", sa.String(27), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_conflicts")),
    )


def _examinations() -> None:
    op.create_table(
        "counts",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("channel", sa.String(length=255), nullable=False),
        sa.Column("stock_id", sa.String(length=255), nullable=False),
        sa.Column("location", sa.String(length=255), nullable=False),
        sa.Column("sku", sa.String(length=255), nullable=False),
        sa.Column("place", sa.String(length=255), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("expected", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.String(27), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_counts")),
    )
    op.create_index(op.f("ix_counts_sku_place"), "counts", ["sku", "place"], unique=False)
    op.create_table(
        "drifts",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("channel", sa.String(length=255), nullable=False),
        sa.Column("stock_id", sa.String(length=255), nullable=False),
        sa.Column("location", sa.String(length=255), nullable=False),
        sa.Column("sku", sa.String(length=255), nullable=False),
        sa.Column("place", sa.String(length=255), nullable=False),
        sa.Column("shown", sa.BigInteger(), nullable=False),
        sa.Column("found", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.String(27), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_drifts")),
    )
    op.create_index(op.f("ix_drifts_sku_place"), "drifts", ["sku", "place"], unique=False)


def _notes() -> None:
    op.create_table(
        "parked",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("channel", sa.String(length=255), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("since", sa.String(27), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_parked")),
        sa.UniqueConstraint("subject", "channel", "key", name=op.f("uq_parked_subject_channel_key")),
    )
    op.create_table(
        "findings",
        sa.Column("kind", sa.String(length=255), nullable=False),
        sa.Column("channel", sa.String(length=255), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("since", sa.String(27), nullable=True),
        sa.PrimaryKeyConstraint("kind", "channel", "key", name=op.f("pk_findings")),
    )
    op.create_table(
        "runs",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("command", sa.String(length=255), nullable=False),
        sa.Column("started_at", sa.String(27), nullable=True),
        sa.Column("ended_at", sa.String(27), nullable=True),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_runs")),
    )
