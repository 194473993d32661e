"""Every reason, skip and note in Russian sentences (style §5; §9)."""

from __future__ import annotations

import re
from datetime import date

import pytest
from hypothesis import given

from stavbill.billing.decide import decide
from stavbill.billing.decision import (
    AccountMissing,
    Bill,
    BilledThroughPartner,
    CancelledByHand,
    ConnectionUnknown,
    ConservationPriceMissing,
    CoverageUnclear,
    FieldNotUnderstood,
    Hold,
    HoldReason,
    IssuerUnknown,
    NoContract,
    Note,
    Overlap,
    RequisitesMissing,
    SharedAccountMismatch,
    Skip,
    SkipReason,
    StatusEmpty,
    TariffNotUnderstood,
    UnitsUnknown,
)
from stavbill.billing.facts import (
    FUEL_SENSOR,
    SUBSCRIPTION,
    CompanyId,
    Facts,
    FieldProblem,
    InvoiceId,
    ServiceCode,
)
from stavbill.billing.money import Currency, Money
from stavbill.billing.period import Month
from stavbill.billing.tariff import EXPECTATIONS
from stavbill.plan.texts import (
    EXPECTED,
    NOTES,
    SKIPPED,
    amount,
    day,
    draft_lines,
    hold_code,
    hold_text,
    month,
    note_text,
    rubles,
    service,
    skip_text,
)
from tests.billing.strategies import companies, days
from tests.billing.world import KZ, POLICY, SIM, TENTH, facts, units

SENTENCE = re.compile(r"[А-ЯЁ«].*[.]", re.DOTALL)
NBSP = "\u00a0"


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        pytest.param(105000, "RUB", f"1{NBSP}050,00{NBSP}руб.", id="thousands"),
        pytest.param(5, "RUB", f"0,05{NBSP}руб.", id="kopecks"),
        pytest.param(-105005, "RUB", f"−1{NBSP}050,05{NBSP}руб.", id="less than nothing"),
        pytest.param(100, "KZT", f"1,00{NBSP}тенге", id="tenge"),
        pytest.param(100, "BYN", f"1,00{NBSP}BYN", id="another currency by its code"),
    ],
)
def test_amounts(minor: int, currency: str, text: str) -> None:
    assert amount(minor, currency) == text


def test_small_words() -> None:
    assert rubles(Money(100, Currency.KZT)) == f"1,00{NBSP}тенге"
    assert day("2022-02-10") == "10.02.2022"
    assert month("2022-03") == "март 2022"
    assert service(SUBSCRIPTION) == "абонплата"
    assert service("sim") == "sim"


def test_every_skip_and_every_expectation_has_its_words() -> None:
    assert set(SKIPPED) == set(SkipReason)
    assert set(EXPECTED) == EXPECTATIONS
    assert all(skip_text(reason) for reason in SkipReason)


@pytest.mark.parametrize(
    ("known", "says"),
    [
        pytest.param(facts("*350"), ["«*350»", "позиция 0", "ожидалось"], id="E12 text and place"),
        pytest.param(
            facts("7*350", units(6, 2, came=("МАЗ 7",), went=("МАЗ 1",)), card_count=None),
            ["в тарифе 7", "активных 6", "консервации 2", "не заполнено", "Появились: МАЗ 7",
             "Пропали: МАЗ 1", "Игнорировать"],
            id="§5 the exact difference and the two ways out",
        ),
        pytest.param(facts("3*490", units(4)), ["на карточке 3"], id="E5 the card says 3"),
        pytest.param(facts(contracts=()), ["Нет договора"], id="E7 no contract"),
        pytest.param(
            facts("3*350", units(3, 2), contracts=(KZ,)), ["тенге", "2"], id="§5 no price for KZT"
        ),
    ],
)  # fmt: skip
def test_a_hold_says_what_is_wrong_and_what_to_do(known: Facts, says: list[str]) -> None:
    decision = decide(known, POLICY, TENTH)
    assert isinstance(decision, Hold)
    (reason,) = decision.reasons
    assert [part for part in says if part not in hold_text(reason)] == []


@pytest.mark.parametrize(
    ("note", "text"),
    [
        pytest.param(
            Note("missed_months", "§3", (("months", ("2022-01", "2022-02")),)),
            "Не выставлены прошлые месяцы: январь 2022, февраль 2022.", id="§3 the months",
        ),
        pytest.param(
            Note("not_on_invoice", "§3", (("services", ("fuel",)), ("month", "2022-03"))),
            "В счёте за март 2022 нет: абонплата за ДУТы.", id="§3 the services",
        ),
        pytest.param(
            Note("credit_applied", "§8", (("credit", "c1"), ("before", 20005), ("used", 5),
                                          ("after", 20000), ("currency", "RUB"))),
            "Перерасчёт c1: было 200,05, учтено 0,05, осталось 200,00 (руб.).", id="§8 kopecks",
        ),
        pytest.param(
            Note("postponed", "§3", (("until", "2022-03-01"),)),
            "Дата отправки на карточке: 01.03.2022.", id="§3 a date",
        ),
        pytest.param(
            Note("free_group", "§7", (("service", "sim"),)),
            "В тарифе есть объекты с нулевой ценой (sim).", id="§7 a further service",
        ),
        pytest.param(
            Note("tariff_forgotten", "§9", (("contract", 1), ("account", ""))),
            "Поля тарифов пусты, но у компании есть договор или учётная запись Wialon (логин: не "
            "указано)", id="§9 (0) nothing named",
        ),
        pytest.param(
            Note("status", "§9", (("status", "{Архив} %s"),)), "Статус компании: «{Архив} %s».",
            id="what people typed is no format",
        ),
    ],
)  # fmt: skip
def test_a_note_as_a_sentence(note: Note, text: str) -> None:
    assert note_text(note).startswith(text)


def test_lines_read_as_a_sum() -> None:
    bill = decide(facts(fees={SIM: "2*150"}), POLICY, TENTH)
    assert isinstance(bill, Bill)
    _, sim = draft_lines(bill.drafts[0])
    assert sim == (f"SIM, роуминг (Март 2022): 2 × 150,00{NBSP}руб. = 300,00{NBSP}руб.")


@pytest.mark.parametrize(
    ("reason", "says"),
    [
        pytest.param(IssuerUnknown("ps-rf", "ООО «А»"), "ООО «А»", id="§4 the issuer"),
        pytest.param(NoContract(("Поставка",)), "Есть другие документы: Поставка", id="§4 others"),
        pytest.param(AccountMissing(""), "Логин в Wialon не указан", id="§5 no login"),
        pytest.param(AccountMissing("25292"), "«25292»", id="§5 the login"),
        pytest.param(ConnectionUnknown("дома"), "«дома»", id="§11 the value"),
        pytest.param(UnitsUnknown("timeout"), "timeout", id="§5 why"),
        pytest.param(ConservationPriceMissing(Currency.KZT, 2), "тенге", id="§5 the currency"),
        pytest.param(CoverageUnclear((InvoiceId(5),)), "счета 5", id="§3 which invoice"),
        pytest.param(BilledThroughPartner(CompanyId(7)), "компания 7", id="§6 which partner"),
        pytest.param(StatusEmpty(), "«Статус»", id="§9 the field"),
        pytest.param(RequisitesMissing(), "ИНН", id="§9 what is missing"),
        pytest.param(
            Overlap((SIM,), (Month(2022, 5),), (InvoiceId(5),)), "май 2022; счета 5", id="§3 where"
        ),
        pytest.param(CancelledByHand((SIM,), (InvoiceId(5),)), "ведёт биллинг", id="§3 way out"),
        pytest.param(
            FieldNotUnderstood(FieldProblem("НДС", "да?", "да или нет")), "«НДС»", id="§1 label"
        ),
        pytest.param(
            SharedAccountMismatch(
                others=(CompanyId(7),), expected=5, active=4, conserved=0,
                unreadable=(CompanyId(7),),
            ),
            "Тариф не понят у компаний: 7", id="§11 naming the others",
        ),
    ],
)  # fmt: skip
def test_each_reason_names_the_thing(reason: HoldReason, says: str) -> None:
    assert says in hold_text(reason)
    assert SENTENCE.fullmatch(hold_text(reason))


def test_codes_tell_services_apart() -> None:
    one, other = (
        TariffNotUnderstood(code, "x", 0, "quantity") for code in (SUBSCRIPTION, FUEL_SENSOR)
    )
    assert (hold_code(one), hold_code(other)) == ("tariff-subscription", "tariff-fuel")
    assert hold_text(one) != hold_text(TariffNotUnderstood(ServiceCode("sim"), "x", 0, "times"))


@given(companies(), days)
def test_everything_decided_has_a_sentence(known: Facts, on: date) -> None:
    """§9: every decision explains itself; here, in words that a manager can read."""
    decision = decide(known, POLICY, on)
    for note in (*decision.explanation, *decision.warnings):
        text = note_text(note)
        assert SENTENCE.fullmatch(text), text
        assert note.code in NOTES
    match decision:
        case Skip(reason=reason):
            assert skip_text(reason)
        case Bill(held=reasons) | Hold(reasons=reasons):
            for held in reasons:
                assert SENTENCE.fullmatch(hold_text(held)), hold_text(held)
                assert hold_code(held)


def test_every_note_of_the_core_has_a_sentence_and_every_sentence_a_note() -> None:
    """No sentence waits for a note that nobody writes."""
    from pathlib import Path  # noqa: PLC0415  reads the core's source, nothing else here does

    room = Path(__file__).resolve().parents[2] / "src" / "stavbill" / "billing"
    source = "".join(path.read_text("utf-8") for path in sorted(room.glob("*.py")))
    assert {code for code in NOTES if f'"{code}"' not in source} == set()
    written = set(re.findall(r'Note\(\s*"([a-z_]+)"', source))
    assert written - set(NOTES) == set()
