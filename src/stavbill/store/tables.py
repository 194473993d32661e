"""Every table, subject by subject. Bodies are JSON texts of the core's records.

A portal is named by its host, a Wialon connection by its name in the configuration, money is
kopecks. Migrations make these tables; a test compares the two.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    ForeignKey,
    Identity,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

from stavbill.store.types import Utc

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite numbers rows by itself only when the key is its INTEGER; both hold 64 bits.
RowId = BigInteger().with_variant(Integer, "sqlite")

# ------------------------------------------------------------------------------------- runs
runs = Table(
    "runs",
    metadata,
    Column("run", Text, primary_key=True),
    Column("portal", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("on_date", Date, nullable=False),
    Column("state", Text, nullable=False),
    Column("dry_run", Boolean, nullable=False),
    Column("totals", Text, nullable=False),
    Column("forecast", Text, nullable=False),
    Column("requests", Integer, nullable=False),
    Column("detail", Text, nullable=False),
    Column("started", Utc, nullable=False),
    Column("finished", Utc),
    Index(None, "portal", "started"),
)

decisions = Table(
    "decisions",
    metadata,
    Column("run", Text, ForeignKey("runs.run", ondelete="CASCADE"), primary_key=True),
    Column("company", BigInteger, primary_key=True, autoincrement=False),
    Column("portal", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("facts", Text, nullable=False),
    Column("decision", Text, nullable=False),
    Column("sums", Text, nullable=False),
    Column("decided", Utc, nullable=False),
    Index(None, "portal", "company", "decided"),
)

decision_reasons = Table(
    "decision_reasons",
    metadata,
    Column("run", Text, ForeignKey("runs.run", ondelete="CASCADE"), primary_key=True),
    Column("company", BigInteger, primary_key=True, autoincrement=False),
    Column("reason", Text, primary_key=True),
)

# ----------------------------------------------------------------------------------- mirror
readings = Table(
    "readings",
    metadata,
    Column("reading", RowId, Identity(), primary_key=True),
    Column("portal", Text, nullable=False),
    Column("whole", Boolean, nullable=False),
    Column("state", Text, nullable=False),
    Column("started", Utc, nullable=False),
    Column("finished", Utc),
    Column("rows", Integer, nullable=False),
    Index(None, "portal", "reading"),
    sqlite_autoincrement=True,
)

companies = Table(
    "companies",
    metadata,
    Column("portal", Text, primary_key=True),
    Column("company", BigInteger, primary_key=True, autoincrement=False),
    Column("reading", RowId, nullable=False),
    Column("status", Text),
    Column("skip", Boolean, nullable=False),
    Column("partner", Boolean, nullable=False),
    Column("ignore_count", Boolean, nullable=False),
    # Connection (case ignored) and account without spaces around; NULL when either is empty.
    Column("connection_key", Text),
    Column("account_key", Text),
    Column("subscription", Text, nullable=False),
    Column("body", Text, nullable=False),
    Index(None, "portal", "connection_key", "account_key"),
    Index(None, "portal", "partner"),
)

records = Table(
    "records",
    metadata,
    Column("portal", Text, primary_key=True),
    Column("company", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", Text, primary_key=True),
    Column("record", BigInteger, primary_key=True, autoincrement=False),
    Column("reading", RowId, nullable=False),
    # Of invoices only: our key, the portal's time of change, whether rows are in the body.
    Column("external_id", Text),
    Column("updated", Text),
    Column("rows_read", Boolean),
    Column("body", Text, nullable=False),
    Index(None, "portal", "kind", "record"),
    Index(None, "portal", "kind", "rows_read", "record"),
)

# ----------------------------------------------------------------------------------- wialon
snapshots = Table(
    "snapshots",
    metadata,
    Column("snapshot", RowId, Identity(), primary_key=True),
    Column("connection", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("started", Utc, nullable=False),
    Column("finished", Utc),
    Index(None, "connection", "snapshot"),
    sqlite_autoincrement=True,
)

wialon_accounts = Table(
    "wialon_accounts",
    metadata,
    Column("snapshot", RowId, ForeignKey("snapshots.snapshot"), primary_key=True),
    Column("account", BigInteger, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
    Column("parent", BigInteger),
    Index(None, "snapshot", "name"),
    Index(None, "snapshot", "parent"),
)

wialon_units = Table(
    "wialon_units",
    metadata,
    Column("snapshot", RowId, ForeignKey("snapshots.snapshot"), primary_key=True),
    Column("account", BigInteger, primary_key=True, autoincrement=False),
    Column("unit", BigInteger, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
    Column("state", Text, nullable=False),
)

# ---------------------------------------------------------------------------------- journal
effects = Table(
    "effects",
    metadata,
    Column("effect", RowId, Identity(), primary_key=True),
    Column("key", Text, nullable=False),
    Column("portal", Text, nullable=False),
    Column("run", Text, ForeignKey("runs.run"), nullable=False),
    Column("company", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    # Kinds in the order in which they are sent: invoices are 0.
    Column("rank", Integer, nullable=False),
    Column("body", Text, nullable=False),
    Column("status", Text, nullable=False),
    # How many predecessors are not done yet.
    Column("waits", Integer, nullable=False),
    Column("portal_id", BigInteger),
    Column("attempts", Integer, nullable=False),
    Column("claim_by", Text),
    Column("claim_until", Utc),
    Column("sent_at", Utc),
    Column("written_at", Utc),
    # Nothing happens to the row before this: not sent, not asked for, not read back.
    Column("due", Utc, nullable=False),
    Column("detail", Text, nullable=False),
    # The process that knows the effect is not there: it recorded it, or asked the portal since.
    Column("known_by", Text, nullable=False, server_default=""),
    UniqueConstraint("portal", "key"),
    Index(None, "run", "status", "waits", "rank", "due"),
    Index(None, "portal", "company", "status"),
    Index(None, "run", "status", "waits", "due"),
    Index(None, "portal", "status"),
    Index(None, "portal", "kind", "written_at"),
    sqlite_autoincrement=True,
)

effect_after = Table(
    "effect_after",
    metadata,
    Column(
        "effect",
        RowId,
        ForeignKey("effects.effect", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    ),
    Column(
        "after",
        RowId,
        ForeignKey("effects.effect", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    ),
    Index(None, "after"),
)

receipts = Table(
    "receipts",
    metadata,
    Column("receipt", RowId, Identity(), primary_key=True),
    Column("run", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("company", BigInteger, nullable=False),
    Column("what", Text, nullable=False),
    Column("portal_id", BigInteger),
    Column("detail", Text, nullable=False),
    Column("at", Utc, nullable=False),
    Index(None, "run", "receipt"),
    Index(None, "key"),
    sqlite_autoincrement=True,
)

# ------------------------------------------------------------------------------ governance
audit = Table(
    "audit",
    metadata,
    Column("entry", RowId, Identity(), primary_key=True),
    Column("portal", Text, nullable=False),
    Column("at", Utc, nullable=False),
    Column("who", Text, nullable=False),
    Column("what", Text, nullable=False),
    Column("run", Text),
    Column("company", BigInteger),
    Column("detail", Text, nullable=False),
    Index(None, "portal", "at"),
    sqlite_autoincrement=True,
)

parked = Table(
    "parked",
    metadata,
    Column("parking", RowId, Identity(), primary_key=True),
    Column("portal", Text, nullable=False),
    Column("company", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("run", Text),
    Column("since", Utc, nullable=False),
    Column("released", Utc),
    Column("released_by", Text),
    Index(None, "portal", "company", "released"),
    sqlite_autoincrement=True,
)

flags = Table(
    "flags",
    metadata,
    Column("portal", Text, primary_key=True),
    Column("flag", Text, primary_key=True),
    Column("reason", Text, nullable=False),
    Column("who", Text, nullable=False),
    Column("since", Utc, nullable=False),
)

shared_states = Table(
    "shared_states",
    metadata,
    Column("name", Text, primary_key=True),
    Column("text", Text, nullable=False),
)

# ---------------------------------------------------------------------------------- credits
granted_credits = Table(
    "credits",
    metadata,
    Column("credit", Text, primary_key=True),
    Column("portal", Text, nullable=False),
    Column("company", BigInteger, nullable=False),
    Column("service", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("granted", BigInteger, nullable=False),
    Column("approved", Date, nullable=False),
    Index(None, "portal", "company"),
)

credit_uses = Table(
    "credit_uses",
    metadata,
    # No foreign key: what an invoice consumed is kept even of a credit that nobody knows.
    Column("credit", Text, primary_key=True),
    Column("invoice_key", Text, primary_key=True),
    Column("used", BigInteger, nullable=False),
    Column("at", Utc, nullable=False),
)
