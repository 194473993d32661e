"""Applying a plan: what is sent, asked and read back next, and when it is over.

Full batches go out as long as there are any, invoices first; half-empty ones only when nothing is
on its way that could fill them. Doubts are asked about beside the other work. Nothing is in memory
but the batches on their way: a process that is killed here is continued by any other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime, timedelta

from stavbill.clock import Clock
from stavbill.errors import InterruptedByPersonError, StavbillError
from stavbill.journal.claim import Claim
from stavbill.journal.crew import Batch, Crew
from stavbill.journal.executor import Executor
from stavbill.journal.fence import fenced, refuse_interrupted
from stavbill.journal.ledger import Claimed, Ledger
from stavbill.journal.lessons import NO_OUTCOME
from stavbill.journal.patience import Patience
from stavbill.journal.settings import JournalSettings
from stavbill.log import get_logger
from stavbill.plan.effects import EffectKey, Repeat
from stavbill.plan.order import Order
from stavbill.plan.outcome import Outcome, Refused, Unclear
from stavbill.store.effects import ENDED, Intent, IntentId, Status
from stavbill.store.settling import Settlement

INVOICES = 0
_SHORTEST_S = 0.05
# Nothing that an honest clock put off takes longer than a method's operating time.
_LONGEST_S = 1200.0
log = get_logger()


class Application:
    """One applying of one run's effects by one owner. Use it once."""

    def __init__(
        self,
        ledger: Ledger,
        crew: Crew,
        clock: Clock,
        *,
        settings: JournalSettings,
        wait_doubts: bool,
        progress: Callable[[int], None],
    ) -> None:
        self._ledger = ledger
        self._crew = crew
        self._clock = clock
        self._settings = settings
        self._wait_doubts = wait_doubts
        self._progress = progress
        self._patience = Patience(
            patience_s=settings.patience_s,
            retry_s=settings.retry_s,
            monotonic=clock.monotonic(),
        )
        self._tasks: set[asyncio.Task[None]] = set()
        self._sending = 0
        self._asking = 0
        self._busy: set[IntentId] = set()
        # How many effects of a rank were too few for a full batch when last looked at.
        self._too_few: dict[int, int] = {}
        self._stop: StavbillError | None = None

    async def run(self) -> None:
        """Go on until everything is settled or nothing can be.

        Raises `WritingStoppedError` when a flag is up, and what an executor raised when it could
        not send; batches on their way are settled first. When cancelled, everything is left as it
        stands, to be continued.
        """
        try:
            await self._loop()
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _loop(self) -> None:
        self._ledger.tidy()
        while True:
            if self._stop is None:
                self._launch()
            self._stop = self._stop or _interrupted()
            if self._tasks:
                await self._wait_for_tasks()
                continue
            if self._stop is not None:
                raise self._stop
            self._ledger.tidy()
            wake = self._next_time()
            if wake is None:
                return
            wait_s = (wake - self._clock.now()).total_seconds()
            if wait_s > _LONGEST_S:
                log.warning("waits_long", until=wake.isoformat(), was_the_clock_set_back=True)
            await self._clock.sleep(max(wait_s, _SHORTEST_S))

    async def _wait_for_tasks(self) -> None:
        """Wait until a task is over, or something becomes due beside them."""
        wake = self._next_time()
        timer: asyncio.Task[None] | None = None
        watched: set[asyncio.Task[None]] = set(self._tasks)
        if wake is not None and self._stop is None:
            wait_s = (wake - self._clock.now()).total_seconds()
            # What is due and cannot start yet starts when a task is over; others are looked at.
            wait_s = wait_s if wait_s > self._settings.retry_s else self._settings.poll_s
            timer = asyncio.ensure_future(_sleep(self._clock, wait_s))
            watched.add(timer)
        try:
            done, _ = await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if timer is not None:
                timer.cancel()
        for task in done - {timer}:
            self._tasks.discard(task)
            task.result()

    # ------------------------------------------------------------------------------- what next
    def _launch(self) -> None:
        """Start everything that may start now."""
        self._ask_about_doubts()
        self._read_back(partly=False)
        ranks = self._ledger.ready_ranks()
        for rank in ranks:
            while self._send_next(rank, partly=rank == INVOICES):
                pass
        if not self._tasks and self._stop is None:
            self._read_back(partly=True)
            for rank in ranks:
                while self._send_next(rank, partly=True):
                    pass
        if not self._tasks and self._stop is None:
            self._question_others()

    def _send_next(self, rank: int, *, partly: bool) -> bool:
        """Claim and start the next batch of a rank; False when there is none to start."""
        if self._sending >= self._settings.in_flight or self._stop is not None:
            return False
        if not partly:
            ready = self._ledger.ready_count(rank)
            if ready == 0 or ready == self._too_few.get(rank):
                return False
        batch = self._ledger.next_batch(self._crew, rank)
        if batch is None:
            return False
        if not (partly or batch.is_full):
            self._too_few[rank] = len(batch.intents)
            return False
        self._stop = self._ledger.stopped()
        if self._stop is not None:
            return False
        claimed = self._ledger.claim(batch.intents)
        if claimed.ids:
            mine = tuple(one for one in batch.intents if one.intent in claimed.ids)
            claimed_batch = Batch(batch.executor, batch.orders, mine, batch.is_full)
            self._sending += 1
            self._start(self._send(claimed_batch, claimed))
        self._too_few.pop(rank, None)
        return True

    def _question_others(self) -> None:
        """Ask about what other processes planned, when nothing of our own is left to do.

        Only who planned an effect knows that it is not there: the database may be a copy that was
        put back, and the effect in the portal since.
        """
        if not self._ledger.has_questions():
            return
        self._stop = self._ledger.stopped()
        if self._stop is None and self._ledger.question(self._settings.find_chunk):
            self._ask_about_doubts()

    def _ask_about_doubts(self) -> None:
        limit = self._settings.find_chunk
        while self._asking < self._settings.asking and self._doubts_are_ripe():
            due = self._ledger.due(Status.DOUBT, limit, self._busy)
            again = [one for one in due if one.effect.repeat is Repeat.HARMLESS]
            if again:
                lessons = self._ledger.lessons()
                self._settle_asked([lessons.harmless(one) for one in again], Status.DOUBT, again)
            asked = [one for one in due if one.effect.repeat is not Repeat.HARMLESS]
            for executor, group in self._crew.by_executor(asked):
                self._start_asking(group, self._find(executor, group))
            if not asked:
                return

    def _doubts_are_ripe(self) -> bool:
        """Say whether doubts are due and no others worth waiting for will be soon."""
        ripe = self._ripe_at()
        return ripe is not None and ripe <= self._clock.now()

    def _ripe_at(self) -> datetime | None:
        """Return when doubts are asked about: all are due, or the first has waited enough."""
        doubts = self._ledger.waiting(Status.DOUBT)
        if doubts is None:
            return None
        collected = doubts.first + timedelta(seconds=self._settings.collect_s)
        return min(doubts.last, collected)

    def _read_back(self, *, partly: bool) -> None:
        """Read back what is written: whole requests of it, or (`partly`) whatever there is."""
        size = self._crew.read_back_limit
        free = self._settings.asking - self._asking
        if free <= 0 or size == 0:
            return
        wanted = 1 if partly else size
        if self._ledger.due_count(Status.WRITTEN, wanted, self._busy) < wanted:
            return
        due = self._ledger.due(Status.WRITTEN, free * size, self._busy)
        for executor, group in self._crew.by_executor(due):
            size = executor.read_back_limit
            for start in range(0, len(group), size):
                part = group[start : start + size]
                if self._asking < self._settings.asking and (partly or len(part) == size):
                    self._start_asking(part, self._compare(executor, part))

    def _start_asking(self, intents: Sequence[Intent], work: Coroutine[None, None, None]) -> None:
        self._asking += 1
        self._busy |= {one.intent for one in intents}
        self._start(work)

    def _asked(self, intents: Sequence[Intent]) -> None:
        self._asking -= 1
        self._busy -= {one.intent for one in intents}

    def _start(self, work: Coroutine[None, None, None]) -> None:
        self._tasks.add(asyncio.ensure_future(work))

    def _next_time(self) -> datetime | None:
        """Return when to look again, None when nothing is to be expected."""
        now = self._clock.now()
        times: list[datetime] = []
        for status in (Status.PLANNED, Status.WRITTEN):
            waiting = self._ledger.waiting(status)
            if waiting is not None:
                times.append(waiting.first)
        ripe = self._ripe_at()
        if ripe is not None and (self._wait_doubts or ripe <= now):
            times.append(ripe)
        claimed = self._ledger.first_claim_end()
        if claimed is not None and self._wait_doubts:
            vanished = claimed + timedelta(seconds=self._settings.late_s)
            # Somebody else is sending: look whether what they settled wakes anything, and whether
            # they have vanished, of which the end of a claim says nothing by another's clock.
            soon = now + timedelta(seconds=self._settings.retry_s)
            later = now + timedelta(seconds=self._settings.poll_s)
            times.append(min(max(vanished, soon), later))
        return min(times, default=None)

    # ---------------------------------------------------------------------------------- the work
    async def _send(self, batch: Batch, claimed: Claimed) -> None:
        """Send a claimed batch and settle its outcomes in one transaction."""
        try:
            claim = Claim(self._ledger, self._clock, self._settings, claimed)
            if not claim.may_send():
                outcomes = {one.key: Refused("срок отправки вышел") for one in batch.intents}
                self._settle_sent(batch, claimed, dict(outcomes))
                return
            orders = [batch.orders[one.intent] for one in batch.intents]
            try:
                with fenced(claim):
                    answered = await batch.executor.send(orders)
            except StavbillError as error:
                # Whoever raises could not say what happened to each: the portal is asked later.
                self._stop = self._stop or error
                unclear = {one.key: Unclear(str(error), one.portal_id) for one in batch.intents}
                self._settle_sent(batch, claimed, dict(unclear))
            else:
                self._settle_sent(batch, claimed, dict(answered))
        finally:
            self._sending -= 1

    def _settle_sent(
        self, batch: Batch, claimed: Claimed, outcomes: dict[EffectKey, Outcome]
    ) -> None:
        lessons = self._ledger.lessons()
        answers = [(one, outcomes.get(one.key, NO_OUTCOME)) for one in batch.intents]
        failures = [found.reason for _, found in answers if isinstance(found, Refused | Unclear)]
        # Behind a command that halted the batch the others may go at once.
        all_refused = all(isinstance(found, Refused) for _, found in answers)
        wait_s = self._patience.wait_s if all_refused else 0.0
        reads_back = batch.executor.read_back_limit > 0
        moved = self._ledger.settle_sent(
            [
                lessons.of_outcome(one, found, reads_back=reads_back, wait_s=wait_s)
                for one, found in answers
            ],
            claimed,
        )
        # What somebody else took over meanwhile says nothing about the portal.
        if moved and len(failures) == len(answers):
            self._failed(failures[0])
        self._moved(moved)

    async def _find(self, executor: Executor, intents: Sequence[Intent]) -> None:
        """Ask the portal by key about effects in doubt."""
        try:
            found = await executor.find([one.effect for one in intents])
        except StavbillError as error:
            self._failed(str(error))
            lessons, wait_s = self._ledger.lessons(), self._patience.wait_s
            later = [lessons.later(one, wait_s, one.detail) for one in intents]
            self._settle_asked(later, Status.DOUBT, intents)
        else:
            lessons, wait_s = self._ledger.lessons(), self._patience.wait_s
            reads_back = executor.read_back_limit > 0
            settlements = [
                lessons.of_finding(one, found[one.key], reads_back=reads_back)
                if one.key in found
                else lessons.later(one, wait_s, one.detail)
                for one in intents
            ]
            self._settle_asked(settlements, Status.DOUBT, intents)
        finally:
            self._asked(intents)

    async def _compare(self, executor: Executor, intents: Sequence[Intent]) -> None:
        """Read back what is written."""
        try:
            written = {one.key: Order(one.effect, one.portal_id) for one in intents}
            seen = await executor.read_back(written)
        except StavbillError as error:
            self._failed(str(error))
            lessons, wait_s = self._ledger.lessons(), self._patience.wait_s
            later = [lessons.later(one, wait_s, one.detail) for one in intents]
            self._settle_asked(later, Status.WRITTEN, intents)
        else:
            lessons, wait_s = self._ledger.lessons(), self._patience.wait_s
            settlements = [
                lessons.of_comparison(one, seen[one.key])
                if one.key in seen
                else lessons.later(one, wait_s, one.detail)
                for one in intents
            ]
            self._settle_asked(settlements, Status.WRITTEN, intents)
        finally:
            self._asked(intents)

    def _settle_asked(
        self, settlements: Sequence[Settlement], status: Status, asked: Sequence[Intent]
    ) -> None:
        self._moved(self._ledger.settle_asked(settlements, status, asked))

    def _moved(self, moved: dict[IntentId, Status]) -> None:
        ended = sum(status in ENDED for status in moved.values())
        if ended or any(status is Status.WRITTEN for status in moved.values()):
            self._patience.progressed(self._clock.monotonic())
        if ended:
            self._progress(ended)

    def _failed(self, reason: str) -> None:
        self._stop = self._stop or self._patience.failed(self._clock.monotonic(), reason)


def _interrupted() -> StavbillError | None:
    try:
        refuse_interrupted()
    except InterruptedByPersonError as ended:
        return ended
    return None


async def _sleep(clock: Clock, seconds: float) -> None:
    await clock.sleep(seconds)
