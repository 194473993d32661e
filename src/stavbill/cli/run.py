"""The commands about a month: `run plan`, `run show`, `run list`, `run apply`, `run month`."""

from __future__ import annotations

import re
import sys
from collections.abc import Awaitable, Callable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stavbill.billing.period import Month
from stavbill.cli.common import Door, print_json, say
from stavbill.cli.progress import TerminalProgress
from stavbill.errors import ConfigError

if TYPE_CHECKING:
    from stavbill.operations.month_steps import MonthRequest
    from stavbill.operations.parts import Parts

Document = dict[str, Any]
app = typer.Typer(help="Месяц: план, просмотр, применение.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Один документ JSON.")]
AsOf = Annotated[
    str | None, typer.Option("--as-of", metavar="ГГГГ-ММ-ДД", help="День запуска (иначе сегодня).")
]
Companies = Annotated[
    list[int] | None, typer.Option("--company", help="Только эти компании (можно повторять).")
]
MonthOption = Annotated[
    str | None,
    typer.Option("--month", metavar="ГГГГ-ММ", help="Месяц запуска: как если бы шёл тот месяц."),
]
Limit = Annotated[
    int | None, typer.Option("--limit", min=1, help="Не больше стольких компаний, по порядку id.")
]
MaxInvoices = Annotated[
    int | None, typer.Option("--max-invoices", min=1, help="Остановиться, если счетов больше.")
]
Yes = Annotated[
    bool, typer.Option("--yes", help="Не спрашивать: внутри полосы и при первом запуске.")
]
AcceptBand = Annotated[
    bool, typer.Option("--accept-band", help="Согласиться с отклонением от прошлого месяца.")
]


@app.command("month")
def month(  # noqa: PLR0917  one parameter for each option
    context: typer.Context,
    as_of: AsOf = None,
    month: MonthOption = None,
    company: Companies = None,
    limit: Limit = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Только план, ничего не писать.")
    ] = False,
    yes: Yes = False,
    accept_band: AcceptBand = False,
    max_invoices: MaxInvoices = None,
    as_json: Json = False,
) -> None:
    """Прочитать, решить, показать, записать и проверить весь месяц.

    Пример: stavbill run month --as-of 2026-12-10 --dry-run
    """
    from stavbill.operations.month_steps import MonthRequest

    request = MonthRequest(
        on=day_of(as_of),
        month=_month(month),
        companies=tuple(company or ()),
        limit=limit,
        dry_run=dry_run,
        yes=yes,
        accept_band=accept_band,
        max_invoices=max_invoices,
    )
    _run(context.obj, request, as_json=as_json)


@app.command("plan")
def plan(  # noqa: PLR0917  one parameter for each option
    context: typer.Context,
    as_of: AsOf = None,
    month: MonthOption = None,
    company: Companies = None,
    limit: Limit = None,
    as_json: Json = False,
) -> None:
    """Составить и сохранить план, ничего не записывая в портал.

    Пример: stavbill run plan --as-of 2026-12-10, затем stavbill run apply ПЛАН
    """
    from stavbill.operations.month_steps import MonthRequest

    companies = tuple(company or ())
    request = MonthRequest(
        on=day_of(as_of), month=_month(month), companies=companies, limit=limit, dry_run=True
    )
    _run(context.obj, request, as_json=as_json)


@app.command("show")
def show(  # noqa: PLR0917  one parameter for each option
    context: typer.Context,
    run: Annotated[str | None, typer.Argument(help="Номер плана (иначе последний).")] = None,
    held: Annotated[bool, typer.Option("--held", help="Только задержанные.")] = False,
    warnings: Annotated[
        bool, typer.Option("--warnings", help="Только с предупреждениями, с их текстом.")
    ] = False,
    warning: Annotated[
        list[str] | None,
        typer.Option("--warning", metavar="ВИД", help="С этим предупреждением (код или слова)."),
    ] = None,
    xlsx: Annotated[
        Path | None, typer.Option("--xlsx", help="Записать таблицу в этот файл Excel.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Показать сохранённый план: решения по компаниям и что изменилось к прошлому месяцу.

    Пример: stavbill run show --held --xlsx задержаны.xlsx
    """
    from stavbill.cli.run_tables import print_run, write_workbook
    from stavbill.operations.show import show_run

    kinds = None if not (warnings or warning) else [warning_code(word) for word in warning or ()]

    async def work(parts: Parts) -> dict[str, object]:
        return show_run(parts, run, held_only=held, warnings=kinds)

    document = context.obj.with_store(work)
    if xlsx is not None:
        try:
            write_workbook(document, xlsx)
        except OSError as trouble:
            msg = f"Файл {xlsx} не записать: {trouble.strerror}"
            raise ConfigError(msg) from trouble
    if as_json:
        print_json(document)
    elif xlsx is not None:
        say(f"Записано: {xlsx}, компаний {len(document['companies'])}")
    else:
        print_run(document, warnings=kinds is not None)


def warning_code(word: str) -> str:
    """Return a warning's code by itself or by its Russian name. Raises `ConfigError`."""
    from stavbill.cli.words import WARNINGS

    names = {name: code for code, name in WARNINGS.items()} | {code: code for code in WARNINGS}
    if word not in names:
        listed = "\n".join(f"- {code}: {name}" for code, name in WARNINGS.items())
        msg = f"Предупреждения «{word}» нет. Есть:\n{listed}"
        raise ConfigError(msg)
    return names[word]


@app.command("list")
def list_(
    context: typer.Context,
    limit: Annotated[int, typer.Option("--limit", min=1, help="Сколько последних.")] = 20,
    everything: Annotated[
        bool, typer.Option("--all", help="И сверки, отметки об отправке, сообщения.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Показать последние запуски, новые сверху: номер, день, состояние, сколько счетов.

    Пример: stavbill run list --limit 5
    """
    from stavbill.cli.run_tables import print_runs
    from stavbill.operations.show import list_runs

    async def work(parts: Parts) -> dict[str, object]:
        return list_runs(parts, limit=limit, everything=everything)

    door: Door = context.obj
    document = door.with_store(work)
    if as_json:
        print_json(document)
    else:
        print_runs(document, door.zone())


@app.command("apply")
def apply(  # noqa: PLR0917  one parameter for each option
    context: typer.Context,
    run: Annotated[str | None, typer.Argument(help="Номер плана (иначе последний).")] = None,
    company: Companies = None,
    yes: Yes = False,
    accept_band: AcceptBand = False,
    max_invoices: MaxInvoices = None,
    as_json: Json = False,
) -> None:
    """Применить сохранённый план: весь или только названные компании."""
    from stavbill.operations.month import ApplyRequest, apply_plan
    from stavbill.operations.report_names import report_document

    request = ApplyRequest(
        run=run,
        companies=tuple(company or ()),
        yes=yes,
        accept_band=accept_band,
        max_invoices=max_invoices,
    )

    async def work(parts: Parts) -> Document:
        with TerminalProgress() as progress:
            report = await apply_plan(parts, request, progress)
        return report_document(parts, report)

    _finish(context.obj.with_parts(work), as_json=as_json)


def _run(door: Door, request: MonthRequest, *, as_json: bool) -> None:
    from stavbill.cli.tables import print_report
    from stavbill.operations.month import run_month
    from stavbill.operations.report_names import report_document

    async def work(parts: Parts) -> Document:
        with TerminalProgress() as progress:
            report = await run_month(parts, request, progress)
        return report_document(parts, report)

    document = door.with_parts(work)
    if _may_ask(document, as_json=as_json):
        print_report(document)
        if typer.confirm("Применить этот план?", default=False):
            document = door.with_parts(_approved(document["run_id"]))
    _finish(document, as_json=as_json)


def _may_ask(document: Document, *, as_json: bool) -> bool:
    """Say whether a person sits there and the plan waits only for a yes."""
    waits = document["state"] == "waiting_approval" and document["gate"]["answer"] == "ask"
    return waits and not as_json and sys.stdin.isatty()


def _approved(run: str) -> Callable[[Parts], Awaitable[Document]]:
    from stavbill.operations.month import ApplyRequest, apply_plan
    from stavbill.operations.report_names import report_document

    async def work(parts: Parts) -> Document:
        with TerminalProgress() as progress:
            report = await apply_plan(parts, ApplyRequest(run=run, yes=True), progress)
        return report_document(parts, report)

    return work


def _finish(document: Document, *, as_json: bool) -> None:
    if as_json:
        print_json(document)
    else:
        from stavbill.cli.tables import print_report

        print_report(document)
        say()
    raise typer.Exit(int(document["exit_code"]))


def day_of(as_of: str | None) -> date | None:
    """Return the run's day, None for today."""
    if as_of is None:
        return None
    try:
        return date.fromisoformat(as_of)
    except ValueError as wrong:
        msg = f"--as-of «{as_of}»: ожидалась дата вида 2026-12-10."
        raise ConfigError(msg) from wrong


def _month(text: str | None) -> Month | None:
    """Return the month whose run is asked for, None when no month is named."""
    if text is None:
        return None
    found = re.fullmatch(r"(\d{4})-(0[1-9]|1[0-2])", text)
    if found is None:
        msg = f"--month «{text}»: ожидался месяц вида 2026-12."
        raise ConfigError(msg)
    return Month(int(found[1]), int(found[2]))
