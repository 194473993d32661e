"""Looking at workflows from outside, and telling them what to do: list, show, retry, cancel.

Source: operations page, «CLI»; engine page, «How it maps».
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from dbos import DBOS, DBOSClient, StepInfo, WorkflowStatus

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
    """Let a failed, stopped or cancelled workflow go on where it did not come through; return it.

    Its children first: one that failed or was stopped is wound back to its failed step, one that
    was cancelled goes on, and what the parent heard of them is asked again. What ended well is not
    begun again. Raises `ConfigError` when there is nothing to retry.
    """
    known = _known(client, workflow)
    if not _set_going(client, known):
        msg = f"Операция {workflow} закончилась ({known.status}), повторять нечего"
        raise ConfigError(msg)
    return workflow


def _set_going(client: DBOSClient, known: WorkflowStatus) -> bool:
    """Let a workflow and its children go on; False when it ended well, or could not begin."""
    name = known.workflow_id
    went = [
        _set_going(client, child)
        for child in client.list_workflows(parent_workflow_id=name, load_input=False)
        if child.status not in OPEN
    ]
    steps = client.list_workflow_steps(name)
    lost = [step["function_id"] for step in steps if _came_to_nothing(step)]
    if known.status in OPEN:
        client.resume_workflow(name)
    elif lost or known.status == "ERROR":
        # A mistake between two steps has none that failed: all that it has done stays done.
        after_all = max((step["function_id"] for step in steps), default=0) + 1
        client.rewind_workflow(name, start_step=min(lost, default=after_all))
    elif known.status in (*FAILED, "CANCELLED"):
        client.resume_workflow(name)
    else:
        return any(went)
    return True


def _came_to_nothing(step: StepInfo) -> bool:
    """Say whether a step failed, or found that writing was stopped."""
    result = step["output"]
    state = result.get("state") if isinstance(result, dict) else result
    return step["error"] is not None or state == "stopped"


def steps_that_said(client: DBOSClient, workflow: str, name: str) -> tuple[object, ...]:
    """Return the results of the finished steps of a name, in their order."""
    steps = client.list_workflow_steps(workflow)
    return tuple(
        step["output"]
        for step in steps
        if step["function_name"].endswith(name) and step["error"] is None
    )


def state_of(client: DBOSClient, workflow: str) -> Workflow | None:
    """Return a workflow, None when there is none of this id."""
    found = client.list_workflows(workflow_ids=[workflow], load_input=False)
    return _workflow(found[0]) if found else None


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
