"""Documents behind links: the last ones kept, each rendered once at a time, few waiting.

Source: issue 11 §4; delivery page, «Document».
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from stavbill.delivery.letter import Attachment
from stavbill.operations.mail_parts import NoDocument
from stavbill.store.sendings import Sending, SendingId

RENDERED_AT_ONCE = 2
MOST_WAITING = 20
MOST_KEPT = 50
MOST_KEPT_BYTES = 32 * 1024 * 1024

Rendered = Attachment | NoDocument
Render = Callable[[Sending], Awaitable[Rendered]]


class TooMany(Exception):
    """So many documents wait to be rendered that another one would wait too long."""


@dataclass(slots=True)
class _Work:
    """A document that is being made, and how many clients wait for it."""

    task: asyncio.Task[Rendered]
    clients: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderingLimits:
    """How many documents are rendered at once, wait for that, and are kept afterwards."""

    at_once: int = RENDERED_AT_ONCE
    waiting: int = MOST_WAITING
    kept: int = MOST_KEPT
    kept_bytes: int = MOST_KEPT_BYTES


@dataclass(slots=True)
class _Kept:
    """The documents that were asked for last, no more of them than memory is given for."""

    limits: RenderingLimits
    files: OrderedDict[SendingId, Attachment] = field(default_factory=OrderedDict)
    size: int = 0

    def get(self, sending: SendingId) -> Attachment | None:
        found = self.files.get(sending)
        if found is not None:
            self.files.move_to_end(sending)
        return found

    def put(self, sending: SendingId, made: Attachment) -> None:
        self.files[sending] = made
        self.size += len(made.body)
        while len(self.files) > self.limits.kept or self.size > self.limits.kept_bytes:
            _, forgotten = self.files.popitem(last=False)
            self.size -= len(forgotten.body)


class DocumentRenderer:
    """Renders the documents that clients ask for.

    A revision's document never changes, so one that was made is given again. Clients who ask for
    the same one at the same time wait for the same work, which ends when none of them is left.
    """

    def __init__(self, render: Render, limits: RenderingLimits | None = None) -> None:
        """Make documents by `render`."""
        self._render = render
        self._limits = limits or RenderingLimits()
        self._kept = _Kept(self._limits)
        self._works: dict[SendingId, _Work] = {}
        self._turns = asyncio.Semaphore(self._limits.at_once)

    async def document(self, sending: Sending) -> Rendered:
        """Return the document of a revision. Raises `TooMany`; then nothing was begun."""
        kept = self._kept.get(sending.sending)
        if kept is not None:
            return kept
        work = self._works.get(sending.sending)
        if work is None:
            if len(self._works) >= self._limits.at_once + self._limits.waiting:
                raise TooMany
            work = _Work(asyncio.create_task(self._made(sending)))
            self._works[sending.sending] = work
            work.task.add_done_callback(lambda _: self._forget(sending.sending, work))
        work.clients += 1
        try:
            return await asyncio.shield(work.task)
        finally:
            work.clients -= 1
            if not work.clients and not work.task.done():
                self._forget(sending.sending, work)
                work.task.cancel()

    async def _made(self, sending: Sending) -> Rendered:
        async with self._turns:
            made = await self._render(sending)
        if isinstance(made, Attachment):
            self._kept.put(sending.sending, made)
        return made

    def _forget(self, sending: SendingId, work: _Work) -> None:
        # A client may have come back meanwhile, and begun another one.
        if self._works.get(sending) is work:
            del self._works[sending]
