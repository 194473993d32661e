"""`ops`: what the workers have begun, how far it is, and telling them to go on or to stop."""

from __future__ import annotations

import getpass
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import tzinfo
from typing import TYPE_CHECKING, Annotated

import typer

from stavbill.billing.facts import CompanyId
from stavbill.cli.common import Door, print_json, say
from stavbill.cli.formats import company_text, moment
from stavbill.cli.standing import print_waiting
from stavbill.drawn import drawn_name

if TYPE_CHECKING:
    from stavbill.app.engine import Asked
    from stavbill.operations.parts import Parts
    from stavbill.store.inbox import Post
    from stavbill.workflows.inspect import Workflow

app = typer.Typer(
    help="Операции работников: список, просмотр, повтор, отмена.", no_args_is_help=True
)

STATES = {
    "ENQUEUED": "в очереди",
    "DELAYED": "отложена",
    "PENDING": "идёт",
    "SUCCESS": "готово",
    "ERROR": "ошибка",
    "CANCELLED": "отменена",
    "MAX_RECOVERY_ATTEMPTS_EXCEEDED": "ошибка: слишком много попыток",
}
# By the beginning of an operation's id.
KINDS = {
    "run": "месяц",
    "rerun": "перезапуск компании",
    "hook": "сообщение робота",
    "read": "чтение изменившихся карточек",
    "nightly": "сверка с порталом",
    "sync": "чтение изменений портала",
    "send": "отправка счетов клиентам",
    "tidy": "уборка старых записей",
}
POSTS = {
    "new": "ждёт или выполняется",
    "done": "выполнено",
    "absorbed": "выполнено вместе с таким же",
    "failed": "не выполнено",
}
SHOWN = 200

Json = Annotated[bool, typer.Option("--json", help="Один документ JSON.")]
Id = Annotated[str, typer.Argument(help="Операция, как её называет ops list.")]


@app.command("month")
def month(
    context: typer.Context,
    as_of: Annotated[
        str | None, typer.Option("--as-of", metavar="ГГГГ-ММ-ДД", help="День (иначе сегодня).")
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Не спрашивать: внутри полосы и при первом запуске.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Поручить работникам запуск месяца, не дожидаясь расписания.

    Запуск дня один: если расписание его уже начало, второго не будет.

    Пример: stavbill ops month --yes
    """
    from stavbill.app.engine import ask_workers_for_month
    from stavbill.cli.run import day_of

    _tell_asked(
        ask_workers_for_month(_door(context).config, on=day_of(as_of), yes=yes), as_json=as_json
    )


@app.command("rerun")
def rerun(  # noqa: PLR0917  one parameter for each option
    context: typer.Context,
    company: Annotated[int, typer.Argument(help="ID компании в Битрикс24.")],
    request: Annotated[
        str | None, typer.Option("--request", help="Имя запроса: то же имя — тот же запрос.")
    ] = None,
    again: Annotated[
        bool,
        typer.Option("--again", help="Выставить снова месяц, счёт за который отменён вручную."),
    ] = False,
    skip: Annotated[
        bool, typer.Option("--keep-skip", help="Не обходить «Пропускать компанию».")
    ] = False,
    as_json: Json = False,
) -> None:
    """Поручить работникам перезапуск одной компании: он переживёт сбой и остановку.

    То же, что company rerun, но не в этом окне. Пример: stavbill ops rerun 77 --request ticket-15
    """
    from stavbill.app.engine import ask_workers_for_rerun

    drawn = drawn_name()
    asked = ask_workers_for_rerun(
        _door(context).config, company, request=request or drawn, again=again, keep_skip=skip
    )
    _tell_asked(asked, as_json=as_json)


def _tell_asked(asked: Asked, *, as_json: bool) -> None:
    """Say what was put into the queue; of what had been there before, how it stands."""
    workflow, known = asked.workflow, asked.known
    result = known.result if known is not None and isinstance(known.result, dict) else {}
    state = str(result.get("state", ""))
    if as_json:
        new = known is None
        print_json(
            {"operation": workflow, "new": new, "state": known and known.state, "result": state}
        )
    elif known is None:
        say(f"Операция {workflow} в очереди. Следить: stavbill ops show {workflow}")
    elif known.state == "SUCCESS" and state == "waiting_approval":
        run = result.get("run", workflow)
        say(f"Операция {workflow} уже была и ждёт подтверждения: stavbill run show {run}, потом "
            f"stavbill run apply {run}")  # fmt: skip
    elif known.state == "SUCCESS" and state != "stopped":
        say(f"Операция {workflow} уже выполнена; второй раз под этим именем не начнётся. "
            f"Посмотреть: stavbill ops show {workflow}")  # fmt: skip
    elif known.state in {"ENQUEUED", "DELAYED", "PENDING"}:
        say(f"Операция {workflow} уже {STATES[known.state]}. Следить: stavbill ops show {workflow}")
    else:
        word = "остановлена" if state == "stopped" else STATES.get(known.state, known.state)
        say(f"Операция {workflow} уже была: {word}. Продолжить с того же места: "
            f"stavbill ops retry {workflow}")  # fmt: skip


@app.command("post")
def post(
    context: typer.Context,
    event: Annotated[str, typer.Argument(help="Имя сообщения: event из ответа на него.")],
    as_json: Json = False,
) -> None:
    """Показать, что стало с сообщением робота, события или другой программы.

    Пример: stavbill ops post ROBOT:bill:77:1796904000
    """
    from stavbill.app.engine import post_of

    found = post_of(_door(context).config, event)
    if as_json:
        print_json(_post_document(found))
        return
    say(f"{found.event}: {POSTS[found.state.value]}, попыток {found.attempts}")
    if found.detail:
        say(found.detail)
    if found.workflow:
        say(f"Последняя попытка: stavbill ops show {found.workflow}")


@app.command("list")
def list_(
    context: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="И законченные тоже.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, help="Не больше стольких.")] = 50,
    as_json: Json = False,
) -> None:
    """Показать незаконченные и неудавшиеся операции, новые сверху.

    Пример: stavbill ops list --all
    """
    from stavbill.app.engine import engine_of, posts_that_wait, runs_that_wait
    from stavbill.workflows.engine import open_client
    from stavbill.workflows.inspect import list_open

    config = _door(context).config
    waiting, posts = runs_that_wait(config), posts_that_wait(config)
    with open_client(engine_of(config)) as client:
        found = list_open(client, everything=everything, limit=limit)
    if as_json:
        runs = [run.run for run in waiting]
        operations = [_document(one) for one in found]
        print_json(
            {
                "operations": operations,
                "waiting_approval": runs,
                "posts": [_post_document(one) for one in posts],
            }
        )
        return
    names = _names(context, found, posts)
    zone = _door(context).zone()
    for post in posts:
        due = "" if post.due is None else f", снова {moment(post.due, zone)}"
        about = f" ({names[post.event]})" if post.event in names else ""
        say(f"Сообщение {post.event}{about} ждёт: попыток {post.attempts}{due}. {post.detail}")
    for run in waiting:
        gate = run.totals.get("gate", {})
        print_waiting({"run_id": run.run, "on": run.on.isoformat(), "gate": gate})
    if not found:
        say("Незаконченных операций нет.")
    for known in found:
        say(known.id)
        say(f"  {_about(known, names, zone)}")


def _about(known: Workflow, names: Mapping[str, str], zone: tzinfo) -> str:
    """Return what an operation is, of which company, how far it is, and in whose hands."""
    kind = KINDS.get(known.id.partition(":")[0], known.name)
    parts = [
        f"{kind} {names.get(known.id, '')}".rstrip(),
        STATES.get(known.state, known.state),
        f"начата {moment(known.begun, zone)}",
        f"работник {known.executor}" if known.executor else "",
    ]
    return " · ".join(part for part in parts if part)


def _names(
    context: typer.Context, found: Iterable[Workflow], posts: Iterable[Post]
) -> dict[str, str]:
    """Return the companies that operations and posts are about, as people call them."""
    from stavbill.operations.names import companies_named
    from stavbill.workflows.naming import company_of_rerun

    async def work(parts: Parts) -> dict[str, str]:
        about = {known.id: company_of_rerun(known.id, parts.portal) for known in found}
        about |= {post.event: post.company for post in posts}
        companies = {name: CompanyId(one) for name, one in about.items() if one is not None}
        headings = companies_named(parts, sorted(set(companies.values())))
        return {
            name: company_text({"company": one, **headings[one]}) for name, one in companies.items()
        }

    return _door(context).with_store(work)


@app.command("show")
def show(context: typer.Context, operation: Id, as_json: Json = False) -> None:
    """Показать операцию, её шаги и их итоги.

    Пример: stavbill ops show run:portal.example:2026-12-10
    """
    from stavbill.app.engine import engine_of
    from stavbill.workflows.engine import open_client
    from stavbill.workflows.inspect import show as look

    with open_client(engine_of(_door(context).config)) as client:
        one, steps = look(client, operation)
    if as_json:
        print_json(_document(one) | {"steps": [asdict(step) for step in steps]})
        return
    begun = moment(one.begun, _door(context).zone())
    say(f"{one.id}: {STATES.get(one.state, one.state)}, начата {begun}")
    if one.error:
        say(f"Ошибка: {one.error}")
    for step in steps:
        say(f"{step.number}. {step.child or step.name}: {step.error or _short(step.result)}")


@app.command("retry")
def retry(context: typer.Context, operation: Id, as_json: Json = False) -> None:
    """Продолжить неудавшуюся, остановленную или отменённую операцию с шага, который не вышел.

    Пример: stavbill ops retry sync:portal.example:2026-12-10T09:20
    """
    from stavbill.app.engine import retry_workflow

    again = retry_workflow(_door(context).config, operation)
    if as_json:
        print_json({"operation": again})
        return
    say(f"Операция {again} продолжится, как только её возьмёт работник.")


@app.command("cancel")
def cancel(context: typer.Context, operation: Id, as_json: Json = False) -> None:
    """Отменить операцию: следующий запрос уже не уйдёт, начатое будет выяснено позже.

    Пример: stavbill ops cancel run:portal.example:2026-12-10
    """
    from stavbill.app.engine import cancel_workflow

    ids = cancel_workflow(_door(context).config, operation, who=getpass.getuser())
    if as_json:
        print_json({"cancelled": list(ids)})
        return
    say(f"Отменено: {', '.join(ids)}")


@app.command("workers")
def workers(context: typer.Context, as_json: Json = False) -> None:
    """Показать работников: кто жив и когда его видели.

    Пример: stavbill ops workers
    """
    from stavbill.app.engine import known_workers

    found = known_workers(_door(context).config)
    if as_json:
        print_json({"workers": [asdict(one) for one in found]})
        return
    zone = _door(context).zone()
    for one in found:
        ended = "" if one.ended is None else f", закончил {moment(one.ended, zone)}"
        started, seen = moment(one.started, zone), moment(one.seen, zone)
        say(f"{one.owner}: версия {one.version}, начал {started}, виден {seen}{ended}")


def _door(context: typer.Context) -> Door:
    door: Door = context.obj
    return door


def _document(one: Workflow) -> dict[str, object]:
    return asdict(one)


def _post_document(one: Post) -> dict[str, object]:
    return asdict(one) | {"state": one.state.value}


def _short(result: object) -> str:
    text = json.dumps(result, ensure_ascii=False, default=str)
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
