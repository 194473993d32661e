"""What an answer teaches: outcomes, findings and comparisons as moves of effects. Pure.

Source: style of the house §5; Bitrix24 reference 1.8.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from stavbill.journal.settings import JournalSettings
from stavbill.plan.effects import Repeat
from stavbill.plan.outcome import (
    Confirmed,
    Differs,
    Done,
    Found,
    Outcome,
    ReadBack,
    Refused,
    Rejected,
    Unclear,
)
from stavbill.store.effects import Intent, Status
from stavbill.store.settling import Settlement

NO_OUTCOME = Unclear("ответа на этот эффект нет")


@dataclass(frozen=True, slots=True)
class Lessons:
    """How answers are understood at a moment."""

    settings: JournalSettings
    now: datetime

    def in_s(self, seconds: float) -> datetime:
        """Return the moment in so many seconds."""
        return self.now + timedelta(seconds=seconds)

    def of_outcome(
        self, intent: Intent, outcome: Outcome, *, reads_back: bool, wait_s: float
    ) -> Settlement:
        """Return what follows from sending; `wait_s` is how long a refused one waits at least."""
        match outcome:
            case Done(portal_id=portal_id):
                return self._stands(intent, "done", portal_id, reads_back=reads_back)
            case Refused(reason=reason, retry_after_s=after_s):
                return Settlement(
                    intent=intent.intent,
                    status=Status.PLANNED,
                    what="refused",
                    due=self.in_s(max(after_s, wait_s)),
                    detail=reason,
                )
            case Rejected(reason=reason, portal_id=portal_id):
                return self._parked(intent, Status.REJECTED, "rejected", reason, portal_id)
            case Unclear(reason=reason, portal_id=portal_id):
                if intent.effect.repeat is Repeat.ASK_PERSON:
                    return self._parked(intent, Status.DIFFERS, "unclear", reason)
                return Settlement(
                    intent=intent.intent,
                    status=Status.DOUBT,
                    what="unclear",
                    due=self.in_s(self.settings.quiet_s),
                    portal_id=portal_id,
                    detail=reason,
                )

    def of_finding(self, intent: Intent, found: Found | None, *, reads_back: bool) -> Settlement:
        """Return what follows from having asked the portal by key, the quiet time being over.

        What is not there was not executed and never will be: it is sent again.
        """
        if found is not None and found.complete:
            return self._stands(intent, "found", found.portal_id, reads_back=reads_back)
        return Settlement(
            intent=intent.intent,
            status=Status.PLANNED,
            what="not_found" if found is None else "found_in_part",
            due=self.now,
            portal_id=None if found is None else found.portal_id,
        )

    def harmless(self, intent: Intent) -> Settlement:
        """Return what follows for a state that may be set again without asking."""
        return Settlement(
            intent=intent.intent, status=Status.PLANNED, what="sent_again", due=self.now
        )

    def of_comparison(self, intent: Intent, seen: ReadBack) -> Settlement:
        """Return what follows from reading back; a list may still show what was before."""
        match seen:
            case Confirmed():
                return Settlement(
                    intent=intent.intent, status=Status.DONE, what="confirmed", due=self.now
                )
            case Differs(detail=detail):
                written = intent.written_at or self.now
                age_s = (self.now - written).total_seconds()
                if age_s >= self.settings.lag_s:
                    return self._parked(intent, Status.DIFFERS, "differs", detail)
                # Asked ever more seldom, but once at the very end of the time for lagging.
                wait_s = min(max(self.settings.lag_step_s, age_s), self.settings.lag_s - age_s)
                return Settlement(
                    intent=intent.intent,
                    status=Status.WRITTEN,
                    what="differs_yet",
                    due=self.in_s(wait_s),
                    detail=detail,
                )

    def later(self, intent: Intent, wait_s: float, reason: str) -> Settlement:
        """Return that nothing was learned: the question could not be asked."""
        return Settlement(
            intent=intent.intent,
            status=intent.status,
            what="not_asked",
            due=self.in_s(wait_s),
            detail=reason,
        )

    def _stands(
        self, intent: Intent, what: str, portal_id: int | None, *, reads_back: bool
    ) -> Settlement:
        return Settlement(
            intent=intent.intent,
            status=Status.WRITTEN if reads_back else Status.DONE,
            what=what,
            due=self.now,
            portal_id=portal_id,
        )

    def _parked(
        self,
        intent: Intent,
        status: Status,
        what: str,
        reason: str,
        portal_id: int | None = None,
    ) -> Settlement:
        return Settlement(
            intent=intent.intent,
            status=status,
            what=what,
            due=self.now,
            portal_id=portal_id,
            detail=reason,
            parks=True,
        )
