"""Invented invoices that may be printed, and what a reader makes of a file."""

from __future__ import annotations

import io
import random
import shutil
import subprocess
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from pypdf import PdfReader

from stavbill.billing.money import Currency, Money
from stavbill.billing.vat import vat_included
from stavbill.documents.invoice import AnnexRow, Bank, InvoiceDocument, Party, PrintedLine
from stavbill.documents.samples import kazakh as kazakh_sample
from stavbill.documents.samples import russian as russian_sample
from stavbill.sandbox.world import invented

_RNG = random.Random(7)
BIC = "040002345"
SELLER = Party(
    name="ООО «Пример Мониторинг»",
    tax_number=invented.inn_of_company(_RNG),
    kpp="000201001",
    registration=invented.ogrn(_RNG),
    address="000000, г. Примерск, ул. Образцовая, д. 1, оф. 2",
)
BUYER = Party(
    name="ООО «Образец»",
    tax_number=invented.inn_of_company(_RNG),
    kpp="000301001",
    address="000000, г. Примерск, ул. Пробная, д. 3",
)
BANK = Bank(
    name="АО «Банк Примерный»",
    bic=BIC,
    account=invented.account_number(_RNG, BIC),
    correspondent=invented.correspondent_account(BIC),
)


def russian() -> InvoiceDocument:
    """Return a Russian invoice whose requisites are in order."""
    return replace(russian_sample(), seller=SELLER, buyer=BUYER, bank=BANK, issuer="ps-rf")


def kazakh() -> InvoiceDocument:
    """Return a Kazakh invoice whose requisites are in order."""
    sample, rng = kazakh_sample(), random.Random(8)
    return replace(
        sample,
        seller=replace(sample.seller, tax_number=invented.bin_of(rng)),
        bank=replace(sample.bank, account=invented.iban_of_kazakhstan(rng)),
        buyer=replace(sample.buyer, tax_number=invented.bin_of(rng)),
    )


def long(lines: int) -> InvoiceDocument:
    """Return an invoice of many lines."""
    return replace(
        russian(), lines=tuple(line(f"Услуга номер {n}", n) for n in range(1, lines + 1))
    )


def partner(accounts: int) -> InvoiceDocument:
    """Return a partner's invoice with an annex."""
    rows = tuple(AnnexRow(f"partner-{n}", n % 7, n % 3) for n in range(1, accounts + 1))
    return replace(russian(), annex=rows)


def line(name: str, quantity: int, price: int = 45_000) -> PrintedLine:
    total = Money(price * quantity, Currency.RUB)
    return PrintedLine(
        name=name,
        quantity=Decimal(quantity),
        unit="шт.",
        price=Money(price, Currency.RUB),
        total=total,
        vat_percent=Decimal(22),
        vat=vat_included(total, Decimal(22)),
    )


def text_of(pdf: bytes) -> str:
    """Return what a reader can select on all pages, white space as one space."""
    pages = [page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages]
    return " ".join(" ".join(pages).replace("\u00a0", " ").split())


def lines_of(pdf: bytes) -> str:
    """Return the same line by line, for people to approve."""
    pages = [page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages]
    lines = "\n".join(pages).replace("\u00a0", " ").splitlines()
    return "".join(f"{text.strip()}\n" for text in lines if text.strip())


def pages_of(pdf: bytes) -> list[str]:
    """Return the text of every page."""
    return [page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages]


def page_count(pdf: bytes) -> int:
    return len(PdfReader(io.BytesIO(pdf)).pages)


def code_of(pdf: bytes, folder: Path, dpi: int = 200) -> str:
    """Return what a decoder reads in the code on the first page drawn with so many dots an inch."""
    said = _decoded(pdf, folder, dpi)
    assert said.returncode == 0, f"no code is read at {dpi} dpi"
    return said.stdout.decode().strip()


def has_readable_code(pdf: bytes, folder: Path) -> bool:
    """Say whether a decoder finds any code on the first page."""
    return _decoded(pdf, folder, 200).returncode == 0


def _decoded(pdf: bytes, folder: Path, dpi: int) -> subprocess.CompletedProcess[bytes]:
    file, picture = folder / "invoice.pdf", folder / "page"
    file.write_bytes(pdf)
    drawn = [_tool("pdftoppm"), "-r", str(dpi), "-png", "-l", "1", "-singlefile"]
    subprocess.run([*drawn, str(file), str(picture)], check=True)
    words = [_tool("zbarimg"), "-q", "--raw", "-Sdisable", "-Sqrcode.enable", f"{picture}.png"]
    return subprocess.run(words, check=False, capture_output=True)


def _tool(name: str) -> str:
    found = shutil.which(name)
    assert found, f"{name} is missing: apt-get install poppler-utils zbar-tools"
    return found
