"""Values of answers as the portal spells them, and ours as its fields take them."""

from __future__ import annotations

from datetime import date, timedelta, timezone
from decimal import Decimal

import pytest

from stavbill.bitrix.write.fields import CardField, CardFields, FieldKind, write_last_day
from stavbill.bitrix.write.marks import with_mark
from stavbill.bitrix.write.values import date_at, id_at, money_at
from stavbill.errors import ConfigError
from stavbill.plan.keys import short_mark

MOSCOW = timezone(timedelta(hours=3))
DAY = date(2026, 12, 31)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        pytest.param("2026-12-31T03:00:00+03:00", DAY, id="midnight UTC in Moscow"),
        pytest.param("2026-12-31T00:00:00+03:00", DAY, id="midnight in Moscow"),
        pytest.param("2026-12-30T19:00:00-05:00", DAY, id="midnight UTC in New York"),
        pytest.param("2026-12-31", DAY, id="date alone"),
        pytest.param("", None, id="empty"),
        pytest.param("31.12.2026", None, id="not a date of the API"),
    ],
)
def test_a_date_is_the_day_that_was_meant(text: str, day: date | None) -> None:
    assert date_at({"begindate": text}, "begindate") == day


def test_ids_and_sums_come_as_numbers_and_as_text() -> None:
    assert id_at({"id": "17"}, "id") == id_at(17) == 17
    assert id_at({"id": "0"}, "id") is id_at([], "task", "id") is None
    assert money_at({"o": "1050.1"}, "o") == Decimal("1050.10")


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (FieldKind.DATE, "2026-12-31"),
        (FieldKind.DATETIME, "2026-12-31T23:59:59+03:00"),
        (FieldKind.STRING, "31.12.2026"),
    ],
)
def test_the_last_day_goes_into_the_field_that_the_portal_has(kind: FieldKind, text: str) -> None:
    assert write_last_day(DAY, kind, MOSCOW) == text


@pytest.mark.parametrize(
    "mapped",
    [
        {"card_count": CardField("UF_CRM_A", FieldKind.DATE)},
        {"billed_through": CardField("UF_CRM_A", FieldKind.INTEGER)},
    ],
)
def test_a_field_that_cannot_hold_the_value_is_named_before_the_run(
    mapped: dict[str, CardField],
) -> None:
    with pytest.raises(ConfigError, match="UF_CRM_A"):
        CardFields(
            zone=MOSCOW,
            card_count=mapped.get("card_count"),
            billed_through=mapped.get("billed_through"),
        )


def test_a_mark_stands_at_the_end_once() -> None:
    marked = with_mark("Счёт выставлен \n", "k")
    assert marked == f"Счёт выставлен\n\n{short_mark('k')}"
    assert with_mark(marked, "k") == marked
    assert with_mark("", "k") == short_mark("k")
