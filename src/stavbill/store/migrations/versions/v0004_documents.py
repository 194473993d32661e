"""Documents: the printed invoice of each revision, kept as a record."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from stavbill.store.types import Utc

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

RowId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the table of printed invoices."""
    op.create_table(
        "sending_documents",
        sa.Column("sending", RowId, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("made", Utc(), nullable=False),
        sa.ForeignKeyConstraint(
            ["sending"],
            ["sendings.sending"],
            name=op.f("fk_sending_documents_sending"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("sending", name=op.f("pk_sending_documents")),
    )
