"""Posts that came in by HTTP: stored before they are answered, ended when they are dealt with."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any

from sqlalchemy import Connection, Row, and_, delete, func, insert, select, update

from stavbill.store.service_tables import inbox


class PostState(Enum):
    """How far a post came."""

    NEW = "new"
    DONE = "done"
    ABSORBED = "absorbed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """What somebody asks for: `event` names the request, `kind` what to do, with which company.

    `body` holds ids only. `times` counts how often the same request came.
    """

    event: str
    kind: str
    company: int | None = None
    body: dict[str, Any] = field(default_factory=dict)
    state: PostState = PostState.NEW
    times: int = 1
    detail: str = ""
    received: datetime | None = None


def put_posts(
    db: Connection, portal: str, posts: Sequence[Post], *, at: datetime
) -> dict[str, bool]:
    """Store posts; return for each event whether it is new.

    A request that was stored before is only counted: it is not done twice.
    """
    wanted = {post.event: post for post in posts}
    rows = db.execute(select(inbox.c.event).where(inbox.c.event.in_(wanted)))
    known = {row.event for row in rows}
    if known:
        db.execute(update(inbox).where(inbox.c.event.in_(known)).values(times=inbox.c.times + 1))
    fresh = [post for event, post in wanted.items() if event not in known]
    if fresh:
        db.execute(insert(inbox), [_row(portal, post, at) for post in fresh])
    return {event: event not in known for event in wanted}


def _row(portal: str, post: Post, at: datetime) -> dict[str, object]:
    return {
        "portal": portal,
        "event": post.event,
        "kind": post.kind,
        "company": post.company,
        "body": json.dumps(post.body, ensure_ascii=False, sort_keys=True),
        "state": PostState.NEW.value,
        "times": 1,
        "detail": "",
        "received": at,
    }


def waiting_posts(db: Connection, portal: str, *, limit: int = 500) -> tuple[Post, ...]:
    """Return posts that nobody has dealt with yet, the oldest first."""
    rows = db.execute(
        select(inbox)
        .where(inbox.c.portal == portal, inbox.c.state == PostState.NEW.value)
        .order_by(inbox.c.post)
        .limit(limit)
    )
    return tuple(_post(row) for row in rows)


def read_post(db: Connection, event: str) -> Post | None:
    """Return a post by its event's name."""
    row = db.execute(select(inbox).where(inbox.c.event == event)).one_or_none()
    return None if row is None else _post(row)


def end_post(
    db: Connection, event: str, state: PostState, *, at: datetime, detail: str = ""
) -> None:
    """Say that a post has been dealt with, and how."""
    db.execute(
        update(inbox)
        .where(inbox.c.event == event)
        .values(state=state.value, detail=detail, ended=at)
    )


def absorb_posts(db: Connection, post: Post, *, at: datetime) -> int:
    """End the other waiting posts that ask for the same of the same thing; return how many.

    Only for what reads the portal afresh: having been read once is as good as thrice. Say it
    before reading, so that whatever changes later is read again.
    """
    same = and_(
        inbox.c.kind == post.kind,
        inbox.c.company.is_(None) if post.company is None else inbox.c.company == post.company,
        inbox.c.body == json.dumps(post.body, ensure_ascii=False, sort_keys=True),
    )
    ended = db.execute(
        update(inbox)
        .where(same, inbox.c.state == PostState.NEW.value, inbox.c.event != post.event)
        .values(state=PostState.ABSORBED.value, detail=post.event, ended=at)
    )
    return ended.rowcount


def inbox_counts(db: Connection, portal: str, kinds: Collection[str] = ()) -> dict[str, int]:
    """Return how many posts stand where, by state; of some kinds, or all."""
    query = select(inbox.c.state, func.count().label("posts")).where(inbox.c.portal == portal)
    if kinds:
        query = query.where(inbox.c.kind.in_(kinds))
    return {row.state: row.posts for row in db.execute(query.group_by(inbox.c.state))}


def forget_posts(db: Connection, *, before: datetime) -> int:
    """Forget posts that ended before a time."""
    return db.execute(delete(inbox).where(inbox.c.ended < before)).rowcount


def _post(row: Row[Any]) -> Post:
    return Post(
        event=row.event,
        kind=row.kind,
        company=row.company,
        body=json.loads(row.body),
        state=PostState(row.state),
        times=row.times,
        detail=row.detail,
        received=row.received,
    )
