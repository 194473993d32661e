"""Documents over several processes: the same bytes, whatever becomes of a process."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from stavbill.documents.invoice import InvoiceDocument
from stavbill.documents.pool import Failed, RenderPool, render_here
from stavbill.documents.render import Renderer
from stavbill.documents.style import Style
from stavbill.errors import DocumentError
from tests.documents.papers import kazakh, russian

KILLER = "killer"


@asynccontextmanager
async def pool(style: Style | None = None, processes: int = 1) -> AsyncIterator[RenderPool]:
    async with RenderPool(style or Style(), processes) as opened:
        yield opened


@cache
def here() -> Renderer:
    return Renderer(Style())


def render_or_die(document: InvoiceDocument) -> bytes | Failed:
    """Render as always, but end the process at one document, as the lack of memory does."""
    if document.number == KILLER:
        os._exit(9)
    return render_here(document)


async def test_the_same_invoice_has_the_same_bytes_in_every_process() -> None:
    documents = [replace(russian(), number=str(number % 2)) for number in range(4)]
    async with pool(processes=2) as opened:
        assert await opened.render(documents) == [here().pdf(one) for one in documents]


async def test_a_rendering_process_that_is_killed_is_replaced() -> None:
    async with pool() as opened:
        first = await opened.render([russian()])
        for child in multiprocessing.active_children():
            child.kill()
            child.join()
        assert await opened.render([russian(), kazakh()]) == [*first, here().pdf(kazakh())]


async def test_a_document_that_kills_its_process_takes_no_other_with_it() -> None:
    healthy = [replace(russian(), number=str(number)) for number in range(6)]
    killer = replace(russian(), number=KILLER)
    async with RenderPool(Style(), processes=2, render=render_or_die) as opened:
        *others, made = await opened.render([*healthy, killer])
    assert others == [here().pdf(one) for one in healthy]
    assert isinstance(made, DocumentError)
    assert "процесс вёрстки каждый раз прерывается" in str(made)


async def test_a_document_that_meets_a_bug_holds_up_nobody_elses() -> None:
    half = replace(russian(), buyer=replace(russian().buyer, name="ООО \ud800"))
    async with pool() as opened:
        failed, made = await opened.render([half, russian()])
    assert isinstance(failed, DocumentError)
    assert "инцидент" in str(failed)
    assert made == here().pdf(russian())


async def test_the_event_loop_goes_on_while_documents_are_made() -> None:
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0)
            ticks += 1

    async with pool() as opened:
        ticking = asyncio.create_task(tick())
        await opened.render([russian()])
        ticking.cancel()
    assert ticks > 0


@pytest.mark.parametrize(
    "address", ["file:///etc/passwd", "http://127.0.0.1:9/x.png", "stavbill:nothing"]
)
async def test_a_template_reaches_nothing_outside(tmp_path: Path, address: str) -> None:
    (tmp_path / "party.html").write_text(f'{{{{ party.name }}}} <img src="{address}">', "utf-8")
    async with pool(Style(tmp_path)) as opened:
        (made,) = await opened.render([russian()])
    assert isinstance(made, DocumentError)
    assert "собирается только из своих частей" in str(made)


async def test_a_style_sheet_that_wants_another_one_is_said_to_do_so(tmp_path: Path) -> None:
    (tmp_path / "invoice.css").write_text('@import url("http://127.0.0.1:9/a.css");', "utf-8")
    async with pool(Style(tmp_path)) as opened:
        (made,) = await opened.render([russian()])
    assert isinstance(made, DocumentError)
    assert "http://127.0.0.1:9/a.css" in str(made)
