"""What planning came to, added up chunk by chunk; as a document where it has to be kept.

The decisions and effects themselves stand in the store.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from stavbill.billing.decision import Decision
from stavbill.billing.facts import Facts
from stavbill.operations.present import Document
from stavbill.operations.report import Counts, IssuerSum
from stavbill.plan.gate import MonthTotals, Purse, Tally
from stavbill.plan.shared_causes import CauseKind, SharedCause

_PLAIN = ("companies", "billed", "invoices", "held_companies", "parked", "waiting", "failed")
_COUNTERS = ("skipped", "held", "warnings")


@dataclass(slots=True)
class Planned:
    """Counts, what the month comes to, effects by kind, and who is left to a person.

    `decided` is filled only when nothing is kept in the store; it is not part of the document.
    `shared` says that causes which many companies share were known when these were planned.
    """

    counts: Counts = field(default_factory=Counts)
    totals: MonthTotals = field(default_factory=MonthTotals)
    effects: Counter[str] = field(default_factory=Counter)
    violations: list[Document] = field(default_factory=list)
    parked: list[Document] = field(default_factory=list)
    failures: list[Document] = field(default_factory=list)
    decided: list[tuple[Facts, Decision]] = field(default_factory=list)
    shared: bool = False

    def add(self, other: Planned) -> None:
        """Add what another chunk came to."""
        _add_counts(self.counts, other.counts)
        _add_totals(self.totals, other.totals)
        self.effects.update(other.effects)
        self.violations.extend(other.violations)
        self.parked.extend(other.parked)
        self.failures.extend(other.failures)
        self.decided.extend(other.decided)

    def document(self) -> dict[str, Any]:
        """Return everything but `decided` as a JSON document; sums are kopecks."""
        counts = self.counts
        return {
            "counts": {name: getattr(counts, name) for name in _PLAIN},
            **{name: dict(getattr(counts, name)) for name in _COUNTERS},
            "sums": [
                [issuer, currency, part.invoices, part.companies, part.minor]
                for (issuer, currency), part in counts.sums.items()
            ],
            "month_invoices": self.totals.invoices,
            "shared": self.shared,
            "judged": self.totals.judged,
            "causes": [
                [cause.kind.value, cause.subject, cause.detail, number]
                for cause, number in self.totals.causes.items()
            ],
            "now": _purses(self.totals.now),
            "before": _purses(self.totals.before),
            "effects": dict(self.effects),
            "violations": self.violations,
            "parked": self.parked,
            "failures": self.failures,
        }


def planned_of(document: Mapping[str, Any]) -> Planned:
    """Return what `Planned.document` was made of."""
    counts = Counts(**document["counts"])
    for name in _COUNTERS:
        getattr(counts, name).update(document[name])
    for issuer, currency, *numbers in document["sums"]:
        counts.sums[issuer, currency] = IssuerSum(*numbers)
    return Planned(
        counts=counts,
        totals=MonthTotals(
            now=_tallies(document["now"]),
            before=_tallies(document["before"]),
            invoices=document["month_invoices"],
            judged=document.get("judged", 0),
            causes=Counter(
                {
                    SharedCause(CauseKind(kind), subject, detail): number
                    for kind, subject, detail, number in document.get("causes", ())
                }
            ),
        ),
        effects=Counter(document["effects"]),
        violations=list(document["violations"]),
        parked=list(document["parked"]),
        failures=list(document["failures"]),
    )


def sum_of(documents: Iterable[Mapping[str, Any]]) -> Planned:
    """Return what several chunks came to together."""
    whole = Planned()
    for document in documents:
        whole.add(planned_of(document))
    return whole


def _add_counts(mine: Counts, other: Counts) -> None:
    for name in _PLAIN:
        setattr(mine, name, getattr(mine, name) + getattr(other, name))
    for name in _COUNTERS:
        getattr(mine, name).update(getattr(other, name))
    for key, part in other.sums.items():
        known = mine.sums.setdefault(key, IssuerSum())
        known.invoices += part.invoices
        known.companies += part.companies
        known.minor += part.minor


def _add_totals(mine: MonthTotals, other: MonthTotals) -> None:
    mine.invoices += other.invoices
    mine.judged += other.judged
    mine.causes.update(other.causes)
    for to, tallies in ((mine.now, other.now), (mine.before, other.before)):
        for purse, tally in tallies.items():
            known = to.setdefault(purse, Tally())
            known.companies += tally.companies
            known.minor += tally.minor


def _purses(tallies: Mapping[Purse, Tally]) -> list[list[object]]:
    return [
        [purse.own_company, purse.currency, tally.companies, tally.minor]
        for purse, tally in tallies.items()
    ]


def _tallies(rows: Iterable[list[Any]]) -> dict[Purse, Tally]:
    return {
        Purse(own_company, currency): Tally(companies, minor)
        for own_company, currency, companies, minor in rows
    }
