"""The read-only mode of the settings: this process writes nothing, and the others hear of it.

The flag in the store bears the name of the machine and settings that raised it: only they lower it,
or a person who knows that the machine is gone (`stavbill go --machine-gone`). A process with the
mode on obeys its own settings, whatever became of the flag. Source: operations page, «Safety».
"""

from __future__ import annotations

import socket
import tomllib
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from typing_extensions import override

from stavbill.billing.facts import CompanyId
from stavbill.errors import WritingStoppedError
from stavbill.journal.journal import Journal
from stavbill.journal.report import JournalReport
from stavbill.log import get_logger
from stavbill.store.control import Flag, lower_flag, raise_flag, raised_flags
from stavbill.store.database import Store
from stavbill.store.runs import RunId

REASON = "safety.read_only в настройках"
# Whoever raised it before machines were named.
UNNAMED = "settings"
log = get_logger()


class ReadOnlyMode:
    """Whether the settings' file asks for reading only: as it stands now, not as it once was.

    A file that is being edited, or cannot be read, says nothing: the mode stays as it was.
    """

    def __init__(self, config: Path, *, is_on: bool) -> None:
        """Begin with what the settings said."""
        self._config = config
        self.is_on = is_on

    def look(self) -> bool:
        """Look at the file again; True when the mode has changed."""
        try:
            safety = tomllib.loads(self._config.read_text(encoding="utf-8")).get("safety", {})
        except (OSError, ValueError):
            return False
        asked = safety.get("read_only", False) if isinstance(safety, dict) else self.is_on
        if not isinstance(asked, bool) or asked == self.is_on:
            return False
        self.is_on = asked
        return True

    def follow(self, store: Store, portal: str, at: datetime) -> bool:
        """Look again and let everybody hear of a change; True when there was one."""
        if not self.look():
            return False
        who = settings_name(self._config)
        mirror_read_only(store, portal, read_only=self.is_on, who=who, at=at)
        log.info("read_only_changed", read_only=self.is_on)
        return True


class ReadOnlyJournal(Journal):
    """A journal that lets nothing happen while its settings ask for reading only.

    What others have begun is left to them.
    """

    def __init__(self, *what: Any, is_read_only: Callable[[], bool], **how: Any) -> None:  # noqa: ANN401  as `Journal` takes it
        """Take what a `Journal` takes."""
        super().__init__(*what, **how)
        self._is_read_only = is_read_only

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
        """Apply as a `Journal` does; raise `WritingStoppedError` while the mode is on."""
        if self._is_read_only():
            msg = f"Запись остановлена (read_only): {REASON}. Запуск {run} ждёт."
            raise WritingStoppedError(msg)
        return await super().apply(
            run,
            progress=progress,
            wait_doubts=wait_doubts,
            begun_only=begun_only,
            company=company,
        )


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
