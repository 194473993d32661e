"""Documents over all cores: processes that render, and an event loop that only waits for them.

Source: performance page 5 (two processes 1.9 times one; memory flat).
"""

from __future__ import annotations

import asyncio
import os
import threading
import uuid
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import cached_property
from multiprocessing import connection, get_context, parent_process
from types import TracebackType
from typing import Self

from stavbill.documents.invoice import InvoiceDocument
from stavbill.documents.page import Pages
from stavbill.documents.style import Style
from stavbill.errors import ConfigError, DocumentError
from stavbill.log import get_logger

ATTEMPTS = 3
BROKEN = (
    "Документ счёта {number} не составлен: процесс вёрстки каждый раз прерывается. Проверьте, "
    "хватает ли памяти."
)
FAILED = (
    "Документ счёта {number} не составлен: внутренняя ошибка, инцидент {incident}. Остальные счета "
    "это не задерживает."
)
log = get_logger()
# One renderer for each rendering process, made when the process starts.
_renderer: list[object] = []


@dataclass(frozen=True, slots=True)
class _Failed:
    """What a rendering process says instead of a file."""

    reason: str


class RenderPool:
    """Renders documents in processes of its own; they start with the first document.

    Use as an async context manager. A process that is killed is replaced, once for a document.
    """

    def __init__(self, style: Style, processes: int | None = None) -> None:
        """Render by `style`, in as many processes as there are cores unless told otherwise."""
        self._style = style
        self._processes = processes or len(os.sched_getaffinity(0))
        self._executor: ProcessPoolExecutor | None = None

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
        if self._executor is not None:
            await asyncio.to_thread(self._executor.shutdown, cancel_futures=True)
            self._executor = None

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
        for _ in range(ATTEMPTS):
            executor = self._started()
            try:
                loop = asyncio.get_running_loop()
                made = await loop.run_in_executor(executor, _render, document)
            except BrokenProcessPool:
                # Whoever was in the pool with the one that breaks it is tried again alone.
                if self._executor is executor:
                    self._executor = None
                continue
            except Exception:
                # One customer's document, as planning has it of one company.
                incident = uuid.uuid4().hex[:8]  # noqa: TID251  names an incident, decides nothing
                log.exception("document_failed", invoice=document.number, incident=incident)
                return DocumentError(FAILED.format(number=document.number, incident=incident))
            return DocumentError(made.reason) if isinstance(made, _Failed) else made
        return DocumentError(BROKEN.format(number=document.number))

    def _started(self) -> ProcessPoolExecutor:
        if self._executor is None:
            # Spawned: a fork of a process with threads may stand still for ever.
            self._executor = ProcessPoolExecutor(
                self._processes,
                mp_context=get_context("spawn"),
                initializer=_begin,
                initargs=(self._style,),
            )
        return self._executor


def _begin(style: Style) -> None:
    """Prepare a rendering process; it ends with the one that started it, however that ends."""
    # Imported here: only processes that render pay for it.
    from stavbill.documents.render import Renderer  # noqa: PLC0415

    threading.Thread(target=_end_with_parent, daemon=True).start()
    _renderer.append(Renderer(style))


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(0)


def _render(document: InvoiceDocument) -> bytes | _Failed:
    from stavbill.documents.render import (  # noqa: PLC0415  as above
        ForbiddenAddressError,
        Renderer,
    )

    renderer = _renderer[0]
    if not isinstance(renderer, Renderer):
        msg = "a rendering process began without its renderer"
        raise TypeError(msg)
    try:
        return renderer.pdf(document)
    except (ConfigError, ForbiddenAddressError) as error:
        return _Failed(str(error))
