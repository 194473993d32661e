"""What people type into cards is a value or that card's problem: never an exception, never a guess.

Inputs F1, F2, F3, P13; billing rules §1, §7, §11.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stavbill.billing.decide import decide
from stavbill.billing.decision import Bill
from stavbill.billing.facts import (
    DISPATCHING,
    FUEL_SENSOR,
    SUBSCRIPTION,
    CompanyCard,
    SeparateInvoices,
    ServiceCode,
    VatWish,
)
from stavbill.bitrix.mapping import MappedField, PortalMapping, UserField
from stavbill.bitrix.read.card import CardReader
from stavbill.bitrix.read.records import moment
from tests.billing.world import POLICY, facts

SIM = ServiceCode("sim")
MARCH = date(2026, 3, 10)
NAMES = (
    "status", "responsible", "connection", "account", "card_count", "subscription", "fuel",
    "dispatching", "skip", "ignore_count", "emails", "phones", "sending_day", "vat", "partner",
    "previous_month", "months", "contract_number", "separate", "conservation_price",
    "billed_through",
)  # fmt: skip
KINDS = ("string", "double", "integer", "boolean", "enumeration", "money", "date", "employee")
OPTIONS = {"41": "да", "42": "НДС 0%", "43": "нет", "44": "inf", "45": "", "46": "ДУТ и др."}
WORDS = {
    SUBSCRIPTION: ("Абонплата", "Подписка на сервис"),
    FUEL_SENSOR: ("Абонплата за ДУТы", "ДУТы", "ДУТ"),
    DISPATCHING: ("Абонплата за диспетчеризацию", "Диспетчеризация"),
    SIM: ("SIM, роуминг",),
}


def code(name: str) -> str:
    return f"UF_CRM_{NAMES.index(name) + 1}"


def read(values: Mapping[str, Any], kind: str = "string", *, multiple: bool = False) -> CompanyCard:
    """Return the card of a company whose fields, all of one kind, have these values."""
    known = {
        code(name): UserField(code(name), kind, multiple, (f"Поле {name}",), OPTIONS)
        for name in NAMES
    }
    mapping = PortalMapping(
        fields={name: MappedField(code(name)) for name in NAMES}, service_words=WORDS
    )
    row = {"ID": "7", "TITLE": "ООО «Ромашка»", "ASSIGNED_BY_ID": "12"}
    record = CardReader(mapping, known).record(
        row | {code(name): value for name, value in values.items()}
    )
    assert record.company == 7
    return record.card


def problems(card: CompanyCard) -> list[tuple[str, str]]:
    return [(problem.field, problem.value) for problem in card.problems]


@pytest.mark.parametrize(
    ("kind", "value", "wish"),
    [
        *(
            pytest.param("string", text, Decimal(0), id=f"F1 {text}")
            for text in ("0%", "НДС 0%", "0,00 %", "0.0", "0", "ндс 0 %")
        ),
        pytest.param("enumeration", "42", Decimal(0), id="F1 an option"),
        pytest.param("double", 0.0, Decimal(0), id="F1 double 0.0"),
        pytest.param("double", 0, Decimal(0), id="F1 double 0"),
        pytest.param("double", "0", Decimal(0), id="F1 double as text"),
        pytest.param("boolean", "0", VatWish.NO, id="§11 a bare 0 in a yes/no field"),
        pytest.param("boolean", 0, VatWish.NO, id="§11 the number"),
        pytest.param("boolean", "1", VatWish.YES, id="yes"),
        pytest.param("string", "", VatWish.EMPTY, id="F1 empty"),
        pytest.param("string", False, VatWish.EMPTY, id="F1 false"),
        pytest.param("string", None, VatWish.EMPTY, id="F1 null"),
        pytest.param("string", "Без НДС", VatWish.NO, id="F1 without"),
        pytest.param("string", "нет", VatWish.NO, id="F1 no"),
        pytest.param("string", "22%", Decimal(22), id="a rate"),
        pytest.param("double", 12.5, Decimal("12.5"), id="a broken rate"),
    ],
)
def test_vat_of_zero_is_a_rate(kind: str, value: object, wish: VatWish | Decimal) -> None:
    card = read({"vat": value}, kind)
    assert (card.vat, problems(card)) == (wish, [])


def test_a_line_with_the_rate_of_zero_says_so() -> None:
    known = facts("3*350", vat=Decimal(0))
    decision = decide(known, POLICY, MARCH)
    assert isinstance(decision, Bill)
    [line] = decision.drafts[0].lines
    assert (line.total.minor, line.vat.minor, line.vat_percent) == (105_000, 0, Decimal(0))
    assert "vat_wanted_issuer_outside" not in {note.code for note in decision.warnings}


@pytest.mark.parametrize(
    ("name", "texts"),
    [
        ("card_count", ("inf", "-Infinity", "1e9", "1_9", "NaN", "3,5", "-1")),
        ("months", ("Infinity", "1e1", "1_2", "1 2", "61")),
        ("responsible", ("inf", "1_2", "Иванов")),
        ("conservation_price", ("Infinity", "1e2", "1_00", "100,555", "-5")),
        ("sending_day", ("inf", "1e1", "0", "32", "31.02.2026", "٣")),
        ("vat", ("inf", "1e1", "NaN", "как обычно")),
    ],
)
def test_words_that_a_decimal_parser_takes_for_numbers(name: str, texts: tuple[str, ...]) -> None:
    for text in texts:
        card = read({name: text, "status": "Активная компания"})
        assert problems(card) == [(name, text)], "F2"
        assert card.status == "Активная компания"


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("card_count", "12 000", 12000),
        ("card_count", "3.0", 3),
        ("card_count", "3,00", 3),
        ("card_count", "-", None),
        ("card_count", "0", 0),
        ("months", "0", None),
        ("conservation_price", "1 500,50", Decimal("1500.50")),
        ("conservation_price", "-", None),
    ],
)
def test_numbers_as_people_write_them(name: str, text: str, value: object) -> None:
    card = read({name: text})
    assert (getattr(card, name), problems(card)) == (value, []), "F2 stays good"


@pytest.mark.parametrize(
    ("text", "services"),
    [
        ("ДУТ и диспетчеризация", {FUEL_SENSOR, DISPATCHING}),
        ("ДУТ + диспетчеризация", {FUEL_SENSOR, DISPATCHING}),
        ("ДУТ/Диспетчеризация", {FUEL_SENSOR, DISPATCHING}),
        ("ДУТ; диспетчеризация", {FUEL_SENSOR, DISPATCHING}),
        ("ДУТы", {FUEL_SENSOR}),
        ("диспетчеризация", {DISPATCHING}),
        ("SIM, роуминг", {SIM}),
        ("SIM, роуминг, ДУТы и Абонплата", {SIM, FUEL_SENSOR, SUBSCRIPTION}),
        ("Абонплата за ДУТы", {FUEL_SENSOR}),
        ("абонплата за дуты, абонплата за диспетчеризацию", {FUEL_SENSOR, DISPATCHING}),
        ("нет", set()),
        ("-", set()),
    ],
)
def test_services_apart_are_understood_whole(text: str, services: set[ServiceCode]) -> None:
    card = read({"separate": text})
    wanted = SeparateInvoices(services=frozenset(services))
    assert (card.separate, problems(card)) == (wanted, []), "F3"


@pytest.mark.parametrize(
    "text",
    [
        "Абонплата ДУТ", "а", "за", "по", "кроме ДУТ", "не ДУТ", "ДУТ или диспетчеризация",
        "ДУТ, и ещё что-то", "да, ДУТ", "нет, ДУТ", "ДУТдиспетчеризация", "Абонплата за", "SIM",
    ],
)  # fmt: skip
def test_what_is_understood_in_part_is_a_problem(text: str) -> None:
    card = read({"separate": text})
    assert (card.separate, problems(card)) == (SeparateInvoices(), [("separate", text)]), "F3"


def test_each_of_several_values_counts() -> None:
    assert read({"separate": ["ДУТ", "SIM, роуминг"]}, multiple=True).separate == (
        SeparateInvoices(services=frozenset({FUEL_SENSOR, SIM}))
    )
    assert read({"separate": ["да"]}, multiple=True).separate.each
    assert problems(read({"separate": ["да", "ДУТ"]}, multiple=True)) != []


SHAPES: tuple[Any, ...] = (
    False, True, None, 0, 1, -1, 12.5, 0.0, 1e308, -0.0, 10**30, "", "0", "1", "true", "Y", "N",
    [], {}, [[]], [""], ["1"], {"0": "1"}, [None], [False], {"a": {"b": "c"}}, [{"ID": 1}], "[]",
    "100|RUB", "|RUB", "100|", "100|QQQ|1", "inf", "NaN", "1e9", "1_0", "1 2", "١٢", "½", "²",
    "31.12.2026", "2026-12-31T03:00:00+03:00", "2026-02-30", "99.99.9999", "0000-00-00", "12",
    "<a@x.example>", '"Петрова, Анна" <anna@x.example>', "a@@b", "mailto:", "=?utf-8?q?x?=@x.ru",
    "+7 900 000-00-00", "звонить Ивану", "3*350", "*350", "3*", "1*3*5", "-*200", "3 х 350 руб.",
    "\x00", "\u200b", "\ufeff", "\u202e", "\ud800", "\U0001f600", "a" * 70_000, "9" * 4_000,
    "'; DROP TABLE companies; --", "[URL=https://x.example]x[/URL]", "{{ 7*7 }}", "%s%n", "../..",
    "да", "нет", "Да ", " ДА", "ДУТ и диспетчеризация", "кроме ДУТ", "0%", "НДС 0%", "22 %",
    "𝟛", "Ⅳ", "①", "−5", "–", "—", "﹣1", "1\n2", "1\t2", "\r", "41", "46", "45", 41, "04", "4.0",
    "2026-12-10 12:00:00", "2026-12-10T12:00:00Z", "1/2", "1:30",
    "0001-01-01T00:00:00+03:00", "9999-12-31T23:59:59-03:00",
    "1,5,6", "1.000.000", "1 000 000", "1 0000", "12 00", "0x1F", "0b1", "1L", "1.", ".1", "+", "-",
    "--5", "+-5", "5-", "1e-7", "1E+2", "Infinity", "-inf", "nan%", "null", "undefined", "None",
)  # fmt: skip
MADE_UP = tuple(
    f"{before}{text}{after}"
    for text in ("3", "350", "нет", "a@x.example", "31", "0")
    for before, after in (
        ("\u00a0", ""), ("", "\u00a0"), ("\u200b", ""), ("", "\u200b"), ("(", ")"), ("«", "»"),
        ("'", "'"), ("\ufeff", ""), ("\u202e", "\u202c"), ("", " (уточнить)"), ("~", ""), ("", "?"),
        ("", "р."), ("№", ""), ("", "%"),
    )
)  # fmt: skip
NASTY: tuple[Any, ...] = (*SHAPES, *MADE_UP)


def test_there_are_nasty_values_enough() -> None:
    assert len(NASTY) >= 200


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", NAMES)
def test_every_field_takes_any_value(name: str, kind: str) -> None:
    for value in NASTY:
        for multiple in (False, True):
            card = read({name: value, "status": "41"}, kind, multiple=multiple)
            assert sound(card, name), (value, card)


Anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from(NAMES), st.sampled_from(KINDS), st.booleans(), Anything)
def test_every_field_takes_anything_at_all(
    name: str,
    kind: str,
    multiple: bool,  # noqa: FBT001 - drawn by name
    value: object,
) -> None:
    assert sound(read({name: value}, kind, multiple=multiple), name)


def sound(card: CompanyCard, name: str) -> bool:
    """Say whether a card is one that the core may decide about, and speaks of this field alone."""
    values = all(isinstance(text, str) for text in texts_of(card))
    finite = card.conservation_price is None or card.conservation_price.is_finite()
    named = {problem.field for problem in card.problems} <= {name, "status"}
    decide(facts(vat=card.vat, months=card.months, separate=card.separate), POLICY, MARCH)
    return values and finite and named and (card.card_count or 0) < 10**15


def texts_of(card: CompanyCard) -> Iterator[object]:
    yield from card.fees.values()
    yield from (*card.recipients.emails, *card.recipients.phones, *card.recipients.unusable)
    for problem in card.problems:
        yield from (problem.label, problem.value, problem.expected)


@pytest.mark.parametrize(
    ("text", "zone", "day"),
    [
        ("2026-11-30T23:30:00+03:00", "Europe/Moscow", date(2026, 11, 30)),
        ("2026-11-30T23:30:00+03:00", "Asia/Almaty", date(2026, 12, 1)),
        ("2024-02-29T22:30:00+03:00", "Asia/Almaty", date(2024, 3, 1)),
        ("0001-01-01T00:00:00+03:00", "Europe/Moscow", date(1970, 1, 1)),
    ],
)
def test_the_day_of_an_invoice_is_the_portals_own(text: str, zone: str, day: date) -> None:
    assert moment(text).astimezone(ZoneInfo(zone)).date() == day, "P2"
