"""Heartbeats, and taking over the workflows of workers that have none any more.

The engine recovers only what an executor of the same name left. So every worker says regularly
that it lives, and whoever sees another silent for too long sets its workflows free. A silent worker
may only have been paused: the journal's claims make it harmless that both then work.

Source: engine page, rules 1 and 2.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from dbos import DBOS, WorkflowStatus

from stavbill.clock import Clock, Observer
from stavbill.log import get_logger
from stavbill.store.database import Store
from stavbill.store.workers import beat, end_worker, heartbeats, taking_over
from stavbill.workflows.limits import DEAD_AFTER_S
from stavbill.workflows.running import running

log = get_logger()


class Heart:
    """The heartbeat of one worker, and its eye on the others.

    `owner` is also the engine's name for this executor. `is_gone` says that an owner was a process
    of this machine that has certainly ended: its work need not wait for the limit. `companions`
    gets the names of workers that are seen alive: of a database that was put back, nobody is.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        owner: str,
        version: str,
        is_gone: Callable[[str], bool],
        companions: set[str] | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._owner = owner
        self._version = version
        self._is_gone = is_gone
        self._companions = set[str]() if companions is None else companions
        self._observer = Observer(clock)
        self._has_looked = False
        # Of this worker, by the engine, but nowhere in this process when last looked at.
        self._missing: frozenset[str] = frozenset()

    def beat(self) -> None:
        """Say that this worker lives."""
        with self._store.write() as db:
            was_alive = beat(db, self._owner, version=self._version, at=self._clock.now())
        if not was_alive:
            log.warning("worker_was_given_up", owner=self._owner)

    def say_good_bye(self) -> None:
        """Say that this worker ends, so that nobody waits for the limit."""
        with self._store.write() as db:
            end_worker(db, self._owner, at=self._clock.now())

    def take_over(self) -> tuple[str, ...]:
        """Set the workflows of silent workers free; return their ids.

        Any live worker then takes them from the queue. Done under a lock that all workers share, so
        that no workflow is set free by two. Its own are among them when it is not in the middle of
        them any more: the engine drops one whose end it could not write down.
        """
        now = self._clock.now()
        with taking_over(self._store) as db:
            alive = set[str]()
            for owner, seen in heartbeats(db).items():
                if owner != self._owner and self._has_fallen_silent(owner, seen):
                    log.warning("worker_is_silent", owner=owner)
                    end_worker(db, owner, at=now)
                elif owner == self._owner or not self._is_gone(owner):
                    alive.add(owner)
            self._has_looked = True
            pending = DBOS.list_workflows(status="PENDING", load_input=False, load_output=False)
            orphans = [
                known
                for known in pending
                if known.executor_id not in alive or self._has_lost(known)
            ]
            mine = {one.workflow_id for one in pending if one.executor_id == self._owner}
            self._missing = frozenset(mine - running())
            for known in orphans:
                DBOS.resume_workflow(known.workflow_id)
                log.warning("workflow_taken_over", workflow=known.workflow_id)
            self._missing -= {known.workflow_id for known in orphans}
        return tuple(known.workflow_id for known in orphans)

    def _has_fallen_silent(self, owner: str, seen: datetime) -> bool:
        """Say whether another's heartbeat has stood still for the limit before our own eyes.

        The time that it bears is its own machine's. One that moves, or came while we looked, is
        alive at this very database.
        """
        if self._has_looked and self._observer.is_new(owner, seen):
            self._companions.add(owner)
        return self._observer.unchanged_s(owner, seen) > DEAD_AFTER_S

    def _has_lost(self, known: WorkflowStatus) -> bool:
        """Say whether a workflow of this worker runs nowhere, now and at the last look.

        Twice, because one that was taken from the queue a moment ago runs only in the next.
        """
        name = known.workflow_id
        is_mine = known.executor_id == self._owner
        return is_mine and name in self._missing and name not in running()
