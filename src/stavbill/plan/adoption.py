"""An invoice that stands in the portal under our key, as an effect that we do not remember.

Source: beyond 15 («restore»).
"""

from __future__ import annotations

from dataclasses import replace

from stavbill.billing.decision import InvoiceDraft, InvoiceLine
from stavbill.billing.facts import InvoiceState, OwnCompanyId
from stavbill.billing.money import Currency, Money
from stavbill.billing.policy import Policy
from stavbill.billing.vat import rate_on, vat_included
from stavbill.plan.effects import InvoiceStage, PutInvoice
from stavbill.plan.keys import format_invoice_key, parse_invoice_key
from stavbill.plan.records import InvoiceRecord


def adopted_invoice(
    record: InvoiceRecord, policy: Policy, contract_number: str
) -> PutInvoice | None:
    """Return the effect that made this invoice, as far as the portal shows it.

    None when the key, the currency or the rows are not such as we write: a person looks at it.
    Source: beyond 15.
    """
    key = parse_invoice_key(record.external_id)
    currency = next((one for one in Currency if one.value == record.currency), None)
    if key is None or currency is None or record.begins is None or not record.issued.rows:
        return None
    rule = next((one for one in policy.rules if one.code == key.issuer), None)
    month = key.period.first
    percent = rate_on(rule.vat, month.first_day) if rule is not None else None
    if any(row.quantity != row.quantity.to_integral_value() for row in record.issued.rows):
        return None
    zero = Money.zero(currency)
    bare = [
        InvoiceLine(
            service=key.services[0],
            month=month,
            name=row.name,
            quantity=int(row.quantity),
            price=Money.of(row.price, currency),
            credit=zero,
            vat_percent=percent,
            vat=zero,
        )
        for row in record.issued.rows
    ]
    lines = tuple(replace(line, vat=vat_included(line.total, percent)) for line in bare)
    if sum(line.total.minor for line in lines) != Money.of(record.total, currency).minor:
        return None
    own = record.own_company or (rule.own_company if rule is not None else None)
    draft = InvoiceDraft(
        key=key,
        title=record.issued.title,
        own_company=own or OwnCompanyId(0),
        issuer=rule.issuer if rule is not None else key.issuer,
        currency=currency,
        contract_number=contract_number,
        issued=record.begins,
        pay_by=record.ends or record.begins,
        lines=lines,
    )
    return PutInvoice(
        key=format_invoice_key(key),
        company=record.company,
        draft=draft,
        comment="",
        stage=InvoiceStage.NEW,
        responsible=None,
    )


def is_wanted(record: InvoiceRecord) -> bool:
    """Say whether a customer may still be sent this invoice.

    Source: beyond 15.
    """
    return record.issued.state is InvoiceState.LIVE
