"""How Alembic runs our migrations: on the connection that `store.schema` hands over."""

from __future__ import annotations

from alembic import context

from stavbill.store.delivery_tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # SQLite cannot alter a column: Alembic then copies the table.
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
