"""The first version: every table. There is no way back from it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from stavbill.store.types import Utc

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make every table."""
    _make_runs()
    _make_decisions()
    _make_decision_reasons()
    _make_readings()
    _make_companies()
    _make_records()
    _make_snapshots()
    _make_wialon_accounts()
    _make_wialon_units()
    _make_effects()
    _make_effect_after()
    _make_receipts()
    _make_audit()
    _make_parked()
    _make_flags()
    _make_shared_states()
    _make_credits()
    _make_credit_uses()


def _make_runs() -> None:
    op.create_table(
        "runs",
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("portal", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("on_date", sa.Date(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("dry_run", sa.Boolean(), nullable=False),
        sa.Column("totals", sa.Text(), nullable=False),
        sa.Column("forecast", sa.Text(), nullable=False),
        sa.Column("requests", sa.Integer(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("started", Utc(), nullable=False),
        sa.Column("finished", Utc(), nullable=True),
        sa.PrimaryKeyConstraint("run", name=op.f("pk_runs")),
    )
    op.create_index(op.f("ix_runs_portal_started"), "runs", ["portal", "started"], unique=False)


def _make_decisions() -> None:
    op.create_table(
        "decisions",
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("company", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("portal", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("sums", sa.Text(), nullable=False),
        sa.Column("decided", Utc(), nullable=False),
        sa.ForeignKeyConstraint(
            ["run"], ["runs.run"], name=op.f("fk_decisions_run"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("run", "company", name=op.f("pk_decisions")),
    )
    op.create_index(
        op.f("ix_decisions_portal_company_decided"),
        "decisions",
        ["portal", "company", "decided"],
        unique=False,
    )


def _make_decision_reasons() -> None:
    op.create_table(
        "decision_reasons",
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("company", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["run"], ["runs.run"], name=op.f("fk_decision_reasons_run"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("run", "company", "reason", name=op.f("pk_decision_reasons")),
    )


def _make_readings() -> None:
    op.create_table(
        "readings",
        sa.Column("reading", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("portal", sa.Text(), nullable=False),
        sa.Column("whole", sa.Boolean(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("started", Utc(), nullable=False),
        sa.Column("finished", Utc(), nullable=True),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("reading", name=op.f("pk_readings")),
    )
    op.create_index(
        op.f("ix_readings_portal_reading"), "readings", ["portal", "reading"], unique=False
    )


def _make_companies() -> None:
    op.create_table(
        "companies",
        sa.Column("portal", sa.Text(), nullable=False),
        sa.Column("company", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("reading", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("status", sa.Text(), nullable=True),
        sa.Column("skip", sa.Boolean(), nullable=False),
        sa.Column("partner", sa.Boolean(), nullable=False),
        sa.Column("ignore_count", sa.Boolean(), nullable=False),
        sa.Column("connection_key", sa.Text(), nullable=True),
        sa.Column("account_key", sa.Text(), nullable=True),
        sa.Column("subscription", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("portal", "company", name=op.f("pk_companies")),
    )
    op.create_index(
        op.f("ix_companies_portal_connection_key_account_key"),
        "companies",
        ["portal", "connection_key", "account_key"],
        unique=False,
    )
    op.create_index(
        op.f("ix_companies_portal_partner"), "companies", ["portal", "partner"], unique=False
    )


def _make_records() -> None:
    op.create_table(
        "records",
        sa.Column("portal", sa.Text(), nullable=False),
        sa.Column("company", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("record", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("reading", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("updated", sa.Text(), nullable=True),
        sa.Column("rows_read", sa.Boolean(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("portal", "company", "kind", "record", name=op.f("pk_records")),
    )
    op.create_index(
        op.f("ix_records_portal_kind_record"), "records", ["portal", "kind", "record"], unique=False
    )
    op.create_index(
        op.f("ix_records_portal_kind_rows_read_record"),
        "records",
        ["portal", "kind", "rows_read", "record"],
        unique=False,
    )


def _make_snapshots() -> None:
    op.create_table(
        "snapshots",
        sa.Column("snapshot", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("started", Utc(), nullable=False),
        sa.Column("finished", Utc(), nullable=True),
        sa.PrimaryKeyConstraint("snapshot", name=op.f("pk_snapshots")),
    )
    op.create_index(
        op.f("ix_snapshots_connection_snapshot"),
        "snapshots",
        ["connection", "snapshot"],
        unique=False,
    )


def _make_wialon_accounts() -> None:
    op.create_table(
        "wialon_accounts",
        sa.Column("snapshot", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("account", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("parent", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["snapshot"], ["snapshots.snapshot"], name=op.f("fk_wialon_accounts_snapshot")
        ),
        sa.PrimaryKeyConstraint("snapshot", "account", name=op.f("pk_wialon_accounts")),
    )
    op.create_index(
        op.f("ix_wialon_accounts_snapshot_name"),
        "wialon_accounts",
        ["snapshot", "name"],
        unique=False,
    )
    op.create_index(
        op.f("ix_wialon_accounts_snapshot_parent"),
        "wialon_accounts",
        ["snapshot", "parent"],
        unique=False,
    )


def _make_wialon_units() -> None:
    op.create_table(
        "wialon_units",
        sa.Column("snapshot", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("account", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("unit", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["snapshot"], ["snapshots.snapshot"], name=op.f("fk_wialon_units_snapshot")
        ),
        sa.PrimaryKeyConstraint("snapshot", "account", "unit", name=op.f("pk_wialon_units")),
    )


def _make_effects() -> None:
    op.create_table(
        "effects",
        sa.Column("effect", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("portal", sa.Text(), nullable=False),
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("company", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("waits", sa.Integer(), nullable=False),
        sa.Column("portal_id", sa.BigInteger(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("claim_by", sa.Text(), nullable=True),
        sa.Column("claim_until", Utc(), nullable=True),
        sa.Column("sent_at", Utc(), nullable=True),
        sa.Column("written_at", Utc(), nullable=True),
        sa.Column("due", Utc(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["run"], ["runs.run"], name=op.f("fk_effects_run")),
        sa.PrimaryKeyConstraint("effect", name=op.f("pk_effects")),
        sa.UniqueConstraint("portal", "key", name=op.f("uq_effects_portal_key")),
    )
    op.create_index(
        op.f("ix_effects_portal_company_status"),
        "effects",
        ["portal", "company", "status"],
        unique=False,
    )
    op.create_index(op.f("ix_effects_portal_status"), "effects", ["portal", "status"], unique=False)
    op.create_index(
        op.f("ix_effects_run_status_waits_due"),
        "effects",
        ["run", "status", "waits", "due"],
        unique=False,
    )
    op.create_index(
        op.f("ix_effects_run_status_waits_rank_due"),
        "effects",
        ["run", "status", "waits", "rank", "due"],
        unique=False,
    )


def _make_effect_after() -> None:
    op.create_table(
        "effect_after",
        sa.Column(
            "effect",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column(
            "after",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["after"], ["effects.effect"], name=op.f("fk_effect_after_after"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["effect"], ["effects.effect"], name=op.f("fk_effect_after_effect"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("effect", "after", name=op.f("pk_effect_after")),
    )
    op.create_index(op.f("ix_effect_after_after"), "effect_after", ["after"], unique=False)


def _make_receipts() -> None:
    op.create_table(
        "receipts",
        sa.Column("receipt", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("company", sa.BigInteger(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("portal_id", sa.BigInteger(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("receipt", name=op.f("pk_receipts")),
    )
    op.create_index(op.f("ix_receipts_key"), "receipts", ["key"], unique=False)
    op.create_index(op.f("ix_receipts_run_receipt"), "receipts", ["run", "receipt"], unique=False)


def _make_audit() -> None:
    op.create_table(
        "audit",
        sa.Column("entry", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("portal", sa.Text(), nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("run", sa.Text(), nullable=True),
        sa.Column("company", sa.BigInteger(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("entry", name=op.f("pk_audit")),
    )
    op.create_index(op.f("ix_audit_portal_at"), "audit", ["portal", "at"], unique=False)


def _make_parked() -> None:
    op.create_table(
        "parked",
        sa.Column("parking", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("portal", sa.Text(), nullable=False),
        sa.Column("company", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("run", sa.Text(), nullable=True),
        sa.Column("since", Utc(), nullable=False),
        sa.Column("released", Utc(), nullable=True),
        sa.Column("released_by", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("parking", name=op.f("pk_parked")),
    )
    op.create_index(
        op.f("ix_parked_portal_company_released"),
        "parked",
        ["portal", "company", "released"],
        unique=False,
    )


def _make_flags() -> None:
    op.create_table(
        "flags",
        sa.Column("portal", sa.Text(), nullable=False),
        sa.Column("flag", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("since", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("portal", "flag", name=op.f("pk_flags")),
    )


def _make_shared_states() -> None:
    op.create_table(
        "shared_states",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_shared_states")),
    )


def _make_credits() -> None:
    op.create_table(
        "credits",
        sa.Column("credit", sa.Text(), nullable=False),
        sa.Column("portal", sa.Text(), nullable=False),
        sa.Column("company", sa.BigInteger(), nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("granted", sa.BigInteger(), nullable=False),
        sa.Column("approved", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("credit", name=op.f("pk_credits")),
    )
    op.create_index(
        op.f("ix_credits_portal_company"), "credits", ["portal", "company"], unique=False
    )


def _make_credit_uses() -> None:
    op.create_table(
        "credit_uses",
        sa.Column("credit", sa.Text(), nullable=False),
        sa.Column("invoice_key", sa.Text(), nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("credit", "invoice_key", name=op.f("pk_credit_uses")),
    )
