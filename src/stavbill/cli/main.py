"""The command `stavbill`: parse, call one operation, show the result.

Exit codes: 0 done, holds included · 1 a bug was met · 2 configuration · 3 waits for approval ·
4 stopped by a violation or the kill switch · 5 something still in doubt · 130 Ctrl+C.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from typer.completion import completion_init  # type: ignore[attr-defined]

from stavbill.cli import (
    checking,
    company,
    delivery,
    invoice,
    ops,
    portal,
    restoring,
    run,
    service,
    stopping,
    web,
    worker,
)
from stavbill.cli.common import Door
from stavbill.cli.service import COMPLETE

HELP = """Биллинг мониторинга: Битрикс24, Wialon, один верный счёт в месяц.

Коды выхода: 0 — готово (задержанные компании не ошибка), 1 — встретилась ошибка программы,
2 — настройки, 3 — ждёт подтверждения, 4 — запись остановлена, 5 — исход записи ещё неизвестен,
130 — прервано (Ctrl+C): записанное остаётся, та же команда продолжит.
"""

app = typer.Typer(help=HELP, no_args_is_help=True, add_completion=False, rich_markup_mode=None)
app.add_typer(run.app, name="run")
app.add_typer(company.app, name="company")
app.add_typer(invoice.invoice_app, name="invoice")
app.add_typer(delivery.app, name="delivery")
app.add_typer(portal.app, name="portal")
app.add_typer(service.db_app, name="db")
app.add_typer(ops.app, name="ops")
app.add_typer(web.app, name="web")
app.command("init")(portal.init)
app.command("doctor")(portal.doctor)
app.command("check")(checking.check)
app.command("backup")(restoring.backup)
app.command("restore")(restoring.restore)
app.command("restored")(restoring.restored)
app.command("sandbox")(service.sandbox)
app.command("completion")(service.completion)
app.command("worker")(worker.worker)
app.command("stop")(stopping.stop)
app.command("go")(stopping.go)
app.command("status")(stopping.status)


def _print_version(value: bool) -> None:
    if value:
        from stavbill.app.version import version

        typer.echo(f"stavbill {version()}")
        raise typer.Exit


@app.callback()
def _door(
    context: typer.Context,
    config: Annotated[
        Path, typer.Option("--config", envvar="STAVBILL_CONFIG", help="Файл настроек.")
    ] = Path("stavbill.toml"),
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Показать версию."),
    ] = False,
) -> None:
    context.obj = Door(config)


def main() -> None:
    """Run the command line; the only place where it ends the process."""
    from stavbill.cli.common import run_app
    from stavbill.files import make_private_by_default

    make_private_by_default()
    if COMPLETE in os.environ:
        # The shell asks what may follow; typer's own option would speak English in --help.
        completion_init()
    sys.exit(run_app(app))
