"""Posts from the inbox into workflows, and again until each has been dealt with.

The first attempt is `hook:<event>`, the next ones `hook:<event>#2`, …: every worker that begins
one begins the same, and the one that says so first in the inbox has done so. Things that changed
are collected for some seconds and read together by `read:<event>`, named after the first of them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import timedelta

from stavbill.clock import Clock
from stavbill.operations.changes import read_changes
from stavbill.operations.events import handle_post
from stavbill.operations.parts import Parts
from stavbill.operations.putting_off import pause_after
from stavbill.store.control import raised_flags
from stavbill.store.database import Store
from stavbill.store.inbox import CHANGES, Post, due_posts, note_attempt, put_off, unread_changes
from stavbill.workflows.inspect import open_among
from stavbill.workflows.naming import hook_id, read_id
from stavbill.workflows.runtime import Document
from stavbill.workflows.starting import start_operation

SEVERAL = 200
# Companies in one reading: as many as the portal's filters and batches take at once.
TOGETHER = 50
# When to look whether an attempt has ended without a word: a bug, a worker that was lost.
LOOKS_AFTER = timedelta(minutes=1)
# What writes waits while nothing may be written; reading goes on.
WRITES = ("bill", "rerun", "explain", "task_changed")


class Posts:
    """Begins the posts of a portal that are due."""

    def __init__(self, store: Store, clock: Clock, portal: str) -> None:
        self._store = store
        self._clock = clock
        self._portal = portal

    def begin(self) -> int:
        """Begin what waits and is not being dealt with; return how much was begun."""
        with self._store.read() as db:
            but = WRITES if raised_flags(db, self._portal) else ()
            due = due_posts(db, self._portal, at=self._clock.now(), limit=SEVERAL, but=but)
        ready = self._without_those_at_work(due)
        changed = [post for post in ready if post.kind in CHANGES]
        asked = [post for post in ready if post.kind not in CHANGES]
        for post in asked:
            self._begin(post)
        return len(asked) + (self._begin_reading(changed) if changed else 0)

    def _without_those_at_work(self, due: Sequence[Post]) -> list[Post]:
        """Return the posts whose last attempt has ended; look after the others later."""
        at_work = open_among(_begun(due))
        busy = [post for post in due if post.attempts and post.workflow in at_work]
        if busy:
            again = self._clock.now() + LOOKS_AFTER
            with self._store.write() as db:
                for post in busy:
                    put_off(db, self._portal, post.event, again)
        return [post for post in due if post not in busy]

    def _begin(self, post: Post) -> None:
        workflow = hook_id(post.event, post.attempts + 1)
        start_operation(workflow, "post", {"event": post.event})
        # Said after it was begun: whoever dies between the two is followed by one who begins it
        # again, under the same id.
        pause = max(LOOKS_AFTER, pause_after(post.attempts + 1))
        with self._store.write() as db:
            note_attempt(db, self._portal, post, workflow, due=self._clock.now() + pause)

    def _begin_reading(self, due: Sequence[Post]) -> int:
        """Begin one reading of what is due, and of what came meanwhile and would be due soon."""
        with self._store.read() as db:
            fresh = unread_changes(db, self._portal, limit=SEVERAL)
        wanted = {post.event: post for post in (*due, *fresh)}
        workflow, mine = "", []
        with self._store.write() as db:
            for post in _about_few_things(wanted.values()):
                name = workflow or read_id(post.event, post.attempts + 1)
                again = self._clock.now() + max(LOOKS_AFTER, pause_after(post.attempts + 1))
                if note_attempt(db, self._portal, post, name, due=again):
                    workflow = name
                    mine.append(post.event)
        # Noted before it is begun, because no other worker would collect the same: whoever dies
        # between the two leaves posts whose workflow is not there, and they are begun again.
        if mine:
            start_operation(workflow, "changes", {"events": mine})
        return len(mine)


def _about_few_things(posts: Iterable[Post]) -> list[Post]:
    """Return the first posts that are about as many things as one reading takes."""
    things: set[str] = set()
    some = []
    for post in posts:
        things.add(f"{post.company} {post.body}")
        if len(things) > TOGETHER:
            break
        some.append(post)
    return some


def _begun(posts: Sequence[Post]) -> Collection[str]:
    return {post.workflow for post in posts if post.attempts}


async def changes(parts: Parts, document: Document) -> Document:
    """Read what some posts say has changed, as an operation of one step."""
    return await read_changes(parts, [str(event) for event in document["events"]])


async def post(parts: Parts, document: Document) -> Document:
    """Deal with one post, as an operation of one step."""
    return await handle_post(parts, str(document["event"]))
