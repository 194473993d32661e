"""Logo, stamp and signatures: printed as large as they should be, never too heavy for a letter."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image
from pypdf import PdfReader

from stavbill.documents.images import (
    LOGO_FRAME,
    SIGNATURE_FRAME,
    STAMP_BUDGET,
    Frame,
    Picture,
    embedded_size,
    load_picture,
    stamp_frame,
)
from stavbill.documents.invoice import InvoiceDocument
from stavbill.documents.render import Renderer
from stavbill.documents.style import LOGO, SIGNATURES, STAMP, Style
from stavbill.errors import ConfigError
from tests.documents.papers import long, partner, russian

SETTING = "documents.issuers.ps-rf.logo"
STAMP_FRAME = stamp_frame(38)


def loaded(file: Path, frame: Frame = LOGO_FRAME) -> Picture:
    return load_picture(file, frame=frame, setting=SETTING)


def pixels(picture: Picture) -> tuple[int, int]:
    with Image.open(io.BytesIO(picture.body)) as image:
        return image.size


def noise(file: Path, size: tuple[int, int], mode: str) -> Path:
    """Save what a scanner makes of paper: grain everywhere, in the transparency too."""
    bands = [Image.effect_noise(size, 90) for _ in range(len(Image.new(mode, (1, 1)).getbands()))]
    Image.merge(mode, bands).save(file)
    return file


def pdf(document: InvoiceDocument, pictures: dict[str, Picture]) -> bytes:
    return Renderer(Style(pictures={"ps-rf": pictures})).pdf(document)


def printed(file: bytes) -> list[tuple[float, float]]:
    """Return the sizes in millimetres of the images on the first page, in the order of drawing."""
    sizes: list[tuple[float, float]] = []

    def visit(operator: bytes, _words: object, matrix: list[float], _text: list[float]) -> None:
        if operator == b"Do":
            sizes.append((abs(matrix[0]) / 72 * 25.4, abs(matrix[3]) / 72 * 25.4))

    PdfReader(io.BytesIO(file)).pages[0].extract_text(visitor_operand_before=visit)
    return sizes


@pytest.mark.parametrize("document", [russian(), long(60), partner(200)], ids=["one", "60", "200"])
def test_scans_of_the_worst_kind_leave_a_document_light(
    tmp_path: Path, document: InvoiceDocument
) -> None:
    sign = noise(tmp_path / "sign.png", (900, 400), "LA")
    pictures = {
        LOGO: loaded(noise(tmp_path / "logo.png", (1500, 400), "RGBA")),
        STAMP: loaded(noise(tmp_path / "stamp.png", (1200, 1200), "RGBA"), STAMP_FRAME),
        SIGNATURES[0]: loaded(sign, SIGNATURE_FRAME),
        SIGNATURES[1]: loaded(sign, SIGNATURE_FRAME),
    }
    assert len(pdf(document, pictures)) <= 120_000


def test_a_clean_stamp_keeps_its_sharpness(tmp_path: Path) -> None:
    Image.new("RGBA", (900, 900), (20, 40, 160, 90)).save(tmp_path / "stamp.png")
    assert pixels(loaded(tmp_path / "stamp.png", STAMP_FRAME)) == (224, 224)


def test_what_nobody_sees_weighs_nothing(tmp_path: Path) -> None:
    image = Image.open(noise(tmp_path / "stamp.png", (900, 900), "RGBA"))
    image.putalpha(0)
    image.save(tmp_path / "stamp.png")
    assert embedded_size(loaded(tmp_path / "stamp.png", STAMP_FRAME).body) < STAMP_BUDGET / 10


def test_a_tall_logo_is_fitted_by_its_height(tmp_path: Path) -> None:
    Image.new("RGB", (300, 3000), "red").save(tmp_path / "logo.png")
    picture = loaded(tmp_path / "logo.png")
    assert pixels(picture) == (9, 94)
    assert picture.width_mm == pytest.approx(1.6)


def test_a_photograph_stands_as_its_camera_says(tmp_path: Path) -> None:
    turned = Image.Exif()
    turned[0x0112] = 6
    Image.new("RGB", (200, 100), "red").save(tmp_path / "logo.jpg", exif=turned)
    width, height = pixels(loaded(tmp_path / "logo.jpg"))
    assert width < height


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_kind_of_image_is_taken(tmp_path: Path, mode: str) -> None:
    grey = Image.new("L", (40, 20), 128)
    made = Image.new(mode, (40, 20), 128 * 256) if mode == "I;16" else grey.convert(mode)
    made.save(tmp_path / "logo.png")
    with Image.open(io.BytesIO(loaded(tmp_path / "logo.png").body)) as image:
        shade = image.convert("L").getpixel((20, 10))
    assert shade in ((0, 255) if mode == "1" else (127, 128, 129))


@pytest.mark.parametrize("size", [20, 38, 70])
def test_a_stamp_is_printed_as_large_as_the_settings_say(tmp_path: Path, size: int) -> None:
    Image.new("RGBA", (300, 300), (20, 40, 160, 90)).save(tmp_path / "stamp.png")
    stamp = loaded(tmp_path / "stamp.png", stamp_frame(size))
    assert printed(pdf(russian(), {STAMP: stamp}))[-1] == pytest.approx((size, size), abs=0.5)


def test_all_images_of_an_issuer_are_on_the_page(tmp_path: Path) -> None:
    for name, fill in (("logo", "red"), ("sign", "blue"), ("second", "navy"), ("stamp", "green")):
        Image.new("RGBA", (200, 200), fill).save(tmp_path / f"{name}.png")
    pictures = {
        LOGO: loaded(tmp_path / "logo.png"),
        STAMP: loaded(tmp_path / "stamp.png", STAMP_FRAME),
        SIGNATURES[0]: loaded(tmp_path / "sign.png", SIGNATURE_FRAME),
        SIGNATURES[1]: loaded(tmp_path / "second.png", SIGNATURE_FRAME),
    }
    # The payment code is the fifth.
    assert len(printed(pdf(russian(), pictures))) == 5
    assert len(printed(pdf(russian(), {}))) == 1


def broken_png() -> bytes:
    """Return a PNG whose palette has an impossible length: the decoder gives up in its own way."""
    out = io.BytesIO()
    Image.new("P", (8, 8)).save(out, "PNG")
    return out.getvalue().replace(b"IHDR", b"IHDX")


@pytest.mark.parametrize(
    "body",
    [b"no image at all", b"", b"\x89PNG\r\n\x1a\nbroken", b"<svg/>", broken_png()],
    ids=["text", "empty", "cut", "svg", "broken"],
)
def test_a_logo_that_is_no_image(tmp_path: Path, body: bytes) -> None:
    (tmp_path / "logo.png").write_bytes(body)
    with pytest.raises(ConfigError, match=r"documents\.issuers\.ps-rf\.logo"):
        loaded(tmp_path / "logo.png")


def test_any_damage_of_an_image_is_said_in_the_same_way(tmp_path: Path) -> None:
    whole = noise(tmp_path / "logo.png", (40, 20), "RGB").read_bytes()
    told: list[str] = []
    for place in range(8, 80):
        (tmp_path / "logo.png").write_bytes(whole[:place] + b"\x00\x01" + whole[place + 2 :])
        try:
            loaded(tmp_path / "logo.png")
        except ConfigError as error:
            told.append(str(error))
    assert told
    assert all(SETTING in said for said in told)


def test_a_logo_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="не читается"):
        loaded(tmp_path / "logo.png")
