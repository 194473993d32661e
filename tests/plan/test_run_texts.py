"""What people are told of a run: why it waits, what it came to, what to type."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from stavbill.plan.run_texts import (
    IssuerTotal,
    MonthCompared,
    RunTold,
    apply_command,
    report_message,
    waiting_ends,
    waiting_task,
)
from stavbill.plan.texts import NBSP

TOLD = RunTold(
    run="run:portal.example:2026-12-10",
    on=date(2026, 12, 10),
    companies=120,
    billed=70,
    skipped=40,
    held=(("count_mismatch", 7), ("no_contract", 3)),
    held_companies=9,
    parked=1,
    totals=(
        IssuerTotal(
            issuer="ООО «Пример»", currency="RUB", invoices=72, companies=70, minor=123_456_50
        ),
    ),
    compared=(
        MonthCompared(
            issuer="ООО «Пример»",
            currency="RUB",
            companies_before=66,
            companies_now=70,
            minor_before=120_000_00,
            minor_now=123_456_50,
        ),
    ),
)


def test_a_report_says_who_was_billed_who_was_held_why_and_what_changed() -> None:
    text = report_message(TOLD, "chat58").text.replace(NBSP, " ")
    assert text.splitlines() == [
        "Биллинг: прогон за январь 2027 от 10.12.2026 закончен.",
        "Компаний 120: счёт 70, пропущено 40, задержано 9.",
        "Задержаны: количество не сходится — 7; нет договора — 3.",
        "Ещё: на паузе 1.",
        "ООО «Пример»: счетов 72, компаний 70, 123 456,50 руб.",
        "К прошлому месяцу (с уже выставленным):",
        (
            "• ООО «Пример»: компаний было 66, стало 70; сумма была 120 000,00 руб., стала "
            "123 456,50 руб. (+3 %)"
        ),
        "№ run:portal.example:2026-12-10",
    ]


def test_a_waiting_run_says_who_decides_and_nothing_to_type() -> None:
    task = waiting_task(replace(TOLD, first_run=True), date(2026, 12, 10))
    assert task.title == "Биллинг: прогон за январь 2027 ждёт подтверждения"
    assert "это первый прогон" in task.description
    assert "Номер плана: run:portal.example:2026-12-10." in task.description
    assert "stavbill " not in task.description


def test_a_run_outside_the_band_shows_the_issuers_and_asks_to_accept_it() -> None:
    fell = replace(TOLD.compared[0], companies_now=30, minor_now=60_000_00)
    text = waiting_task(replace(TOLD, deviating=(fell,)), date(2026, 12, 10)).description
    assert "слишком отличается" in text
    assert "(−50 %)" in text


def test_too_many_invoices_are_told_with_the_number_to_allow() -> None:
    text = waiting_task(replace(TOLD, too_many=801), date(2026, 12, 10)).description
    assert "новых счетов 801" in text


def test_what_applies_a_plan_names_everything_that_the_gate_asks_for() -> None:
    assert apply_command("run:1", band=False, too_many=None) == "stavbill run apply run:1 --yes"
    assert apply_command("run:1", band=True, too_many=801) == (
        "stavbill run apply run:1 --accept-band --max-invoices 801"
    )


def test_a_month_without_a_past_has_no_percent() -> None:
    fresh = replace(TOLD.compared[0], companies_before=0, minor_before=0)
    assert "%" not in report_message(replace(TOLD, compared=(fresh,)), "chat58").text


def test_the_task_is_completed_under_a_key_of_its_own() -> None:
    ends = waiting_ends(TOLD.run, 57)
    assert (ends.task, ends.complete, ends.company) == (57, True, 0)
    assert ends.key != waiting_task(TOLD, date(2026, 12, 10)).key
