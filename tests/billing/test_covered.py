"""Which months of which services are billed already, whoever made the invoice (§3)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from stavbill.billing.covered import (
    Slot,
    coverage_of,
    history_of,
    months_in,
    service_in,
)
from stavbill.billing.facts import (
    DISPATCHING,
    FUEL_SENSOR,
    SUBSCRIPTION,
    InvoiceId,
    InvoiceKey,
    InvoiceState,
    ServiceCode,
)
from stavbill.billing.period import Month, ServicePeriod
from stavbill.billing.policy import ServiceWording
from tests.billing.world import AO_LINE, ME, POLICY, PS_LINE, SIM, invoice

MARCH, APRIL, MAY = Month(2022, 3), Month(2022, 4), Month(2022, 5)
EVERYTHING = None
OURS = InvoiceKey(ME, (SUBSCRIPTION, FUEL_SENSOR), ServicePeriod(MARCH, 2), "ps-rf")


@pytest.mark.parametrize(
    ("text", "months"),
    [
        pytest.param("Подписка на сервис (Март 2022)", [MARCH], id="§3 a month in brackets"),
        pytest.param("(март 2022)", [MARCH], id="§3 case ignored"),
        pytest.param("( МАРТ\u00a02022 )", [MARCH], id="§3 blanks of any kind"),
        pytest.param("(Март–Май 2022)", [MARCH, APRIL, MAY], id="§7 a span within a year"),
        pytest.param("(Март - Май 2022)", [MARCH, APRIL, MAY], id="§3 either dash, spaces"),
        pytest.param("(Март—Май 2022)", [MARCH, APRIL, MAY], id="§3 a long dash"),
        pytest.param("(Март 2022 – Май 2022)", [MARCH, APRIL, MAY], id="§3 both years"),
        pytest.param(
            "(Ноябрь 2021 – Январь 2022)",
            [Month(2021, 11), Month(2021, 12), Month(2022, 1)],
            id="§7 across years",
        ),
        pytest.param("(Март 2022) и (Май 2022)", [MARCH, MAY], id="§3 two brackets"),
        pytest.param("Счёт за март 2022", [], id="§3 no brackets"),
        pytest.param("(Март)", [], id="§3 no year"),
        pytest.param("(Мартобрь 2022)", [], id="§3 no month"),
        pytest.param("(Май–Март 2022)", [], id="§3 backwards"),
        pytest.param("(Январь 1950 – Март 2022)", [], id="§3 longer than any invoice"),
    ],
)
def test_months_are_read_from_brackets(text: str, months: list[Month]) -> None:
    assert sorted(months_in(text)) == months


@pytest.mark.parametrize(
    ("text", "service"),
    [
        pytest.param(f"{PS_LINE} (Март 2022)", SUBSCRIPTION, id="§7 subscription, one issuer"),
        pytest.param(f"{AO_LINE.upper()} (Март 2022)", SUBSCRIPTION, id="§7 another issuer"),
        pytest.param("[Биллинг] Подписка на сервис (Март 2022)", SUBSCRIPTION, id="§7 a title"),
        pytest.param("Абонплата за ДУТЫ", FUEL_SENSOR, id="§7 fuel sensors"),
        pytest.param("Абонплата  за диспетчеризацию", DISPATCHING, id="§7 dispatching"),
        pytest.param("SIM, роуминг", SIM, id="§1 a configured service"),
        pytest.param(f"Оплата: {PS_LINE}", SUBSCRIPTION, id="§3 a wording behind other words"),
        pytest.param("Абонентская плата (Март 2022)", SUBSCRIPTION, id="§3 people's own words"),
        pytest.param("Плата по ДУТ", FUEL_SENSOR, id="§3 people's words for fuel sensors"),
        pytest.param("Услуги диспетчера", DISPATCHING, id="§3 people's words for dispatching"),
        pytest.param("Абонплата за видео", None, id="§3 a fee for something else"),
        pytest.param("Монтаж терминала", None, id="§3 other words"),
    ],
)
def test_a_wording_tells_the_service(text: str, service: ServiceCode | None) -> None:
    assert service_in(text, POLICY) == service


def test_a_portal_may_know_further_wordings_of_people() -> None:
    by_hand = (ServiceWording(SUBSCRIPTION, "Мониторинг транспорта", ""),)
    assert service_in("Мониторинг транспорта за март", POLICY) is None
    assert service_in("Мониторинг транспорта", replace(POLICY, hand_wording=by_hand)) is not None
    assert service_in(f"{PS_LINE}", replace(POLICY, title_mark="")) == SUBSCRIPTION


@pytest.mark.parametrize(
    ("title", "rows", "slots"),
    [
        pytest.param(
            "Счёт 5", (f"{PS_LINE} (Март 2022)",), {(SUBSCRIPTION, MARCH)}, id="§3 rows tell all"
        ),
        pytest.param(
            "Счёт (Март 2022)", (PS_LINE, "SIM, роуминг (Май 2022)"),
            {(SUBSCRIPTION, MARCH), (SIM, MAY)},
            id="§3 a row without a month takes the title's",
        ),
        pytest.param(
            "Подписка на сервис (Апрель 2022)", ("Абонплата за ДУТы (Март 2022)",),
            {(FUEL_SENSOR, MARCH)}, id="§3 telling rows before the title",
        ),
        pytest.param(
            "Счёт (Март–Апрель 2022)", ("Монтаж",), {(EVERYTHING, MARCH), (EVERYTHING, APRIL)},
            id="§3 without telling rows every kind",
        ),
        pytest.param(
            "[Биллинг] Абонплата за ДУТы (Март 2022)", (), {(EVERYTHING, MARCH)},
            id="§3 every kind, whatever the title says",
        ),
        pytest.param("Счёт за оборудование", ("Терминал",), set(), id="§3 nothing told"),
        pytest.param("Абонплата за ДУТы", (), set(), id="§3 no month of a further service"),
    ],
)  # fmt: skip
def test_what_an_invoice_made_by_hand_covers(
    title: str, rows: tuple[str, ...], slots: set[tuple[ServiceCode | None, Month]]
) -> None:
    seen = coverage_of(invoice(1, title, rows), POLICY)
    assert {(slot.service, slot.month) for slot in seen.slots} == slots
    assert not seen.monthless
    assert not seen.unclear_months


def test_our_key_tells_more_than_title_and_rows() -> None:
    """§3: month and kind are read from our key."""
    known = invoice(1, "Переименован (Май 2022)", (f"{PS_LINE} (Май 2022)",), key=OURS)
    assert coverage_of(known, POLICY).slots == {
        Slot(service, month) for service in OURS.services for month in (MARCH, APRIL)
    }


@pytest.mark.parametrize(
    ("title", "rows", "monthless"),
    [
        pytest.param("Подписка на сервис", (), True, id="§3 the title's wording, no month"),
        pytest.param("Счёт 5", (PS_LINE,), True, id="§3 a row's wording, no month"),
        pytest.param("Счёт 5", (PS_LINE, "SIM, роуминг (Май 2022)"), True, id="§3 SIM's month"),
        pytest.param("Счёт 5", (PS_LINE, f"{PS_LINE} (Май 2022)"), False, id="§3 one row tells"),
        pytest.param("Счёт (Май 2022)", (PS_LINE,), False, id="§3 the title tells"),
        pytest.param("Счёт 5", ("Абонплата за ДУТы",), False, id="§3 no subscription"),
        pytest.param("Подписка на сервис", ("SIM, роуминг (Май 2022)",), False, id="§3 rows win"),
    ],
)
def test_a_subscription_without_any_month(
    title: str, rows: tuple[str, ...], *, monthless: bool
) -> None:
    assert coverage_of(invoice(1, title, rows), POLICY).monthless is monthless


def test_months_in_words_that_are_not_ours_stay_unclear() -> None:
    seen = coverage_of(invoice(1, "Счёт 5", ("Мониторинг (Март 2022)",)), POLICY)
    assert seen.slots == frozenset()
    assert seen.unclear_months == {MARCH}
    titled = coverage_of(invoice(1, "(Март 2022)", ("Мониторинг (Март 2022)",)), POLICY)
    assert titled.unclear_months == frozenset()


def test_live_and_cancelled_invoices_are_kept_apart() -> None:
    """§3: where a live one stands beside a cancelled one, the live one counts."""
    history = history_of(
        (
            invoice(3, "(Март 2022)", state=InvoiceState.CANCELLED),
            invoice(2, "(Март 2022)", state=InvoiceState.PAID),
            invoice(1, "Счёт", (f"{PS_LINE} (Апрель 2022)",)),
        ),
        POLICY,
    )
    assert history.live_on((SIM,), MARCH) == (InvoiceId(2),)
    assert history.cancelled_on((SIM,), MARCH) == (InvoiceId(3),)
    assert history.live_on((SIM,), APRIL) == ()
    assert history.covered_services((SUBSCRIPTION, SIM), APRIL) == {SUBSCRIPTION}
    assert history.covered_services((SUBSCRIPTION, SIM), MARCH) == {SUBSCRIPTION, SIM}
    assert history.last_covered((SIM,)) == MARCH
    assert history.last_covered((SUBSCRIPTION,)) == APRIL
    assert history_of((), POLICY).last_covered((SIM,)) is None


def test_invoices_made_in_a_month() -> None:
    history = history_of(
        (
            invoice(1, "(Март 2022)", created=date(2022, 2, 1)),
            invoice(2, "(Март 2022)", created=date(2022, 3, 1)),
            invoice(3, "(Апрель 2022)", created=date(2022, 2, 9)),
        ),
        POLICY,
    )
    assert history.made_in(Month(2022, 2), (SIM,), MARCH) == (InvoiceId(1),)


def test_who_may_cover_a_month_and_nobody_can_tell() -> None:
    """§3: a subscription wording of which no month can be read, since the run month began."""
    old = invoice(1, "Подписка на сервис", created=date(2022, 1, 31))
    new = invoice(2, "Подписка на сервис", created=date(2022, 2, 1))
    words = invoice(3, "Счёт", ("Мониторинг (Март 2022)",), created=date(2021, 1, 1))
    history = history_of((words, new, old), POLICY)
    assert history.unclear_for((MARCH,), Month(2022, 2)) == (InvoiceId(2), InvoiceId(3))
    assert history.unclear_for((MAY,), Month(2022, 3)) == ()


def test_the_next_issue_number_follows_our_own_invoices_only() -> None:
    cancelled = invoice(1, key=replace(OURS, issue=2), state=InvoiceState.CANCELLED)
    by_hand = invoice(2, "(Март 2022)", state=InvoiceState.CANCELLED)
    history = history_of((cancelled, by_hand), POLICY)
    assert history.next_issue((SUBSCRIPTION,), ServicePeriod(MARCH)) == 3
    assert history.next_issue((SIM,), ServicePeriod(MARCH)) == 1
    assert history.next_issue((SUBSCRIPTION,), ServicePeriod(APRIL)) == 1


def test_the_order_of_invoices_does_not_matter() -> None:
    known = tuple(invoice(number, "(Март 2022)") for number in (1, 2, 3))
    for order in (known, known[::-1]):
        assert history_of(order, POLICY).live_on((SIM,), MARCH) == (1, 2, 3)
