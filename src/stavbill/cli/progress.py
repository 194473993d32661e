"""Progress on the terminal: a bar on standard error, nothing when nobody looks."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn
from rich.progress import TimeElapsedColumn as Elapsed

STAGES = {
    "finish": "Завершаем прошлое",
    "read_portal": "Читаем Битрикс24",
    "read_rows": "Читаем строки счетов",
    "read_wialon": "Считаем объекты Wialon",
    "decide": "Решаем",
    "apply": "Записываем",
    "verify": "Проверяем портал",
}


class TerminalProgress:
    """A bar for each stage; use as a context."""

    def __init__(self) -> None:
        """Show only on a terminal."""
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            Elapsed(),
            console=Console(file=sys.stderr),
            disable=not sys.stderr.isatty(),
        )
        self._bar: TaskID | None = None

    def __enter__(self) -> Self:
        """Begin to draw."""
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop drawing."""
        self._bars.stop()

    def stage(self, code: str, total: int | None = None) -> None:
        """Begin a stage."""
        self._bar = self._bars.add_task(STAGES.get(code, code), total=total)

    def forecast(self, requests: int, seconds: float) -> None:
        """Tell the operator what the writing will take; on standard error, so JSON stays whole."""
        if requests:
            minutes, rest = divmod(round(seconds), 60)
            self._bars.console.print(
                f"Прогноз записи: запросов {requests}, не дольше {minutes} мин {rest:02d} с "
                "(столько держат лимиты портала)",
                highlight=False,
            )

    def advance(self, steps: int = 1) -> None:
        """Move on."""
        if self._bar is not None:
            self._bars.advance(self._bar, steps)
