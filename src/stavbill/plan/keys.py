"""Business keys: the deterministic texts by which our writes are found again.

Source: portal page, «Written»; billing rules §3.
"""

from __future__ import annotations

import hashlib
import re

from stavbill.billing.facts import CompanyId, InvoiceKey, ServiceCode
from stavbill.billing.period import Month, ServicePeriod
from stavbill.plan.effects import EffectKey

# Keys of tasks that tell why a company is parked begin so: they alone are written for such a one.
PARKING_PREFIX = "parked:"
# Keys of the marks that an installation puts on its portal; the mark's token follows.
MARK_PREFIX = "installation:"
INVOICE_KEY = re.compile(
    r"stavbill:(?P<company>\d+):(?P<services>[a-z0-9_+-]+):(?P<year>\d{4})-(?P<month>\d{2})"
    r":(?P<months>\d+):(?P<issuer>[a-z0-9_-]+):(?P<issue>\d+)"
)


def format_invoice_key(key: InvoiceKey) -> EffectKey:
    """Return the text that stands in an invoice's external-id field.

    `stavbill:21645:subscription+fuel:2027-01:1:avtotreker-rf:1`.
    """
    services = "+".join(key.services)
    period = f"{key.period.first.code}:{key.period.months}"
    return EffectKey(f"stavbill:{key.company}:{services}:{period}:{key.issuer}:{key.issue}")


def parse_invoice_key(text: str | None) -> InvoiceKey | None:
    """Return the key in an external-id field, None when it is not one of ours."""
    found = INVOICE_KEY.fullmatch(text or "")
    if found is None or not 1 <= int(found["month"]) <= 12:  # noqa: PLR2004  months of a year
        return None
    months, issue = int(found["months"]), int(found["issue"])
    if months < 1 or issue < 1:
        return None
    return InvoiceKey(
        company=CompanyId(int(found["company"])),
        services=tuple(ServiceCode(code) for code in found["services"].split("+")),
        period=ServicePeriod(Month(int(found["year"]), int(found["month"])), months),
        issuer=found["issuer"],
        issue=issue,
    )


def short_mark(key: str) -> str:
    """Return the short mark of `key` that stands at the end of a text: «[sb:1f0c9a2b7d]»."""
    return f"[sb:{hashlib.sha256(key.encode()).hexdigest()[:10]}]"
