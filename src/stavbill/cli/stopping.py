"""`stop`, `go`, `status`: the kill switch, which needs the database only, not the portal."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING, Annotated

import typer

from stavbill.cli.common import STOPPED, Door, print_json, say
from stavbill.cli.standing import print_flags, print_standing

if TYPE_CHECKING:
    from collections.abc import Iterable

    from stavbill.operations.parts import Parts
    from stavbill.store.control import RaisedFlag

Json = Annotated[bool, typer.Option("--json", help="Один документ JSON.")]
Who = Annotated[str | None, typer.Option("--who", help="Кто (иначе имя пользователя машины).")]


def stop(
    context: typer.Context,
    reason: Annotated[str, typer.Option("--reason", help="Почему; увидят все, кто ждёт.")],
    who: Who = None,
    as_json: Json = False,
) -> None:
    """Остановить запись на портал: ни один следующий запрос записи уже не уйдёт.

    Действует на всех работников и команды сразу, портал для этого не нужен. Начатое не теряется.

    Пример: stavbill stop --reason "бухгалтер проверяет суммы"
    """
    from stavbill.app.stopping import stop_writing

    up = stop_writing(context.obj.config, reason=reason, who=who or getpass.getuser())
    if as_json:
        print_json({"stopped": True, "flags": _documents(up)})
        return
    say("Запись остановлена. Чтение, планы и отчёты работают. Снять: stavbill go")


def go(
    context: typer.Context,
    after_violation: Annotated[
        bool, typer.Option("--after-violation", help="Снять и остановку из-за нарушения.")
    ] = False,
    machine_gone: Annotated[
        bool,
        typer.Option("--machine-gone", help="Снять и read_only машины, которой больше нет."),
    ] = False,
    who: Who = None,
    as_json: Json = False,
) -> None:
    """Снова разрешить запись: работники и следующий запуск продолжат с того же места.

    Пример: stavbill go
    """
    from stavbill.app.stopping import allow_writing

    down, up = allow_writing(
        context.obj.config,
        who=who or getpass.getuser(),
        after_violation=after_violation,
        machine_gone=machine_gone,
    )
    if as_json:
        lowered = [flag.value for flag in down]
        print_json({"stopped": bool(up), "lowered": lowered, "flags": _documents(up)})
    elif up:
        print_flags(_documents(up), context.obj.zone())
    else:
        say("Запись разрешена." if down else "Запись и так была разрешена.")
    raise typer.Exit(STOPPED if up else 0)


def status(context: typer.Context, as_json: Json = False) -> None:
    """Показать, разрешена ли запись на портал, кто и почему её остановил, и кто на паузе.

    Код выхода 4, когда запись остановлена. Пример: stavbill status
    """
    from stavbill.operations.standing import standing_document

    door: Door = context.obj

    async def work(parts: Parts) -> dict[str, object]:
        return standing_document(parts)

    document = door.with_store(work)
    if as_json:
        print_json(document)
    else:
        print_standing(document, door.zone())
    raise typer.Exit(STOPPED if document["stopped"] else 0)


def _documents(up: Iterable[RaisedFlag]) -> list[dict[str, str]]:
    return [
        {
            "flag": one.flag.value,
            "reason": one.reason,
            "who": one.who,
            "since": one.since.isoformat(timespec="seconds"),
        }
        for one in up
    ]
