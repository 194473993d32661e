"""How many companies the pure core decides in a second on one core (quality page).

`python -m benchmarks.core` prints the figures. Companies are drawn from a seed, block by block,
outside the measured time; within it they are decided in chunks of 50 and the results dropped.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from random import Random
from time import process_time

from benchmarks.figures import Figure
from stavbill.billing.decide import decide
from stavbill.billing.facts import (
    DISPATCHING,
    FUEL_SENSOR,
    SUBSCRIPTION,
    BuyerRequisite,
    CompanyCard,
    CompanyId,
    Contract,
    Counted,
    Facts,
    InvoiceId,
    InvoiceKey,
    InvoiceState,
    IssuedInvoice,
    IssuedRow,
    OpenCredit,
    OwnCompanyId,
    Recipients,
)
from stavbill.billing.money import Currency, Money
from stavbill.billing.period import Month, ServicePeriod
from stavbill.billing.policy import DatedRate, IssuerRule, Policy, ServiceWording
from stavbill.workdays import workdays_of

ON = date(2026, 12, 10)
CHUNK, BLOCK = 50, 2_000
SMALL, LARGE = 6_000, 60_000
ROUNDS, QUARTER = 3, 3
PER_SECOND, LINEAR, YARDSTICKS = 30_000, 0.9, 170
TEMPLATES = (
    ("ps-rf", "Подписка на сервис удаленного управления автопарком РФ", Currency.RUB, 22),
    ("ps-kz", "Подписка на сервис удаленного управления автопарком КЗ", Currency.KZT, 16),
    ("ao-rf", "Абонентское обслуживание РФ", Currency.RUB, None),
)
LINE = "Подписка на сервис по удаленному управлению автопарком"
WORDING = (
    ServiceWording(SUBSCRIPTION, LINE, "Подписка на сервис"),
    ServiceWording(FUEL_SENSOR, "Абонплата за ДУТы", "Абонплата за ДУТы"),
    ServiceWording(DISPATCHING, "Абонплата за диспетчеризацию", "Абонплата за диспетчеризацию"),
)


def build_policy() -> Policy:
    """Return the manual's policy: three issuers, three services, the Russian calendar."""
    return Policy(
        rules=tuple(
            IssuerRule(
                code=code,
                issuer=code,
                own_company=OwnCompanyId(number),
                currency=currency,
                template_names=(template,),
                title="Подписка на сервис",
                wording=WORDING,
                vat=(DatedRate(date(2019, 1, 1), Decimal(vat) if vat else None),),
            )
            for number, (code, template, currency, vat) in enumerate(TEMPLATES, start=2)
        ),
        services=(SUBSCRIPTION, FUEL_SENSOR, DISPATCHING),
        active_statuses=frozenset({"Активная компания"}),
        calendar=workdays_of("RU"),
    )


def companies(number: int, seed: int = 1) -> Iterator[Facts]:
    """Draw companies: most are billed, some are skipped, some held; a quarter's invoices."""
    random = Random(seed)
    for company in range(1, number + 1):
        yield _company(CompanyId(company), random)


def _company(company: CompanyId, random: Random) -> Facts:
    active, conserved = random.randint(1, 60), random.choice((0, 0, 0, random.randint(1, 20)))
    price = random.choice((350, 400, 450, 490, 550))
    tariff = f"{active}*{price}"
    if random.random() < 0.2 and active > 1:  # noqa: PLR2004  a fifth pays two prices
        tariff = f"{active - 1}*{price}|1*990"
    if conserved:
        tariff += f"|{conserved}*100"
    card = CompanyCard(
        company=company,
        status=random.choices(("Активная компания", "Архив", None), (93, 6, 1))[0],
        skip=random.random() < 0.03,  # noqa: PLR2004  a share
        months=random.choices((None, 3), (19, 1))[0],
        previous_month=random.random() < 0.05,  # noqa: PLR2004  a share
        connection="stavros1",
        account=str(company),
        card_count=active + conserved,
        fees={
            SUBSCRIPTION: random.choices((tariff, "-", "*350"), (96, 3, 1))[0],
            FUEL_SENSOR: random.choice(("-", "-", "-", f"{random.randint(1, 9)}*100")),
            DISPATCHING: random.choice(("-", "", "-*200")),
        },
        recipients=Recipients(emails=(f"buh{company}@example.ru",)),
    )
    return Facts(
        card=card,
        contracts=_contracts(company, random),
        requisites=(BuyerRequisite(inn="7707083893", name="ООО «Ромашка-Агро»"),),
        invoices=tuple(_invoices(company, random, active, price)),
        observation=Counted(active=active + (random.random() < 0.04), conserved=conserved),  # noqa: PLR2004  a share
        credits=_credits(company, random),
    )


def _contracts(company: CompanyId, random: Random) -> tuple[Contract, ...]:
    _, template, _, _ = random.choices(TEMPLATES, (70, 5, 25))[0]
    day = datetime(2021, random.randint(1, 12), 3, 9, tzinfo=UTC)
    number = f"ПС-2021-{company}"
    ours = Contract(company * 2, f"{template} {number}", number, "39", template, day)
    delivery = replace(ours, document=company * 2 + 1, template="Поставка оборудования")
    return random.choices(((ours, delivery), (ours,), (delivery,)), (50, 48, 2))[0]


def _invoices(
    company: CompanyId, random: Random, quantity: int, price: int
) -> Iterator[IssuedInvoice]:
    """Draw the invoices of a quarter; every tenth company's were written by hand."""
    by_hand = random.random() < 0.1  # noqa: PLR2004  a share
    last = QUARTER + (random.random() < 0.05)  # noqa: PLR2004  a few are covered already
    for step in range(last):
        month = Month(2026, 10).plus(step)
        row = IssuedRow(f"{LINE} ({month.name})", Decimal(price), Decimal(quantity))
        key = InvoiceKey(company, (SUBSCRIPTION,), ServicePeriod(month), "ps-rf")
        yield IssuedInvoice(
            invoice=InvoiceId(company * 10 + step),
            title=f"[Биллинг] Подписка на сервис ({month.name})",
            created=month.plus(-1).first_day,
            state=InvoiceState.PAID if step + 1 < QUARTER else InvoiceState.LIVE,
            key=None if by_hand else key,
            rows=(row,),
        )


def _credits(company: CompanyId, random: Random) -> tuple[OpenCredit, ...]:
    if random.random() > 0.03:  # noqa: PLR2004  a share
        return ()
    left = Money(random.randint(1, 500_000), Currency.RUB)
    return (OpenCredit(f"c{company}", SUBSCRIPTION, left, date(2026, 11, 20)),)


def decided_per_second(number: int, policy: Policy) -> float:
    """Return companies decided per second of this process's own time."""
    spent, drawn = 0.0, companies(number)
    for _ in range(0, number, BLOCK):
        block = [facts for facts, _ in zip(drawn, range(BLOCK), strict=False)]
        began = process_time()
        for start in range(0, len(block), CHUNK):
            for facts in block[start : start + CHUNK]:
                decide(facts, policy, ON)
        spent += process_time() - began
    return number / spent


def yardsticks_per_second() -> float:
    """Return multiplications rounded half-up to the kopeck per second, by `Decimal`."""
    price, quantity, kopeck = Decimal("350.55"), Decimal(7), Decimal("0.01")
    number = 200_000
    began = process_time()
    for _ in range(number):
        (price * quantity).quantize(kopeck, rounding=ROUND_HALF_UP)
    return number / (process_time() - began)


def figures() -> tuple[Figure, ...]:
    """Measure: the best of a few rounds, because another process may disturb any of them."""
    policy = build_policy()
    decided_per_second(BLOCK, policy)
    rates = [
        (decided_per_second(SMALL, policy), decided_per_second(LARGE, policy))
        for _ in range(ROUNDS)
    ]
    small, large = (max(each) for each in zip(*rates, strict=True))
    yardstick = max(yardsticks_per_second() for _ in range(ROUNDS))
    return (
        Figure("core_6000", small, "companies/s", PER_SECOND),
        Figure("core_60000", large, "companies/s", PER_SECOND),
        Figure("core_linear", large / small, "ratio", LINEAR),
        Figure("core_yardstick", yardstick / large, "decimals/company", YARDSTICKS, at_least=False),
    )


if __name__ == "__main__":
    for figure in figures():
        print(figure.line)
