"""Ended workflows: forgotten after a while, because accounting does not rest on them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from dbos import DBOS

ENDED = ["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]
SEVERAL = 200


def forget_ended(keep: timedelta) -> int:
    """Delete workflows that ended longer ago than `keep`; return how many."""
    # The engine's own clock is the machine's, whatever clock the rest goes by.
    before = datetime.now(UTC) - keep  # noqa: TID251
    forgotten = 0
    while True:
        old = DBOS.list_workflows(
            status=ENDED,
            completed_before=before.isoformat(),
            limit=SEVERAL,
            load_input=False,
            load_output=False,
        )
        if not old:
            return forgotten
        DBOS.delete_workflows([known.workflow_id for known in old])
        forgotten += len(old)
