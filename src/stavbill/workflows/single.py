"""Operations of one step: a rerun, a post that came in, the hourly sync, the nightly check.

The operation itself is safe to repeat; the engine sees to it that it comes to its end.
"""

from __future__ import annotations

from dbos import DBOS

from stavbill.errors import WritingStoppedError
from stavbill.log import get_logger
from stavbill.workflows.month import FIRST_WAIT_S, TRIES
from stavbill.workflows.running import followed
from stavbill.workflows.runtime import Document, current, is_passing

log = get_logger()


@DBOS.workflow(name="operation")
@followed
def operation(name: str, document: Document) -> Document:
    """Do the operation called `name`; return its short result."""
    return operation_step(name, document)


@DBOS.step(
    retries_allowed=True,
    max_attempts=TRIES,
    interval_seconds=FIRST_WAIT_S,
    should_retry=is_passing,
)
def operation_step(name: str, document: Document) -> Document:
    """Do the operation in the process's loop. Raises `LookupError` for one that nobody knows."""
    runtime = current()
    work = runtime.operations.get(name)
    if work is None:
        msg = f"no operation is called {name}"
        raise LookupError(msg)

    async def whole() -> Document:
        try:
            return await work(runtime.parts, document)
        except WritingStoppedError as stop:
            log.warning("writing_stopped", operation=name, why=str(stop))
            return {"state": "stopped"}

    return runtime.wait_for(whole())
