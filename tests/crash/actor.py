"""`stavbill`, as a process that strikes itself at one exact place: `python -m tests.crash.actor`.

`STAVBILL_TEST_STRIKE` is `SEAM:NUMBER:SIGNAL`: at the NUMBER-th time that the process comes to the
seam, it sends itself the signal (`KILL`, `STOP`). How often it came to each seam is written to the
file `STAVBILL_TEST_SEAMS` at its end. Everything else is the program itself.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from enum import StrEnum
from functools import wraps
from pathlib import Path
from typing import ParamSpec, TypeVar

import httpx
from httpcore import Request
from httpcore._async.http11 import AsyncHTTP11Connection
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.engine.interfaces import DBAPIConnection

from stavbill.app import build
from stavbill.bitrix.gateway import Gateway
from stavbill.cli.main import main as stavbill
from stavbill.journal import fence
from stavbill.journal.ledger import Ledger

STRIKE, SEAMS = "STAVBILL_TEST_STRIKE", "STAVBILL_TEST_SEAMS"
Given = ParamSpec("Given")
Result = TypeVar("Result")


class Seam(StrEnum):
    """Where a process can be struck."""

    COMMITTING = "committing"
    COMMITTED = "committed"
    CLAIMED = "claimed"
    # After the last look at claim and flags, before the request is handed to the HTTP client.
    ALLOWED = "allowed"
    # The connection is there and nothing of the request is on the wire.
    LEAVING = "leaving"
    ANSWERED = "answered"


class Striker:
    """Counts how often each seam was reached, and strikes."""

    def __init__(self, wanted: str) -> None:
        """Know where to strike: `SEAM:NUMBER:SIGNAL`, empty for nowhere."""
        seam, number, name = wanted.split(":") if wanted else ("", "0", "")
        self._seam, self._number = seam, int(number)
        self._signal = signal.Signals[f"SIG{name}"] if name else None
        self.reached: Counter[str] = Counter()

    def at(self, seam: Seam) -> None:
        """Say that the process is at a seam."""
        self.reached[seam] += 1
        if self._signal is not None and seam == self._seam and self.reached[seam] == self._number:
            os.kill(os.getpid(), self._signal)

    def behind(self, seam: Seam, real: Callable[Given, Result]) -> Callable[Given, Result]:
        """Return `real` with the seam behind it."""

        @wraps(real)
        def call(*args: Given.args, **kwargs: Given.kwargs) -> Result:
            answer = real(*args, **kwargs)
            self.at(seam)
            return answer

        return call


_writing: ContextVar[bool] = ContextVar("actor_writing", default=False)


def _is_writing() -> bool:
    """Say whether this task sends a batch of the journal."""
    return fence._fence.get() is not None


def _watch_store(striker: Striker) -> None:
    real: Callable[[DefaultDialect, DBAPIConnection], None] = DefaultDialect.do_commit

    def do_commit(self: DefaultDialect, connection: DBAPIConnection) -> None:
        striker.at(Seam.COMMITTING)
        real(self, connection)
        striker.at(Seam.COMMITTED)

    DefaultDialect.do_commit = do_commit  # type: ignore[method-assign]


def _watch_journal(striker: Striker) -> None:
    Ledger.claim = striker.behind(Seam.CLAIMED, Ledger.claim)  # type: ignore[method-assign]


def _watch_gateway(striker: Striker) -> None:
    real_may_send, real_send = fence.may_send, Gateway._send
    real_headers = AsyncHTTP11Connection._send_request_headers

    def may_send() -> bool:
        answer = real_may_send()
        if answer and _is_writing():
            striker.at(Seam.ALLOWED)
        return answer

    async def send(self: Gateway, method: str, body: Mapping[str, object]) -> httpx.Response:
        _writing.set(_is_writing())
        answer = await real_send(self, method, body)  # type: ignore[arg-type]
        if _is_writing():
            striker.at(Seam.ANSWERED)
        return answer

    async def headers(self: AsyncHTTP11Connection, request: Request) -> None:
        if _writing.get():
            striker.at(Seam.LEAVING)
        await real_headers(self, request)

    build.may_send = may_send  # type: ignore[attr-defined]
    Gateway._send = send  # type: ignore[method-assign]
    AsyncHTTP11Connection._send_request_headers = headers  # type: ignore[method-assign]


def _write_seams(striker: Striker, path: Path) -> None:
    path.write_text(json.dumps(striker.reached), encoding="utf-8")


def main() -> None:
    """Run the command line under watch."""
    striker = Striker(os.environ.get(STRIKE, ""))
    _watch_store(striker)
    _watch_journal(striker)
    _watch_gateway(striker)
    seams = os.environ.get(SEAMS)
    if seams:
        atexit.register(_write_seams, striker, Path(seams))
    sys.argv[0] = "stavbill"
    stavbill()


if __name__ == "__main__":
    main()
