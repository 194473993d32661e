"""Parked companies, credits, flags, texts shared by processes."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from stavbill.billing.decision import CreditUse
from stavbill.billing.facts import FUEL_SENSOR, SUBSCRIPTION, CompanyId
from stavbill.billing.money import Currency, Money
from stavbill.store.control import Flag, SharedText, lower_flag, raise_flag, raised_flags
from stavbill.store.credits import GrantedCredit, open_credits, put_credits, use_credits
from stavbill.store.database import Store
from stavbill.store.parking import audit_of, park, parked_companies, parked_reasons, release
from stavbill.store.schema import open_store
from tests.store.samples import NOON, PORTAL

ONE, TWO = CompanyId(1), CompanyId(2)


def test_a_parked_company_waits_for_a_person(store: Store) -> None:
    with store.write() as db:
        assert park(db, PORTAL, ONE, reason="дубль счёта", run="r1", at=NOON)
        assert not park(db, PORTAL, ONE, reason="ещё одна", run="r1", at=NOON)
        assert parked_reasons(db, PORTAL, [ONE, TWO]) == {ONE: "дубль счёта"}
        assert [one.company for one in parked_companies(db, PORTAL)] == [ONE]
        assert release(db, PORTAL, ONE, who="Петров", at=NOON + timedelta(hours=1))
        assert not release(db, PORTAL, ONE, who="Петров", at=NOON + timedelta(hours=1))
        assert parked_reasons(db, PORTAL, [ONE]) == {}
        trail = audit_of(db, PORTAL, company=ONE)
    assert [(one.what, one.who) for one in trail] == [
        ("company_released", "Петров"),
        ("company_parked", "stavbill"),
    ]


def test_credits_are_used_once_and_carry_over(store: Store) -> None:
    old = GrantedCredit(
        credit="c-1",
        company=ONE,
        service=SUBSCRIPTION,
        granted=Money(10_000, Currency.RUB),
        approved=date(2026, 10, 1),
    )
    young = replace(old, credit="c-2", service=FUEL_SENSOR, approved=date(2026, 11, 1))
    uses = [
        CreditUse("c-1", Money(10_000, Currency.RUB)),
        CreditUse("c-2", Money(2_500, Currency.RUB)),
    ]
    with store.write() as db:
        put_credits(db, PORTAL, [young, old])
        before = open_credits(db, PORTAL, [ONE, TWO])
        use_credits(db, "stavbill:1:…", uses, at=NOON)
        use_credits(db, "stavbill:1:…", uses, at=NOON)
        after = open_credits(db, PORTAL, [ONE])
    assert [one.credit for one in before[ONE]] == ["c-1", "c-2"]
    assert [(one.credit, one.left.minor) for one in after[ONE]] == [("c-2", 7_500)]


def test_flags_stop_and_let_go(store: Store) -> None:
    with store.write() as db:
        raise_flag(db, PORTAL, Flag.KILL_SWITCH, reason="не тот месяц", who="Петров", at=NOON)
        raise_flag(db, PORTAL, Flag.KILL_SWITCH, reason="точно не тот", who="Петров", at=NOON)
        assert [(one.flag, one.reason) for one in raised_flags(db, PORTAL)] == [
            (Flag.KILL_SWITCH, "точно не тот")
        ]
        assert raised_flags(db, "other.example") == ()
        assert lower_flag(db, PORTAL, Flag.KILL_SWITCH, who="Петров", at=NOON)
        assert not lower_flag(db, PORTAL, Flag.KILL_SWITCH, who="Петров", at=NOON)
        assert raised_flags(db, PORTAL) == ()


def test_a_shared_text_is_changed_by_everybody_in_turn(store: Store, store_url: str) -> None:
    other = open_store(store_url)
    for _ in range(3):
        SharedText(store, "limiter").change(lambda text: text + "a")
        SharedText(other, "limiter").change(lambda text: text + "b")
    SharedText(store, "another").change(lambda text: text + "c")
    seen: list[str] = []

    def look(text: str) -> str:
        seen.append(text)
        return text

    SharedText(store, "limiter").change(look)
    other.close()
    assert seen == ["ababab"]
