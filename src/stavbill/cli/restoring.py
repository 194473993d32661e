"""`backup`, `restore` and `restored`: copies of the database, and going on from one."""

from __future__ import annotations

import asyncio
import getpass
from pathlib import Path
from typing import Annotated, Any

import typer

from stavbill.cli.common import STOPPED, WAITS, print_json, say
from stavbill.cli.formats import money
from stavbill.cli.run import Json

SHOWN = 30
Document = dict[str, Any]


def backup(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="Куда записать копию.")],
    as_json: Json = False,
) -> None:
    """Записать цельную копию базы; всё остальное может при этом работать.

    Пример: stavbill backup /var/backups/stavbill/2026-12-10.copy
    """
    from stavbill.app.copies import back_up

    document = back_up(context.obj.config, file)
    if as_json:
        print_json(document)
    else:
        say(f"Копия базы: {document['file']} ({document['bytes']:,} байт)".replace(",", " "))


def restore(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="Копия, которую записала stavbill backup.")],
    yes: Annotated[bool, typer.Option("--yes", help="Не спрашивать.")] = False,
    as_json: Json = False,
) -> None:
    """Поставить копию на место базы; прежняя остаётся рядом. Сначала остановите всё остальное.

    Пример: stavbill restore /var/backups/stavbill/2026-12-10.copy --yes
    """
    from stavbill.app.copies import put_back

    if not yes and (as_json or not typer.confirm(f"Поставить {file} на место базы?")):
        say(f"Ничего не изменено. Без вопроса: stavbill restore {file} --yes")
        raise typer.Exit(WAITS)
    document: Document = put_back(context.obj.config, file)
    if as_json:
        print_json(document)
        return
    aside = document["aside"]
    say(f"База восстановлена из {document['file']}. Прежняя: {', '.join(map(str, aside))}")
    say("Запись и отправка остановлены, пока не принято то, что сделано после копии.")
    say("Сравнить: stavbill restored. Принять и продолжить: stavbill restored --adopt --yes")


def restored(
    context: typer.Context,
    adopt: Annotated[
        bool, typer.Option("--adopt", help="Принять то, что стоит в портале, и продолжить.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Не спрашивать.")] = False,
    who: Annotated[str | None, typer.Option("--who", help="Кто (иначе имя пользователя).")] = None,
    as_json: Json = False,
) -> None:
    """Сравнить восстановленную базу с порталом; с --adopt принять то, что там стоит.

    Сами собой счета второй раз не выставятся, а письма, которые могли уйти, не уйдут.
    Пример: stavbill restored, затем stavbill restored --adopt --yes
    """
    from stavbill.app.restored import adopt as take_over
    from stavbill.app.restored import compare

    config = context.obj.config
    if not adopt:
        document = asyncio.run(compare(config))
    elif yes or (not as_json and typer.confirm("Принять то, что стоит в портале?")):
        document = asyncio.run(take_over(config, who=who or getpass.getuser()))
    else:
        say("Ничего не изменено. Без вопроса: stavbill restored --adopt --yes")
        raise typer.Exit(WAITS)
    if as_json:
        print_json(document)
    else:
        _print(document)
    if document["reasons"] and not document["adopted"]:
        raise typer.Exit(STOPPED)


def _print(document: Document) -> None:
    for reason in document["reasons"]:
        say(reason)
    _list("В портале есть, в базе нет счетов", document["unknown_invoices"])
    _list("В портале «отправлен», а письма в базе нет", document["sent_without_letter"])
    if not document["adopted"]:
        say(f"Ждут отправки и могли уйти, писем: {document['letters_possibly_sent']}")
        say("Принять то, что стоит в портале, и продолжить: stavbill restored --adopt --yes")
        return
    _list("Не приняты, посмотрите сами, счетов", document["not_understood"])
    say(f"Принято. Эпоха базы {document['epoch']}, запись и отправка разрешены.")
    if document["letters_possibly_sent"]:
        say(f"О письмах решает человек, их {document['letters_possibly_sent']}:")
        say("  дошли все:  stavbill delivery resolve --restored --sent")
        say("  не дошло:   stavbill delivery resolve НОМЕР --send-again (stavbill delivery log)")


def _list(title: str, invoices: list[Document]) -> None:
    say(f"{title}: {len(invoices)}")
    for one in invoices[:SHOWN]:
        total = money(one["total"], one["currency"])
        say(f"  компания {one['company']} · счёт {one['name']} (id {one['invoice_id']}) · {total}")
    if len(invoices) > SHOWN:
        say(f"  и ещё {len(invoices) - SHOWN}: с --json видны все")
