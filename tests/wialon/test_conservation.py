"""What a unit is for billing, by its switch and the names of its custom fields (§5, §11)."""

from __future__ import annotations

from datetime import date

import pytest

from stavbill.plan.records import UnitState
from stavbill.wialon.conservation import Mark, MarkKind, mark_of, unit_state

ACTIVE, STALE = UnitState.ACTIVE, UnitState.ACTIVE_STALE_MARK
CONSERVED, UNMARKED = UnitState.CONSERVED, UnitState.UNMARKED
MARK = "Консервация от 14.01.2022"


@pytest.mark.parametrize(
    ("active", "names", "state"),
    [
        pytest.param(True, [], ACTIVE, id="active, no field"),
        pytest.param(True, ["SCHEM", "Монтаж"], ACTIVE, id="active, other fields"),
        pytest.param(False, [], UNMARKED, id="§5 deactivated without a mark does not count"),
        pytest.param(False, ["SCHEM"], UNMARKED, id="deactivated, other fields only"),
        pytest.param(False, [MARK], CONSERVED, id="§11 deactivated with the mark"),
        pytest.param(True, [MARK], STALE, id="§11 active with an old mark is active, a warning"),
        pytest.param(
            True, [MARK, "Восстановление 01.03.2022"], ACTIVE, id="§11 active, restored since"
        ),
        pytest.param(
            False,
            [MARK, "Восстановление 01.03.2022"],
            UNMARKED,
            id="§11 restored, then switched off",
        ),
        pytest.param(
            False, [MARK, "Восстановление 01.03.2021"], CONSERVED, id="§11 an earlier restoration"
        ),
        pytest.param(
            True, [MARK, "Восстановление 01.03.2021"], STALE, id="an earlier restoration, active"
        ),
        pytest.param(
            False, [MARK, "Восстановление 14.01.2022"], CONSERVED, id="the same day is not later"
        ),
        pytest.param(
            False,
            [MARK, "Восстановление 01.03.2022", "Консервация от 10.10.2022"],
            CONSERVED,
            id="conserved a second time",
        ),
        pytest.param(
            False,
            ["Восстановление 01.03.2023", "Консервация от 10.10.2022", MARK],
            UNMARKED,
            id="the latest of each kind counts, in any order",
        ),
        pytest.param(False, ["КОНСЕРВАЦИЯ ОТ 14.01.2022"], CONSERVED, id="case ignored"),
        pytest.param(False, ["  консервация   от14.01.22"], CONSERVED, id="spaces tolerated"),
        pytest.param(False, ["Консервaция oт 14.01.2022"], CONSERVED, id="Latin a and o in it"),
        pytest.param(False, ["Консервация от"], CONSERVED, id="no date: the mark stands"),
        pytest.param(False, ["Консервация от 31.02.2022"], CONSERVED, id="no such day"),
        pytest.param(
            False,
            ["Консервация от вчера", "Восстановление 01.03.2022"],
            CONSERVED,
            id="unreadable mark: the switch speaks, deactivated",
        ),
        pytest.param(
            True,
            ["Консервация от вчера", "Восстановление 01.03.2022"],
            ACTIVE,
            id="unreadable mark: the switch speaks, active",
        ),
        pytest.param(
            False,
            [MARK, "Восстановление скоро"],
            CONSERVED,
            id="unreadable restoration, deactivated",
        ),
        pytest.param(True, [MARK, "Восстановление скоро"], ACTIVE, id="unreadable, active"),
        pytest.param(False, ["Консервация отменена"], UNMARKED, id="cancelled is no mark"),
        pytest.param(False, ["Консервация 14.01.2022"], UNMARKED, id="without «от» no mark"),
        pytest.param(False, ["Снята Консервация от 1.1.22"], UNMARKED, id="must begin with it"),
    ],
)
def test_state_of_a_unit(*, active: bool, names: list[str], state: UnitState) -> None:
    assert unit_state(names, active=active) is state


@pytest.mark.parametrize(
    ("name", "on"),
    [
        pytest.param("Консервация от 14.01.2022", date(2022, 1, 14), id="as the manual writes it"),
        pytest.param("Консервация от 4.1.22 г.", date(2022, 1, 4), id="short"),
        pytest.param("Консервация от 14/01/2022", date(2022, 1, 14), id="slashes"),
        pytest.param("Консервация от 14 . 01 . 2022", date(2022, 1, 14), id="spaces in the date"),
        pytest.param("Консервация от 2022-01-14", date(2022, 1, 14), id="ISO"),
        pytest.param("Консервация от: 14.01.2022 по 14.04.2022", date(2022, 1, 14), id="two dates"),
        pytest.param("Консервация от 99.01.2022", None, id="no day"),
        pytest.param("Консервация от 14.01", None, id="no year"),
    ],
)
def test_date_of_a_mark(name: str, on: date | None) -> None:
    assert mark_of(name) == Mark(MarkKind.CONSERVATION, on)
