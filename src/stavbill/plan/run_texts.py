"""What people on the portal are told of a run: the task of one that waits, the report of one done.

Source: operations page, «Observability» (a run report) and «Safety».
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from stavbill.billing.period import Month
from stavbill.plan.cause_texts import ADVICE, WaitingCompanies, cause_line
from stavbill.plan.effects import NO_COMPANY, EffectKey, MendTask, OpenTask, PostMessage, TaskId
from stavbill.plan.texts import amount

RUN_TAG = "stavbill-run"
HOLD_NAMES = {
    "tariff": "тариф не понят",
    "field_problem": "поле не понято",
    "status_empty": "статус пуст",
    "no_contract": "нет договора",
    "issuer_unknown": "юрлицо не найдено",
    "count_mismatch": "количество не сходится",
    "shared_account": "общая учётная запись не сходится",
    "account_missing": "нет учётной записи Wialon",
    "connection_unknown": "неизвестное подключение Wialon",
    "units_unknown": "Wialon не ответил полностью",
    "conservation_price_missing": "нет цены консервации",
    "requisites": "нет реквизитов",
    "overlap": "месяцы пересекаются",
    "cancelled_by_hand": "счёт отменён вручную",
    "covered_unclear": "месяц счёта не ясен",
    "billed_through_partner": "платит партнёр",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuerTotal:
    """New invoices of one issuer in one currency; `minor` is their sum in kopecks."""

    issuer: str
    currency: str
    invoices: int
    companies: int
    minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthCompared:
    """One issuer's service month beside the one before, invoices that stood already included."""

    issuer: str
    currency: str
    companies_before: int
    companies_now: int
    minor_before: int
    minor_now: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunTold:
    """What there is to tell of a run: counts of companies, reasons by code, what it asks for.

    `too_many` is the number of invoices when that stopped it; `deviating` are the issuers outside
    the band, `causes` troubles that many companies wait for.
    """

    run: str
    on: date
    companies: int
    billed: int
    skipped: int
    held: tuple[tuple[str, int], ...]
    held_companies: int
    parked: int = 0
    waiting: int = 0
    failed: int = 0
    violations: int = 0
    totals: tuple[IssuerTotal, ...] = ()
    compared: tuple[MonthCompared, ...] = ()
    first_run: bool = False
    too_many: int | None = None
    deviating: tuple[MonthCompared, ...] = ()
    causes: tuple[WaitingCompanies, ...] = ()

    @property
    def waits_for_causes(self) -> bool:
        """Whether companies of the run wait for a trouble that they share."""
        return any(known.companies for known in self.causes)


def waits_key(run: str) -> EffectKey:
    """Return the key of the task about a run that waits."""
    return EffectKey(f"run-waits:{run}")


def closes_key(run: str) -> EffectKey:
    """Return the key of that task's completion."""
    return EffectKey(f"run-goes-on:{run}")


def report_key(run: str, dialog: str) -> EffectKey:
    """Return the key of a run's report in one dialog."""
    return EffectKey(f"run-report:{run}:{dialog}")


def waiting_task(told: RunTold, due: date) -> OpenTask:
    """Return the task that asks people to approve a run: totals, why it waits, what to do.

    Source: operations page, «Safety».
    """
    who = (
        f"Номер плана: {told.run}. Посмотреть его по компаниям, применить или отменить может тот, "
        "кто ведёт биллинг; что для этого нужно, показывает состояние биллинга на его сервере."
    )
    lines = [
        f"План на {told.on:%d.%m.%Y} составлен, но ничего не записано: {_why(told)}",
        *_deviations(told),
        *_advice(told),
        "",
        *_totals(told),
        "",
        who,
        "Задача закроется сама, когда прогон применят, отменят или заменит следующий.",
    ]
    return OpenTask(
        key=waits_key(told.run),
        company=NO_COMPANY,
        title=f"Биллинг: прогон за {_month(told)} ждёт подтверждения",
        description="\n".join(lines),
        tag=RUN_TAG,
        responsible=None,
        items=(),
        due=due,
    )


def apply_command(run: str, *, band: bool, too_many: int | None) -> str:
    """Return what applies a plan that the gate stopped, with everything that it asks for.

    Source: operations page, «Safety».
    """
    accept = "--accept-band" if band else "--yes"
    limit = f" --max-invoices {too_many}" if too_many is not None else ""
    return f"stavbill run apply {run} {accept}{limit}"


def waiting_ends(run: str, task: int) -> MendTask:
    """Return the completion of the task about a run that waits no longer."""
    return MendTask(key=closes_key(run), company=NO_COMPANY, task=TaskId(task), complete=True)


def report_message(told: RunTold, dialog: str) -> PostMessage:
    """Return the report of a finished run as a message.

    Source: operations page, «Observability».
    """
    lines = [f"Биллинг: прогон за {_month(told)} от {told.on:%d.%m.%Y} закончен.", *_totals(told)]
    return PostMessage(
        key=report_key(told.run, dialog), dialog=dialog, text="\n".join((*lines, f"№ {told.run}"))
    )


def _month(told: RunTold) -> str:
    return Month.of(told.on).plus(1).name.lower()


def _why(told: RunTold) -> str:
    if told.too_many is not None:
        off = ", и месяц слишком отличается от прошлого" if told.deviating else ""
        return f"новых счетов {told.too_many}, больше разрешённого{off}."
    if told.deviating:
        return "месяц слишком отличается от прошлого."
    if told.waits_for_causes:
        return "много компаний ждут одного и того же."
    if told.first_run:
        return "это первый прогон, сравнить его не с чем."
    return "запись ждёт согласия человека."


def _deviations(told: RunTold) -> Iterator[str]:
    for one in told.deviating:
        yield f"• {_compared(one)}"


def _advice(told: RunTold) -> Iterator[str]:
    for known in told.causes:
        yield f"• {cause_line(known)}. {known.cause.detail} {ADVICE[known.cause.kind]}"


def _totals(told: RunTold) -> Iterator[str]:
    yield (
        f"Компаний {told.companies}: счёт {told.billed}, пропущено {told.skipped}, "
        f"задержано {told.held_companies}."
    )
    if told.held:
        reasons = (f"{HOLD_NAMES.get(code, code)} — {number}" for code, number in told.held)
        yield f"Задержаны: {'; '.join(reasons)}."
    yield from (f"{cause_line(known)}." for known in told.causes)
    rest = {
        "на паузе": told.parked,
        "ждут прежней записи": told.waiting,
        "с ошибкой": told.failed,
        "нарушений": told.violations,
    }
    if any(rest.values()):
        yield f"Ещё: {', '.join(f'{name} {number}' for name, number in rest.items() if number)}."
    for total in told.totals:
        yield (
            f"{total.issuer}: счетов {total.invoices}, компаний {total.companies}, "
            f"{amount(total.minor, total.currency)}"
        )
    if told.compared:
        yield "К прошлому месяцу (с уже выставленным):"
        yield from (f"• {_compared(one)}" for one in told.compared)


def _compared(one: MonthCompared) -> str:
    before, now = (amount(minor, one.currency) for minor in (one.minor_before, one.minor_now))
    return (
        f"{one.issuer}: компаний было {one.companies_before}, стало {one.companies_now}; сумма "
        f"была {before}, стала {now}{_percent(one)}"
    )


def _percent(one: MonthCompared) -> str:
    if one.minor_before == 0:
        return ""
    change = (one.minor_now - one.minor_before) * 100
    # Rounded half away from zero, without a float.
    whole = (abs(change) * 2 + one.minor_before) // (2 * one.minor_before)
    return f" ({'−' if change < 0 else '+'}{whole} %)" if whole else " (±0 %)"
