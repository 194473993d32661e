"""Ids of workflows that stand for a request, and the runs that each of them may write by.

Whoever begins the same request again begins the same workflow; whoever cancels it stops its runs.
"""

from __future__ import annotations

from collections.abc import Collection

from stavbill.operations.naming import (
    attempt_of,
    explanation_of_post,
    run_of_check,
    run_of_post,
    run_of_rerun,
)
from stavbill.store.runs import RunId

MONTH, HOOK, RERUN, NIGHTLY = "run:", "hook:", "rerun:", "nightly:"
# A month's plan that grew old before it was written is made again, but not for ever.
MONTH_ATTEMPTS = 3
# So many plans of a post may grow old before it is cancelled: as many days of a stop.
POST_ATTEMPTS = 9


def month_id(portal: str, day: str) -> str:
    """Return the id of the month's run of a day, which is also the name of its run."""
    return f"{MONTH}{portal}:{day}"


def hook_id(event: str, attempt: int) -> str:
    """Return the id of an attempt at a post; the first bears the event's name alone."""
    return f"{HOOK}{event}" if attempt == 1 else f"{HOOK}{event}#{attempt}"


def read_id(event: str, attempt: int) -> str:
    """Return the id of a reading of several posts; `event` is the first of them."""
    return f"read:{event}" if attempt == 1 else f"read:{event}#{attempt}"


def rerun_id(portal: str, company: int, request: str) -> str:
    """Return the id of a rerun that somebody asks the workers for."""
    return f"{RERUN}{portal}:{company}:{request}"


def company_of_rerun(workflow: str, portal: str) -> int | None:
    """Return the company that a workflow reruns, None for a workflow of another kind."""
    beginning = f"{RERUN}{portal}:"
    if not workflow.startswith(beginning):
        return None
    company, _, _ = workflow.removeprefix(beginning).partition(":")
    return int(company) if company.isdecimal() else None


def runs_of(workflow: str, portal: str, events: Collection[str]) -> tuple[RunId, ...]:
    """Return the runs that a workflow may write by; `events` are the posts that it deals with.

    The first is the one that is begun first, or that anything else goes by.
    """
    if workflow.startswith(MONTH):
        return tuple(attempt_of(workflow, number) for number in range(1, MONTH_ATTEMPTS + 1))
    if workflow.startswith(HOOK):
        runs: list[RunId] = []
        for event in events:
            base = run_of_post(event)
            runs.extend(attempt_of(base, number) for number in range(1, POST_ATTEMPTS + 1))
            runs.append(explanation_of_post(event))
        return tuple(runs)
    if workflow.startswith(f"{RERUN}{portal}:"):
        company, _, request = workflow.removeprefix(f"{RERUN}{portal}:").partition(":")
        return (run_of_rerun(int(company), request),)
    if workflow.startswith(f"{NIGHTLY}{portal}:"):
        return (run_of_check(workflow.removeprefix(f"{NIGHTLY}{portal}:")),)
    return ()
