"""Who fetched a link: a person perhaps, or a mail scanner for certain.

Servers that check mail fetch pictures and pages within seconds of the letter's coming, by HEAD, by
programs that say so, or many customers' links at once. None of that is an open, and no click either
when such a program presses the button. Of what is left an open is still only a hint.
Source: delivery page; reference on Russian documents 5.5.
"""

from __future__ import annotations

import re
from collections import OrderedDict, deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock

# Cubot makes telephones.
SCANNERS = re.compile(
    r"(?<!cu)bot\b|crawl|spider|scan|preview|proxy|monitor|checker|fetch|curl|wget|python|java/|go-http"
    r"|httpclient|okhttp|libwww|headless|phantom|barracuda|proofpoint|mimecast|symantec|trend\s?micro"
    r"|kaspersky|sophos|ironport|safelinks|googleimageproxy|yahoomailproxy|facebookexternalhit"
    r"|whatsapp|telegrambot|slackbot",
    re.IGNORECASE,
)
NAMELESS = frozenset({"", "Mozilla/5.0"})
# A person does not read a letter within this time of its being handed over.
TOO_SOON = timedelta(seconds=20)
# Nor letters of several customers from one place within this time.
AT_ONCE = timedelta(seconds=60)
MOST_AT_ONCE = 3
MOST_CLIENTS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One fetch of a link. `client` names where it came from (an IP address); it is not stored."""

    method: str
    agent: str
    client: str
    at: datetime


def looks_automatic(visit: Visit, sent_at: datetime | None, others: int) -> bool:
    """Say whether a fetch is certainly no person's.

    `others` is how many other messages' links the same client fetched just now.
    """
    return visit.method != "GET" or presses_by_itself(visit, sent_at) or others >= MOST_AT_ONCE


def presses_by_itself(visit: Visit, sent_at: datetime | None) -> bool:
    """Say whether the button was pressed by a program: some try out in a browser what they find.

    An accountant may pay for several companies within a minute, so how many there were is no sign.
    """
    # A browser says more of itself than this word that all of them begin with.
    if visit.agent.strip() in NAMELESS or SCANNERS.search(visit.agent):
        return True
    return sent_at is None or visit.at < sent_at + TOO_SOON


class Crowd:
    """Remembers for a minute which client fetched which messages' links; never more than fits."""

    def __init__(self) -> None:
        self._seen: OrderedDict[str, deque[tuple[datetime, int]]] = OrderedDict()
        self._lock = Lock()

    def others(self, visit: Visit, message: int) -> int:
        """Count the other messages that this client looked at within a minute, and remember."""
        with self._lock:
            known = self._seen.setdefault(visit.client, deque(maxlen=MOST_AT_ONCE * 4))
            self._seen.move_to_end(visit.client)
            while known and known[0][0] < visit.at - AT_ONCE:
                known.popleft()
            count = len({number for _, number in known} - {message})
            known.append((visit.at, message))
            while len(self._seen) > MOST_CLIENTS:
                self._seen.popitem(last=False)
            return count
