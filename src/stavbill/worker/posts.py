"""Posts from the inbox into workflows: `hook:<event>`, so a repeated one is the same workflow."""

from __future__ import annotations

from stavbill.operations.events import handle_post
from stavbill.operations.parts import Parts
from stavbill.store.inbox import waiting_posts
from stavbill.workflows.runtime import Document
from stavbill.workflows.starting import start_operation

SEVERAL = 100


class Posts:
    """Begins waiting posts; remembers which it has begun, so that each is begun once here."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._begun: set[str] = set()

    def begin(self) -> int:
        """Begin what waits and was not begun by this worker; return how many."""
        with self._parts.store.read() as db:
            waiting = waiting_posts(db, self._parts.portal, limit=SEVERAL + len(self._begun))
        self._begun &= {post.event for post in waiting}
        fresh = [post for post in waiting if post.event not in self._begun]
        for post in fresh[:SEVERAL]:
            start_operation(f"hook:{post.event}", "post", {"event": post.event})
            self._begun.add(post.event)
        return len(fresh)


async def post(parts: Parts, document: Document) -> Document:
    """Deal with one post, as an operation of one step."""
    return await handle_post(parts, str(document["event"]))
