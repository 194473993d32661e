"""`delivery` and what `invoice` says of sending: the log, holds, a person's word on a doubt."""

from __future__ import annotations

import asyncio
import getpass
from collections.abc import Awaitable, Callable, Mapping
from datetime import tzinfo
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stavbill.cli.common import Door, print_json, say
from stavbill.cli.company import invoice_app
from stavbill.cli.formats import company_text, day_text, moment, money, person_text

if TYPE_CHECKING:
    from stavbill.operations.mail_parts import MailOptions
    from stavbill.operations.parts import Parts

app = typer.Typer(help="Отправка счетов клиентам: журнал и решения человека.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Один документ JSON.")]
By = Annotated[str | None, typer.Option("--by", help="Кто (иначе имя пользователя машины).")]
Invoice = Annotated[str, typer.Argument(help="Ключ счёта (stavbill:…) или его id в портале.")]
Document = dict[str, Any]
# Something is due again: the exit code of what is still open.
STILL_OPEN = 5

STATES = {
    "open": "отправляется",
    "told": "отправлен",
    "nobody": "некому отправить",
    "no_document": "документ не составить",
    "withdrawn": "не отправляется",
}
STAGES = {
    "waiting": "ждёт отправки",
    "claimed": "отправляется",
    "leaving": "отправляется",
    "unclear": "неизвестно, дошло ли",
    "failed": "не принято",
    "cancelled": "отменено",
}
STATUSES = {
    "queued": "в очереди",
    "refused": "не принято",
    "sent": "отправлено",
    "bounced": "вернулось",
    "delivered": "доставлено",
    "opened": "открыто",
    "clicked": "перешли по ссылке",
}


@app.command("log")
def log(
    context: typer.Context,
    company: Annotated[int | None, typer.Option("--company", help="Только эта компания.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="Сколько последних.")] = 50,
    as_json: Json = False,
) -> None:
    """Показать журнал отправки: счёт, обслуживание до, кому, ссылка, что известно.

    Пример: stavbill delivery log --company 101
    """
    from stavbill.operations.sending_desk import sending_log

    async def work(parts: Parts) -> Document:
        return sending_log(parts, company, limit=limit)

    door: Door = context.obj
    document = door.with_store(work)
    if as_json:
        print_json(document)
        return
    if not document["sendings"]:
        say("Ничего не отправлялось.")
    for row in document["sendings"]:
        _print_sending(row, door.zone())
    stages = {message["stage"] for row in document["sendings"] for message in row["messages"]}
    if stages & {"unclear", "failed"}:
        say("Решить: stavbill delivery resolve СООБЩЕНИЕ --sent (дошло) или --send-again (ещё раз)")


@app.command("send")
def send_now(context: typer.Context, as_json: Json = False) -> None:
    """Отправить клиентам всё, чему пора; то же делает работник по расписанию.

    Пример: stavbill delivery send
    """
    from stavbill.app.mail import send_once

    document: Document = asyncio.run(send_once(context.obj.config))
    if as_json:
        print_json(document)
    else:
        say(
            f"Отправлено: {document['sent']} · позже: {document['later']} · "
            f"не принято: {document['refused']} · неизвестно: {document['unclear']} · "
            f"без документа: {document['no_document']}"
        )
        for name, trouble in document["troubles"].items():
            say(f"- {name}: {trouble}")
    if document["troubles"]:
        raise typer.Exit(STILL_OPEN)


@app.command("resolve")
def resolve(  # noqa: PLR0917  one parameter for each option
    context: typer.Context,
    message: Annotated[
        int | None, typer.Argument(help="Номер сообщения из журнала отправки.")
    ] = None,
    sent: Annotated[bool, typer.Option("--sent", help="Клиент подтвердил: дошло.")] = False,
    again: Annotated[bool, typer.Option("--send-again", help="Отправить ещё раз.")] = False,
    refused: Annotated[
        str, typer.Option("--refused", help="Вместо номера: всё, что не принято у отправителя.")
    ] = "",
    restored: Annotated[
        bool,
        typer.Option("--restored", help="Вместо номера: всё, что могло уйти до восстановления."),
    ] = False,
    by: By = None,
    as_json: Json = False,
) -> None:
    """Решить судьбу сообщения, о котором неизвестно, дошло ли; или отправить ещё раз.

    Пример: stavbill delivery resolve 12 --sent --by Петрова. Когда отказывали всем подряд и причина
    устранена: stavbill delivery resolve --refused main --send-again
    """
    from stavbill.errors import ConfigError
    from stavbill.operations.sending_desk import (
        resolve_message,
        resolve_refused,
        resolve_restored,
    )

    if sent == again:
        msg = "Укажите одно из двух: --sent (дошло) или --send-again (отправить ещё раз)."
        raise ConfigError(msg)
    named = [message is not None, bool(refused), restored]
    if named.count(True) != 1 or (refused and sent):
        msg = "Укажите номер сообщения; или --refused ОТПРАВИТЕЛЬ и --send-again; или --restored."
        raise ConfigError(msg)

    async def work(parts: Parts, mail: MailOptions) -> Document:
        who = by or getpass.getuser()
        if restored:
            return resolve_restored(parts, mail, again=again, by=who)
        if message is None:
            return resolve_refused(parts, mail, sender=refused, by=who)
        return resolve_message(parts, mail, message, again=again, by=who)

    document = _at_desk(context.obj, work)
    if as_json:
        print_json(document)
    elif message is None and sent:
        say(f"Считаются дошедшими: {len(document['messages'])}.")
    elif message is None:
        say(f"Уйдут при ближайшей отправке: {len(document['messages'])}.")
    elif again:
        say(f"Сообщение {message} уйдёт при ближайшей отправке.")
    else:
        say(f"Сообщение {message} считается дошедшим.")


@invoice_app.command("hold")
def hold(
    context: typer.Context,
    invoice: Invoice,
    comment: Annotated[str, typer.Option("--comment", help="Почему не отправлять сразу.")],
    by: By = None,
    as_json: Json = False,
) -> None:
    """Не отправлять счёт клиенту, пока человек не отпустит его.

    Пример: stavbill invoice hold 1111 --comment "сверить количество"
    """
    from stavbill.operations.sending_desk import hold_sending

    async def work(parts: Parts) -> Document:
        return hold_sending(parts, invoice, comment=comment, by=by or getpass.getuser())

    document = context.obj.with_store(work)
    if as_json:
        print_json(document)
        return
    say(f"Счёт не уйдёт, пока его не отпустят: stavbill invoice release {invoice}")
    if document["already_sent_to"]:
        say(f"Внимание, уже отправлен: {', '.join(document['already_sent_to'])}")
    if document["leaving_to"]:
        say(f"Из них передаётся прямо сейчас: {', '.join(document['leaving_to'])}")


@invoice_app.command("release")
def release(context: typer.Context, invoice: Invoice, by: By = None, as_json: Json = False) -> None:
    """Отпустить придержанный счёт: он уйдёт при ближайшей отправке."""
    from stavbill.operations.sending_desk import release_sending

    async def work(parts: Parts) -> Document:
        return release_sending(parts, invoice, by=by or getpass.getuser())

    document = context.obj.with_store(work)
    if as_json:
        print_json(document)
    elif document["released"]:
        say("Счёт уйдёт при ближайшей отправке.")
    else:
        say("Этот счёт никто не придерживал.")


@invoice_app.command("send")
def send(
    context: typer.Context,
    invoice: Invoice,
    corrected: Annotated[
        bool,
        typer.Option("--corrected", help="Отправить исправленным: прочитать и назвать изменения."),
    ] = False,
    by: By = None,
    as_json: Json = False,
) -> None:
    """Отправить счёт, который сам не уходит; второй раз тому же клиенту он не уйдёт.

    Пример: stavbill invoice send 1111 --corrected
    """
    from stavbill.operations.sending_desk import order_correction, order_sending

    async def work(parts: Parts, mail: MailOptions) -> Document:
        who = by or getpass.getuser()
        if corrected:
            return await order_correction(parts, mail, invoice, by=who)
        return order_sending(parts, mail, invoice, by=who)

    document = _at_desk(context.obj, work)
    if as_json:
        print_json(document)
    elif not corrected:
        say("Счёт придержан: отпустите его." if document["held"] else "Счёт уйдёт при отправке.")
    elif document["changes"]:
        say(f"Исправление {document['revision']} уйдёт при ближайшей отправке. Изменилось:")
        for change in document["changes"]:
            say(f"- {change}")
    else:
        say("С прошлой отправки в счёте ничего не изменилось.")


def _at_desk(door: Door, work: Callable[[Parts, MailOptions], Awaitable[Document]]) -> Document:
    from stavbill.app.mail import open_desk

    async def whole() -> Document:
        async with open_desk(door.config) as (parts, mail):
            return await work(parts, mail)

    return asyncio.run(whole())


def _print_sending(row: Mapping[str, Any], zone: tzinfo) -> None:
    number = f"№ {row['number'] or row['invoice_id']}"
    revision = f", исправление {row['revision']}" if row["revision"] > 1 else ""
    state = "придержан: " + row["held"] if row["held"] else STATES[row["state"]]
    until = row["billed_through"]
    through = f", обслуживание до {day_text(until)}" if until else ""
    who = person_text(row)
    told = f" (ответственный {who})" if who else ""
    # Its own name is what the notice calls the invoice.
    company = company_text({"company": row["company"], "title": row["company_title"]})
    say(
        f"Компания {company}{told} · счёт {number}{revision} на "
        f"{money(row['total'], row['currency'])}{through} — {state}"
    )
    if row["detail"]:
        say(f"    {row['detail']}")
    if row["pay_link"]:
        say(f"    Оплата: {row['pay_link']}")
    for message in row["messages"]:
        _print_message(message, zone)


def _print_message(message: Mapping[str, Any], zone: tzinfo) -> None:
    known = STAGES.get(message["stage"]) or STATUSES[message["status"]]
    when = f" {moment(message['sent'], zone)}" if message["sent"] else ""
    detail = f" ({message['detail']})" if message["detail"] else ""
    say(f"    {message['message']}: {message['recipient']} — {known}{when}{detail}")
