"""The invented world as people go on changing it, and what the rules ask for on any day.

The expectations are the sandbox's own: they are made from these records and from what the portal
held in front of a night, and know no line of the product.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from stavbill.sandbox.portal.dump import stage_semantics
from stavbill.sandbox.portal.invoices import rows_of
from stavbill.sandbox.portal.state import State
from stavbill.sandbox.world.build import World
from stavbill.sandbox.world.expect import Judge, account_name, is_conserved
from stavbill.sandbox.world.expected import Expectation
from stavbill.sandbox.world.model import (
    Account,
    Cluster,
    Company,
    Invoice,
    Row,
    Stage,
    Unit,
)

MEANINGS = {"F": Stage.CANCELLED, "S": Stage.PAID}


@dataclass(slots=True)
class Outside:
    """Clusters as they stand, and of whom nothing certain can be said.

    `touched` companies were changed while others worked, `forced` ones were rerun by hand, tonight;
    `disturbed` are all whom people did anything to tonight. `strange` companies lost a record that
    the world's records do not name; `bereft` ones lost an invoice. Both stay so.
    """

    clusters: list[Cluster]
    own: frozenset[int]
    place: dict[int, int]
    touched: set[int] = field(default_factory=set)
    forced: set[int] = field(default_factory=set)
    disturbed: set[int] = field(default_factory=set)
    strange: set[int] = field(default_factory=set)
    bereft: set[int] = field(default_factory=set)

    def begin_night(self) -> None:
        """Forget what was done in the night before."""
        self.touched.clear()
        self.forced.clear()
        self.disturbed.clear()

    def cluster(self, company: int) -> Cluster:
        """Return the companies that are judged with this one."""
        return self.clusters[self.place[company]]

    def company(self, company: int) -> Company:
        """Return one company's records."""
        return next(one for one in self.cluster(company).companies if one.id == company)

    def change_card(self, company: int, **fields: Any) -> None:  # noqa: ANN401  a card's own types
        """Let the card say something else."""
        cluster = self.cluster(company)
        changed = tuple(
            replace(one, card=replace(one.card, **fields)) if one.id == company else one
            for one in cluster.companies
        )
        self.clusters[self.place[company]] = replace(cluster, companies=changed)

    def put_unit(self, company: int, unit: Unit) -> None:
        """Add a unit, or replace the one of that id."""
        cluster = self.cluster(company)
        kept = [one for one in cluster.units if one.id != unit.id]
        units = tuple(sorted([*kept, unit], key=lambda one: one.id))
        self.clusters[self.place[company]] = replace(cluster, units=units)

    def account_alone(self, company: int) -> Account | None:
        """Return a company's account when nobody else's card and no other account touches it."""
        cluster = self.cluster(company)
        if len(cluster.companies) > 1 or len(cluster.accounts) != 1:
            return None
        (account,), card = cluster.accounts, self.company(company).card
        fits = (account.name, account.connection) == (account_name(card), card.where)
        return account if fits else None

    def counted(self, company: int) -> tuple[int, int]:
        """Return how many units of the cluster are active, and how many conserved."""
        units = self.cluster(company).units
        return sum(unit.active for unit in units), sum(is_conserved(unit) for unit in units)

    def unclear(self) -> frozenset[int]:
        """Return the companies of which nobody can say tonight what is right."""
        known = (self.touched | self.strange) & self.place.keys()
        spoiled = {self.place[one] for one in known}
        return frozenset(one for one, place in self.place.items() if place in spoiled)

    def judged(
        self, on: date, before: Mapping[int, tuple[Invoice, ...]], *, forced: bool = False
    ) -> Iterator[tuple[Company, Expectation]]:
        """Yield each company with the invoices that it had, and what a run must do with it."""
        unclear = self.unclear()
        for cluster in self.clusters:
            if all(one.id in unclear for one in cluster.companies):
                continue
            if forced and not any(one.id in self.forced for one in cluster.companies):
                continue
            companies = tuple(
                replace(one, invoices=before.get(one.id, ())) for one in cluster.companies
            )
            judge = Judge(replace(cluster, companies=companies), on, self.own, forced=forced)
            for company in companies:
                yield company, judge.judge(company)


def outside_of(world: World) -> Outside:
    """Return the world as it was invented."""
    clusters = list(world.clusters())
    place = {one.id: at for at, cluster in enumerate(clusters) for one in cluster.companies}
    return Outside(clusters, frozenset(one.id for one in world.own_companies), place)


def invoices_of(state: State) -> dict[int, tuple[Invoice, ...]]:
    """Return the portal's present invoices as the world's records, by company."""
    semantics = stage_semantics(state)
    found: dict[int, list[Invoice]] = {}
    for record in state.invoices:
        means = semantics.get(record["stageId"] or "", "P")
        invoice = Invoice(
            id=record["id"],
            title=record["title"],
            issuer_id=record["mycompanyId"],
            currency=record["currencyId"],
            created_at=record["createdTime"],
            begin=record["begindate"],
            pay_by=record["closedate"],
            stage=MEANINGS.get(means, Stage.SENT),
            rows=tuple(_rows(state, record["id"])),
        )
        found.setdefault(record["companyId"], []).append(invoice)
    return {company: tuple(invoices) for company, invoices in found.items()}


def _rows(state: State, invoice: int) -> Iterable[Row]:
    for row in rows_of(state, invoice):
        yield Row(row["productName"], int(row["price"] * 100), int(row["quantity"]))
