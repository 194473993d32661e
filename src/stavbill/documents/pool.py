"""Documents over all cores: processes that render, and an event loop that only waits for them.

Source: performance page 5 (two processes 1.9 times one; memory flat).
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import cached_property
from multiprocessing import connection, parent_process
from types import TracebackType
from typing import Self

from stavbill.documents.invoice import InvoiceDocument
from stavbill.documents.page import Pages
from stavbill.documents.processes import BareContext
from stavbill.documents.style import Style
from stavbill.drawn import drawn_name
from stavbill.errors import ConfigError, DocumentError
from stavbill.log import get_logger

# Waiting for one process: enough that it never idles, few that share the fate of a killer.
IN_FLIGHT = 2
ATTEMPTS_ALONE = 2
BROKEN = (
    "Документ счёта {number} не составлен: процесс вёрстки каждый раз прерывается. Проверьте, "
    "хватает ли памяти."
)
FAILED = (
    "Документ счёта {number} не составлен: внутренняя ошибка, инцидент {incident}. Остальные счета "
    "это не задерживает."
)
log = get_logger()
# One renderer for each rendering process, made when the process starts; or why there is none.
_renderer: list[object] = []


@dataclass(frozen=True, slots=True)
class Failed:
    """What a rendering process says instead of a file."""

    reason: str


Render = Callable[[InvoiceDocument], bytes | Failed]


class RenderPool:
    """Renders documents in processes of its own; they start with the first document.

    Use as an async context manager. A process that is killed takes those with it that wait for the
    same pool: each of them is rendered again by itself, and only one that kills its process there
    too is to blame.
    """

    def __init__(
        self, style: Style, processes: int | None = None, *, render: Render | None = None
    ) -> None:
        """Render by `style`, in as many processes as there are cores unless told otherwise.

        `render` is what a process does with a document; it is sent there by its name.
        """
        self._style = style
        self._processes = processes or len(os.sched_getaffinity(0))
        self._render = render or render_here
        self._executor: ProcessPoolExecutor | None = None
        self._lone: ProcessPoolExecutor | None = None
        self._turns = asyncio.Semaphore(IN_FLIGHT * self._processes)
        self._alone = asyncio.Lock()

    async def __aenter__(self) -> Self:
        """Check the templates. Raises `ConfigError` for one with an error."""
        self._pages.check()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the processes."""
        for executor in (self._executor, self._lone):
            if executor is not None:
                await asyncio.to_thread(executor.shutdown, cancel_futures=True)
        self._executor = self._lone = None

    @cached_property
    def _pages(self) -> Pages:
        return Pages(self._style)

    async def render(self, documents: Sequence[InvoiceDocument]) -> list[bytes | DocumentError]:
        """Return a PDF file for each document, in their order.

        An error stands for a document whose template asks for what it may not have, that kills the
        processes which render it, or that meets a bug: it keeps nobody else's from being made.
        """
        return list(await asyncio.gather(*(self._one(document) for document in documents)))

    async def _one(self, document: InvoiceDocument) -> bytes | DocumentError:
        try:
            made = await self._together(document)
            if made is None:
                made = await self._by_itself(document)
        except Exception:
            # One customer's document, as planning has it of one company.
            incident = drawn_name()
            log.exception("document_failed", invoice=document.number, incident=incident)
            return DocumentError(FAILED.format(number=document.number, incident=incident))
        if made is None:
            return DocumentError(BROKEN.format(number=document.number))
        return DocumentError(made.reason) if isinstance(made, Failed) else made

    async def _together(self, document: InvoiceDocument) -> bytes | Failed | None:
        """Render beside others; None when the processes ended, whoever of them is the cause."""
        async with self._turns:
            if self._executor is None:
                self._executor = self._started(self._processes)
            executor = self._executor
            try:
                return await asyncio.get_running_loop().run_in_executor(
                    executor, self._render, document
                )
            except BrokenProcessPool:
                if self._executor is executor:
                    self._executor = None
                return None

    async def _by_itself(self, document: InvoiceDocument) -> bytes | Failed | None:
        """Render while no other document is in the process; None when it ends every time."""
        async with self._alone:
            for _ in range(ATTEMPTS_ALONE):
                if self._lone is None:
                    self._lone = self._started(1)
                try:
                    return await asyncio.get_running_loop().run_in_executor(
                        self._lone, self._render, document
                    )
                except BrokenProcessPool:
                    self._lone = None
        return None

    def _started(self, processes: int) -> ProcessPoolExecutor:
        # Spawned: a fork of a process with threads may stand still for ever.
        return ProcessPoolExecutor(
            processes,
            mp_context=BareContext(),
            initializer=_begin,
            initargs=(self._style,),
        )


def _begin(style: Style) -> None:
    """Prepare a rendering process; it ends with the one that started it, however that ends."""
    # Imported here: only processes that render pay for it.
    from stavbill.documents.render import ForbiddenAddressError, Renderer  # noqa: PLC0415

    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        _renderer.append(Renderer(style))
    except (Exception, ForbiddenAddressError) as error:  # noqa: BLE001  said of every document
        _renderer.append(error)


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(0)


def render_here(document: InvoiceDocument) -> bytes | Failed:
    """Return a document's file, made by the renderer of this process."""
    from stavbill.documents.render import (  # noqa: PLC0415  as above
        ForbiddenAddressError,
        Renderer,
    )

    try:
        renderer = _renderer[0]
        if isinstance(renderer, BaseException):
            raise renderer
        if not isinstance(renderer, Renderer):
            msg = "a rendering process began without its renderer"
            raise TypeError(msg)
        return renderer.pdf(document)
    except (ConfigError, ForbiddenAddressError) as error:
        return Failed(str(error))
