"""Troubles that many companies wait for: found in a run, kept in its report, told once.

Source: billing rules §11, last entry.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from sqlalchemy import Connection

from stavbill.billing.period import WorkingCalendar, next_working_day
from stavbill.operations.planned import Planned
from stavbill.operations.present import Document
from stavbill.operations.surroundings import ConnectionView
from stavbill.plan.cause_texts import (
    CAUSE_TASK,
    WaitingCompanies,
    cause_ends,
    cause_ends_key,
    cause_line,
    cause_mark,
    cause_task,
)
from stavbill.plan.effects import NO_COMPANY, Effect
from stavbill.plan.shared_causes import CauseKind, SharedCause
from stavbill.store.runs import Run, RunState
from stavbill.store.told import standing_tasks, tellings


def waiting_companies(
    planned: Planned, connections: Mapping[str, ConnectionView]
) -> list[WaitingCompanies]:
    """Return the run's shared causes, connections that were not read among them even if none waits.

    A token that expired is mended best before the sending day.
    """
    found = [
        WaitingCompanies(cause, planned.totals.causes[cause]) for cause in planned.totals.shared
    ]
    known = {waiting.cause for waiting in found}
    for view in connections.values():
        failure = view.failure
        unread = SharedCause(CauseKind.CONNECTION, failure.connection, failure.detail)
        if view.snapshot is None and failure.connection and unread not in known:
            found.append(WaitingCompanies(unread, 0))
    return found


def causes_document(waiting: Collection[WaitingCompanies]) -> list[Document]:
    """Return shared causes as they stand in a run's report."""
    return [
        {
            "kind": known.cause.kind.value,
            "subject": known.cause.subject,
            "detail": known.cause.detail,
            "companies": known.companies,
            "text": cause_line(known),
        }
        for known in waiting
    ]


def causes_of_document(rows: Collection[Mapping[str, Any]]) -> list[WaitingCompanies]:
    """Return what `causes_document` was made of."""
    return [
        WaitingCompanies(
            SharedCause(CauseKind(row["kind"]), row["subject"], row["detail"]), row["companies"]
        )
        for row in rows
    ]


def cause_effects(
    db: Connection, portal: str, run: Run | None, calendar: WorkingCalendar
) -> Iterator[Effect]:
    """Yield the operator's tasks that the newest run of everybody asks for, and those it closes.

    A run that waits for approval tells of its causes itself: its task is the one.
    """
    if run is None or run.state not in (RunState.DONE, RunState.WAITING_APPROVAL):
        return
    waiting = causes_of_document(run.totals.get("shared", ()))
    standing = standing_tasks(db, portal, {NO_COMPANY}, CAUSE_TASK)
    told = tellings(db, portal, [cause_ends_key(task.name) for task in standing])
    ended = {task.name for task in standing if cause_ends_key(task.name) in told}
    lasting = {cause_mark(known.cause) for known in waiting}
    for task in standing:
        mark = task.name.split(":")[1]
        closing = told.get(cause_ends_key(task.name))
        if mark not in lasting and (closing is None or closing.is_open):
            yield cause_ends(task.name, task.task)
    if run.state is RunState.DONE:
        due = next_working_day(run.on, calendar)
        for known in waiting:
            prefix = f"{CAUSE_TASK}{cause_mark(known.cause)}:"
            number = sum(name.startswith(prefix) for name in ended)
            effect = cause_task(known, number, due)
            has = tellings(db, portal, [effect.key]).get(effect.key)
            if has is None or has.is_open:
                yield effect
