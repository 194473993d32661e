"""The engine: DBOS configured, launched and taken down; or looked at from outside.

Source: engine page; DBOS 3.4.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dbos import DBOS, DBOSClient, DBOSConfig, DBOSPortableJSONSerializer
from sqlalchemy import Engine, ExceptionContext, create_engine, event, inspect, make_url
from sqlalchemy.exc import SQLAlchemyError

from stavbill.errors import StoreError
from stavbill.files import keep_private
from stavbill.workflows import month, single
from stavbill.workflows.queues import register_queues

NAME = "stavbill"
# Where the engine keeps its tables on a server, and one of them.
SCHEMA, A_TABLE = "dbos", "workflow_status"
# By hand, never a hash of the code: an upgrade goes on with what the version before it began.
# Raised only when a workflow's shape changes, after the old ones have drained.
VERSION = "wf-1"
WORKFLOWS = (month.month, month.plan, month.apply, single.operation)


def launch_engine(url: str, *, executor: str) -> None:
    """Launch the engine of this process on its database; `executor` names no other process."""
    config: DBOSConfig = {
        "name": NAME,
        "system_database_url": url,
        "executor_id": executor,
        "application_version": VERSION,
        "log_level": "ERROR",
        "serializer": DBOSPortableJSONSerializer(),
    }
    if not event.contains(Engine, "handle_error", _call_it_away):
        event.listen(Engine, "handle_error", _call_it_away)
    _keep_private(url)
    DBOS(config=config)
    DBOS.launch()
    register_queues()


def _call_it_away(trouble: ExceptionContext) -> None:
    """Tell the engine that a database which cannot be connected to is away, whatever it said.

    The engine waits for one that is away. It knows that by the driver's words, but not by all of
    them (a socket that is missing while the server starts again): there it let a workflow drop.
    """
    is_server = trouble.dialect.name == "postgresql"
    if is_server and trouble.connection is None and trouble.sqlalchemy_exception is not None:
        trouble.is_disconnect = True


def stop_engine(wait_s: int = 0) -> None:
    """Take nothing more from the queues, wait a little for what runs, and let go."""
    DBOS.destroy(workflow_completion_timeout_sec=wait_s)


@contextmanager
def open_client(url: str) -> Iterator[DBOSClient]:
    """Look at the engine's database from outside a worker; it is made where no worker has made it.

    Raises `StoreError` when it cannot be reached.
    """
    try:
        _keep_private(url)
        _make_tables(url)
        client = DBOSClient(
            system_database_url=url,
            serializer=DBOSPortableJSONSerializer(),
            application_name=NAME,
            retry_connection_errors=False,
        )
    except (SQLAlchemyError, OSError) as error:
        msg = "База движка не открывается. Проверьте database.url и права на папку с базой."
        raise StoreError(msg) from error
    try:
        yield client
    finally:
        client.destroy()


def _keep_private(url: str) -> None:
    known = make_url(url)
    if known.get_backend_name() == "sqlite" and known.database:
        keep_private(Path(known.database))


def _make_tables(url: str) -> None:
    known = make_url(url)
    is_server = known.get_backend_name() == "postgresql"
    engine = create_engine(known.set(drivername="postgresql+psycopg") if is_server else known)
    try:
        if not inspect(engine).has_table(A_TABLE, schema=SCHEMA if is_server else None):
            DBOS.migrate(url)
    finally:
        engine.dispose()
