"""Random tariffs and companies, shared by the properties of the core and of the plan."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from hypothesis import strategies as st

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
    FieldProblem,
    InvoiceState,
    IssuedInvoice,
    NestedCount,
    NotCounted,
    NotCountedWhy,
    Observation,
    OpenCredit,
    Override,
    Recipients,
    SeparateInvoices,
    ServiceCode,
    Sharer,
    VatWish,
)
from stavbill.billing.money import Currency, Money
from stavbill.billing.period import DayOfMonth, FixedDate, Month, ServicePeriod
from stavbill.billing.tariff import Tariff, TariffGroup, parse_tariff
from tests.billing.world import (
    ACTIVE,
    AO,
    AO_LINE,
    DELIVERY,
    KZ,
    ME,
    PS,
    PS_LINE,
    SIM,
    facts,
    invoice,
)

Groups = tuple[TariffGroup, ...]
SERVICES = (SUBSCRIPTION, FUEL_SENSOR, DISPATCHING, SIM)
FIRST_DAY = date(2021, 11, 1)

prices = st.one_of(
    st.sampled_from((10000, 35000, 45000, 0)),
    st.integers(0, 99_999).map(lambda rubles: rubles * 100),
    st.integers(0, 9_999_999),
)
groups = st.lists(
    st.builds(TariffGroup, st.one_of(st.none(), st.integers(0, 400)), prices),
    min_size=1,
    max_size=4,
).map(tuple)


@st.composite
def styled_tariffs(draw: st.DrawFn) -> tuple[str, Groups]:
    """Return a text in one style throughout, as the product would write it, and its sense."""
    known = draw(groups)
    times = draw(st.sampled_from("*xXхХ×·"))
    between = draw(st.sampled_from(("|", " ", ", ", "\n")))
    mark, dash = draw(st.sampled_from(",.")), draw(st.sampled_from("-—–"))
    suffix = draw(st.sampled_from(("", "р", " руб", "₽", "\u00a0руб", "руб.")))
    kopecks = any(group.price % 100 == 0 for group in known) and draw(st.booleans())
    texts = []
    for group in known:
        rubles, part = divmod(group.price, 100)
        price = f"{rubles}{mark}{part:02d}" if part or kopecks else str(rubles)
        quantity = dash if group.quantity is None else str(group.quantity)
        texts.append(f"{quantity}{times}{price}{suffix}")
    return between.join(texts), known


@st.composite
def dirty_tariffs(draw: st.DrawFn) -> tuple[str, Groups]:
    """Return a text with everything that people type, another way in each group, and its sense."""
    known = draw(groups)
    blank = st.sampled_from(("", "", " ", "\u00a0", "  "))
    text = draw(blank)
    for number, group in enumerate(known):
        if number:
            text += draw(
                st.sampled_from(("|", " | ", "||", "| |", " ", "  ", ", ", " , ", "\n", ",\n"))
            )
        quantity = draw(st.sampled_from("-—–")) if group.quantity is None else str(group.quantity)
        text += quantity + draw(blank) + draw(st.sampled_from("*xXхХ×·")) + draw(blank)
        text += draw(dirty_price(group.price)) + draw(st.sampled_from(SUFFIXES))
    return text + draw(st.sampled_from(("", "|", "||", " ", " | ", "\n"))), known


SUFFIXES = ("", "", "р", " р", "руб", " руб.", "₽", "\u00a0₽", " РУБ", "р.")


@st.composite
def dirty_price(draw: st.DrawFn, price: int) -> str:
    rubles, part = divmod(price, 100)
    text = str(rubles)
    if 1000 <= rubles <= 99_999 and draw(st.booleans()):
        text = f"{text[:-3]}{draw(st.sampled_from((' ', NO_BREAK)))}{text[-3:]}"
    endings = [f",{part:02d}", f".{part:02d}"]
    endings += ["", ""] if part == 0 else []
    endings += [f",{part // 10}"] if part % 10 == 0 else []
    return text + draw(st.sampled_from(endings))


NO_BREAK = "\u00a0"

fee_texts = st.one_of(
    st.sampled_from(("", "-", "-*200", "1*100", "2*150", "3*0", "3*490|1*100", "*350")),
    styled_tariffs().map(lambda pair: pair[0]),
)
subscriptions = st.one_of(
    st.sampled_from(("3*350", "4*350|15*100", "1*450", "-", "3*350|2*100|1*0", "abc")),
    styled_tariffs().map(lambda pair: pair[0]),
)
days = st.integers(0, 150).map(lambda step: FIRST_DAY + timedelta(days=step))
service_months = st.integers(-3, 8).map(lambda step: Month(2021, 10).plus(step))
sending_days = st.one_of(
    st.none(),
    st.integers(1, 31).map(DayOfMonth),
    days.map(FixedDate),
)
separates = st.one_of(
    st.just(SeparateInvoices()),
    st.just(SeparateInvoices(each=True)),
    st.sets(st.sampled_from(SERVICES)).map(lambda some: SeparateInvoices(services=frozenset(some))),
)
recipients = st.sampled_from(
    (
        Recipients(emails=("buh@example.ru",)),
        Recipients(emails=("buh@example.ru",), unusable=("buh@",)),
        Recipients(phones=("+79000000000",)),
        Recipients(),
    )
)
VAT_WISHES: tuple[VatWish | Decimal, ...] = (
    VatWish.EMPTY,
    VatWish.YES,
    VatWish.NO,
    Decimal(5),
    Decimal(0),
)
vat_wishes = st.sampled_from(VAT_WISHES)


@st.composite
def cards(draw: st.DrawFn) -> CompanyCard:
    """Return a card with any settings; most companies are active and not skipped."""
    rarely = st.sampled_from((False, False, False, False, True))
    return CompanyCard(
        company=ME,
        status=draw(st.sampled_from((ACTIVE, ACTIVE, ACTIVE, ACTIVE, "Архив", None))),
        skip=draw(rarely),
        ignore_count=draw(rarely),
        partner=draw(rarely),
        previous_month=draw(st.booleans()),
        months=draw(st.sampled_from((None, None, 1, 2, 3, 12))),
        sending_day=draw(sending_days),
        vat=draw(vat_wishes),
        separate=draw(separates),
        contract_number=draw(st.sampled_from((None, None, "АБ-1"))),
        connection=draw(st.sampled_from(("stavros1", "нигде"))),
        account=draw(st.sampled_from(("25292", None))),
        card_count=draw(st.one_of(st.none(), st.integers(0, 20))),
        conservation_price=draw(st.sampled_from((None, None, None, Decimal(350)))),
        fees={
            SUBSCRIPTION: draw(subscriptions),
            **{code: draw(fee_texts) for code in SERVICES[1:]},
        },
        recipients=draw(recipients),
        problems=draw(st.sampled_from(((), (), (), (), PROBLEMS[:1], PROBLEMS))),
    )


PROBLEMS = (
    FieldProblem("Дата отправки счёта", "скоро", "день месяца или дата", "sending_day"),
    FieldProblem("Абонплата за ДУТы", "[1, 2]", "тариф", "fuel"),
    FieldProblem("Card field 2", "?", "да или нет"),
    FieldProblem("Card field 2", "!", "да или нет"),
)


@st.composite
def observations(draw: st.DrawFn, tariff: str) -> Observation:
    """Return what Wialon shows; in most worlds it is what `tariff` expects."""
    if draw(st.sampled_from((False, False, False, False, True))):
        return NotCounted(draw(st.sampled_from(NotCountedWhy)), "без ответа")
    known = parse_tariff(tariff)
    active, conserved = 3, 0
    if isinstance(known, Tariff):
        conserved = sum(group.quantity or 0 for group in known.groups if group.price == 10000)
        active = known.quantity - conserved
    if draw(st.sampled_from((False, False, False, True))):
        active += draw(st.integers(0, 2))
        conserved += draw(st.integers(0, 2))
    lists = st.one_of(st.none(), st.just(()), st.just(("ДЖОНДИР 6",)))
    return Counted(
        active=active,
        conserved=conserved,
        unmarked=draw(st.integers(0, 1)),
        stale_marks=draw(st.sampled_from(((), ("МАЗ 1",)))),
        nested=draw(st.sampled_from(((), (), (NestedCount("Вложенная", 2, 1),)))),
        came=draw(lists),
        went=draw(lists),
    )


ROWS = (
    "{line} ({month})",
    "Абонплата за ДУТы ({month})",
    "SIM, роуминг ({month})",
    "{line}",
    "Монтаж терминала",
    "Монтаж терминала ({month})",
)
TITLES = (
    "[Биллинг] Подписка на сервис ({month})",
    "[Биллинг] Абонплата за ДУТы ({month})",
    "Счёт за {month}",
    "Подписка на сервис",
    "Счёт",
    "({month})",
)


@st.composite
def hand_made(draw: st.DrawFn, number: int) -> IssuedInvoice:
    """Return an invoice that a person made: a title and rows that tell much or little."""
    period = ServicePeriod(draw(service_months), draw(st.sampled_from((1, 1, 1, 3))))
    line = draw(st.sampled_from((PS_LINE, AO_LINE)))
    rows = draw(st.lists(st.sampled_from(ROWS), max_size=3))
    return invoice(
        number,
        draw(st.sampled_from(TITLES)).format(month=period.name),
        tuple(row.format(line=line, month=period.name) for row in rows),
        state=draw(st.sampled_from(InvoiceState)),
        created=draw(days),
    )


@st.composite
def credits_(draw: st.DrawFn, number: int) -> OpenCredit:
    """Return an approved credit, sometimes of another currency, sometimes used up."""
    return OpenCredit(
        f"c{number}",
        draw(st.sampled_from(SERVICES)),
        Money(draw(st.integers(0, 300_000)), draw(st.sampled_from(Currency))),
        draw(days),
    )


contracts = st.lists(
    st.sampled_from((AO, PS, KZ, DELIVERY)), unique_by=lambda known: known.document
).flatmap(
    lambda known: st.tuples(*(st.builds(_newer, st.just(one), st.integers(0, 2)) for one in known))
)


def _newer(contract: Contract, years: int) -> Contract:
    return replace(contract, created=datetime(2020 + years, 3, 1, 9, 0, tzinfo=UTC))


requisites = st.lists(
    st.sampled_from(
        (
            BuyerRequisite(inn="7707083893", name="ООО «Ромашка-Агро»"),
            BuyerRequisite(bin_or_iin="990540003232"),
            BuyerRequisite(name="Иванова Анна", natural_person=True),
            BuyerRequisite(name="Без ИНН"),
        )
    ),
    max_size=3,
).map(tuple)
sharers = st.lists(
    st.builds(Sharer, st.integers(1, 50).map(CompanyId), subscriptions),
    max_size=2,
    unique_by=lambda sharer: sharer.company,
).map(tuple)
overrides = st.one_of(
    st.just(Override()), st.builds(Override, st.booleans(), st.booleans(), st.booleans())
)


@st.composite
def companies(draw: st.DrawFn) -> Facts:
    """Return the facts of any company: billed, skipped, held for one reason or for many."""
    card = draw(cards())
    return Facts(
        card=card,
        contracts=draw(contracts),
        requisites=draw(requisites),
        invoices=tuple(draw(hand_made(number)) for number in range(draw(st.integers(0, 3)))),
        observation=draw(observations(card.fees[SUBSCRIPTION])),
        sharers=draw(st.one_of(st.just(()), sharers)),
        partner_above=draw(st.sampled_from((None, None, None, None, CompanyId(7)))),
        credits=tuple(draw(credits_(number)) for number in range(draw(st.integers(0, 3)))),
        override=draw(overrides),
        first_issue=draw(st.sampled_from((1, 1, 2))),
    )


@st.composite
def billable(draw: st.DrawFn) -> Facts:
    """Return the facts of a company with nothing to hold it: most are billed on their day."""
    fees: dict[ServiceCode, str] = {
        code: draw(st.sampled_from(("-", "1*100", "2*150"))) for code in SERVICES[1:]
    }
    return facts(
        draw(st.sampled_from(("3*350", "3*350,50", "1*1000|2*250"))),
        fees=fees,
        months=draw(st.sampled_from((None, 2, 3))),
        previous_month=draw(st.booleans()),
        separate=draw(separates),
        credits=tuple(draw(credits_(number)) for number in range(draw(st.integers(0, 3)))),
        contracts=draw(st.sampled_from(((PS,), (AO,), (AO, PS), (KZ,)))),
    )
