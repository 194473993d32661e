"""The independent reading, by the letter of the rules' own examples."""

from __future__ import annotations

from datetime import date

import pytest

from stavbill.sandbox.world import months, reading
from stavbill.sandbox.world.build import build_world
from stavbill.sandbox.world.expected import SKIP
from stavbill.sandbox.world.telling import told


@pytest.mark.parametrize(
    ("text", "groups"),
    [
        ("4*350|15*100", ((4, 350_00), (15, 100_00))),
        ("-", ()),
        ("", ()),
        ("—", ()),
        ("-*200", ()),
        ("3*1 500,00 ₽", ((3, 1500_00),)),
        ("3 х 350,5 руб", ((3, 350_50),)),
        ("6*350 6*250", ((6, 350_00), (6, 250_00))),
        ("3*0", ((3, 0),)),
        ("*350", None),
        ("abc", None),
        ("3*", None),
        ("1*3*5", None),
        ("-3*350", None),
        ("3*-350", None),
        ("3*350 100", None),
        ("3*350 5", None),
        ("3*350,2*100", None),
        ("|3*350", None),
    ],
)
def test_tariffs(text: str, groups: reading.Groups | None) -> None:
    assert reading.tariff(text) == groups


@pytest.mark.parametrize(
    ("text", "run", "opens"),
    [
        pytest.param("", date(2021, 10, 11), date(2021, 10, 11), id="§3 Sunday moves to Monday"),
        pytest.param("", date(2021, 7, 12), date(2021, 7, 12), id="§3 Saturday moves to Monday"),
        pytest.param("", date(2022, 1, 10), date(2022, 1, 10), id="§3 first day after holidays"),
        pytest.param("31", date(2026, 6, 3), date(2026, 6, 30), id="at most the last day"),
        pytest.param("15.12.2026", date(2026, 12, 1), date(2026, 12, 15), id="date of the month"),
        pytest.param("15.01.2027", date(2026, 12, 1), None, id="date of a later month"),
        pytest.param("15.11.2026", date(2026, 12, 1), date(2026, 12, 10), id="date used up"),
    ],
)
def test_sending_days(text: str, run: date, opens: date | None) -> None:
    assert reading.sending_day(text, run, 10) == reading.SendingDay(opens)


def test_a_day_in_words_cannot_be_read() -> None:
    assert reading.sending_day("32", date(2026, 12, 1), 10) is None
    assert reading.sending_day("потом", date(2026, 12, 1), 10) is None


@pytest.mark.parametrize(
    ("title", "found"),
    [
        ("[Биллинг] Подписка на сервис (Март 2022)", months.span((2022, 3), 1)),
        ("Подписка (Март–Май 2022)", months.span((2022, 3), 3)),
        ("Подписка ( март - май 2022 )", months.span((2022, 3), 3)),
        ("Подписка (Ноябрь 2021 – Январь 2022)", months.span((2021, 11), 3)),
        ("Работы (монтаж, ремонт) за май", ()),
    ],
)
def test_months_of_titles(title: str, found: tuple[months.Month, ...]) -> None:
    assert reading.months_of(title) == found


def test_titles_of_several_months_stand_as_the_rules_write_them() -> None:
    assert months.bracket((2022, 3)) == "(Март 2022)"
    assert months.bracket((2022, 3), 3) == "(Март–Май 2022)"
    assert months.bracket((2021, 11), 3) == "(Ноябрь 2021 – Январь 2022)"


def test_before_the_sending_day_only_own_days_open() -> None:
    world = build_world(400, 4, date(2026, 12, 2))
    own_day = {company.id for company in world.companies() if company.card.sending}
    early = {each["company"] for each in told(world) if each["outcome"] != SKIP}
    assert early <= own_day


def test_expectations_are_told_with_sums_in_kopecks() -> None:
    first = told(build_world(200, 4, date(2022, 2, 10)))[0]
    assert first["scenario"].startswith("E1 ")
    assert first["invoices"][0]["title"] == "[Биллинг] Подписка на сервис (Март 2022)"
    assert first["invoices"][0]["total"] == 1050_00
    assert first["invoices"][0]["issuer"] == 2
