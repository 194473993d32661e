"""What stands in the way of writing, in the same words wherever it is told."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import tzinfo

from stavbill.cli.common import say
from stavbill.cli.formats import Document, company_text, day_text, moment, person_text
from stavbill.plan.run_texts import apply_command

FLAGS = {
    "kill_switch": "остановлено человеком",
    "read_only": "только чтение (safety.read_only в настройках)",
    "violation": "нарушение, которое сделал сам stavbill",
    "other_store": "портал ведёт другая база stavbill",
    "quarantine": "база старше того, что стоит на портале и ушло клиентам",
}
AHEAD = {
    "run": "запуск {name}, его записи",
    "schedule": "расписание {name}, оно уже начато в это время",
}
WAYS_OUT = {
    "kill_switch": "Снять: stavbill go",
    "read_only": "Снять: уберите safety.read_only из настроек этой машины; если её "
    "больше нет: stavbill go --machine-gone",
    "violation": "Разберитесь (stavbill check), затем: stavbill go --after-violation",
    "other_store": "Если писать должна эта база: stavbill portal takeover --yes",
    "quarantine": "Сравнить с порталом: stavbill restored; принять, что там стоит, и продолжить: "
    "stavbill restored --adopt --yes",
}


def print_flags(flags: Iterable[Document], zone: tzinfo) -> None:
    """Print every flag that is up, and how it is taken down."""
    for flag in flags:
        say(
            f"Запись остановлена: {FLAGS[flag['flag']]}. {flag['who']}, "
            f"{moment(flag['since'], zone)}: {flag['reason']}"
        )
        say(WAYS_OUT[flag["flag"]])


def print_waiting(run: Document) -> None:
    """Print a run that waits for a person, and what shows, applies and cancels it."""
    gate, name = run["gate"], run["run_id"]
    band = bool(gate.get("deviations") or gate.get("shared"))
    say(f"Ждёт подтверждения запуск {name} за {day_text(run['on'])}:")
    say(f"    посмотреть: stavbill run show {name}")
    say(f"    применить: {apply_command(name, band=band, too_many=gate.get('too_many_invoices'))}")
    say(f"    отменить: stavbill ops cancel {name}")


def print_standing(standing: Document, zone: tzinfo) -> None:
    """Print whether writing is allowed, and the companies that wait for a person."""
    print_flags(standing["flags"], zone)
    if not standing["flags"]:
        say("Запись разрешена.")
    for row in standing["parked"]:
        who = person_text(row)
        told = f", ответственный {who}" if who else ""
        say(
            f"На паузе с {moment(row['since'], zone)}: компания {company_text(row)}{told}: "
            f"{row['reason']}"
        )
    for row in standing["ahead"]:
        say(
            f"Ждёт до {moment(row['until'], zone)}: {AHEAD[row['what']].format(name=row['name'])} "
            "(часы переведены назад?)"
        )
    for run in standing["waiting"]:
        print_waiting(run)
    if standing["parked"]:
        say("Снять с паузы: stavbill company release КОМПАНИЯ --by ИМЯ")
