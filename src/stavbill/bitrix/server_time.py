"""The portal's own time, from the `Date` of its answers.

Source: RFC 9110, 6.6.1 (`Date`: whole seconds, GMT).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime


@dataclass(frozen=True, slots=True)
class ServerTime:
    """The time that an answer bears, between our own when it was asked for and when it came."""

    portal: datetime
    asked: datetime
    answered: datetime

    @property
    def ahead(self) -> timedelta:
        """How far the portal's clock is certainly ahead of ours; negative when it is behind."""
        if self.portal > self.answered:
            return self.portal - self.answered
        # The whole second that it names may be over already.
        latest = self.portal + timedelta(seconds=1)
        return min(latest - self.asked, timedelta(0))


def server_time(date: str | None, *, asked: datetime, answered: datetime) -> ServerTime | None:
    """Return the portal's time; None for an answer that bears none, or none that can be read."""
    if not date:
        return None
    try:
        portal = parsedate_to_datetime(date)
    except ValueError:
        return None
    return None if portal.tzinfo is None else ServerTime(portal, asked, answered)
