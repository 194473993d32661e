"""The installation: a database's own random id, its epoch, and the lineage of its marks.

A portal is written to by one installation. What makes it known there is the mark of
`bitrix.portal_mark`; the store keeps what belongs to it:

- `id` is drawn once, when a database first asks for it. A copy of the database has the same id.
- `epoch` is raised by whoever takes a portal over, and by whoever adopts a restored copy
  (`raise_epoch`). The higher epoch of the same id is the one that may write.
- `lineage` counts the marks that this database has put on the portal, `token` names the last one.
  Every mark is an effect of the journal, so a database knows exactly the tokens that it has
  recorded (`knows_token`). A portal whose newest mark bears our id and a token that we do not know
  was written to by a database that is ahead of this one: ours is a copy that fell behind.

`know_installation` gives the row and makes it when there is none; `read_installation` only reads.
Whoever keeps a high-water mark outside the database writes `id`, `epoch` and `lineage` there.

Source: beyond 15; docs/decisions/012-one-portal-one-store.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select, update

from stavbill.drawn import drawn_name
from stavbill.plan.keys import MARK_PREFIX
from stavbill.store.database import Store, insert_missing
from stavbill.store.parking import write_audit
from stavbill.store.service_tables import installation
from stavbill.store.tables import effects

# There is one row, whatever happens at the same time.
_ONLY = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """One database's identity.

    `since` is when its epoch began; `token` is "" before its first mark.
    """

    id: str
    epoch: int
    lineage: int
    token: str
    since: datetime


def read_installation(db: Connection) -> Installation | None:
    """Return the installation, None in a database that has never asked who it is."""
    row = db.execute(select(installation).where(installation.c.number == _ONLY)).one_or_none()
    return None if row is None else _installation(row)


def know_installation(store: Store, *, at: datetime) -> Installation:
    """Return the installation of a database; a new id is drawn in one that has none."""
    with store.read() as db:
        known = read_installation(db)
    if known is not None:
        return known
    with store.write() as db:
        row = {
            "number": _ONLY,
            "id": drawn_name() + drawn_name(),
            "epoch": 1,
            "lineage": 0,
            "token": "",
            "since": at,
        }
        # Of two processes that ask at once, the second gets what the first has drawn.
        insert_missing(db, installation, [row])
        found = read_installation(db)
    if found is None:
        msg = "the installation that was drawn is not there"
        raise LookupError(msg)
    return found


def raise_epoch(
    db: Connection, portal: str, *, above: int, who: str, why: str, at: datetime
) -> Installation:
    """Begin a new epoch, above ours and above another; return the installation as it is now.

    Until its mark stands on the portal nothing is written: other databases of the same id stop
    at the mark's epoch. Needs the row: call `know_installation` first.
    """
    known = db.execute(
        select(installation).where(installation.c.number == _ONLY).with_for_update()
    ).one()
    epoch = max(int(known.epoch), above) + 1
    db.execute(
        update(installation).where(installation.c.number == _ONLY).values(epoch=epoch, since=at)
    )
    write_audit(db, portal, who=who, what="epoch", detail=f"{epoch}: {why}", at=at)
    return _installation(
        db.execute(select(installation).where(installation.c.number == _ONLY)).one()
    )


def note_mark(db: Connection, *, lineage: int, token: str) -> None:
    """Keep the last mark that stands on the portal; never an earlier one than is known."""
    db.execute(
        update(installation)
        .where(installation.c.number == _ONLY, installation.c.lineage < lineage)
        .values(lineage=lineage, token=token)
    )


def knows_token(db: Connection, portal: str, token: str) -> bool:
    """Say whether this database has recorded the mark of that name, settled or not."""
    found = db.execute(
        select(effects.c.effect).where(
            effects.c.portal == portal, effects.c.key == f"{MARK_PREFIX}{token}"
        )
    ).first()
    return found is not None


def _installation(row: Row[Any]) -> Installation:
    return Installation(
        id=row.id, epoch=row.epoch, lineage=row.lineage, token=row.token, since=row.since
    )
