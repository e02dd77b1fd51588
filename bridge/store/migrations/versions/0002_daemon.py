"""What the daemon keeps: raw deliveries, their secrets, outgoing events, answered API requests, hourly figures."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    _deliveries()
    _events()
    _figures()
    _work_queue()
    op.add_column("orders", sa.Column("terms", sa.Text(), nullable=False, server_default="{}"))


def _work_queue() -> None:
    rows = {"differs": "shown != target", "doubtful": "suspect IS NOT NULL OR late != 0 OR base = ''"}
    for name, where in rows.items():
        op.create_index(
            f"ix_positions_{name}",
            "positions",
            ["channel", "stock_id", "location"],
            sqlite_where=sa.text(where),
            postgresql_where=sa.text(where),
        )


def _deliveries() -> None:
    op.create_table(
        "deliveries",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("channel", sa.String(length=255), nullable=False),
        sa.Column("received_at", sa.String(27), nullable=True),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("headers", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(length=255), nullable=False),
        sa.Column("done_at", sa.String(27), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
    )
    op.create_index(op.f("ix_deliveries_state_id"), "deliveries", ["state", "id"])
    op.create_index(op.f("ix_deliveries_channel_received_at"), "deliveries", ["channel", "received_at"])
    op.create_index(op.f("ix_deliveries_received_at"), "deliveries", ["received_at"])
    op.create_table(
        "hook_secrets",
        sa.Column("channel", sa.String(length=255), nullable=False),
        sa.Column("secret", sa.String(length=255), nullable=False),
        sa.Column("since", sa.String(27), nullable=True),
        sa.Column("until", sa.String(27), nullable=True),
        sa.PrimaryKeyConstraint("channel", "secret", name=op.f("pk_hook_secrets")),
    )


def _events() -> None:
    op.create_table(
        "events",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("type", sa.String(length=255), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("time", sa.String(27), nullable=True),
        sa.Column("data", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
    )
    op.create_index(op.f("ix_events_time"), "events", ["time"])
    op.create_table(
        "event_sends",
        sa.Column("event_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("target", sa.String(length=255), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("state", sa.String(length=255), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.String(27), nullable=True),
        sa.Column("error", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("event_id", "target", name=op.f("pk_event_sends")),
    )
    op.create_index(op.f("ix_event_sends_state_next_at"), "event_sends", ["state", "next_at"])
    op.create_index(op.f("ix_event_sends_target_subject_event_id"), "event_sends", ["target", "subject", "event_id"])


def _figures() -> None:
    op.create_table(
        "requests",
        sa.Column("token", sa.String(length=255), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("digest", sa.String(length=255), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("at", sa.String(27), nullable=True),
        sa.PrimaryKeyConstraint("token", "key", name=op.f("pk_requests")),
    )
    op.create_index(op.f("ix_requests_at"), "requests", ["at"])
    op.create_table(
        "hourly",
        sa.Column("hour", sa.String(27), nullable=False),
        sa.Column("channel", sa.String(length=255), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("hour", "channel", "name", name=op.f("pk_hourly")),
    )
