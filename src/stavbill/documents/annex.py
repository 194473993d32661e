"""An annex that is too long for the page: a workbook of its own, row by row.

Source: reference, performance page 5 (layout costs 4 ms a row); dependencies page (xlsxwriter).
"""

from __future__ import annotations

import io
from datetime import UTC, datetime, time

import xlsxwriter

from stavbill.documents.invoice import InvoiceDocument, annex_counts

HEADS = ("№", "Учетная запись", "Активных", "На консервации")
WIDTHS = (6, 48, 12, 16)
HEAD_ROW = 2
# A longer text is no cell at all: the library leaves it out and says so to nobody.
LONGEST_TEXT = 32_767
# Text is text, whatever it begins with. Written in memory, no part of the file bears a date.
OPTIONS = {"in_memory": True, "strings_to_formulas": False,
           "strings_to_urls": False, "strings_to_numbers": False}  # fmt: skip


def annex_file(document: InvoiceDocument) -> bytes:
    """Return the annex as XLSX; the same document gives the same bytes."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, OPTIONS) as book:
        # The file's own date is the invoice's: a moment would make every copy another file.
        book.set_properties({"created": datetime.combine(document.issued, time(), UTC)})
        bold = book.add_format({"bold": True})
        sheet = book.add_worksheet("Приложение")
        for column, width in enumerate(WIDTHS):
            sheet.set_column(column, column, width)
        title = f"Приложение к счету № {document.number} от {document.issued:%d.%m.%Y}"
        sheet.write_string(0, 0, title, bold)
        for column, head in enumerate(HEADS):
            sheet.write_string(HEAD_ROW, column, head, bold)
        sheet.freeze_panes(HEAD_ROW + 1, 0)
        sheet.repeat_rows(HEAD_ROW)
        last = HEAD_ROW
        for last, row in enumerate(document.annex, start=HEAD_ROW + 1):
            sheet.write_number(last, 0, last - HEAD_ROW)
            sheet.write_string(last, 1, row.account[:LONGEST_TEXT])
            sheet.write_number(last, 2, row.active)
            sheet.write_number(last, 3, row.conserved)
        active, conserved = annex_counts(document.annex)
        sheet.write_string(last + 1, 1, "Всего", bold)
        sheet.write_number(last + 1, 2, active, bold)
        sheet.write_number(last + 1, 3, conserved, bold)
    return out.getvalue()
