"""Accounts known from an order alone are looked for after every sale: not by a walk over all customers."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    unread = sa.text("updated_at IS NULL AND gone_at IS NULL")
    op.create_index(
        "ix_customers_unread", "customers", ["channel", "customer_id"], sqlite_where=unread, postgresql_where=unread
    )
