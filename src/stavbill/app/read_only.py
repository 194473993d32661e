"""The read-only mode of the settings: this process writes nothing, and the others hear of it.

The flag in the store bears the name of the machine and settings that raised it: only they lower it,
or a person who knows that the machine is gone (`stavbill go --machine-gone`). A process with the
mode on obeys its own settings, whatever became of the flag. Source: operations page, «Safety».
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from typing_extensions import override

from stavbill.billing.facts import CompanyId
from stavbill.errors import WritingStoppedError
from stavbill.journal.journal import Journal
from stavbill.journal.report import JournalReport
from stavbill.store.control import Flag, lower_flag, raise_flag, raised_flags
from stavbill.store.database import Store
from stavbill.store.runs import RunId

REASON = "safety.read_only в настройках"
# Whoever raised it before machines were named.
UNNAMED = "settings"


class ReadOnlyJournal(Journal):
    """A journal that lets nothing happen; what others have begun is left to them."""

    @override
    async def apply(
        self,
        run: RunId,
        *,
        progress: Callable[[int], None] = lambda _ended: None,
        wait_doubts: bool = True,
        begun_only: bool = False,
        company: CompanyId | None = None,
    ) -> JournalReport:
        """Raise `WritingStoppedError`."""
        msg = f"Запись остановлена (read_only): {REASON}. Запуск {run} ждёт."
        raise WritingStoppedError(msg)


def settings_name(config: Path) -> str:
    """Return how this machine's settings are named in the flag that they raise."""
    return f"{UNNAMED}@{socket.gethostname()}:{config.resolve()}"


def mirror_read_only(store: Store, portal: str, *, read_only: bool, who: str, at: datetime) -> None:
    """Put the flag up, or down when it was put up by these settings; another's flag stays."""
    with store.read() as db:
        up = next((one for one in raised_flags(db, portal) if one.flag is Flag.READ_ONLY), None)
    if read_only == (up is not None):
        return
    if up is None:
        with store.write() as db:
            raise_flag(db, portal, Flag.READ_ONLY, reason=REASON, who=who, at=at)
    elif up.who in (who, UNNAMED):
        with store.write() as db:
            lower_flag(db, portal, Flag.READ_ONLY, who=who, at=at)
