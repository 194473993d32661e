"""Tables of delivery: invoices on their way to customers, messages, what became of them, holds.

`metadata` is the one of `tables`: whoever imports it from here sees every table of the project.
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

from stavbill.store.service_tables import metadata
from stavbill.store.tables import RowId
from stavbill.store.types import Utc

# --------------------------------------------------------------------------------- sendings
# One revision of an invoice that shall reach its customer.
sendings = Table(
    "sendings",
    metadata,
    Column("sending", RowId, Identity(), primary_key=True),
    Column("portal", Text, nullable=False),
    Column("company", BigInteger, nullable=False),
    Column("invoice_key", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    # The invoice's id in the portal.
    Column("portal_id", BigInteger, nullable=False),
    Column("sender", Text, nullable=False),
    Column("state", Text, nullable=False),
    # What the letter says of the invoice, and what a next revision is compared with: JSON.
    Column("body", Text, nullable=False),
    # The portal's own payment page; NULL when there is none, or nobody asked yet.
    Column("pay_link", Text),
    Column("detail", Text, nullable=False),
    Column("blame", Text, nullable=False, server_default=""),
    # Nothing happens to the row before this.
    Column("due", Utc, nullable=False),
    # When the portal was told that the customer has it.
    Column("told", Utc),
    Column("created", Utc, nullable=False),
    UniqueConstraint("portal", "invoice_key", "revision"),
    Index(None, "portal", "state", "due"),
    Index(None, "portal", "company"),
    sqlite_autoincrement=True,
)

# The printed invoice of a revision as a record: every recipient, now and later, gets the same one.
sending_documents = Table(
    "sending_documents",
    metadata,
    Column("sending", RowId, ForeignKey("sendings.sending", ondelete="CASCADE"), primary_key=True),
    Column("body", Text, nullable=False),
    Column("made", Utc, nullable=False),
)

# --------------------------------------------------------------------------------- messages
# One revision to one recipient by one channel. `round` is above 1 only by a person's word.
messages = Table(
    "messages",
    metadata,
    Column("message", RowId, Identity(), primary_key=True),
    Column("sending", RowId, ForeignKey("sendings.sending", ondelete="CASCADE"), nullable=False),
    Column("portal", Text, nullable=False),
    Column("company", BigInteger, nullable=False),
    Column("channel", Text, nullable=False),
    Column("recipient", Text, nullable=False),
    Column("sender", Text, nullable=False),
    Column("round", Integer, nullable=False),
    # How far handing over came (store.messages.Stage), and the best known of it (delivery.status).
    Column("stage", Text, nullable=False),
    Column("status", Text, nullable=False),
    # The channel's own name of the message: a Message-ID, a provider's id.
    Column("reference", Text),
    # What its links sign; NULL of messages whose links sign their number.
    Column("link", Text),
    Column("attempts", Integer, nullable=False),
    Column("claim_by", Text),
    Column("claim_until", Utc),
    Column("first_try", Utc),
    Column("sent_at", Utc),
    Column("due", Utc, nullable=False),
    # Whether a person was told of the refusal or the doubt, once for each round.
    Column("told", Boolean, nullable=False),
    Column("detail", Text, nullable=False),
    UniqueConstraint("sending", "channel", "recipient"),
    Index(None, "portal", "stage", "due"),
    Index(None, "portal", "company"),
    Index(None, "reference"),
    Index(None, "link"),
    sqlite_autoincrement=True,
)

# Everything learned about messages; only ever added to. The same evidence twice is one row.
message_events = Table(
    "message_events",
    metadata,
    Column("event", RowId, Identity(), primary_key=True),
    Column("message", RowId, ForeignKey("messages.message", ondelete="CASCADE"), nullable=False),
    Column("round", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("evidence", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("at", Utc, nullable=False),
    Column("seen", Utc, nullable=False),
    UniqueConstraint("message", "evidence"),
    sqlite_autoincrement=True,
)

# ------------------------------------------------------------------------------------ holds
# «Manual with a comment»: an invoice that is issued, and sent only after a person released it.
sending_holds = Table(
    "sending_holds",
    metadata,
    Column("portal", Text, primary_key=True),
    Column("invoice_key", Text, primary_key=True),
    Column("comment", Text, nullable=False),
    Column("who", Text, nullable=False),
    Column("since", Utc, nullable=False),
)

# -------------------------------------------------------------------------------- reminders
# Which step of the ladder went out for which invoice; each once.
reminders = Table(
    "reminders",
    metadata,
    Column("portal", Text, primary_key=True),
    Column("invoice_key", Text, primary_key=True),
    Column("step", Text, primary_key=True),
    Column("at", Utc, nullable=False),
)

__all__ = [
    "message_events",
    "messages",
    "metadata",
    "reminders",
    "sending_documents",
    "sending_holds",
    "sendings",
]
