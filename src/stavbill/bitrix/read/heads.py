"""How some invoices stand right now, and the portal's own pages where they can be paid.

Source: Bitrix24 reference 4.1 (`@id`), 6.3 (stages), 6.7 (payments and pay link).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from stavbill.bitrix.batch import Command, CommandResult
from stavbill.bitrix.gateway import Gateway
from stavbill.bitrix.write.invoice_list import INVOICE_TYPE
from stavbill.bitrix.write.steps import ask, ask_each, chunks
from stavbill.bitrix.write.values import id_at, rows_at, text_at

PAGE = 50
SELECT = ("id", "stageId", "accountNumber", "xmlId")


@dataclass(frozen=True, slots=True)
class InvoiceHead:
    """An invoice's stage code, its number as people know it, and its external id."""

    stage: str
    number: str
    external_id: str


async def read_heads(gateway: Gateway, invoices: Collection[int]) -> dict[int, InvoiceHead]:
    """Return how invoices stand, by id; one that is gone is absent. 2,500 take one request.

    Raises `PortalError` when the portal cannot be asked.
    """
    groups = dict(enumerate(chunks(sorted(set(invoices)), PAGE)))
    commands = {
        f"h{place}": Command(
            "crm.item.list",
            {
                "entityTypeId": INVOICE_TYPE,
                "select": SELECT,
                "filter": {"@id": list(group)},
                "order": {"id": "ASC"},
                "start": -1,
            },
        )
        for place, group in groups.items()
    }
    heads: dict[int, InvoiceHead] = {}
    for result in (await ask(gateway, commands)).values():
        for row in rows_at(result.value, "items"):
            invoice = id_at(row, "id")
            if invoice is not None:
                heads[invoice] = InvoiceHead(
                    text_at(row, "stageId"), text_at(row, "accountNumber"), text_at(row, "xmlId")
                )
    return heads


async def read_pay_links(gateway: Gateway, invoices: Collection[int]) -> Mapping[int, str]:
    """Return the portal's public payment pages of those invoices that have one.

    An invoice has one when somebody made a payment of it in the portal that is not paid yet. A
    portal without the scope `salescenter` has none. Two commands for each invoice.
    """
    asked = {
        f"p{invoice}": Command(
            "crm.item.payment.list", {"entityTypeId": INVOICE_TYPE, "entityId": invoice}
        )
        for invoice in sorted(set(invoices))
    }
    payments: dict[int, int] = {}
    for key, result in (await ask_each(gateway, asked)).items():
        if isinstance(result, CommandResult):
            unpaid = [
                payment
                for row in rows_at(result.value)
                if row.get("paid") != "Y" and (payment := id_at(row, "id")) is not None
            ]
            if unpaid:
                payments[int(key[1:])] = max(unpaid)
    pages = await ask_each(
        gateway,
        {
            f"u{invoice}": Command("salescenter.payment.getPublicUrl", {"id": payment})
            for invoice, payment in payments.items()
        },
    )
    links = {
        int(key[1:]): text_at(result.value, "payment", "url")
        for key, result in pages.items()
        if isinstance(result, CommandResult)
    }
    return {invoice: link for invoice, link in links.items() if link.startswith("https://")}
