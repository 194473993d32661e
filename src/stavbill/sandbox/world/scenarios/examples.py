"""The worked examples of the billing rules (§10), on this run's day."""

from __future__ import annotations

from datetime import timedelta

from stavbill.sandbox.world import months, setting
from stavbill.sandbox.world.make import Making
from stavbill.sandbox.world.make import invoice as earlier
from stavbill.sandbox.world.scenarios.case import (
    Answers,
    Case,
    bill,
    dispatching,
    fuel,
    hold,
    invoice,
    sim,
    skip,
    subscribed,
)

BOTH = ("АО", "ПС")


def e1(make: Making, at: int) -> Answers:
    """Stage: two contracts: the subscription's issuer wins."""
    one = make.add(at, contracts=BOTH)
    return bill(one, invoice(make, one, subscribed(3, 350), document=1), card_count=3)


def e2(make: Making, at: int) -> Answers:
    """Stage: active and conserved units, the old contract alone."""
    one = make.add(at, tariff="7*350|12*100", active=7, conserved=12, contracts=("АО",))
    lines = (subscribed(7, 350), subscribed(12, 100))
    return bill(one, invoice(make, one, *lines, issuer=setting.MATVEEV), card_count=19)


def e3(make: Making, at: int) -> Answers:
    """Stage: A remembered price of dispatching is no fee."""
    one = make.add(at, tariff="4*350|15*100", dispatching="-*200", active=4, conserved=15)
    return bill(one, invoice(make, one, subscribed(4, 350), subscribed(15, 100)), card_count=19)


def e4(make: Making, at: int) -> Answers:
    """Stage: A space between the groups."""
    one = make.add(at, tariff="6*350 6*250", active=12)
    return bill(one, invoice(make, one, subscribed(6, 350), subscribed(6, 250)), card_count=12)


def e5(make: Making, at: int) -> Answers:
    """Stage: one unit too many."""
    return hold(make.add(at, tariff="3*490", active=4, card_count=3), "count_mismatch")


def e6(make: Making, at: int) -> Answers:
    """Stage: one unit too many, and the flag to ignore it."""
    one = make.add(at, tariff="3*490", active=4, card_count=3, ignore_count=True)
    return bill(one, invoice(make, one, subscribed(3, 490)))


def e7(make: Making, at: int) -> Answers:
    """Stage: no contract at all; the count agrees."""
    return hold(make.add(at, contracts=()), "no_contract", card_count=3)


def e8(make: Making, at: int) -> Answers:
    """Stage: the skip flag."""
    return skip(make.add(at, contracts=BOTH, skip=True), "skip_flag")


def e9(make: Making, at: int) -> Answers:
    """Stage: the month before instead of the month after."""
    one = make.add(at, contracts=BOTH, previous_month=True)
    return bill(one, invoice(make, one, subscribed(3, 350), document=1, first=-1), card_count=3)


def e10(make: Making, at: int) -> Answers:
    """Stage: three months on one invoice; a month later they are not used up."""
    one = make.add(at, contracts=BOTH, months=3)
    past = earlier(at + 1, make.month, on=make.as_of - timedelta(days=30), count=3)
    other = make.add(at + 1, contracts=BOTH, months=3, past=(past,))
    first = invoice(make, one, subscribed(3, 350), document=1, count=3)
    return bill(one, first, card_count=3) | skip(other, "covered")


def e11(make: Making, at: int) -> Answers:
    """Stage: A unit with a fuel sensor; its credit is not the portal's record."""
    one = make.add(at, tariff="1*450", fuel="1*100", active=1)
    return bill(one, invoice(make, one, subscribed(1, 450), fuel(1, 100)), card_count=1)


def e12(make: Making, at: int) -> Answers:
    """Stage: A tariff without a quantity."""
    return hold(make.add(at, tariff="*350"), "tariff")


def e13(make: Making, at: int) -> Answers:
    """Stage: A configured further service."""
    one = make.add(at, contracts=BOTH, sim="2*150")
    lines = (subscribed(3, 350), sim(2, 150))
    return bill(one, invoice(make, one, *lines, document=1), card_count=3)


def e14(make: Making, at: int) -> Answers:
    """Stage: four months of two units."""
    one = make.add(at, tariff="2*450", months=4, active=2)
    return bill(one, invoice(make, one, subscribed(2, 450), count=4), card_count=2)


def everything(make: Making, at: int) -> Answers:
    """Stage: all services on one invoice."""
    one = make.add(at, fuel="2*100", dispatching="3*50", sim="1*150")
    lines = (subscribed(3, 350), fuel(2, 100), dispatching(3, 50), sim(1, 150))
    return bill(one, invoice(make, one, *lines), card_count=3)


def last_month_billed(make: Making, at: int) -> Answers:
    """Stage: an ordinary customer with the invoices of two months."""
    on = make.as_of - timedelta(days=30)
    past = (
        earlier(at, months.shift(make.month, -1), on=on - timedelta(days=30), nth=0),
        earlier(at, make.month, on=on, nth=1),
    )
    one = make.add(at, past=past)
    return bill(one, invoice(make, one, subscribed(3, 350)), card_count=3)


CASES = (
    Case("E1 two contracts, the subscription wins", 1, e1),
    Case("E2 active and conserved by the old contract", 1, e2),
    Case("E3 remembered dispatching", 1, e3),
    Case("E4 groups parted by a space", 1, e4),
    Case("E5 one unit too many", 1, e5),
    Case("E6 one unit too many, ignored", 1, e6),
    Case("E7 no contract", 1, e7),
    Case("E8 skip flag", 1, e8),
    Case("E9 previous month", 1, e9),
    Case("E10 three months", 2, e10),
    Case("E11 fuel sensor", 1, e11),
    Case("E12 tariff not understood", 1, e12),
    Case("E13 further service", 1, e13),
    Case("E14 four months", 1, e14),
    Case("all services on one invoice", 1, everything),
    Case("billed last month as ever", 1, last_month_billed),
)
