"""The world is deterministic, complete, and its cases agree with the independent reading."""

from __future__ import annotations

import hashlib
import itertools
from collections import Counter
from datetime import date

import pytest

from stavbill.sandbox.world import setting
from stavbill.sandbox.world.build import CASES, World, build_world, placed_cases, staged
from stavbill.sandbox.world.expected import BILL, HOLD, HOLD_REASONS, SKIP, SKIP_REASONS
from stavbill.sandbox.world.scenarios.case import Case

DAY = date(2026, 12, 10)
DAYS = (DAY, date(2026, 12, 15), date(2026, 3, 16), date(2027, 1, 20), date(2022, 2, 14))
CASE_COMPANIES = sum(case.companies for case in CASES)


def fingerprint(world: World) -> str:
    """Return one hash of all that the world holds."""
    total = hashlib.blake2b(repr((world.users, world.own_companies, world.fields)).encode())
    for cluster in world.clusters():
        total.update(repr(cluster).encode())
    return total.hexdigest()


def test_the_same_seed_gives_the_same_bytes() -> None:
    world = build_world(400, 7, DAY)
    assert fingerprint(world) == fingerprint(world) == fingerprint(build_world(400, 7, DAY))
    assert fingerprint(world) != fingerprint(build_world(400, 8, DAY))


def test_a_larger_world_begins_with_the_smaller() -> None:
    small = list(build_world(300, 7, DAY).companies())
    large = itertools.islice(build_world(3000, 7, DAY).companies(), len(small))
    assert small[:-2] == list(large)[:-2]  # the last cluster may be cut to fit


@pytest.mark.parametrize("count", [CASE_COMPANIES, 200, 501])
def test_as_many_companies_as_asked_for(count: int) -> None:
    ids = [company.id for company in build_world(count, 1, DAY).companies()]
    assert len(ids) == count
    assert ids == sorted(set(ids))


@pytest.mark.parametrize("day", DAYS, ids=str)
@pytest.mark.parametrize(
    ("case", "first_id"),
    [pytest.param(case, first_id, id=case.name) for case, first_id in placed_cases()],
)
def test_a_case_answered_by_hand_agrees_with_the_reading(
    case: Case, first_id: int, day: date
) -> None:
    world = build_world(500, 3, day)
    cluster, answers = staged(case, first_id, world)
    read = world.expectations(cluster)
    assert read.keys() == answers.keys()
    for company_id, answer in answers.items():
        found = read[company_id]
        told = found.reasons | found.may_also
        assert found.outcome == answer.outcome
        assert answer.reasons <= told
        assert found.reasons <= answer.reasons | answer.may_also
        assert found.invoices == answer.invoices
        assert found.card_count == answer.card_count
        assert found.mend_address == answer.mend_address


def test_every_case_takes_as_many_ids_as_it_says() -> None:
    world = build_world(500, 3, DAY)
    names = [case.name for case in CASES]
    assert len(names) == len(set(names))
    for case, first_id in placed_cases():
        cluster, _ = staged(case, first_id, world)
        wanted = list(range(first_id, first_id + case.companies))
        assert [company.id for company in cluster.companies] == wanted, case.name


def test_every_worked_example_is_a_case() -> None:
    begun = {case.name.split()[0] for case in CASES}
    assert {f"E{number}" for number in range(1, 15)} <= begun


@pytest.mark.parametrize("seed", [1, 2, 42])
def test_five_hundred_companies_meet_every_reason(seed: int) -> None:
    world = build_world(500, seed, DAY, without_issuers=frozenset({"ТОО «Автотрэкер КЗ»"}))
    lacking = world.all_expectations().values()
    full = build_world(500, seed, DAY).all_expectations().values()
    met = {reason for answer in (*lacking, *full) for reason in answer.reasons}
    assert met == HOLD_REASONS | SKIP_REASONS


def test_outcomes_carry_what_belongs_to_them() -> None:
    outcomes: Counter[str] = Counter()
    for answer in build_world(1500, 5, DAY).all_expectations().values():
        outcomes[answer.outcome] += 1
        assert bool(answer.invoices) == (answer.outcome == BILL)
        assert bool(answer.reasons) == (answer.outcome != BILL)
        known = {BILL: frozenset[str](), SKIP: SKIP_REASONS, HOLD: HOLD_REASONS}
        assert answer.reasons <= known[answer.outcome]
        assert all(invoice.total > 0 for invoice in answer.invoices)
    assert outcomes[BILL] > 750


def test_a_stranger_stands_first_among_the_own_companies() -> None:
    own = build_world(1, 1, DAY).own_companies
    assert own[0].id == setting.STRANGER < min(each.id for each in own[1:])
    assert [each.title for each in own[1:]] == [
        "ООО «Автотрэкер»", "ТОО «Автотрэкер КЗ»", "ИП Матвеев",
    ]  # fmt: skip


def test_portals_differ_in_codes_and_types() -> None:
    kinds = {
        tuple((field.attribute, field.kind) for field in build_world(1, seed, DAY).fields)
        for seed in range(12)
    }
    assert len(kinds) > 3
    codes = [field.code for field in build_world(1, 1, DAY).fields]
    assert len(codes) == len(set(codes))


def test_numbers_have_their_check_digits() -> None:
    stdnum = pytest.importorskip("stdnum.ru.inn")
    for company in build_world(300, 9, DAY).companies():
        for requisite in company.requisites:
            assert not requisite.inn or stdnum.is_valid(requisite.inn)
            assert requisite.inn[:2] in ("", "00"), "an existing region"


def test_addresses_are_invented() -> None:
    for company in build_world(600, 9, DAY).companies():
        assert "@" not in company.card.emails.replace("@example.ru", "")
