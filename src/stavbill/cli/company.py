"""The commands about one company, and about one past invoice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from stavbill.cli.common import Door, print_json, say
from stavbill.cli.run import AsOf, Json, day_of

if TYPE_CHECKING:
    from stavbill.operations.parts import Parts

app = typer.Typer(help="Одна компания: почему такая сумма, перезапуск.", no_args_is_help=True)
invoice_app = typer.Typer(help="Один счёт.", no_args_is_help=True)

Company = Annotated[int, typer.Argument(help="ID компании в Битрикс24.")]


@app.command("show")
def show(
    context: typer.Context,
    company: Company,
    live: Annotated[
        bool,
        typer.Option("--live", help="Прочитать сейчас, с реквизитами, счетами в банке, людьми."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Показать карточку, договоры, счета и объекты компании, как их видит биллинг."""
    from stavbill.operations.explain import show_company
    from stavbill.operations.looking import look_at_company

    async def work(parts: Parts) -> dict[str, object]:
        return await look_at_company(parts, company) if live else show_company(parts, company)

    door: Door = context.obj
    document = door.with_parts(work) if live else door.with_store(work)
    if as_json:
        print_json(document)
        return
    from stavbill.cli.tables import print_company

    print_company(document)


@app.command("explain")
def explain(
    context: typer.Context,
    company: Company,
    as_of: AsOf = None,
    live: Annotated[
        bool, typer.Option("--live", help="Прочитать заново и решить, не записывая.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Ответить «почему такая сумма» или «почему нет счёта»: правило, значения, числа.

    Без --live и --as-of показывает последнее сохранённое решение.
    """
    from stavbill.operations.explain import explain_company, explain_stored

    async def look(parts: Parts) -> dict[str, object]:
        return await explain_company(parts, company, day_of(as_of), live=live)

    async def remember(parts: Parts) -> dict[str, object] | None:
        return explain_stored(parts, company)

    door: Door = context.obj
    document = door.with_store(remember) if not live and as_of is None else None
    document = document or door.with_parts(look)
    if as_json:
        print_json(document)
        return
    from stavbill.cli.tables import print_explanation

    print_explanation(document)


@app.command("rerun")
def rerun(  # noqa: PLR0917  one parameter for each option
    context: typer.Context,
    company: Company,
    as_of: AsOf = None,
    again: Annotated[
        bool,
        typer.Option("--again", help="Выставить снова месяц, счёт за который отменён вручную."),
    ] = False,
    skip: Annotated[
        bool, typer.Option("--keep-skip", help="Не обходить «Пропускать компанию».")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Только показать.")] = False,
    as_json: Json = False,
) -> None:
    """Принудительно пересчитать одну компанию: перечитать всё, решить, записать, проверить.

    Обходит флаг пропуска и день отправки; --again обходит «отменён вручную». Других причин
    задержки и правила о двойном счёте не обходит ничто.
    """
    from stavbill.operations.report_names import report_document
    from stavbill.operations.rerun import RerunRequest, rerun_company

    request = RerunRequest(
        company=company, on=day_of(as_of), again=again, keep_skip=skip, dry_run=dry_run
    )

    async def work(parts: Parts) -> dict[str, Any]:
        return report_document(parts, await rerun_company(parts, request))

    document = context.obj.with_parts(work)
    if as_json:
        print_json(document)
    else:
        from stavbill.cli.tables import print_report

        print_report(document)
    raise typer.Exit(document["exit_code"])


@app.command("release")
def release(
    context: typer.Context,
    company: Company,
    by: Annotated[str, typer.Option("--by", help="Кто снимает с паузы.")],
    as_json: Json = False,
) -> None:
    """Снять с паузы компанию, состояние которой разобрал человек."""
    from stavbill.operations.parking import release_company

    async def work(parts: Parts) -> dict[str, object]:
        return release_company(parts, company, by)

    document = context.obj.with_store(work)
    if as_json:
        print_json(document)
    elif document["released"]:
        say(f"Компания {company} снята с паузы. Дальше: stavbill company rerun {company}")
    else:
        say(f"Компания {company} не стояла на паузе.")


@invoice_app.command("recompute")
def recompute(
    context: typer.Context,
    key: Annotated[str, typer.Argument(help="Ключ счёта (stavbill:…) или ID компании.")],
    run: Annotated[
        str | None,
        typer.Option(
            "--run", help="Запуск; иначе тот, что выставил счёт, а для компании последний."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Пересчитать прошлое решение из сохранённых данных и сравнить до копейки.

    По ключу — решение того запуска, который выставил счёт. Код выхода 1, когда отличается.
    """
    from stavbill.operations.recompute import recompute_decision

    async def work(parts: Parts) -> dict[str, object]:
        return recompute_decision(parts, key, run)

    document = context.obj.with_store(work)
    if as_json:
        print_json(document)
    else:
        _print_recomputed(document)
    raise typer.Exit(0 if document["same"] else 1)


def _print_recomputed(document: dict[str, object]) -> None:
    about = f"Компания {document['company']} {document['title']}".rstrip()
    invoice = f", счёт {document['invoice']}" if document["invoice"] else ""
    say(f"{about}{invoice}, запуск {document['run_id']}")
    say(f"Было: {document['stored']} · сейчас: {document['now']}")
    if document["same"]:
        say("Совпадает до копейки.")
        return
    parts = document["differs"]
    told = f": {', '.join(parts)}" if isinstance(parts, list) and parts else ""
    say(f"Отличается{told}.")
