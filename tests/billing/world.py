"""A small world for tests of the core: the policy of the manual, and companies in one line."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

from stavbill.billing.decision import Bill, Decision, InvoiceDraft
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
    InvoiceState,
    IssuedInvoice,
    IssuedRow,
    OwnCompanyId,
    Recipients,
    ServiceCode,
)
from stavbill.billing.money import Currency, Money
from stavbill.billing.policy import DatedRate, IssuerRule, Policy, ServiceWording

SIM = ServiceCode("sim")
ACTIVE = "Активная компания"
HOLIDAYS = {date(2021, 12, 31), date(2022, 2, 23), date(2022, 3, 8), date(2026, 11, 4)} | {
    date(year, 1, day) for year in (2022, 2027) for day in range(1, 10)
}
WORKING_SATURDAYS = {date(2021, 2, 20), date(2022, 3, 5)}


class TestCalendar:
    """Weekends, a few holidays and transferred days of the Russian production calendar."""

    __test__ = False

    def is_working_day(self, day: date) -> bool:
        """Say whether people work on `day`."""
        if day in WORKING_SATURDAYS:
            return True
        return day.weekday() < 5 and day not in HOLIDAYS


def wording(line: str, title: str) -> tuple[ServiceWording, ...]:
    """Return the wording of one issuer for every service of the tests."""
    return (
        ServiceWording(SUBSCRIPTION, line, title),
        ServiceWording(FUEL_SENSOR, "Абонплата за ДУТы", "Абонплата за ДУТы"),
        ServiceWording(DISPATCHING, "Абонплата за диспетчеризацию", "Абонплата за диспетчеризацию"),
        ServiceWording(SIM, "SIM, роуминг", "SIM, роуминг"),
    )


PS_LINE = "Подписка на сервис по удаленному управлению автопарком"
AO_LINE = "Абонентское обслуживание навигационного оборудования"
AUTOTRACKER, MATVEEV, AUTOTRACKER_KZ = OwnCompanyId(2), OwnCompanyId(3), OwnCompanyId(4)

RULES = (
    IssuerRule(
        code="ps-rf",
        issuer="ООО «Автотрэкер»",
        own_company=AUTOTRACKER,
        currency=Currency.RUB,
        template_names=("Подписка на сервис удаленного управления автопарком РФ",),
        title="Подписка на сервис",
        wording=wording(PS_LINE, "Подписка на сервис"),
        vat=(
            DatedRate(date(2019, 1, 1), Decimal(20)),
            DatedRate(date(2026, 1, 1), Decimal(22)),
        ),
    ),
    IssuerRule(
        code="ps-kz",
        issuer="ТОО «Автотрэкер КЗ»",
        own_company=AUTOTRACKER_KZ,
        currency=Currency.KZT,
        template_names=("Подписка на сервис удаленного управления автопарком КЗ",),
        title="Подписка на сервис",
        wording=wording(PS_LINE, "Подписка на сервис"),
        vat=(DatedRate(date(2019, 1, 1), Decimal(12)), DatedRate(date(2026, 1, 1), Decimal(16))),
    ),
    IssuerRule(
        code="ao-rf",
        issuer="ИП Матвеев",
        own_company=MATVEEV,
        currency=Currency.RUB,
        template_names=("Абонентское обслуживание РФ",),
        title="Абонентское обслуживание",
        wording=wording(AO_LINE, "Абонентское обслуживание"),
        vat=(DatedRate(date(2019, 1, 1), None),),
    ),
)
POLICY = Policy(
    rules=RULES,
    services=(SUBSCRIPTION, FUEL_SENSOR, DISPATCHING, SIM),
    active_statuses=frozenset({ACTIVE}),
    calendar=TestCalendar(),
)

ME = CompanyId(21645)
TENTH = date(2022, 2, 10)
CREATED = datetime(2021, 3, 1, 9, 0, tzinfo=UTC)
PS = Contract(
    1, "Подписка на сервис удаленного управления автопарком РФ ПС-2021-147", "ПС-2021-147",
    "39", "Подписка на сервис удаленного управления автопарком РФ", CREATED,
)  # fmt: skip
AO = Contract(2, "Абонентское обслуживание РФ АО-2021-890", "АО-2021-890", None, None, CREATED)
KZ = Contract(
    3, "Подписка на сервис удаленного управления автопарком КЗ КЗ-2021-5", "КЗ-2021-5",
    "40", "Подписка на сервис удаленного управления автопарком КЗ", CREATED,
)  # fmt: skip
DELIVERY = Contract(4, "Поставка оборудования П-2021-1426", "П-2021-1426", "41",
                    "Поставка оборудования", CREATED)  # fmt: skip


def units(active: int, conserved: int = 0, **more: object) -> Counted:
    """Return a complete count."""
    return replace(Counted(active=active, conserved=conserved), **more)  # type: ignore[arg-type]


def card(tariff: str = "3*350", **fields: object) -> CompanyCard:
    """Return an active company's card with this subscription tariff."""
    fees = {SUBSCRIPTION: tariff, FUEL_SENSOR: "-", DISPATCHING: "-", SIM: ""}
    fees.update(fields.pop("fees", {}))  # type: ignore[call-overload]
    plain_card = CompanyCard(
        company=ME,
        status=ACTIVE,
        connection="stavros1",
        account="25292",
        card_count=3,
        fees=fees,
        recipients=Recipients(emails=("2307@example.ru",)),
    )
    return replace(plain_card, **fields)  # type: ignore[arg-type]


def facts(tariff: str = "3*350", seen: object = None, **fields: object) -> Facts:
    """Return E1's facts: three active units, both contracts, one requisite with an INN.

    `fields` go to the facts when they name one of them, else to the card.
    """
    names = set(Facts.__dataclass_fields__)
    of_facts = {name: value for name, value in fields.items() if name in names}
    of_card = {name: value for name, value in fields.items() if name not in names}
    plain_facts = Facts(
        card=card(tariff, **of_card),
        contracts=(AO, PS),
        requisites=(BuyerRequisite(inn="7707083893", name="ООО «Ромашка-Агро»"),),
        observation=seen if seen is not None else units(3),  # type: ignore[arg-type]
    )
    return replace(plain_facts, **of_facts)  # type: ignore[arg-type]


def invoice(
    number: int,
    title: str = "",
    rows: tuple[str, ...] = (),
    state: InvoiceState = InvoiceState.LIVE,
    created: date = date(2022, 1, 10),
    **more: object,
) -> IssuedInvoice:
    """Return an invoice that the portal holds, with rows of these names."""
    known = IssuedInvoice(
        invoice=InvoiceId(number),
        title=title,
        created=created,
        state=state,
        rows=tuple(IssuedRow(name, Decimal(350), Decimal(3)) for name in rows),
    )
    return replace(known, **more)  # type: ignore[arg-type]


def issued(draft: InvoiceDraft, number: int) -> IssuedInvoice:
    """Return the invoice that stands in the portal once `draft` was written."""
    return IssuedInvoice(
        invoice=InvoiceId(number),
        title=draft.title,
        created=draft.issued,
        state=InvoiceState.PAID if draft.is_paid_by_credits else InvoiceState.LIVE,
        key=draft.key,
        rows=tuple(
            IssuedRow(line.name, line.price.amount, Decimal(line.quantity)) for line in draft.lines
        ),
    )


def after(known: Facts, decision: Decision) -> Facts:
    """Return the facts of the next look: the drafts of `decision` stand, their credits are used."""
    if not isinstance(decision, Bill):
        return known
    first = max((seen.invoice for seen in known.invoices), default=InvoiceId(0)) + 1
    made = [issued(draft, first + step) for step, draft in enumerate(decision.drafts)]
    used: dict[str, int] = {}
    for draft in decision.drafts:
        for use in draft.credits:
            used[use.credit] = used.get(use.credit, 0) + use.used.minor
    left = [
        replace(credit, left=credit.left - Money(used.get(credit.credit, 0), credit.left.currency))
        for credit in known.credits
    ]
    return replace(known, invoices=(*known.invoices, *made), credits=tuple(left))
