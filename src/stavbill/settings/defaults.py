"""What stands in a configuration that says nothing else: proposals, to be confirmed by people.

The three issuer rules are those of the billing rules §4, the words those of §7. VAT rates are the
law's of the year this was written; whether an issuer charges VAT at all only its accountant knows.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

SUBSCRIPTION_TITLE = "Подписка на сервис"
SUBSCRIPTION_LINE = "Подписка на сервис по удаленному управлению автопарком"
MAINTENANCE_LINE = "Абонентское обслуживание навигационного оборудования"
FUEL = "Абонплата за ДУТы"
DISPATCHING = "Абонплата за диспетчеризацию"

RUSSIAN_VAT: list[dict[str, Any]] = [
    {"since": date(2019, 1, 1), "percent": Decimal(20)},
    {"since": date(2026, 1, 1), "percent": Decimal(22)},
]
KAZAKH_VAT: list[dict[str, Any]] = [
    {"since": date(2009, 1, 1), "percent": Decimal(12)},
    {"since": date(2026, 1, 1), "percent": Decimal(16)},
]


def wording(line: str) -> dict[str, dict[str, str]]:
    """Return the words of the three services, `line` for the subscription's rows."""
    return {
        "subscription": {"line": line, "title": SUBSCRIPTION_TITLE},
        "fuel": {"line": FUEL, "title": FUEL},
        "dispatching": {"line": DISPATCHING, "title": DISPATCHING},
    }


def default_issuers() -> list[dict[str, Any]]:
    """Return the default rule table as the TOML would give it. Source: billing rules §4, §7."""
    return [
        {
            "code": "ps-rf",
            "issuer": "ООО «Автотрэкер»",
            "currency": "RUB",
            "templates": ["Подписка на сервис удаленного управления автопарком РФ"],
            "title": SUBSCRIPTION_TITLE,
            "wording": wording(SUBSCRIPTION_LINE),
            "vat": RUSSIAN_VAT,
        },
        {
            "code": "ps-kz",
            "issuer": "ТОО «Автотрэкер КЗ»",
            "currency": "KZT",
            "templates": ["Подписка на сервис удаленного управления автопарком КЗ"],
            "title": SUBSCRIPTION_TITLE,
            "wording": wording(SUBSCRIPTION_LINE),
            "vat": KAZAKH_VAT,
        },
        {
            "code": "ao-rf",
            "issuer": "ИП Матвеев",
            "currency": "RUB",
            "templates": ["Абонентское обслуживание РФ"],
            "title": SUBSCRIPTION_TITLE,
            "wording": wording(MAINTENANCE_LINE),
            "vat": [],
        },
    ]
