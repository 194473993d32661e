"""Starting workflows under ids that tell the same request from another one.

A worker starts them directly; whoever stands outside puts them into the queue for any worker.
"""

from __future__ import annotations

from dbos import DBOS, DBOSClient, EnqueueOptions, SetWorkflowID

from stavbill.operations.month_steps import MonthRequest, request_document
from stavbill.workflows.history import ENDED
from stavbill.workflows.month import month
from stavbill.workflows.naming import month_id
from stavbill.workflows.queues import OPERATIONS
from stavbill.workflows.runtime import Document
from stavbill.workflows.single import operation


def start_month(portal: str, slot: str, request: MonthRequest) -> str:
    """Start the month's run of a day once, however often it is asked for; return its id."""
    workflow = month_id(portal, slot)
    with SetWorkflowID(workflow):
        DBOS.enqueue_workflow(OPERATIONS, month, workflow, request_document(request))
    return workflow


def start_operation(
    workflow: str, name: str, document: Document, *, queue: str = OPERATIONS
) -> str:
    """Start an operation of one step once under its id; return the id."""
    with SetWorkflowID(workflow):
        DBOS.enqueue_workflow(queue, operation, name, document)
    return workflow


def has_ended(workflow: str) -> bool:
    """Say whether a workflow has come to any end."""
    known = DBOS.get_workflow_status(workflow)
    return known is not None and known.status in ENDED


def ask_for_month(client: DBOSClient, portal: str, slot: str, request: MonthRequest) -> str:
    """Put the month's run of a day into the queue, from outside; return its id."""
    workflow = month_id(portal, slot)
    client.enqueue(_options("month", workflow), workflow, request_document(request))
    return workflow


def ask_for_operation(client: DBOSClient, workflow: str, name: str, document: Document) -> str:
    """Put an operation of one step into the queue, from outside; return its id."""
    client.enqueue(_options("operation", workflow), name, document)
    return workflow


def _options(name: str, workflow: str) -> EnqueueOptions:
    return {"workflow_name": name, "queue_name": OPERATIONS, "workflow_id": workflow}
