"""Services × months × price groups → the lines of an invoice, and its title.

Source: billing rules §7.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from stavbill.billing.decision import InvoiceLine
from stavbill.billing.facts import SeparateInvoices, ServiceCode, VatWish
from stavbill.billing.issuer import Issuer
from stavbill.billing.money import Money
from stavbill.billing.period import ServicePeriod
from stavbill.billing.policy import Policy
from stavbill.billing.tariff import Tariff, TariffProblem
from stavbill.billing.vat import line_rate, vat_kopecks

Services = tuple[ServiceCode, ...]


@dataclass(frozen=True, slots=True)
class ConservedGroup:
    """The price group of conserved units: their service, and kopecks a month (§5)."""

    service: ServiceCode
    price: int


def invoice_groups(
    services: Iterable[ServiceCode], separate: SeparateInvoices
) -> tuple[Services, ...]:
    """Return which services share an invoice: those not named apart together, the others alone.

    `services` comes in the order of invoice lines and so do the groups.

    Source: billing rules §7, «Отдельный счёт».
    """
    together = []
    alone: list[Services] = []
    for service in services:
        if separate.each or service in separate.services:
            alone.append((service,))
        else:
            together.append(service)
    return (tuple(together), *alone) if together else tuple(alone)


def invoice_lines(
    fees: Mapping[ServiceCode, Tariff | TariffProblem],
    services: Services,
    period: ServicePeriod,
    issuer: Issuer,
    wish: VatWish | Decimal,
    *,
    conserved: ConservedGroup | None = None,
) -> list[InvoiceLine]:
    """Return a line for each month, service and price group, without credits.

    A fee that cannot be read makes no line; its company is held. Neither does a group at the price
    of zero: nothing is charged for it, and a warning tells of it. `conserved` is the group whose
    row has the wording of conserved units.

    Source: billing rules §7, §11.
    """
    currency = issuer.rule.currency
    nothing = Money(0, currency)
    lines = []
    for month in period.each():
        percent = line_rate(issuer.rule, wish, month.first_day)
        for service in services:
            words, fee = issuer.rule.words(service), fees[service]
            for group in fee.merged if isinstance(fee, Tariff) else ():
                if group.price == 0:
                    continue
                is_conserved = ConservedGroup(service, group.price) == conserved
                line = words.conserved_line if is_conserved else words.line
                name, quantity = f"{line} ({month.name})", group.quantity or 0
                vat = vat_kopecks(group.price * quantity, percent)
                lines.append(
                    InvoiceLine(
                        service=service,
                        month=month,
                        name=name,
                        quantity=quantity,
                        price=Money(group.price, currency),
                        credit=nothing,
                        vat_percent=percent,
                        vat=Money(vat, currency),
                    )
                )
    return lines


def is_separate(services: Services, separate: SeparateInvoices) -> bool:
    """Say whether the group `services` is an invoice of its own by «Отдельный счёт» (§7)."""
    return len(services) == 1 and (separate.each or services[0] in separate.services)


def invoice_title(
    services: Services, period: ServicePeriod, issuer: Issuer, policy: Policy, *, separate: bool
) -> str:
    """Return «[Биллинг] Подписка на сервис (Март 2022)».

    A `separate` invoice of a further service is titled by that service; every other one, also when
    it happens to bear a single service, by the issuer rule.

    Source: billing rules §7.
    """
    if separate and services[0] != policy.services[0]:
        words = issuer.rule.words(services[0]).title
    else:
        words = issuer.rule.title
    return f"{policy.title_mark} {words} ({period.name})".lstrip()
