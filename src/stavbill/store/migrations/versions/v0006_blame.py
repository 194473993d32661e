"""Documents that fail for the seller's own papers: whose they are, so that it is told once."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the seller to blame to revisions."""
    with op.batch_alter_table("sendings") as sendings:
        sendings.add_column(sa.Column("blame", sa.Text(), nullable=False, server_default=""))
