"""`ops`: what the workers have begun, how far it is, and telling them to go on or to stop."""

from __future__ import annotations

import getpass
import json
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from stavbill.cli.common import Door, print_json, say
from stavbill.cli.tables import console

if TYPE_CHECKING:
    from stavbill.workflows.inspect import Workflow

app = typer.Typer(
    help="Операции работников: список, просмотр, повтор, отмена.", no_args_is_help=True
)

STATES = {
    "ENQUEUED": "в очереди",
    "DELAYED": "отложена",
    "PENDING": "идёт",
    "SUCCESS": "готово",
    "ERROR": "ошибка",
    "CANCELLED": "отменена",
    "MAX_RECOVERY_ATTEMPTS_EXCEEDED": "ошибка: слишком много попыток",
}
SHOWN = 200

Json = Annotated[bool, typer.Option("--json", help="Один документ JSON.")]
Id = Annotated[str, typer.Argument(help="Операция, как её называет ops list.")]


@app.command("month")
def month(
    context: typer.Context,
    as_of: Annotated[
        str | None, typer.Option("--as-of", metavar="ГГГГ-ММ-ДД", help="День (иначе сегодня).")
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Не спрашивать: внутри полосы и при первом запуске.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Поручить работникам запуск месяца, не дожидаясь расписания.

    Запуск дня один: если расписание его уже начало, второго не будет.

    Пример: stavbill ops month --yes
    """
    from stavbill.app.engine import ask_workers_for_month
    from stavbill.cli.run import day_of

    workflow = ask_workers_for_month(_door(context).config, on=day_of(as_of), yes=yes)
    if as_json:
        print_json({"operation": workflow})
        return
    say(f"Операция {workflow} в очереди. Следить: stavbill ops show {workflow}")


@app.command("list")
def list_(
    context: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="И законченные тоже.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, help="Не больше стольких.")] = 50,
    as_json: Json = False,
) -> None:
    """Показать незаконченные и неудавшиеся операции, новые сверху.

    Пример: stavbill ops list --all
    """
    from stavbill.app.engine import engine_of, runs_that_wait
    from stavbill.workflows.engine import open_client
    from stavbill.workflows.inspect import list_open

    config = _door(context).config
    waiting = runs_that_wait(config)
    with open_client(engine_of(config)) as client:
        found = list_open(client, everything=everything, limit=limit)
    if as_json:
        runs = [run.run for run in waiting]
        operations = [_document(one) for one in found]
        print_json({"operations": operations, "waiting_approval": runs})
        return
    for run in waiting:
        say(f"Ждёт подтверждения: stavbill run show {run.run}, потом stavbill run apply {run.run}")
    if not found:
        say("Незаконченных операций нет.")
        return
    table = Table("Операция", "Вид", "Состояние", "Начата", "Работник")
    for one in found:
        table.add_row(
            one.id, one.name, STATES.get(one.state, one.state), _time(one.begun), one.executor or ""
        )
    console().print(table)


@app.command("show")
def show(context: typer.Context, operation: Id, as_json: Json = False) -> None:
    """Показать операцию, её шаги и их итоги.

    Пример: stavbill ops show run:portal.example:2026-12-10
    """
    from stavbill.app.engine import engine_of
    from stavbill.workflows.engine import open_client
    from stavbill.workflows.inspect import show as look

    with open_client(engine_of(_door(context).config)) as client:
        one, steps = look(client, operation)
    if as_json:
        print_json(_document(one) | {"steps": [asdict(step) for step in steps]})
        return
    say(f"{one.id}: {STATES.get(one.state, one.state)}, начата {_time(one.begun)}")
    if one.error:
        say(f"Ошибка: {one.error}")
    table = Table("Шаг", "Что", "Итог")
    for step in steps:
        table.add_row(str(step.number), step.child or step.name, step.error or _short(step.result))
    console().print(table)


@app.command("retry")
def retry(context: typer.Context, operation: Id, as_json: Json = False) -> None:
    """Продолжить неудавшуюся или отменённую операцию с того шага, который не вышел.

    Пример: stavbill ops retry sync:portal.example:2026-12-10T09:20
    """
    from stavbill.app.engine import engine_of
    from stavbill.workflows.engine import open_client
    from stavbill.workflows.inspect import retry as go_on

    with open_client(engine_of(_door(context).config)) as client:
        again = go_on(client, operation)
    if as_json:
        print_json({"operation": again})
        return
    say(f"Операция {again} продолжится, как только её возьмёт работник.")


@app.command("cancel")
def cancel(context: typer.Context, operation: Id, as_json: Json = False) -> None:
    """Отменить операцию: следующий запрос уже не уйдёт, начатое будет выяснено позже.

    Пример: stavbill ops cancel run:portal.example:2026-12-10
    """
    from stavbill.app.engine import cancel_workflow

    ids = cancel_workflow(_door(context).config, operation, who=getpass.getuser())
    if as_json:
        print_json({"cancelled": list(ids)})
        return
    say(f"Отменено: {', '.join(ids)}")


@app.command("workers")
def workers(context: typer.Context, as_json: Json = False) -> None:
    """Показать работников: кто жив и когда его видели.

    Пример: stavbill ops workers
    """
    from stavbill.app.engine import known_workers

    found = known_workers(_door(context).config)
    if as_json:
        print_json({"workers": [asdict(one) for one in found]})
        return
    table = Table("Работник", "Версия", "Начал", "Виден", "Закончил")
    for one in found:
        ended = "" if one.ended is None else _time(one.ended)
        table.add_row(one.owner, one.version, _time(one.started), _time(one.seen), ended)
    console().print(table)


def _door(context: typer.Context) -> Door:
    door: Door = context.obj
    return door


def _document(one: Workflow) -> dict[str, object]:
    return asdict(one)


def _time(when: datetime) -> str:
    return when.astimezone().strftime("%d.%m.%Y %H:%M:%S")


def _short(result: object) -> str:
    text = json.dumps(result, ensure_ascii=False, default=str)
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
