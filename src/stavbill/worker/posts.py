"""Posts from the inbox into workflows, and again until each has been dealt with.

The first attempt is `hook:<event>`, the next ones `hook:<event>#2`, …: every worker that begins
one begins the same, and the one that says so first in the inbox has done so.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta

from stavbill.clock import Clock
from stavbill.operations.events import handle_post, pause_after
from stavbill.operations.parts import Parts
from stavbill.store.control import raised_flags
from stavbill.store.database import Store
from stavbill.store.inbox import Post, due_posts, note_attempt, put_off
from stavbill.workflows.inspect import open_among
from stavbill.workflows.naming import hook_id
from stavbill.workflows.runtime import Document
from stavbill.workflows.starting import start_operation

SEVERAL = 100
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
        for post in ready:
            self._begin(post)
        return len(ready)

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


def _begun(posts: Sequence[Post]) -> Collection[str]:
    return {post.workflow for post in posts if post.attempts}


async def post(parts: Parts, document: Document) -> Document:
    """Deal with one post, as an operation of one step."""
    return await handle_post(parts, str(document["event"]))
