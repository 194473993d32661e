"""Marks of installations on a portal: a chain that tells whose the portal is.

Marks are only added, never changed, and the portal numbers them in the order in which they came. So
everybody who reads them sees one and the same head, and of two that began at once the second one
knows that it came too late. Source: beyond 15; docs/decisions/012-one-portal-one-store.md.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum

TEXT = """Этот портал ведёт stavbill на сервере {host}. Служебная отметка: по ней вторая программа
узнаёт, что портал занят, и ничего не пишет. Не удаляйте и не меняйте её.

{line}"""
_LINE = re.compile(
    r"\[sb-installation:(?P<id>[0-9a-f]+):(?P<epoch>\d+):(?P<lineage>\d+):(?P<name>[0-9a-z]+)"
    r":(?P<after>[0-9a-z]*):(?P<host>[A-Za-z0-9._-]*)\]"
)
_NO_HOST = re.compile(r"[^A-Za-z0-9._-]")


@dataclass(frozen=True, slots=True, kw_only=True)
class PortalMark:
    """What one mark says: the installation, its epoch, the mark's number and name.

    `after` is the name of the mark that it follows, "" when there was none.
    """

    id: str
    epoch: int
    lineage: int
    name: str
    after: str
    host: str

    @property
    def text(self) -> str:
        """The comment: a sentence for people, a line for us."""
        host = _NO_HOST.sub("-", self.host)
        parts = (self.id, self.epoch, self.lineage, self.name, self.after, host)
        line = f"[sb-installation:{':'.join(str(part) for part in parts)}]"
        return TEXT.format(host=host, line=line)


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingMark:
    """A mark that stands on the portal: its comment's id, and when the portal says it was made."""

    comment: int
    mark: PortalMark
    created: str


def mark_in(text: str) -> PortalMark | None:
    """Return the mark in a comment, None in one that bears none."""
    found = _LINE.search(text)
    if found is None:
        return None
    return PortalMark(
        id=found["id"],
        epoch=int(found["epoch"]),
        lineage=int(found["lineage"]),
        name=found["name"],
        after=found["after"],
        host=found["host"],
    )


def head_of(standing: Collection[StandingMark]) -> StandingMark | None:
    """Return the mark that counts: the end of the chain that begins at the oldest one.

    Of several that follow the same mark the first counts: it came first.
    """
    ordered = sorted(standing, key=lambda one: one.comment)
    if not ordered:
        return None
    head = ordered[0]
    for one in ordered[1:]:
        if one.mark.after == head.mark.name:
            head = one
    return head


class Whose(Enum):
    """Whose a portal is, as its head mark tells a store."""

    OURS = "our mark, or none"
    OTHER = "another installation's"
    TAKEN_OVER = "a copy of our database took the portal over"
    AHEAD = "our installation's, by a database that is ahead of this one"


def whose(head: StandingMark | None, *, id_: str, epoch: int, is_known: bool) -> Whose:
    """Judge the head mark for an installation; `is_known` says that its store wrote that mark."""
    if head is None:
        return Whose.OURS
    mark = head.mark
    if mark.id != id_:
        return Whose.OTHER
    if mark.epoch > epoch:
        return Whose.TAKEN_OVER
    # A raised epoch stands above everything that an older one wrote.
    return Whose.OURS if is_known or mark.epoch < epoch else Whose.AHEAD
