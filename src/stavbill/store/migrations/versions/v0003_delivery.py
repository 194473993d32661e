"""Delivery: invoices on their way to customers, their messages, what became of them, holds."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from stavbill.store.types import Utc

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

RowId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the tables of delivery."""
    _make_sendings()
    _make_messages()
    _make_message_events()
    _make_sending_holds()
    _make_reminders()
    # What was written and is not on its way yet is asked for at every pass.
    op.create_index(
        op.f("ix_effects_portal_kind_written_at"), "effects", ["portal", "kind", "written_at"]
    )


def _make_sendings() -> None:
    op.create_table(
        "sendings",
        sa.Column("sending", RowId, nullable=False),
        sa.Column("portal", sa.Text(), nullable=False),
        sa.Column("company", sa.BigInteger(), nullable=False),
        sa.Column("invoice_key", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("portal_id", sa.BigInteger(), nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("pay_link", sa.Text(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("due", Utc(), nullable=False),
        sa.Column("told", Utc(), nullable=True),
        sa.Column("created", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("sending", name=op.f("pk_sendings")),
        sa.UniqueConstraint(
            "portal",
            "invoice_key",
            "revision",
            name=op.f("uq_sendings_portal_invoice_key_revision"),
        ),
    )
    op.create_index(op.f("ix_sendings_portal_state_due"), "sendings", ["portal", "state", "due"])
    op.create_index(op.f("ix_sendings_portal_company"), "sendings", ["portal", "company"])


def _make_messages() -> None:
    op.create_table(
        "messages",
        sa.Column("message", RowId, nullable=False),
        sa.Column("sending", RowId, nullable=False),
        sa.Column("portal", sa.Text(), nullable=False),
        sa.Column("company", sa.BigInteger(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("claim_by", sa.Text(), nullable=True),
        sa.Column("claim_until", Utc(), nullable=True),
        sa.Column("first_try", Utc(), nullable=True),
        sa.Column("sent_at", Utc(), nullable=True),
        sa.Column("due", Utc(), nullable=False),
        sa.Column("told", sa.Boolean(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["sending"],
            ["sendings.sending"],
            name=op.f("fk_messages_sending"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("message", name=op.f("pk_messages")),
        sa.UniqueConstraint(
            "sending", "channel", "recipient", name=op.f("uq_messages_sending_channel_recipient")
        ),
    )
    op.create_index(op.f("ix_messages_portal_stage_due"), "messages", ["portal", "stage", "due"])
    op.create_index(op.f("ix_messages_portal_company"), "messages", ["portal", "company"])
    op.create_index(op.f("ix_messages_reference"), "messages", ["reference"])


def _make_message_events() -> None:
    op.create_table(
        "message_events",
        sa.Column("event", RowId, nullable=False),
        sa.Column("message", RowId, nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.Column("seen", Utc(), nullable=False),
        sa.ForeignKeyConstraint(
            ["message"],
            ["messages.message"],
            name=op.f("fk_message_events_message"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("event", name=op.f("pk_message_events")),
        sa.UniqueConstraint("message", "evidence", name=op.f("uq_message_events_message_evidence")),
    )


def _make_sending_holds() -> None:
    op.create_table(
        "sending_holds",
        sa.Column("portal", sa.Text(), nullable=False),
        sa.Column("invoice_key", sa.Text(), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("since", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("portal", "invoice_key", name=op.f("pk_sending_holds")),
    )


def _make_reminders() -> None:
    op.create_table(
        "reminders",
        sa.Column("portal", sa.Text(), nullable=False),
        sa.Column("invoice_key", sa.Text(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("portal", "invoice_key", "step", name=op.f("pk_reminders")),
    )
