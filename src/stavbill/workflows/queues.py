"""The queues: what waits for a worker, and how much of it one worker does at a time."""

from __future__ import annotations

from dbos import DBOS

# Whole operations: a month, a rerun, a post. They mostly wait, for the portal or for children.
OPERATIONS = "operations"
# Deciding is work of the processor: what is at hand beside the first child only keeps the queue
# from being waited for between them, which would take half as long as a child.
PLAN = "plan"
# One sharer of a run in each worker: a second would send what the first sends anyway.
APPLY = "apply"

# Each of these one after the other, whoever works: two passes of sending would share no pace, and
# two readings of the whole portal bring nothing that one does not.
SENDING = "sending"
UPKEEP = "upkeep"

_AT_A_TIME = {OPERATIONS: 8, PLAN: 3, APPLY: 1}
_ALONE = (SENDING, UPKEEP)
POLL_S = 0.2
# Nobody waits for what the schedule begins: looking less often leaves the processor to the others.
UNHURRIED_POLL_S = 1.0


def register_queues() -> None:
    """Tell the launched engine of our queues."""
    for name, number in _AT_A_TIME.items():
        DBOS.register_queue(
            name,
            worker_concurrency=number,
            polling_interval_sec=POLL_S,
            on_conflict="always_update",
        )
    for name in _ALONE:
        DBOS.register_queue(
            name, concurrency=1, polling_interval_sec=UNHURRIED_POLL_S, on_conflict="always_update"
        )
