"""What ids stand for: titles of companies, and the employees who answer for them.

Employees are read seldom and kept beside the mirror: nothing but what people are shown depends on
their names. Source: operations page, «Observability».
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from stavbill.billing.decision import Bill, Decision
from stavbill.billing.facts import CompanyId
from stavbill.errors import PortalError
from stavbill.log import get_logger
from stavbill.operations.parts import Parts
from stavbill.operations.present import Document
from stavbill.plan.effects import UserId
from stavbill.plan.join import CompanyRecords
from stavbill.plan.keys import format_invoice_key
from stavbill.store.control import SharedText
from stavbill.store.lookup import headings_of

# One request for the employees of a portal; their names seldom change.
LASTS = timedelta(days=7)
log = get_logger()


async def learn_names(parts: Parts) -> None:
    """Read the portal's employees, unless they were read lately; a refusal is only logged."""
    kept = _kept(parts)
    if parts.now() - datetime.fromisoformat(str(kept["read"])) < LASTS:
        return
    try:
        found = [user async for chunk in parts.reader.users() for user in chunk]
    except PortalError as trouble:
        log.warning("names_not_read", error=type(trouble).__name__, code=trouble.code)
        return
    names = {str(int(user.user)): user.name for user in found}
    text = json.dumps({"read": parts.now().isoformat(), "names": names}, ensure_ascii=False)
    _shared(parts).change(lambda _: text)


def named(parts: Parts, rows: Iterable[Mapping[str, object]]) -> list[Document]:
    """Return rows about companies with `title` and `responsible` (id and name) beside the id."""
    known = [dict(row) for row in rows]
    ids = {CompanyId(int(str(row["company"]))) for row in known}
    headings = companies_named(parts, sorted(ids))
    return [row | headings[int(str(row["company"]))] for row in known]


def companies_named(parts: Parts, companies: Sequence[CompanyId]) -> dict[int, Document]:
    """Return title and responsible of companies; of those not known, without them."""
    with parts.store.read() as db:
        known = headings_of(db, parts.portal, companies)
    names = _kept(parts)["names"]
    names = names if isinstance(names, dict) else {}
    told: dict[int, Document] = {}
    for company in companies:
        title, user = known.get(company, ("", None))
        told[int(company)] = {"title": title, "responsible": _responsible(user, names)}
    return told


def issued_invoices(decision: Decision, known: CompanyRecords | None) -> list[Document]:
    """Return id and number of those invoices of a decision that the portal had at last reading."""
    drafts = decision.drafts if isinstance(decision, Bill) else ()
    keys = {str(format_invoice_key(draft.key)) for draft in drafts}
    return [
        {"key": record.external_id, "id": int(record.issued.invoice), "number": record.number}
        for record in (known.invoices if known is not None else ())
        if record.external_id in keys
    ]


def _responsible(user: UserId | None, names: Mapping[str, object]) -> Document | None:
    if user is None:
        return None
    return {"id": int(user), "name": str(names.get(str(int(user)), ""))}


def _shared(parts: Parts) -> SharedText:
    return SharedText(parts.store, f"employees:{parts.portal}")


def _kept(parts: Parts) -> dict[str, object]:
    text = _shared(parts).read()
    kept: dict[str, object] = json.loads(text) if text else {}
    return {"read": "1970-01-01T00:00:00+00:00", "names": {}} | kept
