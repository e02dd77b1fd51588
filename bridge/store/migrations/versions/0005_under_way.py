"""Points whose write is on its way are looked for after every sale: not by a walk over all customers."""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_index(op.f("ix_customers_points_key"), "customers", ["points_key"])
