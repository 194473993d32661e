"""Clients that are slow, silent, many or gone, over plain sockets: each of them comes to an end.

Deadlines are short here and awaited by what the socket shows, never by a clock.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, closing, contextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

import stavbill
from stavbill.store.database import Store
from stavbill.web.connections import ConnectionLimits, limits_for
from tests.web.served import API, LIMITS, Web, on_loopback, served

SOON = 0.05
STAVBILL = str(Path(sys.executable).with_name("stavbill"))
HEADER_SOON = replace(LIMITS, header_s=SOON)
BODY_SOON = replace(LIMITS, body_s=SOON)
HEAD = b"POST /api/v1/bill HTTP/1.1\r\nHost: web\r\nContent-Type: application/json\r\n"
LONG = HEAD + b"Authorization: Bearer " + API.encode() + b"\r\nContent-Length: 100\r\n\r\n"


@asynccontextmanager
async def connected(web: Web) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", web.port)
    try:
        yield reader, writer
    finally:
        writer.close()


def told(answer: bytes) -> tuple[int, str]:
    """Return an answer's status and the code of the house."""
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)["error"]


async def sent(web: Web, *pieces: bytes) -> bytes:
    """Send pieces and return all that comes until the server closes the connection."""
    async with connected(web) as (reader, writer):
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        return await reader.read()


@pytest.mark.parametrize(
    ("limits", "piece"),
    [
        pytest.param(HEADER_SOON, b"P", id="headers that never end"),
        pytest.param(HEADER_SOON, HEAD, id="one header short"),
        pytest.param(BODY_SOON, LONG, id="no body"),
        pytest.param(BODY_SOON, LONG + b'{"comp', id="half a body"),
    ],
)
async def test_a_slow_request_is_answered_and_ended(
    store: Store, limits: ConnectionLimits, piece: bytes
) -> None:
    async with served(store, limits=limits) as web:
        answer = await sent(web, piece)
        assert told(answer) == (408, "too_slow")
        assert web.waiting() == ()


async def test_a_body_that_nobody_reads_has_a_deadline_too(store: Store) -> None:
    async with served(store, limits=BODY_SOON) as web:
        answer = await sent(web, LONG.replace(b"/api/v1/bill", b"/nowhere"))
    assert answer.startswith(b"HTTP/1.1 404 ")


async def test_a_silent_connection_is_closed_without_a_word(store: Store) -> None:
    async with served(store, limits=HEADER_SOON) as web:
        assert await sent(web) == b""


async def test_drop_by_drop_wins_no_time(store: Store) -> None:
    """Each byte of a slow client would begin an idle timer anew; the deadline stands."""
    async with served(store, limits=replace(LIMITS, header_s=SOON, body_s=SOON)) as web:
        for beginning in (b"", LONG):
            async with connected(web) as (reader, writer):
                writer.write(beginning)
                ended = asyncio.ensure_future(reader.read())
                while not ended.done():
                    writer.write(b"a")
                    await asyncio.wait({ended}, timeout=SOON / 10)
                # A byte that comes too late resets the connection, maybe before its answer is read.
                if ended.exception() is None:
                    assert told(ended.result()) == (408, "too_slow")


async def test_the_next_request_has_a_deadline_of_its_own(store: Store) -> None:
    async with (
        served(store, limits=HEADER_SOON) as web,
        connected(web) as (reader, writer),
    ):
        for _ in range(3):
            writer.write(b"GET /healthz HTTP/1.1\r\nHost: web\r\n\r\n")
            assert b'"ok"' in await reader.readuntil(b"}")
        writer.write(b"GET /healthz HT")
        assert told(await reader.read()) == (408, "too_slow")


async def test_whoever_takes_no_answer_is_let_go(store: Store) -> None:
    """Answers fill the socket of a client that reads none of them."""
    limits = replace(LIMITS, reading_s=SOON)
    many = b"GET /openapi.json HTTP/1.1\r\nHost: web\r\n\r\n" * 100
    narrow = on_loopback()
    narrow.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    async with served(store, limits=limits, listening=narrow) as web:
        _reader, writer = await asyncio.open_connection("127.0.0.1", web.port, limit=1)
        try:
            while True:
                writer.write(many)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()
        assert (await web.client.get("/healthz")).status_code == 200


async def test_one_connection_too_many_is_refused_and_costs_no_line(
    store: Store, capfd: pytest.CaptureFixture[str]
) -> None:
    limits = replace(LIMITS, connections=4)
    async with served(store, limits=limits) as web, httpx.AsyncClient() as other:
        healthy = f"http://127.0.0.1:{web.port}/healthz"
        with ExitStack() as opened:
            for _ in range(4):
                await holding(web, opened)
            for _ in range(30):
                answer = await sent(web)
                assert told(answer) == (503, "busy")
                assert b"retry-after: 5" in answer.lower()
        while (await other.get(healthy)).status_code == 503:
            pass
    assert capfd.readouterr().err.count("\n") <= 1


async def holding(web: Web, opened: ExitStack) -> None:
    """Keep one more connection open; it is counted when it has been answered once."""
    reader, writer = await asyncio.open_connection("127.0.0.1", web.port)
    opened.callback(writer.close)
    writer.write(b"GET /healthz HTTP/1.1\r\nHost: web\r\n\r\n")
    await reader.readuntil(b"}")


@pytest.mark.parametrize(("files", "expected"), [(128, 64), (1024, 512), (1, 1), (10**6, 1000)])
def test_clients_take_half_of_the_files(files: int, expected: int) -> None:
    limits = limits_for(files)
    assert limits.connections == expected
    assert 1 <= limits.accepted_at_once <= max(files // 16, 1)


def test_a_crowd_beyond_the_open_files_neither_stops_the_service_nor_fills_the_log(
    tmp_path: Path,
) -> None:
    with few_files(tmp_path, 96) as (process, url), ExitStack() as crowd:
        address = ("127.0.0.1", int(url.rpartition(":")[2]))
        refused = 0
        for _ in range(300):
            client = crowd.enter_context(closing(socket.create_connection(address)))
            refused += is_refused(client)
        assert refused >= 200
        crowd.close()
        with httpx.Client() as other:
            while other.get(f"{url}/healthz").status_code == 503:
                pass
            assert other.get(f"{url}/readyz").status_code == 200
        process.terminate()
        _, errors = process.communicate()
    assert errors.count("\n") <= 3, errors


def is_refused(client: socket.socket) -> bool:
    """Ask for health; a connection that is let in answers, another one was told to go."""
    try:
        client.sendall(b"GET /healthz HTTP/1.1\r\nHost: web\r\n\r\n")
        return b" 200 " not in client.recv(4096)
    except ConnectionError:
        return True


@contextmanager
def few_files(folder: Path, files: int) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run `stavbill web` in a process that may open so many files."""
    config, ready = folder / "stavbill.toml", folder / "ready"
    config.write_text('[portal]\nurl = "https://portal.example"\n', encoding="utf-8")
    words = ["--config", str(config), "web", "--port", "0", "--ready-file", str(ready)]
    sources = Path(stavbill.__file__).parents[1]
    process = subprocess.Popen(
        ["sh", "-c", f'ulimit -n {files}; exec "$0" "$@"', STAVBILL, *words],
        env={**os.environ, "STAVBILL_API_TOKEN": API, "PYTHONPATH": str(sources)},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        while not (ready.exists() and (url := ready.read_text(encoding="utf-8"))):
            assert process.poll() is None, process.communicate()[1]
        yield process, url
    finally:
        process.kill()
        process.wait()
