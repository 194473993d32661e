"""Logo, stamp and signatures: looked at when the service starts, small enough for every page.

Source: performance page 5 (150 dpi; a JPEG is passed through, everything else is packed again).
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from stavbill.errors import ConfigError

DPI = 150
MM_PER_INCH = 25.4
JPEG_QUALITY = 85
LARGEST_FILE = 10_000_000
MOST_PIXELS = 40_000_000
KINDS = {"PNG": "image/png", "JPEG": "image/jpeg"}


@dataclass(frozen=True, slots=True)
class Picture:
    """An image as pages embed it."""

    kind: str
    body: bytes


def load_picture(path: Path, *, width_mm: int, setting: str) -> Picture:
    """Return the image in a file, no larger than `width_mm` needs at 150 dpi.

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
        return _fitted(body, round(width_mm / MM_PER_INCH * DPI))
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError) as error:
        msg = f"{setting} = «{path}»: это не изображение PNG или JPEG. Сохраните его заново"
        raise ConfigError(msg) from error


def _fitted(body: bytes, width: int) -> Picture:
    with Image.open(io.BytesIO(body), formats=tuple(KINDS)) as image:
        if image.width * image.height > MOST_PIXELS:
            msg = "too many pixels"
            raise ValueError(msg)
        is_transparent = image.has_transparency_data
        made = image.convert("RGBA" if is_transparent else "RGB")
    if made.width > width:
        made = made.resize((width, max(1, made.height * width // made.width)))
    out = io.BytesIO()
    if is_transparent:
        made.save(out, "PNG", optimize=True)
        return Picture(KINDS["PNG"], out.getvalue())
    made.save(out, "JPEG", quality=JPEG_QUALITY)
    return Picture(KINDS["JPEG"], out.getvalue())
