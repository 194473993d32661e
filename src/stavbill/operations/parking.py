"""Releasing a parked company: a person has looked and takes it on.

Source: beyond 3.
"""

from __future__ import annotations

from stavbill.billing.facts import CompanyId
from stavbill.operations.parts import Parts
from stavbill.operations.present import Document
from stavbill.store.claims import reopen_begun
from stavbill.store.parking import release


def release_company(parts: Parts, company: int, by: str) -> Document:
    """Take a company off parking; what is still contradictory parks it again at the next run.

    An invoice whose rows the portal declined gets them at the next run.
    """
    with parts.store.write() as db:
        released = release(db, parts.portal, CompanyId(company), who=by, at=parts.now())
        if released:
            reopen_begun(db, parts.portal, CompanyId(company), at=parts.now())
    return {"company": company, "released": released, "by": by}
