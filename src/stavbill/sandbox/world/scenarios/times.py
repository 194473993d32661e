"""Which month, which day, and what is covered already (§3)."""

from __future__ import annotations

from datetime import date, timedelta

from stavbill.sandbox.world import months
from stavbill.sandbox.world.make import ROW_WORDING, Making
from stavbill.sandbox.world.make import invoice as earlier
from stavbill.sandbox.world.model import Row, Stage
from stavbill.sandbox.world.scenarios.case import (
    Answers,
    Case,
    bill,
    fuel,
    hold,
    invoice,
    skip,
    subscribed,
)

PLAIN = (Row(ROW_WORDING, 350_00, 3),)


def ago(make: Making, days: int = 30) -> date:
    """Return a day so long before the run."""
    return make.as_of - timedelta(days=days)


def ahead(make: Making, by: int = 1) -> months.Month:
    """Return the month so many after the run's."""
    return months.shift(make.month, by)


def covered(make: Making, at: int) -> Answers:
    """Stage: the target month is there: by the biller, by hand, by its rows alone, twice."""
    target = ahead(make)
    name, year = months.NAMES[target[1] - 1], target[0]
    by_hand = f"{ROW_WORDING} ({name} {year})"
    spaced = f"{ROW_WORDING} ( {name.lower()} {year} )"
    given: tuple[tuple[str | None, tuple[Row, ...] | None], ...] = (
        (None, None),
        (by_hand, PLAIN),
        (spaced, PLAIN),
        ("Счёт", (Row(by_hand, 350_00, 3),)),
        (f"Счёт за услуги ({name} {year})", (Row("Услуги", 1050_00, 1),)),
    )
    answers: Answers = {}
    for place, (title, rows) in enumerate(given):
        past = earlier(at + place, target, on=ago(make, 2), title=title, rows=rows)
        answers |= skip(make.add(at + place, past=(past,)), "covered")
    twice = tuple(earlier(at + 5, target, on=ago(make, n + 1), nth=n) for n in range(2))
    return answers | skip(make.add(at + 5, past=twice), "covered")


def covered_by_range(make: Making, at: int) -> Answers:
    """Stage: A title of several months covers each of them, whichever dash stands in it."""
    first = ahead(make, -1)
    last = ahead(make)
    names = [months.NAMES[month[1] - 1] for month in (first, last)]
    wide = f"{ROW_WORDING} ({names[0]} {first[0]} - {names[1]} {last[0]})"
    past = earlier(at, first, on=ago(make, 60), title=wide, rows=PLAIN)
    one = make.add(at, past=(past,))
    other = make.add(at + 1, past=(earlier(at + 1, first, on=ago(make, 60), count=3, rows=PLAIN),))
    return skip(one, "covered") | skip(other, "covered")


def covered_beats_holds(make: Making, at: int) -> Answers:
    """Stage: no hold is looked for when the month is covered."""
    past = (earlier(at, ahead(make), on=ago(make, 1)),)
    return skip(make.add(at, tariff="abc", contracts=(), buyer="none", past=past), "covered")


def cancelled(make: Making, at: int) -> Answers:
    """Stage: A cancelled invoice of the target month; beside a live one the live one counts."""
    target = ahead(make)
    dead = earlier(at, target, on=ago(make, 3), stage=Stage.CANCELLED)
    one = make.add(at, past=(dead,))
    pair = (
        earlier(at + 1, target, on=ago(make, 3), stage=Stage.CANCELLED),
        earlier(at + 1, target, on=ago(make, 2), nth=1, stage=Stage.PAID),
    )
    other = make.add(at + 1, past=pair)
    old = earlier(at + 2, make.month, on=ago(make), stage=Stage.CANCELLED)
    third = make.add(at + 2, past=(old,))
    return (
        hold(one, "cancelled_by_hand", card_count=3)
        | skip(other, "covered")
        | bill(third, invoice(make, third, subscribed(3, 350)), card_count=3)
    )


def unclear(make: Making, at: int) -> Answers:
    """Stage: A subscription's invoice without a month: this month's holds, an older does not."""
    fresh = earlier(at, make.month, on=ago(make, 1), title=ROW_WORDING, rows=PLAIN)
    one = make.add(at, past=(fresh,))
    stale = earlier(at + 1, make.month, on=ago(make, 35), title=ROW_WORDING, rows=PLAIN)
    other = make.add(at + 1, past=(stale,))
    goods = earlier(
        at + 2, make.month, on=ago(make, 1), title="Поставка оборудования",
        rows=(Row("Терминал", 9_000_00, 2),),
    )  # fmt: skip
    third = make.add(at + 2, past=(goods,))
    return (
        hold(one, "covered_unclear", card_count=3)
        | bill(other, invoice(make, other, subscribed(3, 350)), card_count=3)
        | bill(third, invoice(make, third, subscribed(3, 350)), card_count=3)
    )


def overlap(make: Making, at: int) -> Answers:
    """Stage: A later month of the span is covered."""
    past = (earlier(at, ahead(make, 2), on=ago(make)),)
    return hold(make.add(at, months=3, past=past), "overlap", card_count=3)


def arrears(make: Making, at: int) -> Answers:
    """Stage: three months afterwards: never billed, all passed, not all passed yet."""
    new = make.add(at, months=3, previous_month=True)
    full = earlier(at + 1, ahead(make, -6), on=ago(make, 90), count=3)
    due = make.add(at + 1, months=3, previous_month=True, past=(full,))
    recent = earlier(at + 2, ahead(make, -3), on=ago(make), count=2)
    waits = make.add(at + 2, months=3, previous_month=True, past=(recent,))
    answers = bill(
        new, invoice(make, new, subscribed(3, 350), first=-3, count=3), card_count=3
    ) | bill(due, invoice(make, due, subscribed(3, 350), first=-3, count=3), card_count=3)
    return answers | skip(waits, "covered")


def previous_covered(make: Making, at: int) -> Answers:
    """Stage: the month before, billed already."""
    past = (earlier(at, ahead(make, -1), on=ago(make, 1)),)
    return skip(make.add(at, previous_month=True, past=past), "covered")


def own_days(make: Making, at: int) -> Answers:
    """Stage: A day of the month and dates, gone by and to come."""
    on = make.as_of
    passed, later = on - timedelta(days=2), on + timedelta(days=3)
    following = date(*months.shift(make.month, 1), 15)
    gone = date(*months.shift(make.month, -2), 15)
    billed = (str(passed.day), f"{passed:%d.%m.%Y}", f"{gone:%d.%m.%Y}", f"{passed:%Y-%m-%d}")
    answers: Answers = {}
    for place, text in enumerate(billed):
        one = make.add(at + place, sending=text)
        answers |= bill(one, invoice(make, one, subscribed(3, 350)), card_count=3)
    waiting = (
        (str(later.day), "not_its_day"),
        (f"{later:%d.%m.%Y}", "not_its_day"),
        (f"{following:%d.%m.%Y}", "postponed"),
    )
    for place, (text, reason) in enumerate(waiting, start=len(billed)):
        answers |= skip(make.add(at + place, sending=text), reason)
    return answers


def unreadable_day(make: Making, at: int) -> Answers:
    """Stage: A day in words."""
    return hold(make.add(at, sending="пятнадцатое"), "field_problem", card_count=3)


def separate(make: Making, at: int) -> Answers:
    """Stage: services on invoices of their own, each with months of its own."""
    named = make.add(at, fuel="3*100", separate=("Абонплата за ДУТы",))
    alone = invoice(make, named, fuel(3, 100), title="Абонплата за ДУТы")
    answers = bill(named, invoice(make, named, subscribed(3, 350)), alone, card_count=3)
    target = ahead(make)
    bracket = months.bracket(target)
    sensors = (Row(f"Абонентская плата за ДУТ {bracket}", 100_00, 3),)
    past = earlier(
        at + 1,
        target,
        on=ago(make, 2),
        title=f"[Биллинг] Абонплата за ДУТы {bracket}",
        rows=sensors,
    )
    half = make.add(at + 1, fuel="3*100", separate=("Абонплата за ДУТы",), past=(past,))
    answers |= bill(half, invoice(make, half, subscribed(3, 350)), card_count=3)
    main = make.add(
        at + 2, fuel="3*100", separate=("Абонплата за ДУТы",),
        past=(earlier(at + 2, target, on=ago(make, 2)),),
    )  # fmt: skip
    rest = invoice(make, main, fuel(3, 100), title="Абонплата за ДУТы")
    return answers | bill(main, rest, card_count=3)


def all_separate(make: Making, at: int) -> Answers:
    """Stage: yes: each service its own invoice. No: all on one."""
    yes = make.add(at, fuel="1*100", dispatching="2*50", separate=("Да",))
    apart = (
        invoice(make, yes, subscribed(3, 350)),
        invoice(make, yes, fuel(1, 100), title="Абонплата за ДУТы"),
        invoice(make, yes, ("dispatching", 2, 50), title="Абонплата за диспетчеризацию"),
    )
    no = make.add(at + 1, fuel="1*100", separate=("Нет",))
    together = invoice(make, no, subscribed(3, 350), fuel(1, 100))
    return bill(yes, *apart, card_count=3) | bill(no, together, card_count=3)


def fuel_in_one_invoice(make: Making, at: int) -> Answers:
    """Stage: within one invoice a live one of any of its services covers all of them."""
    target = ahead(make)
    rows = (Row(f"Абонентская плата за ДУТ {months.bracket(target)}", 100_00, 3),)
    past = earlier(at, target, on=ago(make, 2), title="Счёт", rows=rows)
    return skip(make.add(at, fuel="3*100", past=(past,)), "covered")


CASES = (
    Case("§3 covered in many spellings", 6, covered),
    Case("§3 covered by a span", 2, covered_by_range),
    Case("§9 covered before any hold", 1, covered_beats_holds),
    Case("§3 cancelled by hand", 3, cancelled),
    Case("§3 month that cannot be read", 3, unclear),
    Case("§3 overlap of several months", 1, overlap),
    Case("§3 several months afterwards", 3, arrears),
    Case("§3 previous month covered", 1, previous_covered),
    Case("§3 own sending day and date", 7, own_days),
    Case("§1 sending day in words", 1, unreadable_day),
    Case("§7 separate invoice by name", 3, separate),
    Case("§7 separate invoices by yes and no", 2, all_separate),
    Case("§3 one service covers its invoice", 1, fuel_in_one_invoice),
)
