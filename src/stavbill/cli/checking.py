"""`check`: what must never be in the portal; at night, everything that was written, both ways."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stavbill.cli.common import STOPPED, Door, print_json, say
from stavbill.cli.formats import company_text
from stavbill.cli.progress import TerminalProgress
from stavbill.cli.run import Json
from stavbill.cli.standing import print_standing
from stavbill.cli.words import next_step

if TYPE_CHECKING:
    from stavbill.operations.parts import Parts

Document = dict[str, Any]
KINDS = {
    "deleted": "счёт удалён",
    "vanished": "счёт удалён, месяц был бы выставлен снова",
    "moved": "счёт в другой компании",
    "total": "сумма изменена",
    "rows": "строки изменены",
    "own_company": "юрлицо изменено",
    "currency": "валюта изменена",
    "key": "внешний код изменён",
    "title": "название изменено",
    "dates": "даты изменены",
    "unknown_key": "чужой счёт с нашим кодом",
    "must_never": "чего быть не должно",
    "paid": "оплачен",
    "cancelled": "отменён",
    "company_gone": "компании нет",
    "card_count": "количество на карточке",
    "card_count_changed": "количество на карточке изменено",
    "billed_through": "«обслуживание до»",
    "billed_further": "«обслуживание до» дальше нашего",
    "hold_task_lost": "нет задачи о задержке",
    "hold_task_needless": "лишняя задача о задержке",
    "hold_mended": "причины задержки устранены",
}
REMEDIES = {"note": "замечено", "mend": "исправлено", "ask": "решает человек", "park": "на паузе"}


def check(
    context: typer.Context,
    nightly: Annotated[
        bool, typer.Option("--nightly", help="Сверить всё записанное с порталом, в обе стороны.")
    ] = False,
    accept: Annotated[
        bool, typer.Option("--accept", help="С --nightly: расхождений много, и это верно.")
    ] = False,
    findings: Annotated[
        bool, typer.Option("--findings", help="Показать открытые расхождения, ничего не читая.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Сверить портал: двойные счета, чужое юрлицо; ночью — всё, что было записано.

    Безопасное исправляется само, об остальном — одна задача на компанию. Код выхода 4, когда
    запись остановлена из-за нарушения stavbill; чужое нарушение ставит компанию на паузу (код 0).
    Пример: stavbill check --nightly
    """
    if findings:
        _show_findings(context, as_json=as_json)
        return
    from stavbill.operations.checking import check_portal
    from stavbill.operations.reconcile import reconcile
    from stavbill.operations.standing import standing_document

    async def work(parts: Parts) -> Document:
        with TerminalProgress() as progress:
            if nightly:
                found = await reconcile(parts, progress, accept=accept)
            else:
                found = await check_portal(parts, progress)
        standing = standing_document(parts)
        # A violation that stands since an earlier check is no better than one of today.
        code = STOPPED if standing["violation"] else found["exit_code"]
        return found | {"standing": standing, "exit_code": code}

    door: Door = context.obj
    document = door.with_parts(work)
    if as_json:
        print_json(document)
    else:
        _print_nightly(document) if nightly else _print_check(document)
        print_standing(document["standing"], door.zone())
    raise typer.Exit(int(document["exit_code"]))


def sync(
    context: typer.Context,
    full: Annotated[bool, typer.Option("--full", help="Прочитать портал целиком.")] = False,
    as_json: Json = False,
) -> None:
    """Догнать портал: прочитать счета и карточки, изменившиеся с прошлого раза.

    Пример: stavbill portal sync
    """
    from stavbill.operations.syncing import sync_portal

    async def work(parts: Parts) -> Document:
        with TerminalProgress() as progress:
            return await sync_portal(parts, progress, full=full)

    document = context.obj.with_parts(work)
    if as_json:
        print_json(document)
    elif document["mode"] == "full":
        say(f"Портал прочитан целиком. Запросов: {document['requests']}")
    else:
        say(
            f"Изменилось: счетов {document['invoices']}, карточек {document['companies']} · "
            f"запросов: {document['requests']}"
        )


def _show_findings(context: typer.Context, *, as_json: bool) -> None:
    from stavbill.operations.names import named
    from stavbill.operations.reconcile import findings_document

    async def work(parts: Parts) -> Document:
        found: Document = findings_document(parts)
        return found | {"findings": named(parts, found["findings"])}

    document = context.obj.with_store(work)
    if as_json:
        print_json(document)
        return
    for one in document["findings"]:
        remedy = REMEDIES[one["remedy"]]
        say(f"{one['number']}: компания {company_text(one)} · {remedy} · {one['text']}")
        step = next_step(one["kind"], one["company"])
        if step:
            say(f"    {step}")
    if not document["findings"]:
        say("Открытых расхождений нет.")


def _print_check(document: Mapping[str, Any]) -> None:
    for found in document["violations"]:
        say(f"Нарушение: компания {company_text(found)}: {found['text']}")
    if not document["violations"]:
        say("Нарушений нет.")
    say(f"Запросов: {document['requests']}")


def _print_nightly(document: Mapping[str, Any]) -> None:
    say(
        f"Сверено: компаний {document['companies']}, счетов {document['invoices']} · "
        f"запросов: {document['requests']}"
    )
    if document["violation"]:
        say(f"Нарушение: {document['violation']}")
    elif document["stopped"]:
        say(f"Остановлено: {document['stopped']}")
    for kind, number in document["found"].items():
        say(f"- {KINDS[kind]}: {number}")
    if not document["found"]:
        say("Портал и база сходятся.")
    say(
        f"Исправлено: {document['mended']} · задач поставлено: {document['tasks']} · "
        f"закрыто: {document['tasks_closed']} · на паузе: {len(document['parked'])} · "
        f"ещё неизвестно: {document['waiting']}"
    )
    if document.get("uncounted"):
        say(
            f"Wialon давно не опрашивался ({', '.join(document['uncounted'])}): задачи о задержке "
            "компаний, которые сверяются по Wialon, не проверены."
        )
    if document["found"]:
        say("Подробно: stavbill check --findings")
