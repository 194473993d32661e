"""What each client below a partner costs: the annex in money, where the tariff tells it.

Source: billing rules §5 (conserved units), §6 (annex), §7 (lines).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from stavbill.billing.decision import InvoiceDraft
from stavbill.billing.facts import NestedCount
from stavbill.billing.money import Money


class AnnexProblem(Enum):
    """Why a partner's sum is not shared out among its clients."""

    COUNT_DIFFERS = "count_differs"
    SEVERAL_PRICES = "several_prices"


@dataclass(frozen=True, slots=True)
class AnnexPrices:
    """What one unit costs a month, and for how many months: the same for every client."""

    active: Money
    conserved: Money
    months: int

    def of(self, client: NestedCount) -> Money:
        """Return what a client's units cost in the whole period, before credits."""
        month = self.active * client.active + self.conserved * client.conserved
        return month * self.months


def annex_prices(draft: InvoiceDraft) -> AnnexPrices | AnnexProblem:
    """Return the prices by which the clients' sums add up to the lines of the counted service.

    Nothing is guessed: with several prices for active units nobody knows whose unit costs which,
    and units that were billed although Wialon shows others belong to no client.

    Source: billing rules §6.
    """
    service = draft.key.services[0]
    counted = [line for line in draft.lines if line.service == service]
    months = {line.month for line in counted}
    groups = [(line.price, line.quantity) for line in counted if line.month == min(months)]
    active = sum(client.active for client in draft.annex)
    conserved = sum(client.conserved for client in draft.annex)
    if not groups or sum(quantity for _, quantity in groups) != active + conserved:
        return AnnexProblem.COUNT_DIFFERS
    if len(groups) == 1:
        return AnnexPrices(groups[0][0], groups[0][0], len(months))
    dear, *cheaper = sorted(groups, key=lambda group: group[0].minor, reverse=True)
    if conserved and [quantity for _, quantity in cheaper] == [conserved]:
        return AnnexPrices(dear[0], cheaper[0][0], len(months))
    return AnnexProblem.SEVERAL_PRICES
