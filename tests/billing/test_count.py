"""Expected against observed units (§5, §6, §11)."""

from __future__ import annotations

from decimal import Decimal

import pytest

from stavbill.billing.count import (
    CountPassed,
    CountProblem,
    Parts,
    check_count,
    expected_parts,
    unit_warnings,
)
from stavbill.billing.decision import (
    AccountMissing,
    ConnectionUnknown,
    ConservationPriceMissing,
    CountMismatch,
    SharedAccountMismatch,
    UnitsUnknown,
)
from stavbill.billing.facts import (
    SUBSCRIPTION,
    CompanyId,
    Facts,
    NestedCount,
    NotCounted,
    NotCountedWhy,
    Observation,
    Sharer,
)
from stavbill.billing.money import Currency
from stavbill.billing.tariff import Tariff, parse_tariff
from tests.billing.world import facts, units

HUNDRED = Decimal(100)
OTHER, THIRD = CompanyId(7), CompanyId(9)
NESTED = (NestedCount("Ферма", 2, 1), NestedCount("Лес", 1, 0))


def checked(known: Facts, price: Decimal | None = HUNDRED) -> CountPassed | CountProblem:
    tariff = parse_tariff(known.card.fees[SUBSCRIPTION])
    assert isinstance(tariff, Tariff)
    return check_count(known, tariff, price, Currency.RUB)


def mismatch(expected: tuple[int, int], seen: tuple[int, int]) -> CountMismatch:
    return CountMismatch(
        expected_active=expected[0],
        expected_conserved=expected[1],
        active=seen[0],
        conserved=seen[1],
        card=3,
    )


@pytest.mark.parametrize(
    ("tariff", "seen", "card_count"),
    [
        pytest.param("3*350", units(3), 3, id="E1 tariff and Wialon agree"),
        pytest.param("7*350|12*100", units(7, 12), 19, id="E2 conserved at 100"),
        pytest.param("4*350|2*50|15*100,00", units(6, 15), 21, id="§5 cheaper groups are active"),
        pytest.param("0*350", units(0), 0, id="§5 no unit expected, none seen"),
        pytest.param("3*350", units(3, unmarked=2), 3, id="§5 without the mark they do not count"),
        pytest.param("-", units(5), None, id="§5 a dash is not checked"),
        pytest.param("-*200", units(5), None, id="§11 a remembered price is not checked"),
        pytest.param("-", NotCounted(NotCountedWhy.UNREACHABLE), None, id="§5 a dash asks nobody"),
        pytest.param("3*350", units(3, nested=NESTED), 3, id="§6 own units only"),
    ],
)
def test_the_count_passes(tariff: str, seen: Observation, card_count: int | None) -> None:
    passed = checked(facts(tariff, seen))
    assert isinstance(passed, CountPassed)
    assert passed.card_count == card_count


@pytest.mark.parametrize(
    ("tariff", "seen", "problem"),
    [
        pytest.param("3*490", units(4), mismatch((3, 0), (4, 0)), id="E5 one unit too many"),
        pytest.param("7*350", units(6, 2), mismatch((7, 0), (6, 2)), id="§5 the manual's numbers"),
        pytest.param(
            "4*350|1*100", units(3, 2), mismatch((4, 1), (3, 2)), id="§5 same sum, other parts"
        ),
        pytest.param("3*100", units(3), mismatch((0, 3), (3, 0)), id="§5 exactly that price"),
        pytest.param(
            "3*350", NotCounted(NotCountedWhy.ACCOUNT_EMPTY), AccountMissing(""), id="§5 no login"
        ),
        pytest.param(
            "3*350", NotCounted(NotCountedWhy.ACCOUNT_MISSING), AccountMissing("25292"),
            id="§5 account missing",
        ),
        pytest.param(
            "3*350", NotCounted(NotCountedWhy.CONNECTION_UNKNOWN), ConnectionUnknown("stavros1"),
            id="§11 connection unknown",
        ),
        pytest.param(
            "3*350", NotCounted(NotCountedWhy.UNREACHABLE, "timeout"), UnitsUnknown("timeout"),
            id="§5 silence is not zero",
        ),
        pytest.param(
            "0*350", NotCounted(NotCountedWhy.INCOMPLETE, "часть"), UnitsUnknown("часть"),
            id="§5 a part is not the whole",
        ),
    ],
)  # fmt: skip
def test_the_count_holds(tariff: str, seen: Observation, problem: CountProblem) -> None:
    assert checked(facts(tariff, seen)) == problem


def test_a_mismatch_names_the_units_that_came_and_went() -> None:
    """§5: the unit names that explain it when the previous run's list is known."""
    problem = checked(facts("3*350", units(4, came=("МАЗ 7",), went=())))
    assert isinstance(problem, CountMismatch)
    assert (problem.came, problem.went) == (("МАЗ 7",), ())


@pytest.mark.parametrize(
    ("price", "expected"),
    [
        pytest.param(HUNDRED, Parts(6, 15), id="§5 the currency's price"),
        pytest.param(Decimal(350), Parts(17, 4), id="§5 a mapped field's price"),
        pytest.param(Decimal("50.5"), Parts(21, 0), id="§5 a price that no group has"),
        pytest.param(None, Parts(21, 0), id="§5 no price: every group is active"),
    ],
)
def test_which_groups_are_conserved(price: Decimal | None, expected: Parts) -> None:
    tariff = parse_tariff("4*350|2*50|15*100")
    assert isinstance(tariff, Tariff)
    assert expected_parts(tariff, price) == expected
    assert expected.total == 21


def test_without_a_conservation_price_only_conserved_units_hold() -> None:
    """§5: for KZT it has no default, and conserved units are held until it is configured."""
    assert checked(facts("3*350", units(3, 1)), None) == ConservationPriceMissing(Currency.RUB, 1)
    assert isinstance(checked(facts("3*350", units(3)), None), CountPassed)


@pytest.mark.parametrize(
    ("seen", "code", "warns"),
    [
        pytest.param(units(3), "count_ignored", False, id="§5 ignored, and it agrees"),
        pytest.param(units(4), "count_ignored_differs", True, id="E6 ignored, differs"),
        pytest.param(
            NotCounted(NotCountedWhy.ACCOUNT_MISSING), "count_ignored_unknown", False,
            id="§5 ignored, the account is missing",
        ),
        pytest.param(
            NotCounted(NotCountedWhy.CONNECTION_UNKNOWN), "count_ignored_unknown", False,
            id="§11 ignored, connection unknown",
        ),
    ],
)  # fmt: skip
def test_the_ignore_flag_bills_by_the_card(seen: Observation, code: str, *, warns: bool) -> None:
    passed = checked(facts("3*350", seen, ignore_count=True))
    assert isinstance(passed, CountPassed)
    assert passed.card_count is None
    assert [note.code for note in passed.explanation] == [code]
    assert bool(passed.warnings) is warns
    assert unit_warnings(facts("3*350", seen, ignore_count=True)) == ()


def test_a_partner_counts_the_whole_subtree() -> None:
    """§6: the count check covers the whole subtree."""
    known = facts("6*350|1*100", units(3, nested=NESTED), partner=True)
    passed = checked(known)
    assert isinstance(passed, CountPassed)
    assert passed.card_count == 7
    assert unit_warnings(known) == ()


@pytest.mark.parametrize(
    ("others", "own", "seen", "finding"),
    [
        pytest.param(("2*350",), "3*350", units(5), None, id="§11 the sum agrees"),
        pytest.param(("-",), "3*350", units(3), None, id="§11 another without the fee"),
        pytest.param(
            ("2*350",), "3*350", units(3),
            SharedAccountMismatch(others=(OTHER,), expected=5, active=3, conserved=0),
            id="§11 own agrees, the sum does not",
        ),
        pytest.param(
            ("2*350", "abc"), "3*350", units(5),
            SharedAccountMismatch(
                others=(OTHER, THIRD), expected=5, active=5, conserved=0, unreadable=(THIRD,)
            ),
            id="§11 an unreadable tariff among them",
        ),
        pytest.param(
            ("1*350|1*100",), "3*350", units(5),
            SharedAccountMismatch(others=(OTHER,), expected=5, active=5, conserved=0),
            id="§11 same sum, other parts",
        ),
    ],
)  # fmt: skip
def test_companies_of_one_account(
    others: tuple[str, ...], own: str, seen: Observation, finding: CountProblem | None
) -> None:
    sharers = tuple(Sharer(company, text) for company, text in zip((OTHER, THIRD), others,
                                                                   strict=False))  # fmt: skip
    result = checked(facts(own, seen, sharers=sharers))
    if finding is None:
        assert isinstance(result, CountPassed)
        assert result.card_count == 3
        assert [note.code for note in result.explanation] == ["count_agreed_shared"]
    else:
        assert result == finding


def test_the_ignore_flag_compares_the_sum_of_a_shared_account() -> None:
    """§11: one with the ignore flag is billed by its card and still counts in the sum."""
    agrees = facts("3*350", units(5), ignore_count=True, sharers=(Sharer(OTHER, "2*350"),))
    passed = checked(agrees)
    assert isinstance(passed, CountPassed)
    assert [note.code for note in passed.explanation] == ["count_ignored"]
    unread = facts("3*350", units(3), ignore_count=True, sharers=(Sharer(OTHER, "abc"),))
    passed = checked(unread)
    assert isinstance(passed, CountPassed)
    assert [note.code for note in passed.warnings] == ["count_ignored_differs"]


def test_doubts_about_an_account_are_told_whether_the_count_agrees_or_not() -> None:
    """§5, §6, §11: an old mark, a deactivated unit without one, nested accounts are warnings."""
    seen = units(4, stale_marks=("МАЗ 1",), unmarked=1, nested=NESTED)
    assert [note.code for note in unit_warnings(facts("3*350", seen))] == [
        "stale_conservation_mark",
        "unmarked_deactivated",
        "nested_without_partner_flag",
    ]
    assert unit_warnings(facts("3*350", NotCounted(NotCountedWhy.UNREACHABLE))) == ()
