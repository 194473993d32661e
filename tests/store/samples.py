"""Invented companies, invoices, facts, decisions and effects of every kind."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

from stavbill.billing.decision import (
    AccountMissing,
    Bill,
    BilledThroughPartner,
    CancelledByHand,
    ConnectionUnknown,
    ConservationPriceMissing,
    CountMismatch,
    CoverageUnclear,
    CreditUse,
    Decision,
    FieldNotUnderstood,
    Hold,
    InvoiceDraft,
    InvoiceLine,
    IssuerUnknown,
    NoContract,
    Note,
    Overlap,
    RequisitesMissing,
    SharedAccountMismatch,
    Skip,
    SkipReason,
    StatusEmpty,
    TariffNotUnderstood,
    UnitsUnknown,
)
from stavbill.billing.facts import (
    FUEL_SENSOR,
    SUBSCRIPTION,
    BuyerRequisite,
    CompanyCard,
    CompanyId,
    Contract,
    Counted,
    Facts,
    FieldProblem,
    InvoiceId,
    InvoiceKey,
    InvoiceState,
    IssuedInvoice,
    IssuedRow,
    NestedCount,
    NotCounted,
    NotCountedWhy,
    OpenCredit,
    Override,
    OwnCompanyId,
    Recipients,
    SeparateInvoices,
    Sharer,
    VatWish,
)
from stavbill.billing.money import Currency, Money
from stavbill.billing.period import DayOfMonth, FixedDate, Month, ServicePeriod
from stavbill.plan.effects import (
    AddTimeline,
    Effect,
    EffectKey,
    InvoiceStage,
    ItemId,
    ItemText,
    ItemUpdate,
    MendTask,
    OpenTask,
    PostMessage,
    PutFields,
    PutInvoice,
    PutMark,
    PutStage,
    TaskId,
    UserId,
)
from stavbill.plan.keys import format_invoice_key
from stavbill.plan.portal_marks import PortalMark
from stavbill.plan.records import (
    CompanyRecord,
    ContractRecord,
    InvoiceRecord,
    RequisiteRecord,
    TaskRecord,
)
from stavbill.plan.standing import StandingItem, StandingTask

PORTAL = "portal.example"
NOON = datetime(2026, 12, 10, 12, tzinfo=UTC)
TENTH = date(2026, 12, 10)


def company_record(
    number: int,
    *,
    connection: str | None = "stavros1",
    account: str | None = None,
    partner: bool = False,
    skip: bool = False,
    subscription: str = "3*350",
) -> CompanyRecord:
    card = CompanyCard(
        company=CompanyId(number),
        status="Активная компания",
        skip=skip,
        partner=partner,
        months=3,
        sending_day=DayOfMonth(31),
        vat=Decimal(20),
        separate=SeparateInvoices(services=frozenset({FUEL_SENSOR})),
        contract_number="ПС-2026-7",
        connection=connection,
        account=str(number) if account is None else account,
        card_count=3,
        conservation_price=Decimal("100.50"),
        fees={SUBSCRIPTION: subscription, FUEL_SENSOR: "-*100"},
        recipients=Recipients(("buh@romashka.example",), ("+79000000000",), ("мимо",)),
        problems=(
            FieldProblem("Дата отправки счёта", "когда-нибудь", "число 1–31", "sending_day"),
        ),
    )
    return CompanyRecord(
        company=CompanyId(number),
        title=f"ООО «Ромашка-{number}»",
        responsible=UserId(7),
        card=card,
        billed_through=date(2026, 11, 30),
        has_billed_through_field=True,
    )


def invoice_record(
    number: int, company: int, *, updated: str = "2026-11-10T10:00:00+03:00", rows: bool = True
) -> InvoiceRecord:
    key = invoice_key(company)
    lines = (IssuedRow("Абонентское обслуживание (Декабрь 2026)", Decimal("350.00"), Decimal(3)),)
    return InvoiceRecord(
        company=CompanyId(company),
        issued=IssuedInvoice(
            invoice=InvoiceId(number),
            title="[Биллинг] Подписка на сервис (Декабрь 2026)",
            created=date(2026, 11, 10),
            state=InvoiceState.LIVE,
            key=key,
            rows=lines if rows else (),
        ),
        external_id=format_invoice_key(key),
        own_company=OwnCompanyId(2),
        currency="RUB",
        total=Decimal("1050.00"),
        number="7",
        stage="DT31_2:N",
        updated=updated,
        rows_read=rows,
    )


def contract_record(number: int, company: int) -> ContractRecord:
    contract = Contract(number, "ПС-2026-7", "ПС-2026-7", "12", None, NOON)
    return ContractRecord(CompanyId(company), contract)


def requisite_record(number: int, company: int) -> RequisiteRecord:
    return RequisiteRecord(CompanyId(company), number, BuyerRequisite(inn="2600000000"))


def task_record(number: int, company: int) -> TaskRecord:
    item = StandingItem(ItemId(5), "Исправить тариф [tariff]", done=False)
    task = StandingTask(
        task=TaskId(number),
        tag="stavbill-hold",
        key=EffectKey(f"hold:{company}:2026-11-10"),
        responsible=UserId(7),
        items=(item,),
    )
    return TaskRecord(CompanyId(company), task)


def invoice_key(company: int) -> InvoiceKey:
    return InvoiceKey(
        company=CompanyId(company),
        services=(SUBSCRIPTION,),
        period=ServicePeriod(Month(2027, 1)),
        issuer="avtotreker-rf",
    )


def draft(company: int, *, price: int = 35_000) -> InvoiceDraft:
    line = InvoiceLine(
        service=SUBSCRIPTION,
        month=Month(2027, 1),
        name="Подписка на сервис (Январь 2027)",
        quantity=3,
        price=Money(price, Currency.RUB),
        credit=Money(5_000, Currency.RUB),
        vat_percent=Decimal(22),
        vat=Money(18_033, Currency.RUB),
    )
    return InvoiceDraft(
        key=invoice_key(company),
        title="[Биллинг] Подписка на сервис (Январь 2027)",
        own_company=OwnCompanyId(2),
        issuer="avtotreker-rf",
        currency=Currency.RUB,
        contract_number="ПС-2026-7",
        issued=TENTH,
        pay_by=date(2026, 12, 21),
        lines=(line,),
        credits=(CreditUse("c-1", Money(5_000, Currency.RUB)),),
        annex=(NestedCount("вложенная", active=2, conserved=1),),
    )


def put_invoice(company: int, *, price: int = 35_000) -> PutInvoice:
    wanted = draft(company, price=price)
    return PutInvoice(
        key=format_invoice_key(wanted.key),
        company=CompanyId(company),
        draft=wanted,
        comment="3 × 350",
        stage=InvoiceStage.NEW,
        responsible=UserId(7),
    )


def effects_of(company: int) -> tuple[Effect, ...]:
    """Return one effect of every kind that concerns a company, the later ones after the invoice."""
    one = CompanyId(company)
    invoice = put_invoice(company)
    item = ItemText("tariff", "Исправить тариф [tariff]")
    return (
        invoice,
        PutStage(
            key=EffectKey(f"stage:{company}"),
            company=one,
            invoice=invoice.key,
            stage=InvoiceStage.PAID,
            after=(invoice.key,),
        ),
        PutFields(
            key=EffectKey(f"fields:{company}"),
            company=one,
            card_count=3,
            billed_through=date(2027, 1, 31),
            after=(invoice.key,),
        ),
        AddTimeline(
            key=EffectKey(f"timeline:{company}"),
            company=one,
            text="Выставлен счёт",
            after=(invoice.key,),
        ),
        OpenTask(
            key=EffectKey(f"hold:{company}"),
            company=one,
            title="Исправьте карточку",
            description="Причины ниже",
            tag="stavbill-hold",
            responsible=UserId(7),
            items=(item,),
            due=date(2026, 12, 15),
        ),
        MendTask(
            key=EffectKey(f"mend:{company}"),
            company=one,
            task=TaskId(900 + company),
            add=(item,),
            tick=(ItemId(1),),
            renew=(ItemId(2),),
            update=(ItemUpdate(ItemId(3), "Иначе [count]"),),
            complete=True,
        ),
    )


def every_effect() -> tuple[Effect, ...]:
    """Return one effect of every kind: a company's, and the one that concerns none."""
    report = PostMessage(key=EffectKey("run-report:1"), dialog="chat58", text="Прогон закончен")
    mark = PortalMark(id="1a2b", epoch=2, lineage=3, name="cafe", after="", host="billing-1")
    put = PutMark(key=EffectKey("installation:cafe"), own_company=1, mark=mark, replaces=(7,))
    return (*effects_of(1), report, put)


def facts_samples() -> tuple[Facts, ...]:
    """Return facts with every kind of observation and wish."""
    record = company_record(1)
    full = Facts(
        card=record.card,
        contracts=(contract_record(5, 1).contract,),
        requisites=(BuyerRequisite(name="Иванов", natural_person=True),),
        invoices=(invoice_record(3, 1).issued,),
        observation=Counted(
            active=3,
            conserved=1,
            unmarked=2,
            stale_marks=("А100АА",),
            nested=(NestedCount("вложенная", active=1, conserved=0),),
            came=("Б200ББ",),
            went=(),
        ),
        sharers=(Sharer(CompanyId(2), "4*350"),),
        partner_above=CompanyId(9),
        credits=(OpenCredit("c-1", FUEL_SENSOR, Money(100, Currency.KZT), TENTH),),
        override=Override(cancelled=True),
        first_issue=2,
    )
    days = (FixedDate(TENTH), DayOfMonth(15), None)
    wishes: tuple[VatWish | Decimal, ...] = (*VatWish, Decimal(20), Decimal("5.5"))
    return (
        full,
        *(Facts(card=CompanyCard(company=CompanyId(1), sending_day=day)) for day in days),
        *(Facts(card=CompanyCard(company=CompanyId(1), vat=wish)) for wish in wishes),
        *(
            Facts(card=CompanyCard(company=CompanyId(1)), observation=NotCounted(why, "host: 4"))
            for why in NotCountedWhy
        ),
    )


def decision_samples() -> tuple[Decision, ...]:
    """Return decisions of every kind, with every hold reason."""
    one = CompanyId(1)
    note = Note("count", "§5", (("text", "5"), ("number", 5), ("names", ("5", "6"))))
    invoices = (InvoiceId(3),)
    return (
        Bill(
            company=one,
            drafts=(draft(1),),
            held=(StatusEmpty(),),
            warnings=(note,),
            explanation=(note, note),
            card_count=4,
        ),
        *(Skip(company=one, reason=reason, explanation=(note,)) for reason in SkipReason),
        Hold(
            company=one,
            reasons=(
                TariffNotUnderstood(SUBSCRIPTION, "*350", 0, "количество"),
                FieldNotUnderstood(FieldProblem("НДС", "иногда", "да или нет")),
                StatusEmpty(),
                NoContract(("Поставка",)),
                IssuerUnknown("rf", "ООО «Автотрэкер»"),
                CountMismatch(
                    expected_active=3, expected_conserved=0, active=4, conserved=0, card=None
                ),
                CountMismatch(
                    expected_active=3,
                    expected_conserved=0,
                    active=4,
                    conserved=0,
                    card=3,
                    came=("А100АА",),
                    went=(),
                ),
                SharedAccountMismatch(
                    others=(CompanyId(2),),
                    expected=3,
                    active=4,
                    conserved=0,
                    unreadable=(CompanyId(2),),
                ),
                AccountMissing("25292"),
                ConnectionUnknown("stavros9"),
                UnitsUnknown("timeout"),
                ConservationPriceMissing(Currency.KZT, 2),
                RequisitesMissing(),
                Overlap((SUBSCRIPTION,), (Month(2027, 2),), invoices),
                CancelledByHand((SUBSCRIPTION,), invoices),
                CoverageUnclear(invoices),
                BilledThroughPartner(CompanyId(9)),
            ),
            warnings=(note,),
            card_count=4,
        ),
    )
