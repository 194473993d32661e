"""Connections that end: deadlines for headers, bodies and readers, and fewer of them than files.

A client that is slow, silent or one too many costs no log line: strangers would write our log.
Source: issue 11 §4; RFC 9110 15.5.9 and 15.6.4 (408, 503); uvicorn's h11 protocol.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import h11
import uvicorn
from fastapi import FastAPI
from typing_extensions import override
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from stavbill.log import get_logger

# Longer than a proxy before us keeps an idle connection: it must not find it closed.
KEEP_ALIVE_S = 75
# Posts that are being answered are answered; the unit's TimeoutStopSec is longer.
GRACE_S = 25
MOST_CONNECTIONS = 1000
# How many asyncio accepts before it looks at those that it has: they hold files already.
MOST_AT_ONCE = 32
# Those wait in the kernel, without a file of ours.
WAITING = 1024
RETRY_AFTER_S = 5
OUT_OF_FILES_LOGGED_S = 60.0
ACCEPT_FAILED = "socket.accept() out of system resource"
log = get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionLimits:
    """How long a client may take, and how many clients there may be.

    `header_s` runs from a request's first byte (of the first one: from the connection) to the end
    of its headers, `body_s` from there to the end of its body, `reading_s` while the client takes
    nothing of an answer that is ready.
    """

    connections: int
    accepted_at_once: int
    header_s: float = 10.0
    body_s: float = 30.0
    reading_s: float = 60.0


def limits_for(files: int) -> ConnectionLimits:
    """Return the limits of a process that may open so many files: half of them for clients.

    The others are the store's, the rendering processes', and those that are accepted before they
    are counted.
    """
    return ConnectionLimits(
        connections=max(min(files // 2, MOST_CONNECTIONS), 1),
        accepted_at_once=max(min(files // 32, MOST_AT_ONCE), 1),
    )


class WebServer(uvicorn.Server):
    """The HTTP server of one application, with limits for its connections."""

    def __init__(self, app: FastAPI, limits: ConnectionLimits) -> None:
        """Serve `app`; Bitrix24 tells its addresses and our secrets in queries: no access log."""
        super().__init__(
            uvicorn.Config(
                app,
                http=_protocol(limits),
                ws="none",
                # Its warnings are about what strangers send.
                log_level="error",
                access_log=False,
                server_header=False,
                backlog=limits.accepted_at_once,
                timeout_keep_alive=KEEP_ALIVE_S,
                timeout_graceful_shutdown=GRACE_S,
            )
        )

    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        asyncio.get_running_loop().set_exception_handler(_out_of_files_seldom())
        await super().startup(sockets)
        for listening in sockets or ():
            # uvicorn has one number for how many wait and for how many are accepted at once.
            listening.listen(WAITING)


def _out_of_files_seldom() -> Callable[[asyncio.AbstractEventLoop, dict[str, Any]], None]:
    """Return a handler that logs once a minute that no file was left for a connection."""
    told_at: list[float] = []

    def handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        if context.get("message") != ACCEPT_FAILED:
            loop.default_exception_handler(context)
        elif not told_at or loop.time() - told_at[-1] >= OUT_OF_FILES_LOGGED_S:
            told_at[:] = [loop.time()]
            log.error("out_of_files")

    return handle


class _Gate:
    """Counts connections; says once that there are too many, not once for each that is refused."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._is_full = False

    def refuses(self, connections: int) -> bool:
        """Say whether the newest of so many connections is one too many."""
        if connections <= self._limit:
            if connections <= self._limit // 2:
                self._is_full = False
            return False
        if not self._is_full:
            self._is_full = True
            log.warning("connections_full", limit=self._limit)
        return True


def _protocol(limits: ConnectionLimits) -> type[asyncio.Protocol]:
    gate = _Gate(limits.connections)

    class Bounded(_BoundedProtocol):
        _limits = limits
        _gate = gate

    return Bounded


class _BoundedProtocol(H11Protocol):
    """One connection: uvicorn's, with an end to waiting."""

    _limits: ClassVar[ConnectionLimits]
    _gate: ClassVar[_Gate]

    def __init__(self, *args: Any, **words: Any) -> None:  # noqa: ANN401  uvicorn's own
        super().__init__(*args, **words)
        self._deadline: asyncio.TimerHandle | None = None
        self._reading: asyncio.TimerHandle | None = None
        # What the deadline is for: h11's state of the client, and the request whose body comes.
        self._waited_for: tuple[object, object] | None = None
        self._heard = False

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if self._gate.refuses(len(self.connections)):
            self._answer(503, "busy", "Слишком много соединений, повторите.", RETRY_AFTER_S)
            return
        self._watch()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        for timer in (self._deadline, self._reading):
            if timer is not None:
                timer.cancel()
        self._unset_keepalive_if_required()
        super().connection_lost(exc)

    @override
    def data_received(self, data: bytes) -> None:
        self._heard = True
        super().data_received(data)
        self._watch()

    @override
    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.transport.is_closing():
            self._end_reading()
        elif self.conn.their_state is not h11.IDLE:
            self._watch()
        else:
            # Between two requests uvicorn's own timer runs.
            self._stop_waiting()

    def _watch(self) -> None:
        """Let a deadline run for what the client owes now; one runs on while that is the same."""
        state = self.conn.their_state
        owed = {h11.IDLE: self._limits.header_s, h11.SEND_BODY: self._limits.body_s}.get(state)
        waited_for = (state, self.cycle)
        if owed is None or self.transport.is_closing():
            self._stop_waiting()
        elif self._waited_for != waited_for:
            self._stop_waiting()
            self._waited_for = waited_for
            self._deadline = self.loop.call_later(owed, self._too_slow)

    def _stop_waiting(self) -> None:
        self._waited_for = None
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_slow(self) -> None:
        if self._heard:
            self._answer(408, "too_slow", "Запрос приходит слишком медленно.")
        else:
            # Connected and silent: there is no request to answer.
            self.transport.abort()

    @override
    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP in the house's form."""
        del msg
        self._answer(400, "malformed", "Это не запрос HTTP.")

    def _answer(self, status: int, code: str, text: str, retry_after: int | None = None) -> None:
        """Give the connection's last answer, where one is still awaited, and end it."""
        self._stop_waiting()
        if self._is_answering():
            # The application learns that nobody waits.
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        body = json.dumps({"error": code, "text": text}, ensure_ascii=False).encode()
        headers: Mapping[str, str] = {
            "content-type": "application/json",
            "content-length": str(len(body)),
            "connection": "close",
            **({} if retry_after is None else {"retry-after": str(retry_after)}),
        }
        answer = h11.Response(status_code=status, headers=list(headers.items()))
        try:
            for event in (answer, h11.Data(data=body), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event) or b"")
        except h11.LocalProtocolError:
            # An answer is under way or given already; HEAD takes none with a body.
            self.transport.abort()
            return
        self.transport.close()
        self._end_reading()

    def _is_answering(self) -> bool:
        # None before the first request, though uvicorn's annotation says otherwise.
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is not None and not cycle.response_complete

    @override
    def pause_writing(self) -> None:
        super().pause_writing()
        self._end_reading()

    @override
    def resume_writing(self) -> None:
        super().resume_writing()
        if self._reading is not None and not self.transport.is_closing():
            self._reading.cancel()
            self._reading = None

    @override
    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        self._end_reading()

    def _end_reading(self) -> None:
        """Give the client so long to take what is written; a socket waits for that without end."""
        if self._reading is None and self.transport.get_write_buffer_size():
            self._reading = self.loop.call_later(self._limits.reading_s, self.transport.abort)
