"""The part of a new stavbill.toml that no portal can tell: rules, days, limits, with remarks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tomlkit

from stavbill.settings.defaults import default_issuers

RULES_REMARK = """\
# Кто выставляет счёт: первое правило, по которому у компании есть договор (порядок важен).
# Бухгалтеру: проверьте ставки vat каждого юрлица. vat = [] — без НДС (упрощённый режим, патент).
# Ставка действует по первому дню месяца обслуживания и уже входит в цену.
# code стоит в ключах счетов: не меняйте его после первого запуска.
"""
REST = """\
[billing]
sending_day = 10                    # день отправки; выходной переносится на следующий рабочий
pay_within_days = 10                # срок оплаты
default_currency = "RUB"
conservation_prices = {RUB = 100}   # цена консервации; для KZT не задана: такие счета задержаны
title_mark = "[Биллинг]"

[safety]
band_percent = 20                   # больше отличие от прошлого месяца: запуск останавливается
# max_invoices = 700
read_only = false
"""
OPTIONAL = """\
# Дальше — необязательное, со значениями по умолчанию или с примерами. Уберите «# » перед строкой
# вместе с её [разделом], чтобы она подействовала. Все настройки: docs/configuration.md
#
# [reports]
# dialogs = ["chat58"]              # куда писать итог прогона: чат, пользователь («5»), «task57»
# waiting_task = true               # прогон, который ждёт согласия, ставит задачу
#
# [worker]                          # stavbill worker: crontab по времени портала, "" — никогда
# month = "0 7 * * *"               # прогон месяца, только по рабочим дням
# sync = "20 * * * *"               # что изменилось на портале
# nightly = "30 2 * * *"            # сверка с порталом
# send = "*/5 * * * *"              # отправка счетов, у которых подошёл срок
# tidy = "10 4 * * *"               # уборка закончившихся заданий
#
# [web]                             # stavbill web: роботы, события, ссылки в письмах
# host = "127.0.0.1"
# port = 8080
# public_url = "https://billing.example"
#
# [documents]                       # печатная форма счёта
# templates = "счёт"                # папка со своими шаблонами рядом с этим файлом
#
# [[documents.issuers]]
# issuer = "ps-rf"                  # код правила из [[issuers]]
# logo = "logo.png"                 # PNG или JPEG рядом с этим файлом
# stamp = "stamp.png"
# signature = "director.png"
#
# [[documents.issuers]]
# issuer = "ps-kz"
# purpose_code = "851"              # КНП, его назовёт бухгалтер
# beneficiary_code = "17"           # Кбе, если его нет в реквизитах на портале
#
# [mail]                            # пока нет отправителя, писем нет
# manual = false                    # true: каждый счёт ждёт stavbill invoice release
#
# [[mail.senders]]                  # пароль: STAVBILL_SMTP_PASSWORD_MAIN, где MAIN — code
# code = "main"
# host = "smtp.example.ru"
# user = "billing@example.ru"
# address = "billing@example.ru"
# name = "Счета, ООО «Пример»"
#
# [mail.notices]                    # ящик с уведомлениями; пароль: STAVBILL_IMAP_PASSWORD
# host = "imap.example.ru"
# user = "bounces@example.ru"
#
# [whatsapp]                        # Green-API; ключ: STAVBILL_WHATSAPP_TOKEN
# instance = "1101000001"
"""


def rules_toml() -> str:
    """Return the default issuer rules as TOML, with remarks for the accountant (§4, §7)."""
    return RULES_REMARK + "\n" + "\n".join(_rule_toml(rule) for rule in default_issuers())


def sections_toml() -> str:
    """Return [billing] and [safety] with their defaults as TOML."""
    return REST


def optional_toml() -> str:
    """Return what works without being named, as remarks: lines to take out of them."""
    return OPTIONAL


def quoted(text: str) -> str:
    """Return `text` as a TOML string."""
    return tomlkit.string(text).as_string()


def _rule_toml(rule: Mapping[str, Any]) -> str:
    rates = "".join(
        f"  {{since = {rate['since']}, percent = {rate['percent']}}},\n" for rate in rule["vat"]
    )
    words = "".join(
        f"{service} = {{line = {quoted(word['line'])}, title = {quoted(word['title'])}}}\n"
        for service, word in rule["wording"].items()
    )
    return (
        "[[issuers]]\n"
        f"code = {quoted(rule['code'])}\n"
        f"issuer = {quoted(rule['issuer'])}\n"
        "# own_company = 0                 # id своей компании портала, если имя не находится\n"
        f"currency = {quoted(rule['currency'])}\n"
        f"templates = [{', '.join(quoted(name) for name in rule['templates'])}]\n"
        f"title = {quoted(rule['title'])}\n"
        f"vat = [{chr(10) + rates if rates else ''}]\n"
        f"[issuers.wording]\n{words}"
    )
