"""Codes in the operator's words."""

from __future__ import annotations

from stavbill.plan.run_texts import HOLD_NAMES

DECISIONS = {"bill": "счёт", "skip": "пропущена", "hold": "задержана"}
STATES = {
    "planned": "план составлен",
    "waiting_approval": "ждёт подтверждения",
    "done": "готово",
    "stopped": "запись остановлена",
    "stale": "план устарел, записана часть",
    "reading": "читает",
    "applying": "записывает",
    "failed": "ошибка",
}
RUN_KINDS = {
    "month": "месяц",
    "rerun": "перезапуск компании",
    "nightly": "сверка",
    "delivery": "отметки об отправке",
    "report": "сообщения о запусках",
}
CHANGES = {
    "new": "новая",
    "gone": "в прошлый раз счёт был",
    "sum": "сумма изменилась",
    "issuer": "юрлицо изменилось",
    "address": "адрес изменился",
}
GATES = {"ask": "Нужно подтверждение.", "stop": "Остановлено до первой записи."}
HOLDS = HOLD_NAMES
SKIPS = {
    "not_a_customer": "не клиент биллинга",
    "inactive": "не активна",
    "skip_flag": "флаг пропуска",
    "no_fee": "начислять нечего",
    "covered": "месяц уже выставлен",
    "not_its_day": "день не настал",
    "postponed": "перенесено",
    "not_passed": "месяцы не прошли",
}
WARNINGS = {
    "missed_months": "пропущенные месяцы",
    "not_on_invoice": "услуга не попала в счёт",
    "tariff_forgotten": "возможно, забыт тариф",
    "no_fee_units": "объекты без оплаты",
    "no_recipient": "некуда отправить",
    "recipient_unusable": "плохой адрес",
    "count_ignored_differs": "количество отличается, проверка отключена",
    "stale_conservation_mark": "старая отметка консервации",
    "unmarked_deactivated": "деактивированы без отметки",
    "nested_without_partner_flag": "вложенные учётные записи без флага партнёра",
    "vat_wanted_issuer_outside": "НДС указан, юрлицо без НДС",
    "free_group": "объекты с нулевой ценой",
    "sending_date_used_up": "дата отправки прошла",
    "calendar_forecast": "календарь ещё не утверждён",
}
STATUSES = {
    "planned": "ждёт",
    "sending": "отправляется",
    "doubt": "под вопросом",
    "written": "ещё не сверено",
    "rejected": "отклонено порталом",
    "differs": "не сходится",
    "dropped": "отпало",
}
WRITTEN = {
    "put_invoice": "счета",
    "put_fields": "поля карточек",
    "add_timeline": "записи в ленту",
    "open_task": "задачи",
    "mend_task": "правки задач",
    "put_stage": "стадии",
    "post_message": "сообщения",
    "put_mark": "отметки портала",
}
INVOICE_STATES = {"live": "выставлен", "paid": "оплачен", "cancelled": "отменён"}
CHECKS = {
    "status": "Статус",
    "connection": "Где найти",
    "account": "Логин Wialon",
    "card_count": "Объектов на карточке",
    "months": "Выставлять за несколько",
    "parked": "На паузе",
}


# What an operator types about a reason, a warning or a finding; managers read no commands.
NEXT_STEPS = {
    "cancelled_by_hand": "Выставить снова: stavbill company rerun {company} --again",
    "missed_months": (
        "Выставить месяц: stavbill run month --month ГГГГ-ММ --company {company}, где ГГГГ-ММ — "
        "месяц перед ним (у предоплаты)"
    ),
    "deleted": "Выставить снова: stavbill company rerun {company} --again",
    "hold_mended": "Выставить сразу: stavbill company rerun {company}",
    "vanished": (
        "Снять с паузы: stavbill company release {company} --by ИМЯ; выставить снова: stavbill "
        "company rerun {company} --again"
    ),
}


def next_step(code: str, company: int) -> str:
    """Return what an operator types about a reason, "" when there is nothing to type."""
    return NEXT_STEPS.get(code, "").format(company=company)


def plural(number: int, one: str, few: str, many: str) -> str:
    """Return the form of a Russian noun that stands with `number`."""
    tens, units = number % 100, number % 10
    if 10 < tens < 20:  # noqa: PLR2004  eleven to nineteen
        return many
    if units == 1:
        return one
    return few if units in (2, 3, 4) else many
