"""The application's view of the store: short transactions, each with the time it happened."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count

from stavbill.clock import Clock, Observer
from stavbill.errors import WritingStoppedError
from stavbill.journal.crew import Batch, Crew
from stavbill.journal.lessons import Lessons
from stavbill.journal.settings import JournalSettings
from stavbill.plan.effects import EffectKey
from stavbill.store.claims import (
    claim,
    claim_ends,
    doubt_unwitnessed,
    expire_claims,
    has_unwitnessed,
    refresh_waits,
    release_dead,
    renew_claim,
)
from stavbill.store.control import raised_flags
from stavbill.store.database import Store
from stavbill.store.database_clock import is_shared
from stavbill.store.effects import Intent, IntentId, Status, counts_by_status, settled_ids
from stavbill.store.next_effects import (
    Doubts,
    Scope,
    Waiting,
    doubts_by_process,
    due_count,
    due_intents,
    first_claim_end,
    ready_count,
    ready_intents,
    ready_ranks,
    waiting,
)
from stavbill.store.runs import RunState, read_run
from stavbill.store.settling import Settlement, settle

# Every claim of this process has a number: a worker that was given up, and takes its own work over,
# must not hold what its earlier self still waits to send.
_numbers = count(1)
# Begin the names under which the claims and doubts of others are observed.
_CLAIM, _DOUBTS = "claim ", "doubts "
# A command that ends before the quiet time has passed would never ask for what another left.
_DUE_BY_ANY_CLOCK = timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class Claimed:
    """Effects that are ours to send until a moment, under the name of this one claim.

    `ends_s` is the same moment by the monotonic clock: whatever comes first ends it.
    """

    name: str
    ids: frozenset[IntentId]
    until: datetime
    ends_s: float


class Ledger:
    """Reads and moves the effects of one scope for one owner."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        portal: str,
        owner: str,
        scope: Scope,
        settings: JournalSettings,
        is_gone: Callable[[str], bool],
        observer: Observer,
    ) -> None:
        self._is_gone = is_gone
        self._observer = observer
        self._store = store
        self._clock = clock
        self._portal = portal
        self._owner = owner
        self._settings = settings
        self.scope = scope

    def lessons(self) -> Lessons:
        """Return how an answer that came now is understood."""
        return Lessons(self._settings, self._clock.now())

    def stopped(self) -> WritingStoppedError | None:
        """Return why nothing may be written now, None when it may."""
        with self._store.read() as db:
            raised = raised_flags(db, self._portal)
            run = read_run(db, self.scope.run)
        if run is not None and run.state is RunState.STOPPED and not self.scope.begun:
            return WritingStoppedError(f"Запуск {run.run} остановлен: {run.detail}")
        if not raised:
            return None
        first = raised[0]
        return WritingStoppedError(
            f"Запись на портал {self._portal} остановлена ({first.flag.value}): {first.reason}. "
            "Незаписанное ждёт. Снимите остановку и повторите запуск."
        )

    def tidy(self) -> None:
        """Put in doubt what vanished senders were sending, and count again what waits for what."""
        now = self._clock.now()
        quiet = timedelta(seconds=self._settings.quiet_s)
        with self._store.read() as db:
            lost = self._lost(claim_ends(db, self._portal))
        with self._store.write() as db:
            if lost:
                release_dead(
                    db, portal=self._portal, owners=lost, by=self._owner, at=now, quiet=quiet
                )
            if is_shared(self._clock):
                late = timedelta(seconds=self._settings.late_s)
                expire_claims(
                    db, portal=self._portal, by=self._owner, at=now, late=late, quiet=quiet
                )
            refresh_waits(db, self.scope.run)

    def _lost(self, ends: Mapping[str, datetime]) -> list[str]:
        """Return the claims whose sender has certainly ended, or has stood still for too long.

        The end that a claim bears is by the clock of who made it: only the database's own clock is
        everybody's. By any other, a claim is lost that has been the same before our eyes for as
        long as it lasts, and for the longest that the portal may still be executing.
        """
        self._observer.forget_all_but([_CLAIM + name for name in ends], of=_CLAIM)
        limit_s = self._settings.claim_s + self._settings.late_s
        lost = [
            name
            for name, end in ends.items()
            if self._observer.unchanged_s(_CLAIM + name, end) >= limit_s
            and not is_shared(self._clock)
        ]
        gone = [name for name in ends if self._is_gone(name)]
        return list(dict.fromkeys((*gone, *lost)))

    def has_writes(self) -> bool:
        """Say whether anything of the scope may have to be sent, now or after it was asked for."""
        with self._store.read() as db:
            return any(
                waiting(db, self.scope, status) is not None
                for status in (Status.PLANNED, Status.DOUBT)
            )

    def has_questions(self) -> bool:
        """Say whether others planned anything of which the portal has to be asked."""
        with self._store.read() as db:
            return has_unwitnessed(db, self.scope)

    def question(self, limit: int) -> int:
        """Put in doubt what others planned that may be sent now, up to a limit; how many."""
        now = self._clock.now()
        with self._store.write() as db:
            return doubt_unwitnessed(db, self.scope, at=now, by=self._owner, limit=limit)

    def ready_ranks(self) -> tuple[int, ...]:
        """Return the ranks of which anything may be sent now."""
        with self._store.read() as db:
            return ready_ranks(db, self.scope, at=self._clock.now())

    def ready_count(self, rank: int) -> int:
        """Return how many effects of a rank may be sent now, up to a batch of the lightest."""
        limit = self._settings.batch_commands
        with self._store.read() as db:
            return ready_count(db, self.scope, rank, at=self._clock.now(), limit=limit)

    def next_batch(self, crew: Crew, rank: int) -> Batch | None:
        """Return the next effects of a rank that fit into one batch; they are not claimed yet."""
        commands = self._settings.batch_commands
        with self._store.read() as db:
            now = self._clock.now()
            # One more than fit, if each takes one command, to see whether the batch is full.
            found = ready_intents(db, self.scope, rank, at=now, limit=commands + 1)
            if not found:
                return None
            return crew.fill(found, settled_ids(db, found), commands)

    def claim(self, intents: Sequence[Intent]) -> Claimed:
        """Claim effects that are still free. Durable on return."""
        now, name = self._clock.now(), f"{self._owner}.{next(_numbers)}"
        until = now + timedelta(seconds=self._settings.claim_s)
        ends_s = self._clock.monotonic() + self._settings.claim_s
        with self._store.write() as db:
            seen = {one.intent: one.attempts for one in intents}
            return Claimed(name, claim(db, seen, name=name, at=now, until=until), until, ends_s)

    def renew(self, claimed: Claimed) -> datetime | None:
        """Prolong a claim: until when it lasts, None when any of it is lost."""
        now = self._clock.now()
        until = now + timedelta(seconds=self._settings.claim_s)
        with self._store.write() as db:
            mine = renew_claim(db, claimed.ids, name=claimed.name, at=now, until=until)
        return until if mine else None

    def settle_sent(
        self, settlements: Sequence[Settlement], claimed: Claimed
    ) -> dict[IntentId, Status]:
        """Move effects sent under a claim; one that was put in doubt meanwhile is moved too."""
        come_from = (Status.SENDING, Status.DOUBT)
        with self._store.write() as db:
            return settle(
                db,
                settlements,
                come_from=come_from,
                claim=claimed.name,
                at=self._clock.now(),
                by=self._owner,
            )

    def settle_asked(
        self, settlements: Sequence[Settlement], status: Status, asked: Sequence[Intent]
    ) -> dict[IntentId, Status]:
        """Move effects about which the portal was asked while they were in a status."""
        seen = {one.intent: one.attempts for one in asked}
        now = self._clock.now()
        with self._store.write() as db:
            return settle(
                db,
                settlements,
                come_from=(status,),
                claim=None,
                at=now,
                seen=seen,
                by=self._owner,
            )

    def due_count(self, status: Status, limit: int, but: Collection[IntentId]) -> int:
        """Return how many effects in a status are due, counting up to `limit`."""
        now = self._clock.now()
        with self._store.read() as db:
            return due_count(db, self.scope, status, at=now, limit=limit, but=but)

    def due(self, status: Status, limit: int, but: Collection[IntentId]) -> tuple[Intent, ...]:
        """Return effects in a status that are due, but for those looked at already."""
        now = self._clock.now()
        with self._store.read() as db:
            of = None
            if status is Status.DOUBT and not is_shared(self._clock):
                doubts = doubts_by_process(db, self.scope)
                of = [one for one, known in doubts.items() if self._quiet_left_s(one, known) <= 0]
            return due_intents(db, self.scope, status, at=now, limit=limit, but=but, of=of)

    def waiting(self, status: Status) -> Waiting | None:
        """Return when effects in a status are due."""
        with self._store.read() as db:
            if status is not Status.DOUBT or is_shared(self._clock):
                return waiting(db, self.scope, status)
            doubts = doubts_by_process(db, self.scope)
        now = self._clock.now()
        times = []
        for process, known in doubts.items():
            after = now + timedelta(seconds=max(self._quiet_left_s(process, known), 0.0))
            times.append(Waiting(max(known.first, after), max(known.last, after)))
        if not times:
            return None
        return Waiting(min(one.first for one in times), max(one.last for one in times))

    def _quiet_left_s(self, process: str, known: Doubts) -> float:
        """Return for how long what a process put in doubt has yet to be left alone.

        When it is due was said by that process's clock: unless it is ours, the quiet time has to
        pass before our own eyes. Whoever still puts more in doubt lives, and asks for itself. What
        is due for hours is so by any clock that the portal's own time lets begin.
        """
        if process == self._owner or self._clock.now() - known.last > _DUE_BY_ANY_CLOCK:
            return -math.inf
        name = f"{_DOUBTS}{self.scope.run} {process}"
        return self._settings.quiet_s - self._observer.unchanged_s(name, known)

    def first_claim_end(self) -> datetime | None:
        """Return when the first claim on an effect that is being sent ends."""
        with self._store.read() as db:
            return first_claim_end(db, self.scope)

    def settled_ids(self, intents: Sequence[Intent]) -> dict[IntentId, dict[EffectKey, int]]:
        """Return the portal ids that orders need, by key."""
        with self._store.read() as db:
            return settled_ids(db, intents)

    def counts(self) -> dict[Status, int]:
        """Return how many effects stand where."""
        with self._store.read() as db:
            return counts_by_status(db, self.scope.run)
