"""Tables of the unattended service: workers, parts of a run, schedules, posts, findings.

What they hold is small and may be forgotten some day; what accounting needs stands in `tables`.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
)

from stavbill.store.tables import RowId, metadata
from stavbill.store.types import Utc

# ---------------------------------------------------------------------------------- workers
# One row for each start of a worker; `owner` names the process, `seen` is its heartbeat.
workers = Table(
    "workers",
    metadata,
    Column("owner", Text, primary_key=True),
    Column("version", Text, nullable=False),
    Column("started", Utc, nullable=False),
    Column("seen", Utc, nullable=False),
    # Set when the worker said good-bye, or when somebody took its work over.
    Column("ended", Utc),
    Index(None, "ended", "seen"),
)

# Which chunk of a run was planned, and what it came to: a JSON document that is added up later.
run_parts = Table(
    "run_parts",
    metadata,
    Column("run", Text, ForeignKey("runs.run", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("body", Text, nullable=False),
    Column("at", Utc, nullable=False),
)

# The last time of each schedule that was begun: what lies between it and now was missed.
schedules = Table(
    "schedules",
    metadata,
    Column("portal", Text, primary_key=True),
    Column("job", Text, primary_key=True),
    Column("last", Utc, nullable=False),
)

# ------------------------------------------------------------------------------------ inbox
# What came in by HTTP, stored before it is answered. `event` names one of them.
inbox = Table(
    "inbox",
    metadata,
    Column("post", RowId, Identity(), primary_key=True),
    Column("portal", Text, nullable=False),
    Column("event", Text, nullable=False),
    # What an unnamed request has in common with its repeats; NULL where `event` is its own name.
    Column("request", Text),
    # What is asked for: `rerun`, `company_changed`, …; and of whom, where a company is named.
    Column("kind", Text, nullable=False),
    Column("company", BigInteger),
    Column("body", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("times", Integer, nullable=False),
    Column("detail", Text, nullable=False),
    Column("received", Utc, nullable=False),
    Column("ended", Utc),
    # How often it was begun, the workflow that was begun last, and when it is looked at again.
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("workflow", Text, nullable=False, server_default=""),
    Column("due", Utc),
    # The company that was found out for it, kept because reading may forget how.
    Column("found", BigInteger),
    UniqueConstraint("portal", "event"),
    Index(None, "portal", "state", "post"),
    Index(None, "portal", "request", "state"),
    Index(None, "ended"),
    sqlite_autoincrement=True,
)

# --------------------------------------------------------------------------------- findings
# What the nightly check found: one row for each thing that differs, until it does not any more.
findings = Table(
    "findings",
    metadata,
    Column("finding", RowId, Identity(), primary_key=True),
    Column("portal", Text, nullable=False),
    Column("company", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    # Names the thing: an invoice's key or id, a field.
    Column("subject", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("mended", Boolean, nullable=False),
    Column("first_seen", Utc, nullable=False),
    Column("last_seen", Utc, nullable=False),
    Column("ended", Utc),
    Index(None, "portal", "ended", "company"),
    sqlite_autoincrement=True,
)

# ----------------------------------------------------------------------------- installation
# Which database this is: one row, drawn when it is first asked for.
installation = Table(
    "installation",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("id", Text, nullable=False),
    Column("epoch", Integer, nullable=False),
    # The marks that it has put on the portal, and the name of the last one.
    Column("lineage", Integer, nullable=False),
    Column("token", Text, nullable=False),
    Column("since", Utc, nullable=False),
)

__all__ = [
    "findings",
    "inbox",
    "installation",
    "metadata",
    "run_parts",
    "schedules",
    "workers",
]
