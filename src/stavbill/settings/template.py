"""The part of a new stavbill.toml that no portal can tell: rules, days, limits, with remarks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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


def rules_toml() -> str:
    """Return the default issuer rules as TOML, with remarks for the accountant (§4, §7)."""
    return RULES_REMARK + "\n" + "\n".join(_rule_toml(rule) for rule in default_issuers())


def sections_toml() -> str:
    """Return [billing] and [safety] with their defaults as TOML."""
    return REST


def quoted(text: str) -> str:
    """Return `text` as a TOML string: a basic string, control characters escaped."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return (
        '"' + "".join(c if c >= " " and c != "\x7f" else f"\\u{ord(c):04X}" for c in escaped) + '"'
    )


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
