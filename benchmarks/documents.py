"""Invoices as files: beside plain WeasyPrint from pip, over all cores, in flat memory.

Plain is what a first attempt writes: everything made again for every document, the code as it comes
out of the library, stamps as somebody scanned them. It has what pip brings and nothing of Debian's:
fontTools makes the fonts small, and the font is the one that every Debian has (DejaVu), because
`libharfbuzz-subset0` and `fonts-liberation` are packages. Page, style sheet and data are the same.
"""

from __future__ import annotations

import asyncio
import base64
import io
import multiprocessing
import os
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

import segno
from PIL import Image, ImageDraw

from benchmarks.figures import Figure
from stavbill.documents.images import SIGNATURE_FRAME, load_picture, stamp_frame
from stavbill.documents.invoice import InvoiceDocument
from stavbill.documents.page import Pages
from stavbill.documents.paycode import payload
from stavbill.documents.pool import RenderPool
from stavbill.documents.style import SIGNATURES, STAMP, Style
from tests.documents.papers import line, russian

SAMPLE, WARM_UP = 60, 3
MANY, PROMISED = 1_200, 6_000
EARLY, LATE = 50, 600
LINES = 8
TIMES_PLAIN, CORES_SHARE, LARGEST_KB, FLAT = 4.0, 0.9, 120.0, 1.05


def figures(*, full: bool = False) -> Iterator[Figure]:
    """Measure one core against plain, all cores against one, size and memory."""
    with tempfile.TemporaryDirectory(prefix="stavbill-bench-") as name:
        scans = _scans(Path(name))
        style = _style(scans)
        plain = _apart(partial(_plain, scans))
        ours, size, _ = _apart(partial(_ours, style, SAMPLE))
        yield Figure("documents_plain", SAMPLE / plain[0], "per_cpu_s", None)
        yield Figure("documents_ours", SAMPLE / ours, "per_cpu_s", None)
        yield Figure("documents_times_plain", plain[0] / ours, "x", TIMES_PLAIN)
        yield Figure("documents_largest", size / 1024, "KB", LARGEST_KB, at_least=False)
        cores = len(os.sched_getaffinity(0))
        alone, together = (asyncio.run(_pooled(style, number)) for number in (1, cores))
        yield Figure("documents_all_cores", alone / together, "x_one", CORES_SHARE * cores)
        _, _, growth = _apart(partial(_ours, style, PROMISED if full else MANY))
        yield Figure("documents_memory_growth", growth, "x_early", FLAT, at_least=False)


def _document(number: int) -> InvoiceDocument:
    lines = tuple(line(f"Подписка на сервис, объект {n}", n) for n in range(1, LINES + 1))
    return replace(russian(), number=str(number), lines=lines, issuer="ps-rf", changes=())


def _scans(folder: Path) -> dict[str, Path]:
    """Draw a stamp and signatures as a scanner gives them: large, with a transparent ground."""
    found: dict[str, Path] = {}
    for name in (STAMP, *SIGNATURES):
        image = Image.new("RGBA", (900, 900 if name == STAMP else 400), (255, 255, 255, 0))
        draw = ImageDraw.Draw(image)
        draw.ellipse((20, 20, 880, image.height - 20), outline=(30, 50, 160, 200), width=14)
        draw.line((60, 60, 840, image.height - 60), fill=(30, 50, 160, 200), width=9)
        found[name] = folder / f"{name}.png"
        image.save(found[name])
    return found


def _style(scans: dict[str, Path]) -> Style:
    pictures = {
        name: load_picture(
            path, frame=stamp_frame(38) if name == STAMP else SIGNATURE_FRAME, setting=name
        )
        for name, path in scans.items()
    }
    return Style(pictures={"ps-rf": pictures})


def _plain(scans: dict[str, Path]) -> tuple[float, int, float]:
    """Return the CPU seconds of a sample made without any care."""
    from weasyprint import CSS, HTML  # noqa: PLC0415  in this process alone
    from weasyprint.pdf import fonts  # noqa: PLC0415

    fonts.harfbuzz_subset = None
    style = _style(scans)
    began = 0.0
    for number in range(SAMPLE + WARM_UP):
        if number == WARM_UP:
            began = time.process_time()
        document = _document(number)
        pages = Pages(style)
        html = pages.html(document, has_code=True)
        for name, path in scans.items():
            html = html.replace(f"stavbill:{name}", _data("image/png", path.read_bytes()))
        code = io.BytesIO()
        segno.make(payload(document), error="m").save(code, kind="svg", scale=3)
        html = html.replace("stavbill:code", _data("image/svg+xml", code.getvalue()))
        sheet = pages.sheet().replace('"Liberation Sans", ', "")
        HTML(string=html).write_pdf(stylesheets=[CSS(string=sheet)])
    return time.process_time() - began, 0, 0.0


def _data(kind: str, body: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(body).decode()}"


def _ours(style: Style, number: int) -> tuple[float, int, float]:
    """Return CPU seconds, the largest file in bytes, and how memory grew."""
    from stavbill.documents.render import Renderer  # noqa: PLC0415  in this process alone

    renderer = Renderer(style)
    began, largest, early, late = 0.0, 0, 0, 0
    for place in range(number + WARM_UP):
        if place == WARM_UP:
            began = time.process_time()
        largest = max(largest, len(renderer.pdf(_document(place))))
        if place == EARLY:
            early = _resident()
        if place >= LATE:
            late = max(late, _resident())
    return time.process_time() - began, largest, late / early if early and late else 1.0


def _resident() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize()


async def _pooled(style: Style, processes: int) -> float:
    """Return the wall seconds of a sample by so many processes, started before."""
    async with RenderPool(style, processes) as pool:
        await pool.render([_document(n) for n in range(processes * WARM_UP)])
        began = time.monotonic()
        await pool.render([_document(n) for n in range(SAMPLE * 2)])
        return time.monotonic() - began


def _apart(work: Callable[[], tuple[float, int, float]]) -> tuple[float, int, float]:
    """Work in a process of its own: what one way leaves in memory would count for the other."""
    ours, theirs = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("spawn").Process(target=_send, args=(theirs, work))
    process.start()
    theirs.close()
    found: tuple[float, int, float] = ours.recv()
    process.join()
    return found


def _send(back: Connection, work: Callable[[], tuple[float, int, float]]) -> None:
    back.send(work())
