"""Posts are begun again: which attempt it is, when the next one is due; repeats told by portal."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from stavbill.store.types import Utc

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add attempts to posts, and let two portals have events of the same name."""
    with op.batch_alter_table("inbox") as inbox:
        inbox.add_column(sa.Column("request", sa.Text(), nullable=True))
        inbox.add_column(sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"))
        inbox.add_column(sa.Column("workflow", sa.Text(), nullable=False, server_default=""))
        inbox.add_column(sa.Column("due", Utc(), nullable=True))
        inbox.add_column(sa.Column("found", sa.BigInteger(), nullable=True))
        inbox.drop_constraint(op.f("uq_inbox_event"), type_="unique")
        inbox.create_unique_constraint(op.f("uq_inbox_portal_event"), ["portal", "event"])
    # Whoever was begun before has its workflow; it is looked at, and begun again if that ended.
    op.execute("UPDATE inbox SET workflow = 'hook:' || event, attempts = 1 WHERE state = 'new'")
    op.create_index(
        op.f("ix_inbox_portal_request_state"),
        "inbox",
        ["portal", "request", "state"],
        unique=False,
    )
