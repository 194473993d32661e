"""The payment code that bank apps read: ГОСТ Р 56042-2014, as UTF-8 text and as a picture.

Source: reference on Russian documents 5.3; performance page 5 (a fixed mask, a pixel a module).
"""

from __future__ import annotations

import io
from collections.abc import Iterator

import segno

from stavbill.documents.invoice import Form, InvoiceDocument

# «ST», version 0001, encoding 2 (UTF-8).
HEAD = "ST00012"
# One that no value contains; the first is the usual one.
SEPARATORS = "|~^!;#$%&*+?@`"
LIMITS = {"Name": 160, "BankName": 45, "Purpose": 210}
NO_CORRESPONDENT = "0"
MASK = 3


def has_code(document: InvoiceDocument) -> bool:
    """Say whether an invoice bears a payment code: Russian ones with something to pay."""
    return document.form is Form.RUSSIA and document.total.minor > 0


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
    """Return the code as PNG, one pixel a module, without a quiet zone: page and sheet give it."""
    made = segno.make(text, error="m", mode="byte", mask=MASK, micro=False, boost_error=False)
    out = io.BytesIO()
    made.save(out, kind="png", scale=1, border=0)
    return out.getvalue()


def _fields(document: InvoiceDocument) -> Iterator[tuple[str, str]]:
    """Yield the obligatory fields in their order, then those that are known."""
    bank, seller = document.bank, document.seller
    yield "Name", seller.name
    yield "PersonalAcc", bank.account
    yield "BankName", bank.name
    yield "BIC", bank.bic
    yield "CorrespAcc", bank.correspondent or NO_CORRESPONDENT
    yield "Sum", str(document.total.minor)
    # Every byte makes the code denser, and harder to read for a telephone: no title.
    yield "Purpose", document.short_purpose
    yield "PayeeINN", seller.tax_number
    if seller.kpp:
        yield "KPP", seller.kpp


def _fitting(name: str, value: str) -> str:
    plain = " ".join(value.split())
    return plain[: LIMITS.get(name, len(plain))]
