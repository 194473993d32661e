"""Documents as an operator reads them: tables and short Russian sentences."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from stavbill.cli.words import (
    CHECKS,
    DECISIONS,
    GATES,
    HOLDS,
    SKIPS,
    STATES,
    STATUSES,
    WARNINGS,
    WRITTEN,
    plural,
)
from stavbill.plan.run_texts import apply_command

Document = Mapping[str, Any]


def console() -> Console:
    """Return the console on standard output."""
    return Console(highlight=False, soft_wrap=True, markup=False)


def print_report(report: Document) -> None:
    """Print what a run came to."""
    out = console()
    for earlier in report.get("finished", ()):
        out.print("Закончен прерванный запуск:", style="bold")
        print_report(earlier)
        out.print()
    counts = report["counts"]
    title = "План (ничего не записано)" if report["dry_run"] else "Запуск"
    out.print(f"{title} {report['run_id']} за {_day(report['on'])}", style="bold")
    out.print(f"Состояние: {STATES.get(report['state'], report['state'])}")
    out.print(
        f"Компаний: {counts['companies']} · счёт: {counts['billed']} · пропущено: "
        f"{counts['skipped']} · задержано: {counts['held']} · на паузе: {counts['parked']} · "
        f"ждут: {counts['waiting']} · ошибок: {counts['failed']}"
    )
    if report["sums"]:
        out.print(_sums(report["sums"]))
    for row in report.get("compared", ()):
        out.print(f"К прошлому месяцу: {_compared(row)}")
    for cause in report.get("shared", ()):
        out.print(f"{cause['text']}. {cause['detail']}".rstrip(), style="bold")
    _print_counter(out, "Задержаны", report["held"], HOLDS)
    _print_counter(out, "Пропущены", report["skipped"], SKIPS)
    _print_counter(out, "Предупреждения", report["warnings"], WARNINGS)
    _print_counter(out, "Записано", _merged(report.get("written", {})), {})
    for parked in report["parked"]:
        out.print(f"На паузе компания {parked['company']}: {parked['reason']}")
    for failed in report["failed"]:
        out.print(f"Ошибка, компания {failed['company']}: инцидент {failed['incident']}")
    for found in report["violations"]:
        out.print(f"Нарушение: {_violation(found)}", style="red")
    if report.get("changed_since_plan"):
        names = ", ".join(str(company) for company in report["changed_since_plan"])
        out.print(f"Изменились после плана и не записаны: {names}")
    _print_gate(out, report)
    detail = report["requests_detail"]
    out.print(
        f"Запросов: {report['requests']} (Битрикс24 {detail['portal']}, Wialon {detail['wialon']})"
        f" · секунд: {report['seconds']}"
    )
    if report.get("company"):
        print_explanation(report["company"])


def _sums(sums: Iterable[Document]) -> Table:
    table = Table(show_edge=False)
    for name in ("Юрлицо", "Компаний", "Счетов", "Сумма", ""):
        table.add_column(name, justify="left" if name in ("Юрлицо", "") else "right")
    for row in sums:
        cells = (row["issuer"], row["companies"], row["invoices"], row["total"], row["currency"])
        table.add_row(*(str(cell) for cell in cells))
    return table


def _print_counter(
    out: Console, title: str, counter: Mapping[str, int], words: Mapping[str, str]
) -> None:
    if counter:
        parts = (f"{words.get(code, code)}: {number}" for code, number in counter.items())
        out.print(f"{title} — {'; '.join(parts)}")


def _merged(written: Mapping[str, int]) -> dict[str, int]:
    merged: dict[str, int] = {}
    for name, number in written.items():
        kind, _, status = name.partition(":")
        word = WRITTEN.get(kind, kind)
        if status != "done":
            word = f"{word} ({STATUSES.get(status, status)})"
        merged[word] = merged.get(word, 0) + number
    return merged


def _print_gate(out: Console, report: Document) -> None:
    gate = report["gate"]
    if gate["answer"] == "go":
        return
    out.print(GATES[gate["answer"]], style="bold")
    too_many = gate.get("too_many_invoices")
    if gate.get("first_run"):
        out.print("Прошлого месяца для сравнения нет.")
    if too_many:
        out.print(f"Счетов {too_many} — больше, чем --max-invoices.")
    for row in gate.get("deviations", ()):
        out.print(f"Вне полосы: {_compared(row)}")
    if gate.get("shared"):
        out.print(
            "Много компаний ждут одной и той же причины (названа выше). Устраните её и запустите "
            "снова; или выставите счета остальным, не дожидаясь."
        )
    band = bool(gate.get("deviations") or gate.get("shared"))
    command = apply_command(report["run_id"], band=band, too_many=too_many)
    out.print(f"Посмотреть по компаниям: stavbill run show {report['run_id']}")
    out.print(f"Если план верен: {command}")


def _compared(row: Document) -> str:
    return (
        f"юрлицо {row['own_company']}, {row['currency']}: компаний было "
        f"{row['companies_before']}, стало {row['companies_now']}; сумма была "
        f"{row['total_before']}, стала {row['total_now']}"
    )


def print_explanation(document: Document) -> None:
    """Print why a company was billed so, or not."""
    out = console()
    head = f"Компания {document['company']} {document.get('title', '')}".rstrip()
    when = f" · на {_day(document['on'])}" if document.get("on") else ""
    out.print(f"{head}: {DECISIONS[document['decision']]}{when}", style="bold")
    if document.get("parked"):
        out.print(f"На паузе: {document['parked']}")
    for reason in document["reasons"]:
        out.print(f"• {reason['text']}")
    for invoice in document["invoices"]:
        out.print(
            f"{invoice['title']} — {invoice['issuer']}, договор {invoice['contract_number']}, "
            f"итого {invoice['total']} {invoice['currency']}, оплатить до "
            f"{_day(invoice['pay_by'])}"
        )
        for line in invoice["lines"]:
            credit = "" if line["credit"] == "0.00" else f" − {line['credit']}"
            vat = "без НДС" if line["vat_rate"] is None else f"НДС {line['vat_rate']} %"
            out.print(
                f"    {line['name']}: {line['quantity']} × {line['price']}{credit} = "
                f"{line['total']} ({vat}: {line['vat']})"
            )
    for note in document["explanation"]:
        out.print(f"  {note['rule']} {note['text']}")
    for note in document["warnings"]:
        out.print(f"  Внимание, {note['rule']}: {note['text']}")
    if document.get("last_bill"):
        out.print(f"Как был посчитан счёт (запуск {document['last_bill']['run_id']}):")
        print_explanation(document["last_bill"])


def print_company(document: Document) -> None:
    """Print what the last reading, or one made now, knows of a company."""
    out = console()
    out.print(f"Компания {document['company']} {document['title']}", style="bold")
    for name in ("status", "connection", "account", "card_count", "months", "parked"):
        if document.get(name) is not None:
            out.print(f"{CHECKS.get(name, name)}: {document[name]}")
    for code, text in document["fees"].items():
        out.print(f"Тариф ({code}): {text or '—'}")
    for line in _papers(document):
        out.print(line)
    for title in document["contracts"]:
        out.print(f"Договор: {title}")
    for row in document["invoices"]:
        out.print(
            f"Счёт {row['id']} от {_day(row['created'])}: {row['title']} — {row['total']} "
            f"{row['currency']}, {row['state']}"
        )
    for problem in document["problems"]:
        out.print(f"Не понято: {problem}")


def _papers(document: Document) -> Iterator[str]:
    """Yield requisites, bank accounts and the responsible, which only a live look has."""
    for row in document.get("requisites", ()):
        numbers = (("ИНН", row["inn"]), ("КПП", row["kpp"]), ("БИН/ИИН", row["bin"]))
        told = ", ".join(f"{name} {number}" for name, number in numbers if number)
        yield f"Реквизиты {row['id']}: {row['name'] or 'без названия'}, {told or 'номеров нет'}"
    if document.get("requisites") == []:
        yield "Реквизиты: не заполнены"
    for row in document.get("bank_details", ()):
        off = "" if row["active"] else ", отмечен неактивным"
        yield (
            f"Счёт в банке (реквизиты {row['requisite']}): {row['account'] or 'без номера'} "
            f"{row['currency']}, БИК {row['bic'] or '—'}, {row['bank'] or 'банк не назван'}{off}"
        )
    if document.get("bank_details") == []:
        yield "Счета в банке: не заполнены"
    user = document.get("responsible")
    if user is not None:
        gone = " (уволен)" if user["active"] is False else ""
        name = user["name"] or "имени портал не показывает"
        yield f"Ответственный: {name}, id {user['id']}{gone}"


def print_checks(document: Document, config: Path) -> None:
    """Print the doctor's list: what is well, what failed, warnings; the next step at the end."""
    out = console()
    marks = {"ok": ("да  ", None), "fail": ("нет ", "red"), "warn": ("!   ", "yellow")}
    counts = dict.fromkeys(marks, 0)
    for status, (word, style) in marks.items():
        for check in document["checks"]:
            if check["status"] != status:
                continue
            counts[status] += 1
            out.print(word, check["text"], style=style)
            if check.get("fix"):
                out.print(f"       {check['fix']}")
    warned = f", предупреждений: {counts['warn']}" if counts["warn"] else ""
    command = "stavbill" if config == Path("stavbill.toml") else f"stavbill --config {config}"
    if counts["fail"]:
        checks = plural(counts["fail"], "проверка", "проверки", "проверок")
        out.print(f"Не готово: {counts['fail']} {checks}{warned}.", style="bold")
        out.print(f"Исправьте и повторите: {command} doctor")
    else:
        out.print(f"Готово{warned}.", style="bold")
        out.print(f"Дальше: {command} run month --dry-run")


def _violation(found: Document) -> str:
    return f"компания {found['company']}: {found['text']}"


def _day(text: str) -> str:
    year, month, day = text.split("-")
    return f"{day}.{month}.{year}"
