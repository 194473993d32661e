"""How days, times, sums and names are written for the operator: one time zone, the portal's."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, tzinfo
from decimal import Decimal
from typing import Any

from stavbill.plan.texts import amount

Document = Mapping[str, Any]


def day_text(text: str) -> str:
    """Return an ISO date as «10.12.2026»."""
    year, month, day = text.split("-")
    return f"{day}.{month}.{year}"


def moment(when: str | datetime, zone: tzinfo) -> str:
    """Return an aware time, ISO or not, as «10.12.2026 12:04» by the portal's clock."""
    aware = datetime.fromisoformat(when) if isinstance(when, str) else when
    return f"{aware.astimezone(zone):%d.%m.%Y %H:%M}"


def money(rubles: str, currency: str) -> str:
    """Return a sum as the portal writes it: «1 050,00 руб.»."""
    return amount(int(Decimal(rubles) * 100), currency)


def sums(total: Mapping[str, str]) -> str:
    """Return sums by currency as the portal writes them."""
    return " + ".join(money(rubles, currency) for currency, rubles in total.items())


def company_text(row: Document) -> str:
    """Return a company as «101 ООО «Ромашка»», its id alone when nobody knows its name."""
    return f"{row['company']} {row.get('title') or ''}".rstrip()


def person_text(row: Document) -> str:
    """Return who answers for a company, "" when nobody does."""
    who = row.get("responsible")
    return "" if not who else who["name"] or f"сотрудник {who['id']}"
