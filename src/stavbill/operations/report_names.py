"""A run's report for people: names beside ids, and the day when there will be something to send.

Source: operations page, «Observability».
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from stavbill.billing.decision import Decision
from stavbill.billing.due import next_sending_day
from stavbill.billing.facts import CompanyId
from stavbill.billing.policy import Policy
from stavbill.operations.names import companies_named
from stavbill.operations.parts import Parts
from stavbill.operations.reading import stored_policy
from stavbill.operations.report import RunReport
from stavbill.store.decisions import decisions_after
from stavbill.store.runs import RunId

Document = dict[str, Any]
CHUNK = 500
# The notes of a skipped company that name the day on which it will be billed.
DAYS = {"not_its_day": "day", "postponed": "until"}


def report_document(parts: Parts, report: RunReport) -> Document:
    """Return the report with names of companies and issuers.

    `names` are the companies that it speaks of, by id. `next_sending_day` is given when nothing is
    to be sent on the report's day.
    """
    policy, document = stored_policy(parts), report.document()
    document["finished"] = [_named(parts, policy, one) for one in report.finished]
    nothing = not report.counts.billed
    day = _next_day(parts, policy, report.run, report.on) if nothing else None
    return _named(parts, policy, document) | {"next_sending_day": day and day.isoformat()}


def _named(parts: Parts, policy: Policy, document: Mapping[str, Any]) -> Document:
    ids = {CompanyId(company) for company in _companies(document)}
    names = {str(company): one for company, one in companies_named(parts, sorted(ids)).items()}
    gate = document["gate"]
    deviations = _with_issuers(gate.get("deviations", ()), policy)
    issuers = {rule.code: rule.issuer for rule in policy.rules}
    return {
        **document,
        "names": names,
        "sums": [
            {**row, "name": issuers.get(row["issuer"], row["issuer"])} for row in document["sums"]
        ],
        "compared": _with_issuers(document["compared"], policy),
        "gate": {**gate, "deviations": deviations} if "deviations" in gate else gate,
    }


def _companies(document: Mapping[str, Any]) -> Iterator[int]:
    for name in ("parked", "failed", "violations"):
        yield from (int(row["company"]) for row in document[name])
    yield from document["changed_since_plan"]
    if document.get("company"):
        yield int(document["company"]["company"])


def _with_issuers(rows: Iterable[Mapping[str, Any]], policy: Policy) -> list[Document]:
    names = {rule.own_company: rule.issuer for rule in reversed(policy.rules)}
    return [
        {**row, "issuer": names.get(row["own_company"], f"юрлицо {row['own_company']}")}
        for row in rows
    ]


def _next_day(parts: Parts, policy: Policy, run: RunId | str, on: date) -> date:
    """Return the first day after `on` on which a company of the run, or any, is to be billed."""
    named = [day for decision in _skipped(parts, RunId(run)) for day in _days(decision)]
    return min((day for day in named if day > on), default=next_sending_day(on, policy))


def _skipped(parts: Parts, run: RunId) -> Iterator[Decision]:
    after = 0
    while True:
        with parts.store.read() as db:
            chunk = decisions_after(db, run, after=after, limit=CHUNK, kind="skip")
        if not chunk:
            return
        after = chunk[-1].company
        yield from (one.decision for one in chunk)


def _days(decision: Decision) -> Iterator[date]:
    for note in decision.explanation:
        values = dict(note.values)
        if note.code in DAYS and isinstance(text := values[DAYS[note.code]], str):
            yield date.fromisoformat(text)
