"""A plan as an operator reads it: a list that fits 80 columns, or a workbook."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import tzinfo
from io import BytesIO
from pathlib import Path

import xlsxwriter
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from stavbill.cli.formats import Document, company_text, day_text, moment, person_text, sums
from stavbill.cli.words import CHANGES, DECISIONS, RUN_KINDS, STATES, WARNINGS, next_step, plural
from stavbill.files import write_file

NOBODY = "никто не назначен"
HEADS = (
    ("Ответственный", 24),
    ("ID", 10),
    ("Компания", 36),
    ("Решение", 12),
    ("Сумма", 18),
    ("Счёт", 16),
    ("К прошлому месяцу", 18),
    ("Почему", 80),
    ("Предупреждения", 60),
)
# A longer text is no cell at all.
LONGEST_TEXT = 32_767
OPTIONS = {
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}


def console() -> Console:
    """Return the console on standard output; texts are printed as they are."""
    return Console(highlight=False, soft_wrap=False, markup=False, emoji=False)


def print_run(document: Document, *, warnings: bool = False) -> None:
    """Print a stored plan company by company, under those who answer for them."""
    out = console()
    out.print(f"{document['run_id']} за {day_text(document['on'])}", style="bold", soft_wrap=True)
    rows = document["companies"]
    for person, mine in by_person(rows):
        number = f"{len(mine)} {plural(len(mine), 'компания', 'компании', 'компаний')}"
        out.print()
        out.print(f"Ответственный: {person or NOBODY} — {number}", style="bold")
        for row in mine:
            out.print(Padding(Text(_heading(row)), (0, 0, 0, 2)))
            for reason in row["reasons"] if row["decision"] != "skip" else ():
                _print_note(out, "•", reason, row)
            for note in row["warnings"] if warnings else ():
                _print_note(out, "!", note, row)
    if not rows:
        out.print("Таких компаний нет.")


def _print_note(out: Console, mark: str, note: Document, row: Document) -> None:
    out.print(Padding(Text(f"{mark} {note['text']}"), (0, 0, 0, 4)))
    step = next_step(note["code"], row["company"])
    if step:
        out.print(Padding(Text(step), (0, 0, 0, 6)))


def by_person(rows: Iterable[Document]) -> Iterator[tuple[str, list[Document]]]:
    """Yield who answers for companies, with their rows; those of nobody come last."""
    people: dict[str, list[Document]] = {}
    for row in rows:
        people.setdefault(person_text(row), []).append(row)
    for person in sorted(people, key=lambda name: (not name, name)):
        yield person, people[person]


def _heading(row: Document) -> str:
    parts = [DECISIONS[row["decision"]]]
    if row["total"]:
        parts.append(sums(row["total"]))
    numbers = invoice_numbers(row)
    if numbers:
        parts.append(numbers)
    if row.get("change"):
        parts.append(CHANGES[row["change"]])
    if row["decision"] == "skip":
        parts += [reason["text"] for reason in row["reasons"]]
    return f"{company_text(row)}: {', '.join(parts)}"


def invoice_numbers(row: Document) -> str:
    """Return the invoices that stand for a decision: «№ 128»."""
    return ", ".join(
        f"№ {one['number']}" if one["number"] else f"id {one['id']}"
        for one in row.get("issued", ())
    )


def print_runs(document: Document, zone: tzinfo) -> None:
    """Print the list of runs, the newest first."""
    out = console()
    for run in document["runs"]:
        state = STATES.get(run["state"], run["state"])
        plan = ", только план" if run["dry_run"] else ""
        about = f" · {company_text(run)}" if run.get("company") else ""
        held = f", задержано {run['held']}" if run["held"] else ""
        count = "" if run["invoices"] is None else f" · счетов {run['invoices']}{held}"
        out.print(run["run_id"], style="bold", soft_wrap=True)
        told = (
            f"{RUN_KINDS[run['kind']]} за {day_text(run['on'])}{plan}{about} · {state}{count} · "
            f"начат {moment(run['started'], zone)}"
        )
        out.print(Padding(Text(told), (0, 0, 0, 2)))
    if not document["runs"]:
        out.print("Запусков ещё не было.")


def write_workbook(document: Document, path: Path) -> None:
    """Write a plan as a workbook: a row for each company, sorted by who answers for it.

    Raises `OSError` when the file cannot be written.
    """
    body = BytesIO()
    with xlsxwriter.Workbook(body, OPTIONS) as book:
        bold, wrapped = book.add_format({"bold": True}), book.add_format({"text_wrap": True})
        sheet = book.add_worksheet("План")
        for column, (head, width) in enumerate(HEADS):
            sheet.set_column(column, column, width)
            sheet.write_string(0, column, head, bold)
        sheet.freeze_panes(1, 0)
        rows = [row for _, mine in by_person(document["companies"]) for row in mine]
        for line, row in enumerate(rows, start=1):
            for column, cell in enumerate(_cells(row)):
                sheet.write_string(line, column, cell[:LONGEST_TEXT], wrapped)
        sheet.autofilter(0, 0, len(rows), len(HEADS) - 1)
    write_file(path, body.getvalue())


def _cells(row: Document) -> tuple[str, ...]:
    warned = (f"{WARNINGS.get(note['code'], '')}: {note['text']}" for note in row["warnings"])
    return (
        person_text(row),
        str(row["company"]),
        str(row.get("title") or ""),
        DECISIONS[row["decision"]],
        sums(row["total"]),
        invoice_numbers(row),
        CHANGES.get(row.get("change", ""), ""),
        "\n".join(reason["text"] for reason in row["reasons"]),
        "\n".join(warned),
    )
