"""One database, one portal: said before a worker or the web process begins.

Source: docs/decisions/010-one-database-one-portal.md.
"""

from __future__ import annotations

from datetime import datetime

from stavbill.errors import ConfigError
from stavbill.store.database import Store
from stavbill.store.errors import shown
from stavbill.store.portals import take_for, unfinished_elsewhere
from stavbill.workflows.limits import DEAD_AFTER_S


def refuse_other_portals(store: Store, portal: str, *, now: datetime) -> None:
    """Raise `ConfigError` when another portal's work is under way in this database."""
    with store.read() as db:
        found = unfinished_elsewhere(db, portal)
    other = take_for(store, portal, now=now, alive_s=DEAD_AFTER_S)
    if other is not None:
        found.setdefault(other, "работники живы")
    if not found:
        return
    several = "; ".join(f"{name}: {what}" for name, what in found.items())
    msg = (
        f"База {shown(store.url)}: в ней незаконченная работа другого портала ({several}), а "
        f"настройки называют {portal}. Каждому порталу своя база: другой адрес в database.url. "
        "Если портал переименован, сначала закончите начатое с прежним адресом."
    )
    raise ConfigError(msg)
