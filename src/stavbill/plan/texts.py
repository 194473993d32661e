"""Reasons, warnings and explanations in Russian: the one place where data becomes sentences.

Sentences are for the people of the mission (manager, accountant, operator): what is wrong, with
which numbers, and what to do now. Source: style of the house §5; billing rules §9.
"""

from __future__ import annotations

from datetime import date

from stavbill.billing.decision import (
    AccountMissing,
    BilledThroughPartner,
    CancelledByHand,
    ConnectionUnknown,
    ConservationPriceMissing,
    CountMismatch,
    CoverageUnclear,
    FieldNotUnderstood,
    HoldReason,
    InvoiceDraft,
    IssuerUnknown,
    NoContract,
    Note,
    NoteValue,
    Overlap,
    RequisitesMissing,
    SharedAccountMismatch,
    SkipReason,
    StatusEmpty,
    TariffNotUnderstood,
    UnitsUnknown,
)
from stavbill.billing.facts import DISPATCHING, FUEL_SENSOR, SUBSCRIPTION, ServiceCode
from stavbill.billing.money import Money
from stavbill.billing.period import MONTH_NAMES

NBSP = "\u00a0"
# A page pasted into a field by mistake is not repeated whole in a task.
LONGEST_SHOWN = 200
CURRENCY_SIGNS = {"RUB": "руб.", "KZT": "тенге"}

SERVICE_NAMES = {
    SUBSCRIPTION: "абонплата",
    FUEL_SENSOR: "абонплата за ДУТы",
    DISPATCHING: "абонплата за диспетчеризацию",
}

EXPECTED = {
    "quantity": "ожидалось количество, например 1*350",
    "times": "ожидался знак «*» между количеством и ценой, например 1*350",
    "price": "ожидалась цена, например 1*350",
    "kopecks": "после запятой или точки ожидались копейки, не больше двух цифр",
    "separator": "ожидался разделитель групп «|» или конец текста, например 4*350|15*100",
    "thousands": "пробел внутри цены допустим только перед тремя цифрами: 1 500",
    "smaller_number": "число слишком велико",
}

SKIPPED = {
    SkipReason.NOT_A_CUSTOMER: "поля тарифов пусты: компания не обслуживается биллингом",
    SkipReason.INACTIVE: "компания не активна",
    SkipReason.SKIP_FLAG: "на карточке стоит «Пропускать компанию»",
    SkipReason.NO_FEE: "начислять нечего: во всех полях тарифов прочерк или ноль",
    SkipReason.COVERED: "месяц уже выставлен",
    SkipReason.NOT_ITS_DAY: "день отправки ещё не наступил",
    SkipReason.POSTPONED: "дата отправки счёта перенесена на карточке",
    SkipReason.NOT_PASSED: "месяцы к оплате ещё не прошли",
}


def rubles(money: Money) -> str:
    """Return «1 050,00 руб.» with no-break spaces."""
    return amount(money.minor, money.currency.value)


def amount(minor: int, currency: str) -> str:
    """Return kopecks as «1 050,00 руб.», another currency by its own word."""
    whole, part = divmod(abs(minor), 100)
    sign = "−" if minor < 0 else ""
    grouped = f"{whole:,}".replace(",", NBSP)
    return f"{sign}{grouped},{part:02d}{NBSP}{CURRENCY_SIGNS.get(currency, currency)}"


def day(text: str) -> str:
    """Return an ISO date as «10.02.2022»."""
    return f"{date.fromisoformat(text):%d.%m.%Y}"


def month(code: str) -> str:
    """Return the month «2022-03» as «март 2022»."""
    year, number = code.split("-")
    return f"{MONTH_NAMES[int(number) - 1].lower()} {year}"


def service(code: ServiceCode | str) -> str:
    """Return a service as people call it; a further service by its code."""
    return SERVICE_NAMES.get(ServiceCode(code), str(code))


def skip_text(reason: SkipReason) -> str:
    """Return why a company was skipped."""
    return SKIPPED[reason]


def hold_text(reason: HoldReason) -> str:  # noqa: C901, PLR0911, PLR0912  one arm for each reason
    """Return a hold reason as one checklist item: what is wrong and what to mend."""
    match reason:
        case TariffNotUnderstood():
            return _tariff(reason)
        case FieldNotUnderstood():
            return _field(reason)
        case StatusEmpty():
            return "Поле «Статус» пусто: укажите, активна ли компания."
        case NoContract():
            return _contract(reason)
        case IssuerUnknown():
            return _issuer(reason)
        case CountMismatch():
            return _count(reason)
        case SharedAccountMismatch():
            return _shared(reason)
        case AccountMissing():
            return _account(reason)
        case ConnectionUnknown():
            return _connection(reason)
        case UnitsUnknown():
            return _unknown(reason)
        case ConservationPriceMissing():
            return _conservation(reason)
        case RequisitesMissing():
            return "Нет реквизитов покупателя: нужен ИНН (БИН или ИИН) либо ФИО физического лица."
        case Overlap():
            return _overlap(reason)
        case CancelledByHand():
            return _cancelled(reason)
        case CoverageUnclear():
            return _unclear(reason)
        case BilledThroughPartner():
            return _partner(reason)


def hold_code(reason: HoldReason) -> str:
    """Return the stable code of a reason, by which its checklist item is known again."""
    match reason:
        case TariffNotUnderstood(service=code):
            return f"tariff-{code}"
        case FieldNotUnderstood(problem=problem):
            return f"field-{problem.field or problem.label}"
        case Overlap(services=codes) | CancelledByHand(services=codes):
            return f"{reason.kind}-{'-'.join(codes)}"
        case _:
            return reason.kind


def _shown(text: str) -> str:
    """Return a typed text as people are shown it: all of it, unless it is a page."""
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"


def _tariff(reason: TariffNotUnderstood) -> str:
    return (
        f"Тариф не понят ({service(reason.service)}): «{_shown(reason.text)}», позиция "
        f"{reason.position}: {EXPECTED[reason.expected]}. Исправьте поле на карточке."
    )


def _field(reason: FieldNotUnderstood) -> str:
    problem = reason.problem
    value = _shown(problem.value)
    return f"Поле «{problem.label}» не понято: «{value}». Ожидается: {problem.expected}."


def _contract(reason: NoContract) -> str:
    other = f" Есть другие документы: {'; '.join(reason.other)}." if reason.other else ""
    return (
        "Нет договора, по которому выставляется абонплата (подписка РФ или КЗ, абонентское "
        f"обслуживание РФ). Добавьте документ в карточку.{other}"
    )


def _issuer(reason: IssuerUnknown) -> str:
    return (
        f"Юрлицо «{reason.issuer}» не найдено среди реквизитов вашей компании в Битрикс24. "
        "Заведите его или исправьте правило в настройках биллинга."
    )


def _count(reason: CountMismatch) -> str:
    card_says = "не заполнено" if reason.card is None else str(reason.card)
    expected = reason.expected_active + reason.expected_conserved
    text = (
        f"Количество не сходится: в тарифе {expected} (активных {reason.expected_active}, в "
        f"консервации {reason.expected_conserved}), в Wialon активных {reason.active}, в "
        f"консервации {reason.conserved}, на карточке {card_says}."
    )
    if reason.came:
        text += f" Появились: {', '.join(reason.came)}."
    if reason.went:
        text += f" Пропали: {', '.join(reason.went)}."
    return text + " Исправьте тариф или поставьте «Игнорировать проверку на количество»."


def _shared(reason: SharedAccountMismatch) -> str:
    others = ", ".join(str(company) for company in reason.others)
    unreadable = ""
    if reason.unreadable:
        names = ", ".join(str(company) for company in reason.unreadable)
        unreadable = f" Тариф не понят у компаний: {names}."
    return (
        f"Учётная запись Wialon общая с компаниями {others}: в тарифах вместе {reason.expected}, "
        f"в Wialon активных {reason.active}, в консервации {reason.conserved}.{unreadable} "
        "Исправьте тарифы."
    )


def _account(reason: AccountMissing) -> str:
    if not reason.account:
        return "Логин в Wialon не указан: заполните поле или поставьте прочерк в тарифе."
    return f"Учётная запись Wialon «{reason.account}» не найдена. Проверьте логин на карточке."


def _connection(reason: ConnectionUnknown) -> str:
    return (
        f"«Где найти» = «{reason.value}»: такого подключения к Wialon нет в настройках. "
        "Исправьте поле или добавьте подключение."
    )


def _unknown(reason: UnitsUnknown) -> str:
    detail = reason.detail.rstrip(".")
    return (
        f"Объекты в Wialon не посчитаны: {detail}. Счёт будет выставлен следующим запуском, когда "
        "Wialon ответит полностью."
    )


def _conservation(reason: ConservationPriceMissing) -> str:
    return (
        f"В консервации объектов: {reason.conserved}, а цена консервации "
        f"({CURRENCY_SIGNS[reason.currency.value]}) не задана. Задайте её в настройках биллинга."
    )


def _overlap(reason: Overlap) -> str:
    months = ", ".join(month(known.code) for known in reason.months)
    invoices = ", ".join(str(invoice) for invoice in reason.invoices)
    return (
        f"Часть месяцев уже выставлена ({_services(reason.services)}: {months}; счета {invoices}). "
        "Исправьте «Выставлять за несколько» или дождитесь конца этих месяцев."
    )


def _cancelled(reason: CancelledByHand) -> str:
    invoices = ", ".join(str(invoice) for invoice in reason.invoices)
    return (
        f"Счёт за этот месяц отменён вручную ({_services(reason.services)}: {invoices}). Сам "
        "биллинг его снова не выставит: если он нужен, скажите тому, кто ведёт биллинг."
    )


def _services(codes: tuple[ServiceCode, ...]) -> str:
    return ", ".join(service(code) for code in codes)


def _unclear(reason: CoverageUnclear) -> str:
    invoices = ", ".join(str(invoice) for invoice in reason.invoices)
    return (
        f"Не понятно, за какой месяц счета {invoices}: допишите месяц в скобках в название, "
        "например «(Март 2022)», или отмените их."
    )


def _partner(reason: BilledThroughPartner) -> str:
    return (
        f"Объекты оплачиваются через партнёра (компания {reason.partner}). Поставьте «Пропускать "
        "компанию» или исправьте логин."
    )


def draft_lines(draft: InvoiceDraft) -> tuple[str, ...]:
    """Return the lines of an invoice as people read them: «3 × 350,00 руб. = 1 050,00 руб.»."""
    texts = []
    for line in draft.lines:
        credit = f" − {rubles(line.credit)}" if line.credit else ""
        text = f"{line.name}: {line.quantity} × {rubles(line.price)}{credit} = {rubles(line.total)}"
        texts.append(text)
    return tuple(texts)


def note_text(note: Note) -> str:
    """Return one step of an explanation, or a warning, as a sentence."""
    values = {name: _readable(name, value) for name, value in note.values}
    return NOTES[note.code].format(**values)


def _readable(name: str, value: NoteValue) -> str:
    if isinstance(value, tuple):
        write = {"services": service, "months": month}.get(name, str)
        return ", ".join(write(part) for part in value)
    if isinstance(value, int):
        return _kopecks(value) if name in ("before", "used", "after") else str(value)
    if name == "currency":
        return CURRENCY_SIGNS.get(value, value)
    if name in ("month", "first", "last"):
        return month(value)
    if name in ("day", "until", "date"):
        return day(value)
    return service(value) if name == "service" else value or "не указано"


def _kopecks(minor: int) -> str:
    return f"{minor // 100},{minor % 100:02d}"


NOTES = {
    "status": "Статус компании: «{status}».",
    "tariff_forgotten": (
        "Поля тарифов пусты, но у компании есть договор или учётная запись Wialon (логин: "
        "{account}): возможно, тариф забыли заполнить."
    ),
    "no_fee_units": "Начислять нечего, а в Wialon активных объектов: {active}.",
    "month_covered": "Уже выставлено за {month}: счета {invoices}.",
    "months_not_passed": "Период {first} – {last} ещё не закончился.",
    "not_on_invoice": "В счёте за {month} нет: {services}.",
    "missed_months": (
        "Не выставлены прошлые месяцы: {months}. Сами они не выставятся: если счета нужны, скажите "
        "тому, кто ведёт биллинг."
    ),
    "postponed": "Дата отправки на карточке: {until}.",
    "not_its_day": "День отправки: {day}.",
    "day_reached": "День отправки: {day}.",
    "sending_date_used_up": "Дата отправки {date} уже прошла: действует обычный день отправки.",
    "calendar_forecast": "Производственный календарь на {year} год ещё не утверждён: прогноз.",
    "issuer_chosen": "Договор «{document}»: выставляет {issuer}, номер в счёте {number}.",
    "count_not_checked": "Абонплаты нет: количество не проверяется.",
    "count_ignored": "Проверка количества отключена; тариф и Wialon сходятся.",
    "count_ignored_unknown": (
        "Проверка количества отключена; по тарифу {expected}, Wialon не ответил ({why})."
    ),
    "count_ignored_differs": (
        "Проверка количества отключена: по тарифу активных {expected_active} и в консервации "
        "{expected_conserved}, в Wialon {active} и {conserved}."
    ),
    "count_agreed": (
        "Количество сходится: активных {active}, в консервации {conserved} (тариф "
        "{expected_active} и {expected_conserved})."
    ),
    "count_agreed_shared": (
        "Учётная запись общая с компаниями {others}: вместе активных {active}, в консервации "
        "{conserved}, тарифы сходятся."
    ),
    "stale_conservation_mark": "Активны, хотя помечены консервацией: {units}.",
    "unmarked_deactivated": "Деактивировано без отметки о консервации: {count}.",
    "nested_without_partner_flag": (
        "Есть вложенные учётные записи ({accounts}), а флага «Партнер» нет: они не посчитаны."
    ),
    "period_prepaid": "Предоплата: с месяца {first}, месяцев {months}.",
    "period_in_arrears": "За прошедшее: с месяца {first}, месяцев {months}.",
    "free_group": "В тарифе есть объекты с нулевой ценой ({service}).",
    "vat_wanted_issuer_outside": "На карточке указан НДС, но {issuer} работает без НДС.",
    "recipient_unusable": "Адрес не годится для отправки: {addresses}.",
    "no_recipient": "Отправить некуда: нет ни почты, ни номера WhatsApp.",
    "credit_applied": (
        "Перерасчёт {credit}: было {before}, учтено {used}, осталось {after} ({currency})."
    ),
}
