"""The commands that set stavbill up against a portal: `init`, `portal discover`, `doctor`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from stavbill.cli.checking import sync
from stavbill.cli.common import WAITS, print_json, say
from stavbill.cli.run import Json

app = typer.Typer(help="Портал Битрикс24.", no_args_is_help=True)
app.command("sync")(sync)

Url = Annotated[
    str | None,
    typer.Option(
        "--portal-url",
        envvar="STAVBILL_PORTAL_URL",
        help="Адрес портала или весь вебхук https://ваш.bitrix24.ru/rest/1/секрет/.",
    ),
]
Wialon = Annotated[
    list[str] | None,
    typer.Option("--wialon", metavar="ИМЯ=URL", help="Подключение к Wialon (можно повторять)."),
]


def init(  # noqa: PLR0917  one parameter for each option
    directory: Annotated[Path, typer.Option("--dir", help="Папка для настроек.")] = Path(),
    portal_url: Url = None,
    wialon: Wialon = None,
    database_url: Annotated[
        str | None, typer.Option("--database-url", help="PostgreSQL вместо файла SQLite.")
    ] = None,
    non_interactive: Annotated[
        bool, typer.Option("--non-interactive", help="Не задавать вопросов.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Переписать файл настроек.")] = False,
    as_json: Json = False,
) -> None:
    """Прочитать портал и написать ПАПКА/stavbill.toml.

    Пример: stavbill init --dir . --portal-url https://ваш.bitrix24.ru/rest/1/секрет/
    --wialon stavros1=https://hst-api.wialon.com
    """
    import asyncio

    from stavbill.app.setup import SetupRequest, set_up

    if not non_interactive:
        portal_url = portal_url or typer.prompt("Адрес вебхука Битрикс24")
        wialon = wialon or _ask_wialon()
    request = SetupRequest(
        directory=directory,
        portal_url=portal_url or "",
        wialon=tuple(wialon or ()),
        database_url=database_url or "",
        force=force,
    )
    document = asyncio.run(set_up(request))
    if as_json:
        print_json(document)
        return
    say(f"Настройки записаны: {document['config']}")
    if document["secrets"]:
        say(f"Вебхук записан: {document['secrets']} (читает только владелец)")
    _list("Не найдено (допишите в файл; stavbill doctor покажет строку)", document["unmatched"])
    _list("Проверьте", document["proposals"])
    say(f"Дальше: stavbill --config {document['config']} doctor")


@app.command("discover")
def discover(
    context: typer.Context,
    write: Annotated[
        Path | None,
        typer.Option("--write", help="Записать в файл (можно в сам stavbill.toml) вместо вывода."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Сопоставить поля и стадии портала заново и показать готовый файл настроек."""
    import asyncio

    from stavbill.app.setup import rediscover, write_settings

    document = asyncio.run(rediscover(context.obj.config))
    if write is not None:
        write_settings(write, document["toml"])
    if as_json:
        print_json(document)
        return
    say(document["toml"] if write is None else f"Записано: {write}")
    _list("Не найдено", document["unmatched"])
    _list("Проверьте", document["proposals"])


@app.command("takeover")
def takeover(
    context: typer.Context,
    yes: Annotated[bool, typer.Option("--yes", help="Не спрашивать.")] = False,
    who: Annotated[str | None, typer.Option("--who", help="Кто (иначе имя пользователя).")] = None,
    as_json: Json = False,
) -> None:
    """Сделать портал порталом этой базы: та, что вела его до сих пор, больше не запишет ничего.

    Сначала остановите ту программу и убедитесь, что эта база знает всё, что она записала.
    Пример: stavbill portal takeover --yes
    """
    import asyncio
    import getpass

    from stavbill.app.taking_over import take_portal_over

    if not yes and (as_json or not typer.confirm("Писать на портал будет эта база?")):
        say("Ничего не изменено. Без вопроса: stavbill portal takeover --yes")
        raise typer.Exit(WAITS)
    document = asyncio.run(take_portal_over(context.obj.config, who=who or getpass.getuser()))
    if as_json:
        print_json(document)
    elif document["changed"]:
        say(f"Портал {document['portal']} ведёт эта база, эпоха {document['epoch']}.")
        if document["was"]:
            say(f"До сих пор: {document['was']}")
    else:
        say(f"Портал {document['portal']} и так ведёт эта база.")


def doctor(context: typer.Context, as_json: Json = False) -> None:
    """Проверить всё, что понадобится: права, поля, стадии, юрлица, Wialon, базу, папки."""
    import asyncio

    from stavbill.app.doctor import examine

    document = asyncio.run(examine(context.obj.config))
    if as_json:
        print_json(document)
    else:
        from stavbill.cli.tables import print_checks

        print_checks(document, context.obj.config)
    raise typer.Exit(document["exit_code"])


def _ask_wialon() -> list[str]:
    answers = []
    while line := typer.prompt("Wialon ИМЯ=URL (пусто — закончить)", default=""):
        answers.append(line)
    return answers


def _list(title: str, lines: object) -> None:
    if isinstance(lines, list) and lines:
        say(f"{title}:")
        for line in lines:
            say(f"  {line}")
