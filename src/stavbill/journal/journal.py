"""The journal's front: record a plan, apply it, finish what earlier runs left."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from stavbill.billing.facts import CompanyId
from stavbill.clock import Clock, Observer
from stavbill.journal.application import Application
from stavbill.journal.crew import Crew
from stavbill.journal.executor import Executor
from stavbill.journal.ledger import Ledger
from stavbill.journal.report import JournalReport
from stavbill.journal.settings import JournalSettings
from stavbill.plan.effects import Effect
from stavbill.store.database import Store
from stavbill.store.effects import Status
from stavbill.store.next_effects import Scope
from stavbill.store.recording import Recorded, record_effects
from stavbill.store.runs import RunId, RunKind, RunState, read_run, set_state, unfinished_runs
from stavbill.store.unsettled import is_stale, unsettled_runs

DEFAULTS = JournalSettings()
# Of a run in another state nobody said that its plan shall be sent, or somebody said no.
_APPLIED = (RunState.APPLYING, RunState.DONE)


class Guard(Protocol):
    """Who says whether the portal may be written to by this database."""

    async def require(self, *, mark: bool) -> None:
        """Raise when it may not; `mark` makes the portal show that it is this database's."""
        ...


def _silent(_ended: int) -> None:
    """Tell nobody."""


def _nobody(_owner: str) -> bool:
    """Know of nobody that has ended."""
    return False


class Journal:
    """Makes the effects of one portal happen once each.

    `owner` names this process and no other, before or after it (host, process, start). Several
    journals may apply the same run at once: every effect is claimed by one of them. `is_gone` says
    of another owner that its process has certainly ended; without it the end of claims is awaited.
    `companions` are owners that this process has seen alive at this very database: what they
    planned is not there. Of what any other process planned the portal is asked first. `guard` is
    asked before anything of a run is sent. `observer` is what this process has seen of others.
    """

    def __init__(
        self,
        store: Store,
        executors: Sequence[Executor],
        clock: Clock,
        *,
        portal: str,
        owner: str,
        settings: JournalSettings = DEFAULTS,
        is_gone: Callable[[str], bool] = _nobody,
        companions: Collection[str] = (),
        guard: Guard | None = None,
        observer: Observer | None = None,
    ) -> None:
        self._observer = observer or Observer(clock)
        self._guard = guard
        self._companions = companions
        self._is_gone = is_gone
        self._store = store
        self._crew = Crew(executors)
        self._clock = clock
        self._portal = portal
        self._owner = owner
        self._settings = settings

    def record(self, run: RunId, effects: Sequence[Effect]) -> Recorded:
        """Record a chunk of a plan, all effects of a company together; durable on return."""
        with self._store.write() as db:
            return record_effects(
                db, run, effects, portal=self._portal, by=self._owner, at=self._clock.now()
            )

    async def apply(
        self,
        run: RunId,
        *,
        progress: Callable[[int], None] = _silent,
        wait_doubts: bool = True,
        begun_only: bool = False,
        company: CompanyId | None = None,
    ) -> JournalReport:
        """Make the run's effects happen, until all are settled or nothing more can be.

        `progress` hears how many effects came to their end. With `wait_doubts` the clock is waited
        on for the quiet time of doubts and for the claims of others; without it they are left and
        reported. `begun_only` sends nothing but what stands in the portal in part; with `company`
        only its effects are looked at.

        Raises `WritingStoppedError` when a flag is up and `PortalError` when the portal cannot be
        written to; then everything stands in the store, and applying again goes on.
        """
        witnesses = (self._owner, *self._companions)
        scope = Scope(run, begun=begun_only, company=company, witnesses=witnesses)
        ledger = Ledger(
            self._store,
            self._clock,
            portal=self._portal,
            owner=self._owner,
            scope=scope,
            settings=self._settings,
            is_gone=self._is_gone,
            observer=self._observer,
        )
        if ledger.has_writes():
            await self.require_portal()
        application = Application(
            ledger,
            self._crew,
            self._clock,
            settings=self._settings,
            wait_doubts=wait_doubts,
            progress=progress,
        )
        await application.run()
        return self._report(run, ledger)

    async def require_portal(self, *, mark: bool = True) -> None:
        """Make sure that the portal is this database's, and (`mark`) that it says so from now on.

        Whatever is written elsewhere than by this journal asks first. Raises `NotOurPortalError`
        before anything was written, and `PortalError` when the portal cannot say whose it is.
        """
        if self._guard is not None:
            await self._guard.require(mark=mark)

    async def resume(
        self,
        *,
        progress: Callable[[int], None] = _silent,
        wait_doubts: bool = True,
        leave: Collection[RunKind] = (),
    ) -> tuple[JournalReport, ...]:
        """Finish what earlier runs left, before anything new is planned.

        A run that was killed while it was applied is applied to its end, and so is one that ended
        with doubts; of any other, and of one that lay about for hours, only what was begun is
        settled: the rest is decided again. A killed run is done when nothing of it is open
        any more; of the kinds that are to be left it stays open for whoever closes it.
        """
        with self._store.read() as db:
            killed = [one.run for one in unfinished_runs(db, self._portal)]
            open_runs = dict.fromkeys([*killed, *unsettled_runs(db, self._portal)])
            known = {run: found for run in open_runs if (found := read_run(db, run))}
            stale = {run for run in known if is_stale(db, run, at=self._clock.now())}
        reports = []
        for run, found in known.items():
            begun_only = run in stale or found.state not in _APPLIED
            # A mark that was never sent is out of date: the next writer makes its own.
            begun_only = begun_only or found.kind is RunKind.MARK
            # No company's decision waits for a message in a chat, which may be asked for in vain.
            waits = wait_doubts and found.kind is not RunKind.REPORT
            report = await self.apply(
                run, progress=progress, wait_doubts=waits, begun_only=begun_only
            )
            reports.append(report)
            is_ended = report.is_settled and found.kind not in leave
            if run in killed and (run in stale or is_ended):
                end, why = RunState.DONE, "продолжен"
                if run in stale:
                    end, why = RunState.STOPPED, "план устарел"
                with self._store.write() as db:
                    set_state(db, run, end, at=self._clock.now(), detail=why)
        return tuple(reports)

    def _report(self, run: RunId, ledger: Ledger) -> JournalReport:
        doubts, claimed = ledger.waiting(Status.DOUBT), ledger.first_claim_end()
        times: list[datetime] = [] if doubts is None else [doubts.last]
        if claimed is not None:
            times.append(claimed + timedelta(seconds=self._settings.quiet_s))
        return JournalReport(run, ledger.counts(), max(times, default=None))
