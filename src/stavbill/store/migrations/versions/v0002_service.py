"""The unattended service: workers, parts of a run, schedules, posts, findings."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from stavbill.store.types import Utc

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

RowId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the tables of the service."""
    _make_workers()
    _make_run_parts()
    _make_schedules()
    _make_inbox()
    _make_findings()


def _make_workers() -> None:
    op.create_table(
        "workers",
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("started", Utc(), nullable=False),
        sa.Column("seen", Utc(), nullable=False),
        sa.Column("ended", Utc(), nullable=True),
        sa.PrimaryKeyConstraint("owner", name=op.f("pk_workers")),
    )
    op.create_index(op.f("ix_workers_ended_seen"), "workers", ["ended", "seen"], unique=False)


def _make_run_parts() -> None:
    op.create_table(
        "run_parts",
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.ForeignKeyConstraint(
            ["run"], ["runs.run"], name=op.f("fk_run_parts_run"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("run", "number", name=op.f("pk_run_parts")),
    )


def _make_schedules() -> None:
    op.create_table(
        "schedules",
        sa.Column("portal", sa.Text(), nullable=False),
        sa.Column("job", sa.Text(), nullable=False),
        sa.Column("last", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("portal", "job", name=op.f("pk_schedules")),
    )


def _make_inbox() -> None:
    op.create_table(
        "inbox",
        sa.Column("post", RowId, nullable=False),
        sa.Column("portal", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("company", sa.BigInteger(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("received", Utc(), nullable=False),
        sa.Column("ended", Utc(), nullable=True),
        sa.PrimaryKeyConstraint("post", name=op.f("pk_inbox")),
        sa.UniqueConstraint("event", name=op.f("uq_inbox_event")),
    )
    op.create_index(
        op.f("ix_inbox_portal_state_post"), "inbox", ["portal", "state", "post"], unique=False
    )
    op.create_index(op.f("ix_inbox_ended"), "inbox", ["ended"], unique=False)


def _make_findings() -> None:
    op.create_table(
        "findings",
        sa.Column("finding", RowId, nullable=False),
        sa.Column("portal", sa.Text(), nullable=False),
        sa.Column("company", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("mended", sa.Boolean(), nullable=False),
        sa.Column("first_seen", Utc(), nullable=False),
        sa.Column("last_seen", Utc(), nullable=False),
        sa.Column("ended", Utc(), nullable=True),
        sa.PrimaryKeyConstraint("finding", name=op.f("pk_findings")),
    )
    op.create_index(
        op.f("ix_findings_portal_ended_company"),
        "findings",
        ["portal", "ended", "company"],
        unique=False,
    )
