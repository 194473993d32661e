"""The socket that `stavbill web` listens on."""

from __future__ import annotations

import asyncio
import socket

from stavbill.web.serve import listen


async def test_answers_do_not_wait_for_the_clients_delayed_acknowledgement() -> None:
    """An answer leaves in two writes; without TCP_NODELAY the second one waits for 40 ms."""
    accepted: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def connected(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ours = writer.get_extra_info("socket")
        accepted.set_result(ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()

    listening = listen("127.0.0.1", 0)
    server = await asyncio.start_server(connected, sock=listening)
    async with server:
        _, writer = await asyncio.open_connection(*listening.getsockname())
        assert await accepted != 0
        writer.close()
