"""Posts that came in by HTTP: stored before they are answered, begun until they are dealt with.

A post stays NEW until somebody has dealt with it; each beginning is an attempt with a number and a
workflow of its own. `due` says when a NEW post is looked at again.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, func, insert, or_, select
from sqlalchemy import update as update_of

from stavbill.store.service_tables import inbox

# Kinds that only read what changed: they wait a little for others to be read with them.
CHANGES = ("company_changed", "invoice_changed")
# Kinds that ask for something to be done: pressed again before it is done, they are one request.
ASKED = ("bill", "rerun", "explain")
COLLECTS = timedelta(seconds=5)


class PostState(Enum):
    """How far a post came."""

    NEW = "new"
    DONE = "done"
    ABSORBED = "absorbed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """What somebody asks for: `event` names the request, `kind` what to do, with which company.

    `body` holds ids only. `request` is what an unnamed request has in common with its repeats;
    None where the sender named it. `times` counts how often the same request came, `attempts` how
    often it was begun, the last time as `workflow`. `found` is the company that it was about.
    """

    event: str
    kind: str
    company: int | None = None
    body: dict[str, Any] = field(default_factory=dict)
    request: str | None = None
    state: PostState = PostState.NEW
    times: int = 1
    detail: str = ""
    received: datetime | None = None
    attempts: int = 0
    workflow: str = ""
    due: datetime | None = None
    found: int | None = None


@dataclass(slots=True)
class _Standing:
    """What of the wanted posts stands in the inbox already, or has just been put there."""

    named: set[str]
    waiting: dict[str, str]


def put_posts(
    db: Connection, portal: str, posts: Sequence[Post], *, at: datetime
) -> list[tuple[str, bool]]:
    """Store posts; return for each the event's name and whether it is new.

    A request with a name of its own is never done twice. One without is a repeat while its like
    waits to be dealt with: a thing that changed, until somebody begins to read it. Afterwards it
    is a new request, and gets a name that is free.
    """
    standing = _standing(db, portal, posts)
    told: list[tuple[str, bool]] = []
    repeated: list[str] = []
    fresh: list[dict[str, object]] = []
    for post in posts:
        like = standing.waiting.get(post.request or "")
        if post.request is None and post.event in standing.named:
            like = post.event
        if like is not None:
            repeated.append(like)
            told.append((like, False))
            continue
        name = _free_name(db, portal, post.event, standing.named)
        standing.named.add(name)
        if post.request is not None:
            standing.waiting[post.request] = name
        fresh.append(_row(portal, post, at) | {"event": name})
        told.append((name, True))
    if fresh:
        db.execute(insert(inbox), fresh)
    for event in repeated:
        db.execute(_one(portal, event).values(times=inbox.c.times + 1))
    return told


def _standing(db: Connection, portal: str, posts: Sequence[Post]) -> _Standing:
    names = {post.event for post in posts}
    requests = {post.request for post in posts if post.request is not None}
    is_new = inbox.c.state == PostState.NEW.value
    is_repeated = or_(inbox.c.kind.in_(ASKED), inbox.c.attempts == 0)
    named = db.execute(
        select(inbox.c.event).where(inbox.c.portal == portal, inbox.c.event.in_(names))
    )
    like = db.execute(
        select(inbox.c.request, inbox.c.event)
        .where(inbox.c.portal == portal, inbox.c.request.in_(requests), is_new, is_repeated)
        .order_by(inbox.c.post)
    )
    return _Standing({row.event for row in named}, {row.request: row.event for row in like})


def _free_name(db: Connection, portal: str, event: str, taken: set[str]) -> str:
    name, number = event, 1
    while name in taken or (number > 1 and read_post(db, portal, name) is not None):
        number += 1
        name = f"{event}~{number}"
    return name


def _row(portal: str, post: Post, at: datetime) -> dict[str, object]:
    return {
        "portal": portal,
        "event": post.event,
        "request": post.request,
        "kind": post.kind,
        "company": post.company,
        "body": _body(post),
        "state": PostState.NEW.value,
        "times": 1,
        "detail": "",
        "received": at,
        "due": at + COLLECTS if post.kind in CHANGES else at,
    }


def _body(post: Post) -> str:
    return json.dumps(post.body, ensure_ascii=False, sort_keys=True)


def _one(portal: str, event: str) -> Any:  # noqa: ANN401  SQLAlchemy's own statement
    """Return the beginning of a change to one post."""
    return update_of(inbox).where(inbox.c.portal == portal, inbox.c.event == event)


def _still_new(portal: str, event: str) -> Any:  # noqa: ANN401  SQLAlchemy's own statement
    """Return the beginning of a change to one post that nobody has dealt with."""
    return _one(portal, event).where(inbox.c.state == PostState.NEW.value)


# ------------------------------------------------------------------------------------ waiting
def waiting_posts(db: Connection, portal: str, *, limit: int = 500) -> tuple[Post, ...]:
    """Return posts that nobody has dealt with yet, the oldest first."""
    return _waiting(db, portal, limit=limit)


def due_posts(
    db: Connection, portal: str, *, at: datetime, limit: int, but: Collection[str] = ()
) -> tuple[Post, ...]:
    """Return posts to look at now, the oldest first; not those of the kinds `but`."""
    return _waiting(
        db,
        portal,
        or_(inbox.c.due.is_(None), inbox.c.due <= at),
        inbox.c.kind.not_in(but),
        limit=limit,
    )


def unread_changes(db: Connection, portal: str, *, limit: int) -> tuple[Post, ...]:
    """Return changes that nobody has begun to read, due or not, the oldest first."""
    return _waiting(db, portal, inbox.c.kind.in_(CHANGES), inbox.c.attempts == 0, limit=limit)


def _waiting(
    db: Connection, portal: str, *wanted: ColumnElement[bool], limit: int
) -> tuple[Post, ...]:
    rows = db.execute(
        select(inbox)
        .where(inbox.c.portal == portal, inbox.c.state == PostState.NEW.value, *wanted)
        .order_by(inbox.c.post)
        .limit(limit)
    )
    return tuple(_post(row) for row in rows)


def read_post(db: Connection, portal: str, event: str) -> Post | None:
    """Return a post by its event's name."""
    row = db.execute(
        select(inbox).where(inbox.c.portal == portal, inbox.c.event == event)
    ).one_or_none()
    return None if row is None else _post(row)


# ------------------------------------------------------------------------------------ changes
def note_attempt(db: Connection, portal: str, post: Post, workflow: str, *, due: datetime) -> bool:
    """Say that the post's next attempt was begun as `workflow`, and when to look after it.

    False when another worker has said so before, or the post has ended.
    """
    changed = db.execute(
        _still_new(portal, post.event)
        .where(inbox.c.attempts == post.attempts)
        .values(attempts=post.attempts + 1, workflow=workflow, due=due)
    )
    return bool(changed.rowcount)


def put_off(
    db: Connection, portal: str, event: str, due: datetime, *, detail: str | None = None
) -> None:
    """Let a post that nobody has dealt with wait until a time; say why, where that is known."""
    why = {} if detail is None else {"detail": detail}
    db.execute(_still_new(portal, event).values(due=due, **why))


def keep_found(db: Connection, portal: str, event: str, company: int) -> None:
    """Keep the company that was found out for a post."""
    db.execute(_one(portal, event).values(found=company))


def end_post(
    db: Connection, portal: str, event: str, state: PostState, *, at: datetime, detail: str = ""
) -> bool:
    """Say that a post has been dealt with, and how; False when it had ended before."""
    ended = db.execute(_still_new(portal, event).values(state=state.value, detail=detail, ended=at))
    return bool(ended.rowcount)


def absorb_posts(db: Connection, portal: str, post: Post, *, before: datetime, at: datetime) -> int:
    """End the other waiting posts that ask for the same of the same thing; return how many.

    Only for what reads the portal afresh: having been read once is as good as thrice. Said after
    the reading, of what had come `before` it began: whatever changes later is read again.
    """
    same = and_(
        inbox.c.portal == portal,
        inbox.c.kind == post.kind,
        inbox.c.company.is_(None) if post.company is None else inbox.c.company == post.company,
        inbox.c.body == _body(post),
        inbox.c.received < before,
    )
    ended = db.execute(
        update_of(inbox)
        .where(same, inbox.c.state == PostState.NEW.value, inbox.c.event != post.event)
        .values(state=PostState.ABSORBED.value, detail=post.event, ended=at)
    )
    return ended.rowcount


# -------------------------------------------------------------------------------------- looks
def inbox_counts(db: Connection, portal: str, kinds: Collection[str] = ()) -> dict[str, int]:
    """Return how many posts stand where, by state; of some kinds, or all."""
    query = select(inbox.c.state, func.count().label("posts")).where(inbox.c.portal == portal)
    if kinds:
        query = query.where(inbox.c.kind.in_(kinds))
    return {row.state: row.posts for row in db.execute(query.group_by(inbox.c.state))}


def tried_posts(db: Connection, portal: str, *, limit: int) -> tuple[Post, ...]:
    """Return waiting posts of which an attempt came to nothing, the oldest first."""
    return _waiting(db, portal, inbox.c.detail != "", limit=limit)


def posts_of_workflow(db: Connection, portal: str, workflow: str) -> tuple[Post, ...]:
    """Return the posts whose last attempt is a workflow, whether they have ended or not."""
    rows = db.execute(
        select(inbox)
        .where(inbox.c.portal == portal, inbox.c.workflow == workflow)
        .order_by(inbox.c.post)
    )
    return tuple(_post(row) for row in rows)


def wake_post(db: Connection, portal: str, event: str, *, at: datetime) -> None:
    """Let a post that somebody cancelled be begun again."""
    db.execute(
        _one(portal, event)
        .where(inbox.c.state == PostState.FAILED.value)
        .values(state=PostState.NEW.value, detail="", ended=None, due=at)
    )


def forget_posts(db: Connection, *, before: datetime) -> int:
    """Forget posts that ended before a time."""
    return db.execute(delete(inbox).where(inbox.c.ended < before)).rowcount


def _post(row: Row[Any]) -> Post:
    return Post(
        event=row.event,
        kind=row.kind,
        company=row.company,
        body=json.loads(row.body),
        request=row.request,
        state=PostState(row.state),
        times=row.times,
        detail=row.detail,
        received=row.received,
        attempts=row.attempts,
        workflow=row.workflow,
        due=row.due,
        found=row.found,
    )
