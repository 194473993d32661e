"""An annex that is too long for the page: a workbook of its own, row by row.

Source: reference, performance page 5 (layout costs 4 ms a row); dependencies page (xlsxwriter).
"""

from __future__ import annotations

import io
from datetime import UTC, datetime, time

import xlsxwriter

from stavbill.billing.money import Money
from stavbill.documents.invoice import InvoiceDocument, annex_counts

HEADS = ("№", "Учетная запись", "Активных", "На консервации")
PRICED = ("Цена в месяц", "Цена на консервации в месяц", "Сумма")
WIDTHS = (6, 48, 12, 16, 14, 28, 16)
MONEY = "#,##0.00"
SUM_COLUMN = 6
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
        figures = book.add_format({"num_format": MONEY})
        sheet = book.add_worksheet("Приложение")
        for column, width in enumerate(WIDTHS):
            sheet.set_column(column, column, width)
        title = f"Приложение к счету № {document.number} от {document.issued:%d.%m.%Y}"
        sheet.write_string(0, 0, title, bold)
        for column, head in enumerate((*HEADS, *(PRICED if document.annex_sums else ()))):
            sheet.write_string(HEAD_ROW, column, head, bold)
        sheet.freeze_panes(HEAD_ROW + 1, 0)
        sheet.repeat_rows(HEAD_ROW)
        last = HEAD_ROW
        for last, row in enumerate(document.annex, start=HEAD_ROW + 1):
            sheet.write_number(last, 0, last - HEAD_ROW)
            sheet.write_string(last, 1, row.account[:LONGEST_TEXT])
            sheet.write_number(last, 2, row.active)
            sheet.write_number(last, 3, row.conserved)
            for column, money in enumerate((row.price, row.conserved_price, row.total), start=4):
                if money is not None:
                    sheet.write_number(last, column, float(money.amount), figures)
        active, conserved = annex_counts(document.annex)
        sheet.write_string(last + 1, 1, "Всего", bold)
        sheet.write_number(last + 1, 2, active, bold)
        sheet.write_number(last + 1, 3, conserved, bold)
        for place, (said, money) in enumerate(_foot(document), start=last + 1):
            sheet.write_string(place, 1, said, bold)
            sheet.write_number(place, SUM_COLUMN, float(money.amount), figures)
        if document.annex_note:
            sheet.write_string(last + len(_foot(document)) + 3, 1, document.annex_note)
    return out.getvalue()


def _foot(document: InvoiceDocument) -> list[tuple[str, Money]]:
    """Return the rows by which the accounts' sum comes to the invoice's."""
    sums = document.annex_sums
    if sums is None:
        return []
    nothing = Money.zero(document.currency)
    credit = [("Учтен в ценах перерасчет", nothing - sums.credit)] if sums.credit else []
    others = [("Другие строки счета", sums.others)] if sums.others else []
    return [("Всего", sums.accounts), *credit, *others, ("Итого по счету", sums.total)]
