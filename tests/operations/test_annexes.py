"""The annex on paper: each client's units, price and sum, up to the invoice's total."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

from openpyxl import load_workbook

from stavbill.billing.money import Money
from stavbill.documents.annex import annex_file
from stavbill.documents.invoice import InvoiceDocument, figure
from stavbill.documents.render import Renderer
from stavbill.documents.style import Style
from stavbill.operations.annexes import CORRECTED, with_annex_sums
from tests.billing.test_annex import draft
from tests.documents.papers import russian, text_of
from tests.documents.test_composing import desk

COMPANIES = 158


def kopecks(document: InvoiceDocument) -> int:
    return sum(row.total.minor for row in document.annex if row.total is not None)


def squeezed(text: str) -> str:
    return "".join(text.split())


def printed(document: InvoiceDocument) -> str:
    """Return what stands on the pages; names are broken where a column ends."""
    return squeezed(text_of(Renderer(Style()).pdf(document)))


async def test_a_partners_annex_comes_to_the_total_of_its_invoice(tmp_path: Path) -> None:
    async with desk(tmp_path, companies=COMPANIES) as office:
        documents = [await office.document(each) for each in office.invoices()]
        partners = [document for document in documents if document.annex]
        assert partners
        for document in partners:
            sums = document.annex_sums
            assert sums is not None, document.annex_note
            assert sums.total == document.total
            assert sums.accounts.minor == kopecks(document)
            text = printed(document)
            assert all(squeezed(row.account) in text for row in document.annex)
            assert squeezed(f"Итого по счету{figure(sums.total)}") in text


def test_a_long_annex_shows_in_its_file_what_the_page_would() -> None:
    made = draft("201*350|201*100", *[(1, 1)] * 201)
    document = with_annex_sums(replace(russian(), changes=()), made, as_written=True)
    sheet = load_workbook(io.BytesIO(annex_file(document))).active
    assert sheet is not None
    rows = list(sheet.iter_rows(values_only=True))
    assert rows[3] == (1, "Клиент 1", 1, 1, 350, 100, 450)
    assert rows[204] == (None, "Всего", 201, 201, None, None, 90_450)
    assert rows[205][1:] == ("Итого по счету", None, None, None, None, 90_450)


def test_several_months_are_in_the_sums_and_said() -> None:
    made = draft("3*350", (2, 0), (1, 0), months=3)
    document = with_annex_sums(russian(), made, as_written=True)
    assert [row.total.minor for row in document.annex if row.total] == [210_000, 105_000]
    assert document.annex_sums is not None
    assert document.annex_sums.total == made.total
    assert "месяцев: 3" in document.annex_note


def test_what_was_taken_off_stands_under_the_clients() -> None:
    made = draft("3*350", (2, 0), (1, 0))
    credited = replace(made.lines[0], credit=Money(5_000, made.currency))
    document = with_annex_sums(russian(), replace(made, lines=(credited,)), as_written=True)
    assert document.annex_sums is not None
    assert document.annex_sums.total.minor == 3 * 35_000 - 5_000
    assert squeezed("Учтен в ценах перерасчет –50,00") in printed(document)


def test_an_annex_without_sums_says_why() -> None:
    several = with_annex_sums(russian(), draft("2*350|2*250", (3, 0), (1, 0)), as_written=True)
    corrected = with_annex_sums(russian(), draft("3*350", (3, 0)), as_written=False)
    assert several.annex_sums is None
    assert "несколько цен" in several.annex_note
    assert corrected.annex_note == CORRECTED
    assert all(document.annex_sums is None for document in (several, corrected))
