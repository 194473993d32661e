"""Posts into the store, many in one transaction when many come at once.

An answer is given after the commit. One transaction at a time is on its way; what comes meanwhile
is the next one.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from stavbill.clock import Clock
from stavbill.errors import StoreError
from stavbill.log import get_logger
from stavbill.store.database import Store
from stavbill.store.inbox import Post, put_posts

SEVERAL = 200
Stored = tuple[str, bool]


log = get_logger()
Asked = tuple[Post, "asyncio.Future[Stored]"]


class Writer:
    """Stores posts of one portal; use it inside `writing`."""

    def __init__(self, store: Store, portal: str, clock: Clock) -> None:
        self._store = store
        self._portal = portal
        self._clock = clock
        self._queue: asyncio.Queue[Asked] = asyncio.Queue()

    async def put(self, post: Post) -> Stored:
        """Store a post; return its event's name and whether it is new. Durable on return.

        Raises `StoreError` when it cannot be stored; then nothing is known of it.
        """
        done: asyncio.Future[Stored] = asyncio.get_running_loop().create_future()
        self._queue.put_nowait((post, done))
        return await done

    async def work(self) -> None:
        """Store what comes, until cancelled."""
        while True:
            several = [await self._queue.get()]
            while len(several) < SEVERAL and not self._queue.empty():
                several.append(self._queue.get_nowait())
            await self._store_them(several)

    async def _store_them(self, several: list[Asked]) -> None:
        try:
            stored = await asyncio.to_thread(self._write, [post for post, _ in several])
        except StoreError as away:
            _refuse(several, away)
        except Exception as error:  # noqa: BLE001  every asker is told, whatever it is
            # One that cannot be stored must not take the others with it.
            if len(several) > 1:
                for asked in several:
                    await self._store_them([asked])
                return
            # Without its trace: that would show what the post holds, and takes a second to draw.
            log.error("post_cannot_be_stored", error=type(error).__name__)  # noqa: TRY400
            _refuse(several, error)
        else:
            for (_, done), one in zip(several, stored, strict=True):
                if not done.done():
                    done.set_result(one)

    def _write(self, posts: list[Post]) -> list[Stored]:
        with self._store.write() as db:
            return put_posts(db, self._portal, posts, at=self._clock.now())


def _refuse(several: list[Asked], error: Exception) -> None:
    for _, done in several:
        if not done.done():
            away = StoreError(f"posts were not stored: {type(error).__name__}")
            away.__cause__ = error
            done.set_exception(away)


@asynccontextmanager
async def writing(writer: Writer) -> AsyncIterator[None]:
    """Let the writer work inside."""
    task = asyncio.ensure_future(writer.work())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
