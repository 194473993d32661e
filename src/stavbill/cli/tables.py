"""Documents as an operator reads them: tables and short Russian sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path

from rich.console import Console
from rich.table import Table

from stavbill.cli.formats import (
    Document,
    company_text,
    day_text,
    money,
    person_text,
)
from stavbill.cli.words import (
    CHECKS,
    DECISIONS,
    GATES,
    HOLDS,
    INVOICE_STATES,
    SKIPS,
    STATES,
    STATUSES,
    WARNINGS,
    WRITTEN,
    next_step,
    plural,
)
from stavbill.plan.run_texts import apply_command
from stavbill.plan.texts import service

BASIS = (
    "Весь месяц и прошлый — с тем, что выставлено раньше; счёт за несколько месяцев входит частью."
)


def console() -> Console:
    """Return the console on standard output."""
    return Console(highlight=False, soft_wrap=True, markup=False, emoji=False)


def print_report(report: Document) -> None:
    """Print what a run came to."""
    out = console()
    for earlier in report.get("finished", ()):
        out.print("Закончен прерванный запуск:", style="bold")
        print_report(earlier)
        out.print()
    counts = report["counts"]
    title = "План (ничего не записано)" if report["dry_run"] else "Запуск"
    out.print(f"{title} {report['run_id']} за {day_text(report['on'])}", style="bold")
    out.print(f"Состояние: {STATES.get(report['state'], report['state'])}")
    out.print(
        f"Компаний: {counts['companies']} · счёт: {counts['billed']} · пропущено: "
        f"{counts['skipped']} · задержано: {counts['held']} · на паузе: {counts['parked']} · "
        f"ждут: {counts['waiting']} · ошибок: {counts['failed']}"
    )
    if report["sums"] or report["compared"]:
        out.print(_by_issuer(report))
    if report["compared"]:
        out.print(BASIS)
    for cause in report.get("shared", ()):
        out.print(f"{cause['text']}. {cause['detail']}".rstrip(), style="bold")
    _print_counter(out, "Задержаны", report["held"], HOLDS)
    _print_counter(out, "Пропущены", report["skipped"], SKIPS)
    _print_counter(out, "Предупреждения", report["warnings"], WARNINGS)
    _print_counter(out, "Записано", _merged(report.get("written", {})), {})
    _print_companies(out, report)
    if report.get("next_sending_day"):
        day = report["next_sending_day"]
        out.print(
            f"На этот день выставлять нечего. Следующий день отправки: {day_text(day)}.\n"
            f"Посмотреть: stavbill run month --as-of {day} --dry-run"
        )
    _print_gate(out, report)
    detail = report["requests_detail"]
    out.print(
        f"Запросов: {report['requests']} (Битрикс24 {detail['portal']}, Wialon {detail['wialon']})"
        f" · секунд: {report['seconds']}"
    )
    if report.get("company"):
        print_explanation(report["company"])


def _print_companies(out: Console, report: Document) -> None:
    """Print the companies of which a person has to know."""
    names = report.get("names", {})
    for parked in report["parked"]:
        out.print(f"На паузе {_company(parked, names)}: {parked['reason']}")
    for failed in report["failed"]:
        out.print(f"Ошибка, {_company(failed, names)}: инцидент {failed['incident']}")
    for found in report["violations"]:
        out.print(f"Нарушение: {_company(found, names)}: {found['text']}", style="red")
    changed = [_company({"company": one}, names) for one in report.get("changed_since_plan", ())]
    if changed:
        out.print("Изменились после плана и не записаны:")
    for name in changed:
        out.print(f"- {name}")


def _by_issuer(report: Document) -> Table:
    """Return what is new by issuer, and its month beside the one before, on one basis.

    The month's rows count invoices that stood already, and of one over several months its share.
    """
    table = Table(show_edge=False, box=None, padding=(0, 2, 0, 0))
    for name in ("Юрлицо", "", "Компаний", "Счетов", "Сумма"):
        table.add_column(name, justify="left" if name in ("Юрлицо", "") else "right")
    new: dict[tuple[str, str], list[Document]] = {}
    for row in report["sums"]:
        new.setdefault((row.get("name", row["issuer"]), row["currency"]), []).append(row)
    months = {
        (row.get("issuer", f"юрлицо {row['own_company']}"), row["currency"]): row
        for row in report["compared"]
    }
    for issuer, currency in sorted(new.keys() | months.keys()):
        rows, month = new.get((issuer, currency), []), months.get((issuer, currency))
        total = sum(Decimal(row["total"]) for row in rows)
        companies, invoices = (
            str(sum(row[name] for row in rows)) for name in ("companies", "invoices")
        )
        table.add_row(issuer, "новые счета", companies, invoices, money(str(total), currency))
        if month is not None:
            for word, when in (("весь месяц", "now"), ("прошлый месяц", "before")):
                count, figure = month[f"companies_{when}"], month[f"total_{when}"]
                table.add_row("", word, str(count), "", money(figure, currency))
    return table


def _company(row: Document, names: Mapping[str, Document]) -> str:
    heading = names.get(str(row["company"]), {})
    who = person_text(heading)
    told = f" (ответственный {who})" if who else ""
    return f"компания {company_text({**heading, **row})}{told}"


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
    before, now = (money(row[name], row["currency"]) for name in ("total_before", "total_now"))
    issuer = row.get("issuer", f"юрлицо {row['own_company']}")
    return (
        f"{issuer}: компаний было {row['companies_before']}, стало {row['companies_now']}; "
        f"сумма была {before}, стала {now}"
    )


def print_explanation(document: Document) -> None:
    """Print why a company was billed so, or not."""
    out = console()
    head = f"Компания {document['company']} {document.get('title', '')}".rstrip()
    when = f" · на {day_text(document['on'])}" if document.get("on") else ""
    out.print(f"{head}: {DECISIONS[document['decision']]}{when}", style="bold")
    if person_text(document):
        out.print(f"Ответственный: {person_text(document)}")
    if document.get("parked"):
        out.print(f"На паузе: {document['parked']}")
    numbers = {one["key"]: one for one in document.get("issued", ())}
    for reason in document["reasons"]:
        out.print(f"• {reason['text']}")
        _print_step(out, reason, document)
    for invoice in document["invoices"]:
        issued = numbers.get(invoice["key"])
        number = f"№ {issued['number'] or issued['id']}, " if issued else ""
        out.print(
            f"{number}{invoice['title']} — {invoice['issuer']}, договор "
            f"{invoice['contract_number']}, итого {money(invoice['total'], invoice['currency'])}, "
            f"оплатить до {day_text(invoice['pay_by'])}"
        )
        for line in invoice["lines"]:
            out.print(f"    {_line(line, invoice['currency'])}")
    for note in document["explanation"]:
        out.print(f"  {note['rule']} {note['text']}")
    for note in document["warnings"]:
        out.print(f"  Внимание, {note['rule']}: {note['text']}")
        _print_step(out, note, document)
    if document.get("last_bill"):
        out.print(f"Как был посчитан счёт (запуск {document['last_bill']['run_id']}):")
        print_explanation(document["last_bill"])


def _print_step(out: Console, told: Document, document: Document) -> None:
    step = next_step(told["code"], document["company"])
    if step:
        out.print(f"  {step}")


def _line(line: Document, currency: str) -> str:
    price, credited, total, vat = (
        money(line[name], currency) for name in ("price", "credit", "total", "vat")
    )
    credit = "" if line["credit"] == "0.00" else f" − {credited}"
    taxed = "без НДС" if line["vat_rate"] is None else f"НДС {line['vat_rate']} %: {vat}"
    return f"{line['name']}: {line['quantity']} × {price}{credit} = {total} ({taxed})"


def print_company(document: Document) -> None:
    """Print what the last reading, or one made now, knows of a company."""
    out = console()
    out.print(f"Компания {document['company']} {document['title']}", style="bold")
    for name in ("status", "connection", "account", "card_count", "months", "parked"):
        if document.get(name) is not None:
            out.print(f"{CHECKS.get(name, name)}: {document[name]}")
    for code, text in document["fees"].items():
        out.print(f"Тариф, {service(code)}: {text or '—'}")
    for line in _papers(document):
        out.print(line)
    for title in document["contracts"]:
        out.print(f"Договор: {title}")
    for row in document["invoices"]:
        out.print(
            f"Счёт № {row['number'] or row['id']} (id {row['id']}) от {day_text(row['created'])}: "
            f"{row['title']} — {money(row['total'], row['currency'])}, "
            f"{INVOICE_STATES[row['state']]}"
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
        gone = " (уволен)" if user.get("active") is False else ""
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
