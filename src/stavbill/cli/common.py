"""What every command shares: where the settings are, how results and errors are shown."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import typer

from stavbill.errors import InterruptedByPersonError, StavbillError, WritingStoppedError

if TYPE_CHECKING:
    from stavbill.operations.parts import Parts

Result = TypeVar("Result")
BUG, CONFIG, WAITS, STOPPED = 1, 2, 3, 4
# What a shell says of a command that Ctrl+C ended: 128 and the number of the signal.
INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Door:
    """What the command line knows before a command: the settings' file."""

    config: Path

    def with_parts(self, work: Callable[[Parts], Awaitable[Result]]) -> Result:
        """Build the running system, do `work` with it, and take it down again."""
        from stavbill.app.build import open_parts
        from stavbill.app.interrupting import until_interrupted

        async def whole() -> Result:
            async with open_parts(self.config) as parts:
                return await until_interrupted(parts, work)

        return asyncio.run(whole())

    def with_store(self, work: Callable[[Parts], Awaitable[Result]]) -> Result:
        """Do `work` that only reads the store: it needs no secret of the outside."""
        from stavbill.app.stored import open_stored

        async def whole() -> Result:
            async with open_stored(self.config) as parts:
                return await work(parts)

        return asyncio.run(whole())

    def zone(self) -> tzinfo:
        """Return the portal's time zone, by which times are told."""
        from stavbill.settings import load_settings

        return load_settings(self.config, os.environ).toml.portal.zone


def print_json(document: object) -> None:
    """Print one JSON document on standard output."""
    sys.stdout.write(json.dumps(document, ensure_ascii=False, indent=2, default=str) + "\n")


def say(text: str = "") -> None:
    """Print a line for the operator."""
    typer.echo(text)


def wants_json() -> bool:
    """Say whether the command line asked for JSON, so that errors are JSON too."""
    return "--json" in sys.argv


def run_app(app: typer.Typer) -> int:
    """Run the command line and return its exit code; errors are one message, never a traceback."""
    try:
        code: Any = app(standalone_mode=False)
    except Exception as trouble:  # noqa: BLE001  a bug ends the command with its trace
        return _told(trouble)
    return code if isinstance(code, int) else 0


def _told(trouble: Exception) -> int:
    match trouble:
        case typer.Abort():
            return _fail("Прервано.", INTERRUPTED)
        case InterruptedByPersonError():
            return _fail(str(trouble), INTERRUPTED)
        case typer.TyperException():
            return _fail(trouble.format_message(), CONFIG)
        case WritingStoppedError():
            return _fail(str(trouble), STOPPED)
        case StavbillError():
            return _fail(str(trouble), CONFIG)
        case _:
            traceback.print_exception(trouble)
            return _fail("Внутренняя ошибка stavbill: подробности выше.", BUG)


def _fail(text: str, code: int) -> int:
    if wants_json():
        print_json({"error": text, "exit_code": code})
    typer.echo(text, err=True)
    return code
