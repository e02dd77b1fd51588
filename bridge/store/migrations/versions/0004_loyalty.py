"""People, points and coupon codes."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    _people()
    _points()
    _coupons()
    for table, columns, where in _WORK:
        op.create_index(
            f"ix_{table}_work", table, columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where)
        )


# The work queues.
_WORK = (
    ("code_listings", ["channel", "code"], "wanted != shown"),
    (
        "customers",
        ["channel", "customer_id"],
        "points_target IS NOT NULL AND (points_shown IS NULL OR points_shown != points_target)",
    ),
)


def _people() -> None:
    op.create_table(
        "contacts",
        sa.Column("kind", sa.String(length=255), nullable=False),
        sa.Column("value", sa.String(length=255), nullable=False),
        sa.Column("person", sa.String(length=255), nullable=False),
        sa.Column("verified", sa.Boolean(), nullable=False),
        sa.Column("since", sa.String(27), nullable=True),
        sa.PrimaryKeyConstraint("kind", "value", name=op.f("pk_contacts")),
    )
    op.create_index(op.f("ix_contacts_person"), "contacts", ["person"], unique=False)
    op.create_table(
        "customers",
        sa.Column("channel", sa.String(length=255), nullable=False),
        sa.Column("customer_id", sa.String(length=255), nullable=False),
        sa.Column("person", sa.String(length=255), nullable=False),
        sa.Column("points_id", sa.String(length=255), nullable=False),
        sa.Column("points_shown", sa.BigInteger(), nullable=True),
        sa.Column("points_target", sa.BigInteger(), nullable=True),
        sa.Column("points_at", sa.String(27), nullable=True),
        sa.Column("points_key", sa.String(length=255), nullable=True),
        sa.Column("points_sent", sa.BigInteger(), nullable=True),
        sa.Column("points_note", sa.Text(), nullable=False),
        sa.Column("consent", sa.Boolean(), nullable=True),
        sa.Column("updated_at", sa.String(27), nullable=True),
        sa.Column("gone_at", sa.String(27), nullable=True),
        sa.PrimaryKeyConstraint("channel", "customer_id", name=op.f("pk_customers")),
    )
    op.create_index(op.f("ix_customers_channel_points_id"), "customers", ["channel", "points_id"], unique=False)
    op.create_index(op.f("ix_customers_person"), "customers", ["person"], unique=False)
    op.create_table(
        "merges",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("kept", sa.String(length=255), nullable=False),
        sa.Column("gone", sa.String(length=255), nullable=False),
        sa.Column("at", sa.String(27), nullable=True),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("undone_at", sa.String(27), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_merges")),
    )
    op.create_index(op.f("ix_merges_gone"), "merges", ["gone"], unique=False)
    op.create_index(op.f("ix_merges_kept"), "merges", ["kept"], unique=False)
    op.create_table(
        "persons",
        sa.Column("person", sa.String(length=255), nullable=False),
        sa.Column("created_at", sa.String(27), nullable=True),
        sa.Column("merged_into", sa.String(length=255), nullable=True),
        sa.Column("forgotten_at", sa.String(27), nullable=True),
        sa.Column("referral", sa.String(length=255), nullable=True),
        sa.PrimaryKeyConstraint("person", name=op.f("pk_persons")),
    )
    op.create_index(op.f("ix_persons_merged_into"), "persons", ["merged_into"], unique=False)


def _points() -> None:
    op.create_table(
        "lots",
        sa.Column("id", sa.String(length=400), nullable=False),
        sa.Column("person", sa.String(length=255), nullable=False),
        sa.Column("channel", sa.String(length=255), nullable=False),
        sa.Column("order_id", sa.String(length=255), nullable=False),
        sa.Column("line_id", sa.String(length=255), nullable=False),
        sa.Column("earned", sa.BigInteger(), nullable=False),
        sa.Column("kept", sa.BigInteger(), nullable=False),
        sa.Column("terms", sa.Text(), nullable=False),
        sa.Column("earned_at", sa.String(27), nullable=True),
        sa.Column("spendable_at", sa.String(27), nullable=True),
        sa.Column("expires_at", sa.String(27), nullable=True),
        sa.Column("expired", sa.BigInteger(), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("noticed", sa.Boolean(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lots")),
    )
    op.create_index(op.f("ix_lots_channel_order_id"), "lots", ["channel", "order_id"], unique=False)
    op.create_index(op.f("ix_lots_expires_at"), "lots", ["expires_at"], unique=False)
    op.create_index(op.f("ix_lots_person"), "lots", ["person"], unique=False)
    op.create_index(op.f("ix_lots_spendable_at"), "lots", ["spendable_at"], unique=False)
    op.create_table(
        "order_people",
        sa.Column("channel", sa.String(length=255), nullable=False),
        sa.Column("order_id", sa.String(length=255), nullable=False),
        sa.Column("person", sa.String(length=255), nullable=False),
        sa.Column("spend", sa.BigInteger(), nullable=False),
        sa.Column("placed_at", sa.String(27), nullable=True),
        sa.PrimaryKeyConstraint("channel", "order_id", name=op.f("pk_order_people")),
    )
    op.create_index(op.f("ix_order_people_person"), "order_people", ["person"], unique=False)
    op.create_table(
        "returned_units",
        sa.Column("channel", sa.String(length=255), nullable=False),
        sa.Column("order_id", sa.String(length=255), nullable=False),
        sa.Column("line_id", sa.String(length=255), nullable=False),
        sa.Column("source_order", sa.String(length=255), nullable=False),
        sa.Column("source_line", sa.String(length=255), nullable=False),
        sa.Column("units", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("channel", "order_id", "line_id", name=op.f("pk_returned_units")),
    )
    op.create_index(
        op.f("ix_returned_units_channel_source_order"), "returned_units", ["channel", "source_order"], unique=False
    )
    op.create_table(
        "rule_versions",
        sa.Column("kind", sa.String(length=255), nullable=False),
        sa.Column("since", sa.String(27), nullable=False),
        sa.Column("version", sa.String(length=255), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "since", name=op.f("pk_rule_versions")),
    )
    op.create_table(
        "spends",
        sa.Column("id", sa.String(length=400), nullable=False),
        sa.Column("person", sa.String(length=255), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.String(27), nullable=True),
        sa.Column("why", sa.String(length=255), nullable=False),
        sa.Column("channel", sa.String(length=255), nullable=False),
        sa.Column("source", sa.String(length=255), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_spends")),
    )
    op.create_index(op.f("ix_spends_channel_source"), "spends", ["channel", "source"], unique=False)
    op.create_index(op.f("ix_spends_person"), "spends", ["person"], unique=False)


def _coupons() -> None:
    op.create_table(
        "campaigns",
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("terms", sa.Text(), nullable=False),
        sa.Column("policy", sa.String(length=255), nullable=False),
        sa.Column("channels", sa.Text(), nullable=False),
        sa.Column("uses", sa.Integer(), nullable=True),
        sa.Column("restore", sa.Boolean(), nullable=False),
        sa.Column("solo", sa.Boolean(), nullable=False),
        sa.Column("kind", sa.String(length=255), nullable=False),
        sa.Column("created_at", sa.String(27), nullable=True),
        sa.Column("closed_at", sa.String(27), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("reward", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_campaigns")),
    )
    op.create_table(
        "claims",
        sa.Column("id", sa.String(length=255), nullable=False),
        sa.Column("code", sa.String(length=255), nullable=False),
        sa.Column("channel", sa.String(length=255), nullable=False),
        sa.Column("state", sa.String(length=255), nullable=False),
        sa.Column("person", sa.String(length=255), nullable=False),
        sa.Column("created_at", sa.String(27), nullable=True),
        sa.Column("expires_at", sa.String(27), nullable=True),
        sa.Column("order_id", sa.String(length=255), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_claims")),
    )
    op.create_index(op.f("ix_claims_code_state"), "claims", ["code", "state"], unique=False)
    op.create_table(
        "code_listings",
        sa.Column("channel", sa.String(length=255), nullable=False),
        sa.Column("code", sa.String(length=255), nullable=False),
        sa.Column("external_id", sa.String(length=255), nullable=False),
        sa.Column("group_id", sa.String(length=255), nullable=False),
        sa.Column("most", sa.Integer(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("wanted", sa.String(length=255), nullable=False),
        sa.Column("shown", sa.String(length=255), nullable=False),
        sa.Column("shown_most", sa.Integer(), nullable=True),
        sa.Column("used_there", sa.Integer(), nullable=True),
        sa.Column("allotted", sa.Integer(), nullable=False),
        sa.Column("ceiling", sa.Integer(), nullable=False),
        sa.Column("cut_at", sa.String(27), nullable=True),
        sa.Column("key", sa.String(length=255), nullable=True),
        sa.Column("verified_at", sa.String(27), nullable=True),
        sa.Column("since", sa.String(27), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("channel", "code", name=op.f("pk_code_listings")),
    )
    op.create_index(op.f("ix_code_listings_code"), "code_listings", ["code"], unique=False)
    op.create_index(op.f("ix_code_listings_key"), "code_listings", ["key"], unique=False)
    op.create_table(
        "code_uses",
        sa.Column("channel", sa.String(length=255), nullable=False),
        sa.Column("order_id", sa.String(length=255), nullable=False),
        sa.Column("code", sa.String(length=255), nullable=False),
        sa.Column("person", sa.String(length=255), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("counted_there", sa.Integer(), nullable=False),
        sa.Column("at", sa.String(27), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("channel", "order_id", "code", name=op.f("pk_code_uses")),
    )
    op.create_index(op.f("ix_code_uses_code"), "code_uses", ["code"], unique=False)
    op.create_index(op.f("ix_code_uses_person"), "code_uses", ["person"], unique=False)
    op.create_table(
        "coupons",
        sa.Column("code", sa.String(length=255), nullable=False),
        sa.Column("campaign", sa.String(length=255), nullable=False),
        sa.Column("person", sa.String(length=255), nullable=True),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("hold", sa.String(length=255), nullable=True),
        sa.Column("created_at", sa.String(27), nullable=True),
        sa.Column("closed_at", sa.String(27), nullable=True),
        sa.Column("reminded", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_coupons")),
    )
    op.create_index(op.f("ix_coupons_campaign"), "coupons", ["campaign"], unique=False)
    op.create_index(op.f("ix_coupons_hold"), "coupons", ["hold"], unique=False)
    op.create_index(op.f("ix_coupons_person"), "coupons", ["person"], unique=False)
