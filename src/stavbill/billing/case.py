"""A company that is due, with everything found about it so far.

Source: billing rules §9.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from stavbill.billing.covered import History
from stavbill.billing.decision import CancelledByHand, Overlap
from stavbill.billing.due import PeriodDue, PeriodFinding, PostponedTo, SendingDayIs
from stavbill.billing.facts import Facts, ServiceCode
from stavbill.billing.lines import Services
from stavbill.billing.period import Month
from stavbill.billing.policy import Policy
from stavbill.billing.tariff import Tariff, TariffProblem

Fees = dict[ServiceCode, Tariff | TariffProblem]


@dataclass(frozen=True, slots=True)
class Case:
    """What was read and found for one company on its day; findings stand by invoice (§3, §9)."""

    facts: Facts
    policy: Policy
    on: date
    fees: Fees
    findings: dict[Services, PeriodFinding]
    history: History
    day: SendingDayIs | PostponedTo

    @property
    def due(self) -> dict[Services, PeriodDue]:
        """The invoices whose months are due."""
        return {
            services: found
            for services, found in self.findings.items()
            if isinstance(found, PeriodDue)
        }

    @property
    def held(self) -> tuple[Overlap | CancelledByHand, ...]:
        """The invoices that a person must look at before their months are billed."""
        found = self.findings.values()
        return tuple(one for one in found if isinstance(one, Overlap | CancelledByHand))

    def wanted_months(self) -> Iterator[Month]:
        """Yield every month that shall be billed now, for each invoice; seldom asked for."""
        for found in self.due.values():
            yield from found.period.each()
