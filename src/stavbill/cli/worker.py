"""`worker`: the unattended service."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from stavbill.app.ready import write_ready_file
from stavbill.cli.common import say


def worker(
    context: typer.Context,
    ready_file: Annotated[
        Path | None,
        typer.Option("--ready-file", help="Записать сюда имя работника, когда он начал."),
    ] = None,
) -> None:
    """Работать без присмотра: расписание, сообщения роботов, продолжение начатого.

    Запускать можно на нескольких машинах с одной базой PostgreSQL. Остановка: SIGTERM или Ctrl+C.

    Пример: stavbill --config /etc/stavbill/stavbill.toml worker
    """

    def ready(owner: str) -> None:
        say(f"Работник {owner} начал.")
        if ready_file is not None:
            write_ready_file(ready_file, owner)

    asyncio.run(_until_told(context.obj.config, ready))


async def _until_told(config: Path, ready: Callable[[str], None]) -> None:
    from stavbill.app.memory import keep_loaded
    from stavbill.worker.loop import run_worker

    def begun(owner: str) -> None:
        keep_loaded()
        ready(owner)

    await run_worker(config, ready=begun)
    # A step that is still at work in a thread must not be told that it was cancelled: it would be
    # remembered as failed. It is simply left, as by a crash, and repeated by whoever takes over.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
