"""`web`: what comes in by HTTP, and the addresses that robots post to."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from stavbill.cli.common import Door, print_json, say

app = typer.Typer(help="Приём сообщений роботов и событий Битрикс24.", invoke_without_command=True)


@app.callback()
def web(
    context: typer.Context,
    host: Annotated[str | None, typer.Option("--host", help="Адрес, на котором слушать.")] = None,
    port: Annotated[int | None, typer.Option("--port", help="Порт; 0 — любой.")] = None,
    ready_file: Annotated[
        Path | None, typer.Option("--ready-file", help="Записать сюда адрес, когда готов.")
    ] = None,
) -> None:
    """Принимать сообщения: сохранить, ответить, остальное сделает работник.

    Пример: stavbill web --port 8080
    """
    if context.invoked_subcommand is not None:
        return
    from stavbill.web.serve import serve

    door: Door = context.obj
    serve(door.config, host=host, port=port, ready_file=ready_file)


@app.command("urls")
def urls(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Один документ JSON.")] = False,
) -> None:
    """Показать адреса для роботов: каждый годен только для своего действия.

    Пример: stavbill web urls
    """
    from stavbill.web.serve import robot_urls

    door: Door = context.obj
    found = robot_urls(door.config)
    if as_json:
        print_json({"urls": found})
        return
    for action, url in found.items():
        say(f"{action}: {url}")
