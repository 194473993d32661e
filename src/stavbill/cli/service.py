"""The commands around the service: the database and the sandbox."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from stavbill.cli.common import print_json, say
from stavbill.cli.run import Json

db_app = typer.Typer(help="База данных.", no_args_is_help=True)


@db_app.command("upgrade")
def upgrade(context: typer.Context, as_json: Json = False) -> None:
    """Привести базу к этой версии программы."""
    from stavbill.app.build import upgrade_database

    version = upgrade_database(context.obj.config)
    if as_json:
        print_json({"version": version})
    else:
        say(f"База готова, версия {version}.")


def sandbox(  # noqa: PLR0917  one parameter for each option
    companies: Annotated[int, typer.Option("--companies", min=1)] = 200,
    seed: Annotated[int, typer.Option("--seed")] = 1,
    as_of: Annotated[str, typer.Option("--as-of", metavar="ГГГГ-ММ-ДД")] = "2026-12-10",
    port: Annotated[int, typer.Option("--port", help="0 — любой свободный.")] = 8124,
    time_scale: Annotated[float, typer.Option("--time-scale", min=1)] = 1.0,
    ready_file: Annotated[
        Path | None, typer.Option("--ready-file", help="Куда записать адреса и токены (JSON).")
    ] = None,
) -> None:
    """Поднять на этой машине ненастоящие Битрикс24, Wialon, почту и WhatsApp: всё выдумано."""
    from stavbill.sandbox.serve import main as serve

    words = ["--companies", str(companies), "--seed", str(seed), "--as-of", as_of]
    words += ["--port", str(port), "--time-scale", str(time_scale)]
    if ready_file is not None:
        words += ["--ready-file", str(ready_file)]
    serve(words)
