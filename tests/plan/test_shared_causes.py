"""What many companies wait for is nobody's card (billing rules §11, last entry)."""

from __future__ import annotations

import pytest

from stavbill.billing.decision import (
    Bill,
    ConnectionUnknown,
    ConservationPriceMissing,
    CountMismatch,
    FieldNotUnderstood,
    Hold,
    HoldReason,
    IssuerUnknown,
    NoContract,
    UnitsUnknown,
)
from stavbill.billing.facts import FieldProblem
from stavbill.billing.money import Currency
from stavbill.plan.cause_texts import WaitingCompanies, cause_line, cause_task
from stavbill.plan.diff import HOLD_TAG, DiffOptions, diff
from stavbill.plan.effects import MendTask, OpenTask
from stavbill.plan.shared_causes import CauseKind, SharedCause, cause_of, causes_of
from tests.billing.world import ME, TENTH
from tests.plan.world import item, standing, task

UNREAD = UnitsUnknown("нет ответа", "stavros1")
ONE_ACCOUNT = UnitsUnknown("объект без состояния")
NO_ISSUER = IssuerUnknown("ps-rf", "ООО «Автотрэкер»")
ISSUER = SharedCause(CauseKind.ISSUER, "ООО «Автотрэкер»")
MISMATCH = CountMismatch(
    expected_active=3, expected_conserved=0, active=4, conserved=0, card=3, came=None, went=None
)


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        pytest.param(UNREAD, CauseKind.CONNECTION, id="host"),
        pytest.param(ONE_ACCOUNT, None, id="one account of a host that answers"),
        pytest.param(NO_ISSUER, CauseKind.ISSUER, id="issuer"),
        pytest.param(ConnectionUnknown("stavros9"), CauseKind.CONNECTION_UNKNOWN, id="setting"),
        pytest.param(
            ConservationPriceMissing(Currency.KZT, 2), CauseKind.CONSERVATION_PRICE, id="price"
        ),
        pytest.param(
            FieldNotUnderstood(FieldProblem("Статус", "45", "вариант", "status", lost_option=True)),
            CauseKind.FIELD_OPTIONS,
            id="options",
        ),
        pytest.param(
            FieldNotUnderstood(FieldProblem("НДС", "как обычно", "да, нет", "vat")),
            None,
            id="own",
        ),
        pytest.param(NoContract(), None, id="contract"),
    ],
)
def test_which_reasons_are_of_many(reason: HoldReason, kind: CauseKind | None) -> None:
    cause = cause_of(reason)
    assert (cause and cause.kind) == kind


def test_an_invoice_of_its_own_that_waits_counts_too() -> None:
    assert {cause.kind for cause in causes_of(Bill(company=ME, drafts=(), held=(UNREAD,)))} == {
        CauseKind.CONNECTION
    }


def test_a_company_that_only_waits_gets_neither_task_nor_entry() -> None:
    hold = Hold(company=ME, reasons=(UNREAD,))
    assert diff(hold, standing(), TENTH) == ()


def test_a_reason_of_its_own_is_told_without_the_shared_one() -> None:
    hold = Hold(company=ME, reasons=(UNREAD, NoContract()))
    opened, entry = diff(hold, standing(), TENTH)
    assert isinstance(opened, OpenTask)
    assert [wanted.code for wanted in opened.items] == ["no_contract"]
    assert "Wialon" not in getattr(entry, "text", "")


def test_no_item_is_ticked_while_something_hides_whether_it_is_mended() -> None:
    open_task = task(7, HOLD_TAG, item(1, "Количество не сходится [count_mismatch]"))
    now = standing(hold_task=open_task)
    assert diff(Hold(company=ME, reasons=(UNREAD,)), now, TENTH) == ()
    mended = diff(Hold(company=ME, reasons=(UNREAD, NoContract())), now, TENTH)
    [change] = [effect for effect in mended if isinstance(effect, MendTask)]
    assert (len(change.add), change.tick, change.complete) == (1, (), False)


def test_a_cause_of_few_stays_each_companys_own() -> None:
    hold = Hold(company=ME, reasons=(NO_ISSUER,))
    assert any(isinstance(effect, OpenTask) for effect in diff(hold, standing(), TENTH))
    shared = DiffOptions(shared=frozenset({ISSUER}))
    assert diff(hold, standing(), TENTH, shared) == ()


def test_a_count_that_does_not_agree_is_told_as_ever() -> None:
    hold = Hold(company=ME, reasons=(MISMATCH,))
    shared = DiffOptions(shared=frozenset({ISSUER}))
    assert any(isinstance(effect, OpenTask) for effect in diff(hold, standing(), TENTH, shared))


@pytest.mark.parametrize(
    ("number", "words"),
    [
        pytest.param(1, "1 компания ждёт", id="one"),
        pytest.param(3, "3 компании ждут", id="few"),
        pytest.param(11, "11 компаний ждут", id="eleven"),
        pytest.param(12, "12 компаний ждут", id="twelve"),
        pytest.param(112, "112 компаний ждут", id="a hundred and twelve"),
        pytest.param(121, "121 компания ждёт", id="a hundred and twenty-one"),
        pytest.param(285, "285 компаний ждут", id="§11"),
    ],
)
def test_the_line_of_the_report(number: int, words: str) -> None:
    cause = SharedCause(CauseKind.CONNECTION, "stavros")
    assert cause_line(WaitingCompanies(cause, number)) == f"Wialon stavros не прочитан: {words}"


def test_a_task_about_the_same_trouble_has_the_same_key_whatever_the_host_says() -> None:
    said = [SharedCause(CauseKind.CONNECTION, "stavros", detail) for detail in ("код 8", "код 9")]
    keys = {cause_task(WaitingCompanies(cause, 5), 0, TENTH).key for cause in said}
    assert len(keys) == 1
