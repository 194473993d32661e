"""What `invoice` says of the document: one as a person sees it, many into a folder."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stavbill.cli.common import print_json, say
from stavbill.cli.company import invoice_app
from stavbill.files import make_folder, write_file

if TYPE_CHECKING:
    from stavbill.delivery.letter import Attachment

Json = Annotated[bool, typer.Option("--json", help="Один документ JSON.")]
__all__ = ["invoice_app"]


@invoice_app.command("preview")
def preview(
    context: typer.Context,
    invoice: Annotated[str, typer.Argument(help="Ключ счёта (stavbill:…) или его id в портале.")],
    out: Annotated[
        Path | None, typer.Option("--out", help="Файл или папка; иначе текущая папка.")
    ] = None,
    show: Annotated[bool, typer.Option("--open", help="Открыть в программе просмотра.")] = False,
    as_json: Json = False,
) -> None:
    """Показать документ счёта, каким его увидит клиент. Ничего не отправляется и не пишется.

    Если документа нет, печатаются причины; код выхода и тогда 0, как у задержанных компаний.

    Пример: stavbill invoice preview 1111 --open
    """
    from stavbill.app.documents import open_documents

    async def whole() -> dict[str, Any]:
        async with open_documents(context.obj.config) as (_, documents):
            document, files = await documents.preview(invoice)
        reasons = list(getattr(document, "reasons", ()))
        return {"invoice": invoice, "reasons": reasons, "files": _written(files, out)}

    told = asyncio.run(whole())
    if as_json:
        print_json(told)
    for reason in told["reasons"] if not as_json else ():
        say(f"- {reason}")
    for file in told["files"] if not as_json else ():
        say(f"Документ: {file}")
    for file in told["files"] if show else ():
        typer.launch(file)


@invoice_app.command("export")
def export(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="Папка для документов; создаётся.")],
    month: Annotated[
        str | None, typer.Option("--month", help="Счета этого месяца: 2026-12; иначе все.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Сложить документы выставленных счетов в папку, как они есть в портале.

    О счетах без документа печатаются причины; код выхода и тогда 0.

    Пример: stavbill invoice export счета --month 2026-12
    """
    from stavbill.app.documents import open_documents

    async def whole() -> dict[str, Any]:
        async with open_documents(context.obj.config) as (_, documents):
            written: list[str] = []
            taken: set[str] = set()
            lacking: dict[str, list[str]] = {}
            async for sending, made in documents.exported(month):
                if isinstance(made, tuple):
                    written += _written(made, folder, taken)
                else:
                    lacking[str(sending.portal_id)] = list(made.reasons)
        return {"written": len(written), "folder": str(folder), "lacking": lacking}

    told = asyncio.run(whole())
    if as_json:
        print_json(told)
    else:
        say(f"Файлов: {told['written']}, папка {told['folder']}")
        for number, reasons in told["lacking"].items():
            say(f"- счёт {number} без документа: {' '.join(reasons)}")


def _written(
    files: tuple[Attachment, ...], out: Path | None, taken: set[str] | None = None
) -> list[str]:
    """Write files into a folder, or the first one where `out` says; return their names.

    A name that is `taken` by another invoice is numbered: two issuers may give the same number.
    """
    paths: list[str] = []
    is_file = out is not None and out.suffix.lower() == ".pdf"
    folder = Path() if out is None else (out.parent if is_file else out)
    if files:
        make_folder(folder)
    for place, one in enumerate(files):
        own = _free(one.name, set() if taken is None else taken)
        path = out if is_file and out is not None and place == 0 else folder / own
        write_file(path, one.body)
        paths.append(str(path))
    return paths


def _free(name: str, taken: set[str]) -> str:
    """Return a name that nobody has, and take it; letter case does not tell files apart."""
    stem, dot, ending = name.rpartition(".")
    free, number = name, 1
    while free.casefold() in taken:
        number += 1
        free = f"{stem} ({number}){dot}{ending}"
    taken.add(free.casefold())
    return free
