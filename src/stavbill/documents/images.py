"""Logo, stamp and signatures: looked at when the service starts, small enough for every page.

Source: performance page 5 (150 dpi; a JPEG is passed through, everything else is packed again);
issue of delivery, «Numbers» (120 KB for a document).
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageOps

from stavbill.errors import ConfigError

MM_PER_INCH = 25.4
# What a pixel of an image is on a page that says nothing of its size.
DPI_OF_CSS = 96
# From the best to the last: what is noisy, as scans are, has to become coarser.
DPIS = (150, 125, 100, 85, 72, 60, 50, 40, 30)
JPEG_QUALITIES = (85, 70)
# None is every colour that there is.
COLOURS = (None, 64, 16)
LARGEST_FILE = 10_000_000
MOST_PIXELS = 40_000_000
KINDS = {"PNG": "image/png", "JPEG": "image/jpeg"}


@dataclass(frozen=True, slots=True)
class Frame:
    """The room for an image on the page, and the bytes that it may take of a file.

    One that `fills` its frame is printed as large as the frame allows, others no larger than they
    are.
    """

    width_mm: int
    height_mm: int
    budget: int
    fills: bool = False


# An issuer's images share 64 KB: a page of text with its fonts and a code takes about 25 KB.
LOGO_FRAME = Frame(60, 16, 16_000)
SIGNATURE_FRAME = Frame(45, 14, 11_000)
STAMP_BUDGET = 26_000


@dataclass(frozen=True, slots=True)
class Picture:
    """An image as pages embed it, and how wide it is printed; 0 is as wide as it is."""

    kind: str
    body: bytes
    width_mm: float = 0


def stamp_frame(size_mm: int) -> Frame:
    """Return the frame of a stamp of this size."""
    return Frame(size_mm, size_mm, STAMP_BUDGET, fills=True)


def load_picture(path: Path, *, frame: Frame, setting: str) -> Picture:
    """Return the image in a file, upright, no larger than its frame needs, within its budget.

    Raises `ConfigError` that names the setting for a file that is missing or no PNG or JPEG.
    """
    try:
        size = path.stat().st_size
        body = path.read_bytes() if size <= LARGEST_FILE else b""
    except OSError as error:
        msg = f"{setting} = «{path}»: файл не читается ({error.strerror})"
        raise ConfigError(msg) from error
    if not body:
        msg = f"{setting} = «{path}»: файл пуст или больше {LARGEST_FILE // 1_000_000} МБ"
        raise ConfigError(msg)
    try:
        return _fitted(_upright(body), frame)
    # A broken file comes upon errors of every kind in the decoder, AssertionError among them.
    except Exception as error:
        msg = f"{setting} = «{path}»: это не изображение PNG или JPEG. Сохраните его заново"
        raise ConfigError(msg) from error


def embedded_size(body: bytes) -> int:
    """Return about how many bytes an image takes in a PDF file: colours and transparency apart."""
    with Image.open(io.BytesIO(body)) as image:
        if image.format == "JPEG":
            return len(body)
        bands = len(image.getbands())
        if bands in (1, 3):
            return len(_png(image))
        return len(_png(image.convert(image.mode[:-1]))) + len(_png(image.getchannel("A")))


def _upright(body: bytes) -> Image.Image:
    """Return the image as a viewer shows it: turned as the camera says, in colours or in grey."""
    with Image.open(io.BytesIO(body), formats=tuple(KINDS)) as opened:
        if opened.width * opened.height > MOST_PIXELS:
            msg = "too many pixels"
            raise ValueError(msg)
        image = ImageOps.exif_transpose(opened)
        is_transparent = image.has_transparency_data
        if image.mode.startswith("I"):
            # Sixteen bits: conversion would cut everything above 255 to white.
            image = image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
        if image.mode in ("1", "L", "LA"):
            return _cleared(image.convert("LA")) if is_transparent else image.convert("L")
        return _cleared(image.convert("RGBA")) if is_transparent else image.convert("RGB")


def _cleared(image: Image.Image) -> Image.Image:
    """Return the image with nothing under its transparent places: nobody sees it, files grow."""
    seen = image.getchannel("A").point([0] + [255] * 255)
    return Image.composite(image, Image.new(image.mode, image.size), seen)


def _fitted(image: Image.Image, frame: Frame) -> Picture:
    scale = min(frame.width_mm / image.width, frame.height_mm / image.height)
    if not frame.fills:
        scale = min(scale, MM_PER_INCH / DPI_OF_CSS)
    body = b""
    for dpi in DPIS:
        dots = dpi / MM_PER_INCH * scale
        # Made larger than it is, it would show no more.
        size = [max(1, round(side * min(dots, 1))) for side in image.size]
        for body in _packed(image.resize((size[0], size[1]))):
            if embedded_size(body) <= frame.budget:
                return _picture(body, image.width * scale)
    return _picture(body, image.width * scale)


def _packed(image: Image.Image) -> Iterator[bytes]:
    """Yield the image as a file, every next one coarser."""
    if "A" not in image.getbands():
        for quality in JPEG_QUALITIES:
            out = io.BytesIO()
            image.save(out, "JPEG", quality=quality)
            yield out.getvalue()
        return
    for colours in COLOURS:
        yield _png(image if colours is None else _coarser(image, colours))


def _coarser(image: Image.Image, colours: int) -> Image.Image:
    few = image.convert("RGBA").quantize(colours, Image.Quantize.FASTOCTREE)
    return few.convert("RGBA").convert(image.mode)


def _png(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def _picture(body: bytes, width_mm: float) -> Picture:
    kind = "PNG" if body.startswith(b"\x89PNG") else "JPEG"
    return Picture(KINDS[kind], body, round(width_mm, 1))
