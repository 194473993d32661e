"""The report of a run, from decisions and receipts, never from hopes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date

from stavbill.billing.decision import Bill, Decision, Hold, Skip
from stavbill.billing.period import Month
from stavbill.operations.present import Document
from stavbill.plan.gate import Ask, GateAnswer, Go, MonthTotals, Stop, Tally
from stavbill.store.decisions import reason_codes

DONE, BUG, CONFIG, WAITS, STOPPED, IN_DOUBT = range(6)


@dataclass(slots=True)
class IssuerSum:
    """Invoices of one issuer in one currency: how many, for how many companies, kopecks."""

    invoices: int = 0
    companies: int = 0
    minor: int = 0


@dataclass(slots=True)
class Counts:
    """How many companies were decided how; reasons count companies, one may have several."""

    companies: int = 0
    billed: int = 0
    invoices: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    held: Counter[str] = field(default_factory=Counter)
    held_companies: int = 0
    parked: int = 0
    waiting: int = 0
    failed: int = 0
    warnings: Counter[str] = field(default_factory=Counter)
    sums: dict[tuple[str, str], IssuerSum] = field(default_factory=dict)

    def add(self, decision: Decision) -> None:
        """Count one company's decision."""
        self.companies += 1
        self.warnings.update({note.code for note in decision.warnings})
        match decision:
            case Skip():
                self.skipped.update(reason_codes(decision))
            case Hold():
                self.held_companies += 1
                self.held.update(reason_codes(decision))
            case Bill(drafts=drafts):
                self.billed += 1
                self.held.update(reason_codes(decision))
                for key in {(draft.issuer, draft.currency.value) for draft in drafts}:
                    self.sums.setdefault(key, IssuerSum()).companies += 1
                for draft in drafts:
                    mine = self.sums[draft.issuer, draft.currency.value]
                    mine.invoices += 1
                    mine.minor += draft.total.minor
                self.invoices += len(drafts)


@dataclass(slots=True, kw_only=True)
class RequestsUsed:
    """HTTP requests by purpose, and the arithmetic minimum that the numbers of rows allow."""

    portal: int = 0
    wialon: int = 0
    minimum: int = 0

    @property
    def total(self) -> int:
        """All requests."""
        return self.portal + self.wialon


@dataclass(slots=True, kw_only=True)
class RunReport:
    """Everything that the operator is told after a run.

    `finished` are the reports of earlier months that this run brought to their end.
    """

    run: str
    on: date
    dry_run: bool
    state: str
    counts: Counts
    requests: RequestsUsed = field(default_factory=RequestsUsed)
    effects: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    written: Counter[str] = field(default_factory=Counter)
    changed: list[int] = field(default_factory=list)
    gate: GateAnswer = field(default_factory=Go)
    compared: list[Document] = field(default_factory=list)
    shared: list[Document] = field(default_factory=list)
    violations: list[Document] = field(default_factory=list)
    parked: list[Document] = field(default_factory=list)
    failures: list[Document] = field(default_factory=list)
    seconds: float = 0.0
    forecast: Document = field(default_factory=dict)
    company: Document | None = None
    finished: list[Document] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """The documented exit code: 0 done · 1 bug · 3 waits for a person · 4 stopped · 5 doubt."""
        if self.state == "stopped" or any(known.get("ours") for known in self.violations):
            return STOPPED
        if self.failures:
            return BUG
        if not self.dry_run and isinstance(self.gate, Ask | Stop):
            return WAITS
        return IN_DOUBT if self.outcomes["doubt"] or self.outcomes["sending"] else DONE

    def document(self) -> Document:
        """Return the report as one JSON document."""
        month = Month.of(self.on)
        counts = self.counts
        return {
            "run_id": self.run,
            "on": self.on.isoformat(),
            "dry_run": self.dry_run,
            "state": self.state,
            "period": {"run_month": month.code, "service_month": month.plus(1).code},
            "counts": {
                "companies": counts.companies,
                "billed": counts.billed,
                "invoices": counts.invoices,
                "skipped": sum(counts.skipped.values()),
                "held": counts.held_companies,
                "parked": counts.parked,
                "waiting": counts.waiting,
                "failed": counts.failed,
            },
            "billed": counts.billed,
            "skipped": dict(sorted(counts.skipped.items())),
            "held": dict(sorted(counts.held.items())),
            "parked": self.parked,
            "failed": self.failures,
            "warnings": dict(sorted(counts.warnings.items())),
            "sums": [
                {
                    "issuer": issuer,
                    "currency": currency,
                    "invoices": part.invoices,
                    "companies": part.companies,
                    "total": _rubles(part.minor),
                }
                for (issuer, currency), part in sorted(counts.sums.items())
            ],
            "effects": dict(sorted(self.effects.items())),
            "outcomes": dict(sorted(self.outcomes.items())),
            "written": dict(sorted(self.written.items())),
            "changed_since_plan": self.changed,
            "finished": self.finished,
            "gate": gate_document(self.gate),
            "compared": self.compared,
            "shared": self.shared,
            "violations": self.violations,
            "requests": self.requests.total,
            "requests_detail": {
                "portal": self.requests.portal,
                "wialon": self.requests.wialon,
                "portal_minimum": self.requests.minimum,
            },
            "forecast": self.forecast,
            **({} if self.company is None else {"company": self.company}),
            "seconds": round(self.seconds, 1),
            "exit_code": self.exit_code,
        }


def compared_document(totals: MonthTotals) -> list[Document]:
    """Return this month beside the one before, by own company and currency."""
    rows = []
    for purse in sorted(totals.now.keys() | totals.before.keys()):
        now, before = totals.now.get(purse, Tally()), totals.before.get(purse, Tally())
        rows.append(
            {
                "own_company": purse.own_company,
                "currency": purse.currency,
                "companies_before": before.companies,
                "companies_now": now.companies,
                "total_before": _rubles(before.minor),
                "total_now": _rubles(now.minor),
            }
        )
    return rows


def gate_document(answer: GateAnswer) -> Document:
    """Return what the gate said before the first write."""
    match answer:
        case Go():
            return {"answer": "go"}
        case Ask(first_run=first_run):
            return {"answer": "ask", "first_run": first_run}
        case Stop(deviations=deviations, too_many=too_many, shared=shared):
            return {
                "answer": "stop",
                "shared": [cause.kind.value for cause in shared],
                "too_many_invoices": too_many,
                "deviations": [
                    {
                        "own_company": known.purse.own_company,
                        "currency": known.purse.currency,
                        "companies_before": known.companies_before,
                        "companies_now": known.companies_now,
                        "total_before": _rubles(known.minor_before),
                        "total_now": _rubles(known.minor_now),
                    }
                    for known in deviations
                ],
            }


def _rubles(minor: int) -> str:
    return f"{minor // 100}.{minor % 100:02d}"
