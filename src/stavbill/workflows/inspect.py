"""Looking at workflows from outside, and telling them what to do: list, show, retry, cancel.

Source: operations page, «CLI»; engine page, «How it maps».
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from dbos import DBOS, DBOSClient, WorkflowStatus

from stavbill.errors import ConfigError

WAITING = ("ENQUEUED", "DELAYED")
RUNNING = ("PENDING",)
FAILED = ("ERROR", "MAX_RECOVERY_ATTEMPTS_EXCEEDED")
OPEN = (*WAITING, *RUNNING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Workflow:
    """One workflow: what it is, how far it is, in whose hands; times are aware UTC."""

    id: str
    name: str
    state: str
    executor: str | None
    begun: datetime
    changed: datetime | None
    result: object = None
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One finished step of a workflow, or a child that it began."""

    number: int
    name: str
    result: object
    error: str
    child: str | None


def open_among(workflows: Collection[str]) -> frozenset[str]:
    """Return those workflows that have not ended; asked by a worker, of its own engine."""
    if not workflows:
        return frozenset()
    found = DBOS.list_workflows(
        workflow_ids=list(workflows), status=list(OPEN), load_input=False, load_output=False
    )
    return frozenset(known.workflow_id for known in found)


def list_open(client: DBOSClient, *, everything: bool, limit: int) -> tuple[Workflow, ...]:
    """Return workflows that are not ended or have failed, the newest first; or all."""
    wanted = None if everything else [*OPEN, *FAILED]
    found = client.list_workflows(
        status=wanted, limit=limit, sort_desc=True, load_input=False, load_output=True
    )
    return tuple(_workflow(known) for known in found)


def show(client: DBOSClient, workflow: str) -> tuple[Workflow, tuple[Step, ...]]:
    """Return a workflow with its steps. Raises `ConfigError` for one that nobody knows."""
    known = _known(client, workflow)
    steps = tuple(
        Step(
            number=step["function_id"],
            name=step["function_name"],
            result=step["output"],
            error="" if step["error"] is None else str(step["error"]),
            child=step["child_workflow_id"],
        )
        for step in client.list_workflow_steps(workflow)
    )
    return _workflow(known), steps


def retry(client: DBOSClient, workflow: str) -> str:
    """Let a failed or cancelled workflow go on from the step that failed; return its id.

    What ended well is not begun again. Raises `ConfigError` when there is nothing to retry.
    """
    known = _known(client, workflow)
    if known.status in FAILED:
        steps = client.list_workflow_steps(workflow)
        ended = [step["function_id"] for step in steps if step["error"] is not None]
        return client.fork_workflow(workflow, min(ended, default=1)).get_workflow_id()
    if known.status in OPEN or known.status == "CANCELLED":
        client.resume_workflow(workflow)
        return workflow
    msg = f"Операция {workflow} закончилась ({known.status}), повторять нечего"
    raise ConfigError(msg)


def cancel(client: DBOSClient, workflow: str) -> Sequence[str]:
    """Cancel a workflow with its children; return the ids. What is being sent is settled later."""
    known = _known(client, workflow)
    if known.status not in OPEN:
        msg = f"Операция {workflow} уже закончилась ({known.status})"
        raise ConfigError(msg)
    children = client.list_workflows(
        parent_workflow_id=workflow, status=list(OPEN), load_input=False, load_output=False
    )
    ids = [workflow, *(child.workflow_id for child in children)]
    client.cancel_workflows(ids)
    return ids


def _known(client: DBOSClient, workflow: str) -> WorkflowStatus:
    found = client.list_workflows(workflow_ids=[workflow], load_input=False)
    if not found:
        msg = f"Операции {workflow} нет. Список: stavbill ops list --all"
        raise ConfigError(msg)
    return found[0]


def _workflow(known: WorkflowStatus) -> Workflow:
    return Workflow(
        id=known.workflow_id,
        name=known.name,
        state=known.status,
        executor=known.executor_id,
        begun=_time(known.created_at) or datetime.fromtimestamp(0, tz=UTC),
        changed=_time(known.updated_at),
        result=known.output,
        error="" if known.error is None else str(known.error),
    )


def _time(milliseconds: int | None) -> datetime | None:
    return None if milliseconds is None else datetime.fromtimestamp(milliseconds / 1000, tz=UTC)
