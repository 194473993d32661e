"""The payment code that bank apps read: ГОСТ Р 56042-2014, as UTF-8 text and as a picture.

Source: reference on Russian documents 5.3; performance page 5 (a fixed mask).
"""

from __future__ import annotations

import io
from collections.abc import Iterator

import segno
from PIL import Image

from stavbill.documents.invoice import Form, InvoiceDocument

# «ST», version 0001, encoding 2 (UTF-8).
HEAD = "ST00012"
# One that no value contains; the first is the usual one.
SEPARATORS = "|~^!;#$%&*+?@`"
LIMITS = {"Name": 160, "BankName": 45, "Purpose": 210}
NO_CORRESPONDENT = "0"
MASK = 3
# Read by zbar from a page drawn at 96 to 300 dpi; a pixel a module is read from 200 dpi only,
# because a screen that makes a picture larger gives neighbouring modules unequal widths.
SCALE = 4
# A denser code than this (long names) has modules too small for a screen of 96 dpi. With fewer
# correcting bytes they are larger, which helps more than correction does.
DENSEST = 16
WHITE = 255


def has_code(document: InvoiceDocument) -> bool:
    """Say whether an invoice bears a payment code: Russian ones with something to pay."""
    return document.form is Form.RUSSIA and document.is_payable


def payload(document: InvoiceDocument) -> bytes:
    """Return the code's text for an invoice whose requisites are in order.

    Values longer than the standard allows are cut. Raises `ValueError` when no separator is left,
    which no invoice of people comes to.
    """
    fields = [(name, _fitting(name, value)) for name, value in _fields(document)]
    separator = next(
        (one for one in SEPARATORS if not any(one in value for _, value in fields)), None
    )
    if separator is None:
        msg = f"every separator occurs in the requisites of invoice {document.number}"
        raise ValueError(msg)
    parts = [HEAD, *(f"{name}={value}" for name, value in fields)]
    return separator.join(parts).encode()


def picture(text: bytes) -> bytes:
    """Return the code as PNG without a quiet zone: page and sheet give it.

    Four pixels a module; correction M, or L where M would make the code too dense for a screen.
    """
    made = _code(text, "m")
    if int(made.version) > DENSEST:
        made = _code(text, "l")
    side = len(made.matrix)
    dots = bytes(WHITE * (1 - dark) for row in made.matrix for dark in row)
    # Grey, by Pillow: one bit a pixel is unpacked to colours when embedded, four times slower.
    grey = Image.frombytes("L", (side, side), dots)
    out = io.BytesIO()
    grey.resize((side * SCALE, side * SCALE), Image.Resampling.NEAREST).save(out, "PNG")
    return out.getvalue()


def _code(text: bytes, error: str) -> segno.QRCode:
    return segno.make(text, error=error, mode="byte", mask=MASK, micro=False, boost_error=False)


def _fields(document: InvoiceDocument) -> Iterator[tuple[str, str]]:
    """Yield the obligatory fields in their order, then those that are known."""
    bank, seller = document.bank, document.seller
    yield "Name", seller.name
    yield "PersonalAcc", bank.account
    yield "BankName", bank.name
    yield "BIC", bank.bic
    yield "CorrespAcc", bank.correspondent or NO_CORRESPONDENT
    yield "Sum", str(document.total.minor)
    yield "Purpose", document.purpose
    yield "PayeeINN", seller.tax_number
    if seller.kpp:
        yield "KPP", seller.kpp


def _fitting(name: str, value: str) -> str:
    plain = " ".join(value.split())
    return plain[: LIMITS.get(name, len(plain))]
