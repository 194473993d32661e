"""Units against the tariff: conservation, missing accounts, shared ones, partners (§5, §6, §11)."""

from __future__ import annotations

from dataclasses import replace

from stavbill.sandbox.world.make import Making
from stavbill.sandbox.world.scenarios.case import (
    Answers,
    Case,
    bill,
    hold,
    invoice,
    skip,
    subscribed,
)


def parts(make: Making, at: int) -> Answers:
    """Stage: six in all as the tariff says, but one more active and one less conserved."""
    one = make.add(at, tariff="4*350|2*100", active=5, conserved=1)
    cheap = make.add(at + 1, tariff="2*350|2*50", active=4)
    lines = (subscribed(2, 350), subscribed(2, 50))
    return hold(one, "count_mismatch") | bill(cheap, invoice(make, cheap, *lines), card_count=4)


def idle(make: Making, at: int) -> Answers:
    """Stage: deactivated units without a mark do not count; a restored one is active."""
    one = make.add(at, idle=2)
    other = make.add(at + 1, active=2)
    make.fleet(other.id, make.accounts[-1].id, restored=1)
    return bill(one, invoice(make, one, subscribed(3, 350)), card_count=3) | bill(
        other, invoice(make, other, subscribed(3, 350)), card_count=3
    )


def marks(make: Making, at: int) -> Answers:
    """Stage: A mark in capitals counts; one lifted by a later restoration does not."""
    one = make.add(at, tariff="3*350|1*100", conserved=1)
    _rename(make, lambda fields: tuple((name.upper(), value) for name, value in fields))
    other = make.add(at + 1, conserved=1, card_count=3)
    _rename(make, lambda fields: (*fields, (f"Восстановление {make.as_of:%d.%m.%Y}", "")))
    again = make.add(at + 2, tariff="3*350|1*100", conserved=1)
    _rename(make, lambda fields: (("Восстановление 01.02.2020", ""), *fields))
    lines = (subscribed(3, 350), subscribed(1, 100))
    return (
        bill(one, invoice(make, one, *lines), card_count=4)
        | bill(other, invoice(make, other, subscribed(3, 350)), card_count=3)
        | bill(again, invoice(make, again, *lines), card_count=4)
    )


def _rename(make: Making, change: object) -> None:
    """Change the fields of the unit made last."""
    assert callable(change)  # noqa: S101 - a lambda, for the checker's sake
    make.units[-1] = replace(make.units[-1], fields=change(make.units[-1].fields))


def card_counts(make: Making, at: int) -> Answers:
    """Stage: the card's own count is empty, or wrong: it is brought up to date, when held too."""
    empty = make.add(at, card_count=None)
    wrong = make.add(at + 1, card_count=17)
    held = make.add(at + 2, card_count=17, contracts=())
    return (
        bill(empty, invoice(make, empty, subscribed(3, 350)), card_count=3)
        | bill(wrong, invoice(make, wrong, subscribed(3, 350)), card_count=3)
        | hold(held, "no_contract", card_count=3)
    )


def accounts(make: Making, at: int) -> Answers:
    """Stage: an account that is not there; with the flag; a remark; the other connection."""
    missing = make.add(at, with_account=False)
    blank = make.add(at + 1, with_account=False, account="")
    ignored = make.add(at + 2, with_account=False, ignore_count=True)
    remark = make.add(at + 3, account=f"{at + 3} | Джондиры")
    second = make.add(at + 4, where="stavros1")
    wrong = make.add(at + 5, where="stavros1", active=5)
    make.accounts[-1] = replace(make.accounts[-1], connection="stavros")
    return (
        hold(missing, "account_missing")
        | hold(blank, "account_missing")
        | bill(ignored, invoice(make, ignored, subscribed(3, 350)))
        | bill(remark, invoice(make, remark, subscribed(3, 350)), card_count=3)
        | bill(second, invoice(make, second, subscribed(3, 350)), card_count=3)
        | hold(wrong, "account_missing")
    )


def connections(make: Making, at: int) -> Answers:
    """Stage: A connection that nobody configured, with and without the flag."""
    one = make.add(at, where="stavros2")
    other = make.add(at + 1, where="stavros2", ignore_count=True)
    return hold(one, "connection_unknown") | bill(other, invoice(make, other, subscribed(3, 350)))


def unknown_state(make: Making, at: int) -> Answers:
    """Stage: A unit of which Wialon does not say whether it is active: unknown is never zero."""
    one = make.add(at)
    make.units[-1] = replace(make.units[-1], state_unknown=True)
    other = make.add(at + 1, ignore_count=True)
    make.units[-1] = replace(make.units[-1], state_unknown=True)
    return hold(one, "units_unknown") | bill(other, invoice(make, other, subscribed(3, 350)))


def partner(make: Making, at: int) -> Answers:
    """Stage: A partner pays for four levels; who lies below is billed through it, or skipped."""
    one = make.add(at, tariff="9*300", active=2, card_count=9, partner=True)
    top = make.accounts[-1].id
    below = make.account(at + 1, name=str(at + 1), parent=top)
    make.fleet(at + 1, below, active=4)
    deep = make.account(at + 2, name=str(at + 2), parent=below)
    make.fleet(at + 2, deep, active=2)
    deepest = make.account(at + 2, at=1, name=f"{at + 2}-филиал", parent=deep)
    make.fleet(at + 2, deepest, active=1)
    child = make.add(at + 1, tariff="4*350", active=4, with_account=False)
    skipped = make.add(at + 2, tariff="2*350", active=2, with_account=False, skip=True)
    return (
        bill(one, invoice(make, one, subscribed(9, 300)), card_count=9)
        | hold(child, "billed_through_partner", card_count=4)
        | skip(skipped, "skip_flag")
    )


def nested_partner(make: Making, at: int) -> Answers:
    """Stage: the outermost billed partner counts everything; an inactive one is none."""
    make.add(at, status="Архив", active=0, partner=True, card_count=0)
    gone = make.companies[-1]
    outer = make.add(at + 1, tariff="5*300", active=1, partner=True, card_count=5)
    make.accounts[-1] = replace(make.accounts[-1], parent_id=make.accounts[-2].id)
    outer_account = make.accounts[-1].id
    inner = make.add(at + 2, tariff="4*300", active=3, partner=True, card_count=4)
    make.accounts[-1] = replace(make.accounts[-1], parent_id=outer_account)
    leaf = make.account(at + 2, at=1, name=f"{at + 2}-2", parent=make.accounts[-1].id)
    make.fleet(at + 2, leaf, active=1)
    return (
        skip(gone, "inactive")
        | bill(outer, invoice(make, outer, subscribed(5, 300)), card_count=5)
        | hold(inner, "billed_through_partner", card_count=4)
    )


def no_partner(make: Making, at: int) -> Answers:
    """Stage: without the flag only the own units count."""
    one = make.add(at)
    below = make.account(at, at=1, name=f"{at}-2", parent=make.accounts[-1].id)
    make.fleet(at, below, active=4)
    return bill(one, invoice(make, one, subscribed(3, 350)), card_count=3)


def partner_mismatch(make: Making, at: int) -> Answers:
    """Stage: one unit too many three levels down."""
    one = make.add(at, tariff="4*300", active=2, partner=True)
    first = make.account(at, at=1, name=f"{at}-1", parent=make.accounts[-1].id)
    second = make.account(at, at=2, name=f"{at}-2", parent=first)
    make.fleet(at, second, active=3)
    return hold(one, "count_mismatch")


def shared(make: Making, at: int) -> Answers:
    """Stage: two companies of one account: the sum of their tariffs counts."""
    one = make.add(at, tariff="3*350", active=5, card_count=3)
    other = make.add(at + 1, tariff="2*400", account=str(at), with_account=False, active=2)
    answers = bill(one, invoice(make, one, subscribed(3, 350))) | bill(
        other, invoice(make, other, subscribed(2, 400))
    )
    third = make.add(at + 2, active=6)
    fourth = make.add(at + 3, tariff="2*400", account=str(at + 2), with_account=False)
    quiet = make.add(at + 4, tariff="1*400", account=str(at + 2), with_account=False, skip=True)
    for each in (third, fourth):
        answers |= hold(each, "shared_account", may_also=("count_mismatch",))
    return answers | skip(quiet, "skip_flag")


def shared_broken(make: Making, at: int) -> Answers:
    """Stage: A tariff among them that cannot be read holds all but who ignores the count."""
    one = make.add(at, active=6)
    broken = make.add(at + 1, tariff="2*", account=str(at), with_account=False)
    free = make.add(at + 2, tariff="1*400", account=str(at), with_account=False, ignore_count=True)
    return (
        hold(one, "shared_account", may_also=("count_mismatch",))
        | hold(broken, "tariff", may_also=("shared_account",))
        | bill(free, invoice(make, free, subscribed(1, 400)))
    )


def shared_ignored(make: Making, at: int) -> Answers:
    """Stage: who ignores the count still counts in the sum; who is archived does not."""
    one = make.add(at, active=5)
    free = make.add(at + 1, tariff="2*400", account=str(at), with_account=False, ignore_count=True)
    archived = make.add(at + 2, tariff="7*400", account=str(at), with_account=False, status="Архив")
    return (
        bill(one, invoice(make, one, subscribed(3, 350)))
        | bill(free, invoice(make, free, subscribed(2, 400)))
        | skip(archived, "inactive")
    )


CASES = (
    Case("§5 active and conserved are compared apart", 2, parts),
    Case("§5 deactivated without a mark", 2, idle),
    Case("§11 marks of conservation and restoration", 3, marks),
    Case("§5 count on the card", 3, card_counts),
    Case("§5 accounts", 6, accounts),
    Case("§11 unknown connection", 2, connections),
    Case("§5 unit of unknown state", 2, unknown_state),
    Case("§6 partner and its subtree", 3, partner),
    Case("§6 partner within a partner", 3, nested_partner),
    Case("§6 nested accounts without the flag", 1, no_partner),
    Case("§6 partner's mismatch deep down", 1, partner_mismatch),
    Case("§11 shared account", 5, shared),
    Case("§11 shared account with a broken tariff", 3, shared_broken),
    Case("§11 shared account and the flag", 3, shared_ignored),
)
