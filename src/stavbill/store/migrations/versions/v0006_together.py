"""Revisions know whose papers keep their document; effects of one command share a rank."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the seller to blame to revisions, and give what was planned before its new rank."""
    with op.batch_alter_table("sendings") as sendings:
        sendings.add_column(sa.Column("blame", sa.Text(), nullable=False, server_default=""))
    op.execute("UPDATE effects SET rank = 1 WHERE rank IN (2, 3)")
