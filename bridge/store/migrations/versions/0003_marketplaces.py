"""What marketplaces need: tickets of accepted writes, when a number was written, and what was spent of a day's limits."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("positions", sa.Column("written_at", sa.String(27), nullable=True))
    op.add_column("positions", sa.Column("waits_until", sa.String(27), nullable=True))
    where = "base = 'write' AND (verified_at IS NULL OR verified_at < base_at)"
    op.create_index(
        "ix_positions_unverified",
        "positions",
        ["channel", "stock_id", "location"],
        sqlite_where=sa.text(where),
        postgresql_where=sa.text(where),
    )
    op.add_column("writes", sa.Column("ticket", sa.String(length=255), nullable=True))
    op.add_column("writes", sa.Column("look_at", sa.String(27), nullable=True))
    op.add_column("writes", sa.Column("looks", sa.Integer(), nullable=False, server_default="0"))
    op.create_table(
        "spendings",
        sa.Column("channel", sa.String(length=255), nullable=False),
        sa.Column("listing", sa.String(length=255), nullable=False),
        sa.Column("hour", sa.String(27), nullable=False),
        sa.Column("spent", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("channel", "listing", "hour", name=op.f("pk_spendings")),
    )
    op.create_index(op.f("ix_spendings_hour"), "spendings", ["hour"])
