"""The commands around the service: the database and the sandbox."""

from __future__ import annotations

import errno
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stavbill.cli.common import print_json, say
from stavbill.cli.run import Json
from stavbill.errors import ConfigError

if TYPE_CHECKING:
    from stavbill.sandbox.serve import Sandbox

# What the shell sets when it asks what may follow.
COMPLETE = "_STAVBILL_COMPLETE"
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


class Shell(StrEnum):
    """A shell that can complete our commands."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


def completion(shell: Annotated[Shell, typer.Argument(help="Оболочка.")]) -> None:
    """Показать настройку автодополнения по Tab.

    Пример: stavbill completion bash > ~/.local/share/bash-completion/completions/stavbill
    """
    from typer.completion import get_completion_script  # type: ignore[attr-defined]

    say(get_completion_script(prog_name="stavbill", complete_var=COMPLETE, shell=shell.value))


def sandbox(  # noqa: PLR0917  one parameter for each option
    companies: Annotated[int, typer.Option("--companies", min=1)] = 200,
    seed: Annotated[int, typer.Option("--seed")] = 1,
    as_of: Annotated[str, typer.Option("--as-of", metavar="ГГГГ-ММ-ДД")] = "2026-12-10",
    port: Annotated[int, typer.Option("--port", help="0 — любой свободный.")] = 8124,
    time_scale: Annotated[float, typer.Option("--time-scale", min=1)] = 1.0,
    directory: Annotated[
        Path | None,
        typer.Option("--dir", help="Папка мира: начать его там или продолжить начатый."),
    ] = None,
    ready_file: Annotated[
        Path | None, typer.Option("--ready-file", help="Куда записать адреса и токены (JSON).")
    ] = None,
    as_json: Json = False,
) -> None:
    """Поднять на этой машине ненастоящие Битрикс24, Wialon, почту и WhatsApp: всё выдумано.

    Пример: stavbill sandbox --dir demo продолжит мир, который оставила make demo.
    """
    from stavbill.sandbox.serve import main as serve
    from stavbill.sandbox.serve import ready_line
    from stavbill.settings.secrets import write_secrets_file

    words = ["--companies", str(companies), "--seed", str(seed), "--as-of", as_of]
    words += ["--port", str(port), "--time-scale", str(time_scale)]
    if directory is not None:
        words += ["--dir", str(directory)]
    if ready_file is not None:
        words += ["--ready-file", str(ready_file)]

    def say_where(world: Sandbox) -> str:
        if directory is not None:
            # Commands beside it read the secrets and the world's time from there.
            write_secrets_file(directory, world.environment())
        return ready_line(world) if as_json else _next_steps(world, directory)

    try:
        serve(words, say_where)
    except OSError as trouble:
        if trouble.errno != errno.EADDRINUSE:
            raise
        msg = f"Порт занят ({trouble}). Остановите прежнюю песочницу или назовите другой: --port"
        raise ConfigError(msg) from trouble


def _next_steps(world: Sandbox, folder: Path | None = None) -> str:
    """Return what stands where, and what to type in another window.

    `folder` holds the secrets, and perhaps the settings of a demonstration that goes on.
    """
    day = world.world.as_of.isoformat()
    place = folder or Path("demo")
    command = f"  stavbill --config {place}/stavbill.toml"
    hosts = " ".join(f"--wialon {name}={url}" for name, url in world.wialon_urls.items())
    exports = [f"  export {key}={value}" for key, value in sorted(world.environment().items())]
    begin = (f"  stavbill init --dir {place} --non-interactive {hosts}", f"{command} doctor")
    return "\n".join(
        (
            f"Песочница: компаний {world.world.companies_count}, день {day}. Всё выдумано.",
            f"  Битрикс24  {world.portal_url}",
            *(f"  Wialon     {url}  ({name})" for name, url in world.wialon_urls.items()),
            f"  Почта      {world.mail_url}/",
            f"  WhatsApp   {world.whatsapp_url}/",
            "",
            "Дальше, в другом окне:",
            *(exports if folder is None else ()),
            *(() if (place / "stavbill.toml").is_file() else begin),
            f"{command} run month --as-of {day} --dry-run",
            "",
            "Остановить: Ctrl-C",
        )
    )
