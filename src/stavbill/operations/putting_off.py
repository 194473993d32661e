"""Posts that cannot be dealt with now: when they are begun again."""

from __future__ import annotations

from datetime import datetime, timedelta

from stavbill.operations.parts import Parts
from stavbill.operations.present import Document
from stavbill.store.inbox import put_off

FIRST_PAUSE = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(hours=1)
# Enough doublings for the longest pause; more would only make a number too large for a time.
DOUBLINGS = 12


def pause_after(attempts: int) -> timedelta:
    """Return how long to wait after so many attempts that came to nothing."""
    doublings = min(max(attempts - 1, 0), DOUBLINGS)
    return min(FIRST_PAUSE * (1 << doublings), LONGEST_PAUSE)


def put_post_off(parts: Parts, event: str, due: datetime, why: str, *, state: str) -> Document:
    """Let a post wait until a time; return what has become of it so far."""
    with parts.store.write() as db:
        put_off(db, parts.portal, event, due, detail=why)
    return {"event": event, "state": state}
