"""How far a message is known to have come: an order in which knowledge only ever grows.

Reports come late, twice and in any order. Each is evidence, and the status is the greatest of what
is known, so it never moves back: a bounce outweighs the server's «taken», delivery to the mailbox
or the handset outweighs a bounce (a copy was forwarded, or the first try failed), and whoever
opened or clicked has it. Source: delivery page; reference on Russian documents 5.5; beyond 11.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum


class Status(Enum):
    """What is known of one message, from nothing to the customer's own click."""

    QUEUED = "queued"
    REFUSED = "refused"
    SENT = "sent"
    BOUNCED = "bounced"
    DELIVERED = "delivered"
    OPENED = "opened"
    CLICKED = "clicked"


_ORDER = {status: place for place, status in enumerate(Status)}

# The message, or its recipient, is known to have been in the customer's hands or mailbox.
REACHED = frozenset({Status.DELIVERED, Status.OPENED, Status.CLICKED})
FAILED = frozenset({Status.REFUSED, Status.BOUNCED})
# What shows that a server which gave no answer took the message after all.
TAKEN = frozenset({Status.SENT, Status.BOUNCED}) | REACHED


def join(one: Status, other: Status) -> Status:
    """Return what is known when both are: the greater."""
    return max(one, other, key=_ORDER.__getitem__)


def joined(known: Iterable[Status]) -> Status:
    """Return what all of `known` together come to; nothing known is QUEUED."""
    status = Status.QUEUED
    for one in known:
        status = join(status, one)
    return status


def below(status: Status) -> tuple[Status, ...]:
    """Return the statuses that `status` outweighs, for an update that cannot move back."""
    return tuple(one for one in Status if _ORDER[one] < _ORDER[status])
