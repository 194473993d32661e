"""Companies drawn at random, with the dirt that people type; no two rules are kept apart."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from random import Random

from stavbill.sandbox.world import months, setting
from stavbill.sandbox.world.make import ROW_WORDING, CardWords, Making, invoice
from stavbill.sandbox.world.model import ACTIVE, Cluster, Company, Invoice, Row, Stage

SMALL_FLEETS_FROM = 20_000
PRICES = (350, 350, 350, 400, 450, 490, 250, 300)
TIMES = ("*", "*", "*", "*", "х", "Х", "x", "×", " * ")
PARTS = ("|", "|", "|", "|", " ", ", ", "\n", "||", " | ")
TAILS = ("", "", "", "", "", "р", " руб", "₽")
BROKEN = ("*350", "3*", "abc", "1*3*5", "уточнить", "3*350,2*100", "350", "3**350", "3*350 5")
STRANGE_DAYS = ("по звонку", "конец месяца", "32")
NO_FEE = ("-", "—", "-*350", "")


def cluster(making: Making, first_id: int, left: int, *, small: bool) -> Cluster:
    """Return one company, or a partner with its customers, or some that share an account."""
    dice = making.rng.random()
    if dice < 0.02 and left >= 3:
        _partner(making, first_id, small=small)
    elif dice < 0.04 and left >= 2:
        _shared(making, first_id)
    else:
        _single(making, first_id, small=small)
    return making.done()


def _fleet_size(rng: Random, *, small: bool) -> int:
    """Return a number of units: mostly few, sometimes dozens."""
    if small:
        return 1
    dice = rng.random()
    if dice < 0.75:
        return rng.randrange(1, 8)
    return rng.randrange(8, 25) if dice < 0.97 else rng.randrange(40, 90)


def _single(making: Making, company_id: int, *, small: bool) -> None:
    rng = making.rng
    active = _fleet_size(rng, small=small)
    kind = rng.choices(("ПС", "АО", "КЗ", ""), (60, 28, 8, 4))[0]
    conserved = rng.randrange(1, 5) if rng.random() < 0.18 and kind != "КЗ" and not small else 0
    idle = rng.randrange(1, 3) if rng.random() < 0.08 else 0
    if not kind:
        conserved = 0
    card = _card(rng, making.as_of, company_id)
    card["tariff"] = _tariff(rng, active, conserved)
    _keep_to_the_rules(card)
    with_account = rng.random() >= 0.02
    company = making.add(
        company_id,
        active=active,
        conserved=conserved,
        idle=idle,
        contracts=_contracts(rng, kind),
        buyer=_buyer(rng, kind),
        with_account=with_account,
        **card,
    )
    making.change(company, invoices=_past(rng, company, making))
    _spoil_count(making)
    asleep = [unit.name for unit in making.units if not unit.active]
    if asleep and rng.random() < 0.5:
        day = making.as_of + timedelta(days=rng.randrange(20, 80))
        making.plan_call(
            making.companies[-1],
            f"{asleep[0]} - в ремонте. ТС стоит ориентировочно до {day:%d.%m.%Y}",
        )


def _is_free(tariff: str) -> bool:
    return tariff in NO_FEE or tariff.endswith("*0")


def _keep_to_the_rules(card: CardWords) -> None:
    """Leave out what the rules do not settle: a connection that nobody asks."""
    if _is_free(card["tariff"]) and card["where"] == "stavros2":
        card["where"] = "stavros"


def _tariff(rng: Random, active: int, conserved: int) -> str:
    """Return a tariff that agrees with the fleet, in somebody's spelling, or a broken one."""
    dice = rng.random()
    if dice < 0.02:
        return rng.choice(BROKEN)
    if dice < 0.04:
        return rng.choice((*NO_FEE, f"{active}*0"))
    groups = [(active, rng.choice(PRICES))]
    if active > 3 and rng.random() < 0.3:
        part = rng.randrange(1, active)
        groups = [(active - part, rng.choice(PRICES)), (part, rng.choice(PRICES))]
    if conserved:
        groups.append((conserved, 100))
    times, tail, joint = rng.choice(TIMES), rng.choice(TAILS), rng.choice(PARTS)
    if joint == " ":
        times, tail = times.strip(), tail.strip()  # else two groups read as one
    text = joint.join(f"{count}{times}{price}{tail}" for count, price in groups)
    return f"{text}|" if rng.random() < 0.05 else text


def _fee(rng: Random, price: int, share: float) -> str:
    """Return a fee field: mostly a minus, sometimes a fee, a remembered price, or nothing."""
    if rng.random() < share:
        return f"{rng.randrange(1, 6)}{rng.choice(TIMES)}{price}"
    return rng.choice(("-", "-", "-", "—", "", f"-*{price}"))


def _card(rng: Random, as_of: date, company_id: int) -> CardWords:
    """Return what is typed beside the tariff."""
    card: CardWords = {
        "status": rng.choices(
            (ACTIVE, "Активная (VIP)", "Отключена", "Архив", None), (86, 4, 5, 3, 2)
        )[0],
        "where": rng.choices(("stavros", "stavros1", "stavros2"), (70, 29, 1))[0],
        "account": rng.choice((str(company_id), str(company_id), f" {company_id} ",
                               f"{company_id} | Джондиры", f"{company_id}|база")),
        "fuel": _fee(rng, 100, 0.15),
        "dispatching": _fee(rng, 200, 0.06),
        "sim": f"{rng.randrange(1, 4)}*150" if rng.random() < 0.02 else "",
        "skip": rng.choices((False, True, None), (88, 3, 9))[0],
        "ignore_count": rng.choices((False, True, None), (86, 5, 9))[0],
        "emails": _emails(rng, company_id),
        "whatsapp": _phone(rng),
        "sending": _sending(rng, as_of),
        "vat": rng.choices((None, "Нет", "Да", "5%", "22%"), (80, 8, 8, 2, 2))[0],
        "previous_month": rng.choices((False, True, None), (87, 4, 9))[0],
        "months": rng.choices((None, 1, 2, 3, 6, 12), (88, 4, 2, 3, 2, 1))[0],
        "plan": rng.choice((None, None, "Базовый")),
        "activity": rng.choice((None, "Сельское хозяйство", "Производство")),
    }  # fmt: skip
    if rng.random() < 0.06:
        card["contract_number"] = f"ПС-{as_of.year - 1}-{rng.randrange(100, 999)}"
    if rng.random() < 0.06:
        card["separate"] = rng.choice((
            ("Да",), ("Нет",), (setting.SEPARATE_FUEL,),
            (setting.SEPARATE_FUEL, setting.SEPARATE_DISPATCHING),
        ))  # fmt: skip
    return card


def _emails(rng: Random, company_id: int) -> str:
    part = rng.choice((", ", ",", "; ", " "))
    one, two = f"{company_id}@example.ru", f"buh{company_id}@example.ru"
    bad = f"buh{company_id}.example.ru"
    return rng.choices((one, f"{one}{part}{two}", "", f"{one}{part}{bad}"), (70, 24, 4, 2))[0]


def _phone(rng: Random) -> str:
    if rng.random() < 0.6:
        return ""
    tail = f"{rng.randrange(100):02d}-{rng.randrange(100):02d}"
    return rng.choice((f"7 900 000-{tail}", f"+7 (900) 000-{tail}", f"8900000{tail}"))


def _sending(rng: Random, as_of: date) -> str:
    """Return an own sending day: mostly none, some of it gone, some ahead, some unreadable."""
    dice = rng.random()
    if dice < 0.88:
        return ""
    if dice < 0.94:
        return str(rng.randrange(1, 26))
    if dice < 0.99:
        day = as_of + timedelta(days=rng.choice((-70, -5, -1, 40, 75)))
        return f"{day:%d.%m.%Y}" if rng.random() < 0.7 else f"{day:%Y-%m-%d}"
    return rng.choice(STRANGE_DAYS)


def _contracts(rng: Random, kind: str) -> tuple[str, ...]:
    others = tuple(rng.choice(("П", "М", "Р", "СК", "В", "П**")) for _ in range(rng.randrange(3)))
    if not kind:
        return others
    star = "**" if rng.random() < 0.1 else ""
    older = ("АО",) if kind == "ПС" and rng.random() < 0.15 else ()
    return (*others[:1], *older, kind + star, *others[1:])


def _buyer(rng: Random, kind: str) -> str:
    if rng.random() < 0.025:
        return rng.choice(("none", "empty"))
    if kind == "КЗ":
        return rng.choice(("kazakh", "kazakh", "kazakh_person"))
    return rng.choices(("company", "entrepreneur", "person"), (70, 24, 6))[0]


def _past(rng: Random, company: Company, making: Making) -> tuple[Invoice, ...]:
    """Return earlier invoices: last month's as a rule, the target's sometimes, some cancelled."""
    card, run = company.card, making.month
    last = making.as_of - timedelta(days=30)
    kazakh = any(each.template_id == setting.SUBSCRIPTION_KZ for each in company.documents)
    issuer = setting.AUTOTRACKER_KZ if kazakh else setting.AUTOTRACKER
    currency = "KZT" if kazakh else "RUB"
    shift = -2 if card.previous_month else 0
    made: list[Invoice] = []

    def past(month: months.Month, on: date, *, title: str | None = None, plain: bool = False,
             stage: Stage = Stage.SENT) -> None:  # fmt: skip
        units = max(card.card_count or 1, 1)
        wording = ROW_WORDING if plain else f"{ROW_WORDING} {months.bracket(month)}"
        made.append(
            invoice(
                company.id, month, on=on, nth=len(made), title=title, stage=stage, issuer=issuer,
                currency=currency, rows=(Row(wording, 350_00, units),),
            )
        )  # fmt: skip

    if rng.random() < 0.85:
        past(months.shift(run, shift - 1), last - timedelta(days=31), stage=Stage.PAID)
        past(months.shift(run, shift), last)
    target, recent = months.shift(run, shift + 1), making.as_of - timedelta(days=1)
    dice = rng.random()
    if dice >= 0.04 and (card.separate or _is_free(card.tariff)):
        return tuple(made)  # half a bill and half a hold is no decision of the rules
    if dice < 0.03:
        past(target, recent, title=f"{ROW_WORDING} {months.bracket(target)}", plain=True)
    elif dice < 0.04:
        past(target, recent)
        past(target, recent, title=f"{ROW_WORDING} {months.bracket(target)}", plain=True)
    elif dice < 0.055:
        past(target, recent, stage=Stage.CANCELLED)
    elif dice < 0.065:
        past(target, recent, title=ROW_WORDING, plain=True)
    elif dice < 0.075 and card.months and card.months > 1 and not card.previous_month:
        past(months.shift(target, 1), recent)
    return tuple(made)


def _spoil_count(making: Making) -> None:
    """Let the fleet, or the card's count, drift from what the tariff says."""
    rng, company = making.rng, making.companies[-1]
    dice = rng.random()
    if dice < 0.05 and making.accounts:
        making.fleet(company.id, making.accounts[-1].id, active=rng.randrange(1, 3))
    elif dice < 0.06 and making.units:
        making.units.pop()
    elif dice < 0.065 and making.units:
        making.units[-1] = replace(making.units[-1], state_unknown=True)
    elif dice < 0.12:
        count = rng.choice((None, 0, (company.card.card_count or 0) + 1))
        changed = replace(company.card, card_count=count)
        making.companies[-1] = replace(company, card=changed)


def _partner(making: Making, first_id: int, *, small: bool) -> None:
    """Add a partner and two customers below it, one of them with a branch of its own."""
    rng = making.rng
    sizes = [_fleet_size(rng, small=small) for _ in range(4)]
    total = sum(sizes) + (rng.random() < 0.1)
    partner = making.add(
        first_id, active=sizes[0], tariff=f"{total}*300", partner=True, card_count=total,
    )  # fmt: skip
    top = making.accounts[-1].id
    below = making.account(first_id + 1, name=str(first_id + 1), parent=top)
    making.fleet(first_id + 1, below, active=sizes[1])
    branch = making.account(first_id + 1, at=1, name=f"{first_id + 1}-2", parent=below)
    making.fleet(first_id + 1, branch, active=sizes[2])
    last = making.account(first_id + 2, name=str(first_id + 2), parent=top)
    making.fleet(first_id + 2, last, active=sizes[3])
    for place, units in ((1, sizes[1]), (2, sizes[3])):
        making.add(
            first_id + place, tariff=f"{units}*350", active=units, with_account=False,
            skip=rng.random() < 0.8,
        )  # fmt: skip
    making.change(partner, invoices=_past(rng, partner, making))


def _shared(making: Making, first_id: int) -> None:
    """Add two companies of one account."""
    rng = making.rng
    counts = (rng.randrange(1, 6), rng.randrange(1, 6))
    extra = rng.random() < 0.25
    making.add(
        first_id, active=sum(counts) + extra, tariff=f"{counts[0]}*350", card_count=counts[0]
    )
    making.add(
        first_id + 1, active=counts[1], tariff=f"{counts[1]}*400", account=str(first_id),
        with_account=False,
    )  # fmt: skip
