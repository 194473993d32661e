"""A partner's annex in money, or the reason why it is in units alone.

Source: billing rules §6; delivery page.
"""

from __future__ import annotations

from dataclasses import replace

from stavbill.billing.annex import AnnexPrices, AnnexProblem, annex_prices
from stavbill.billing.decision import InvoiceDraft
from stavbill.billing.money import Money
from stavbill.documents.invoice import AnnexRow, AnnexSums, InvoiceDocument

CORRECTED = "Суммы по учетным записям не указаны: строки счета исправлены после выставления."
WHOLE = "Суммы по учетным записям за весь период счета, месяцев: {months}."
WHY = {
    AnnexProblem.COUNT_DIFFERS: (
        "Суммы по учетным записям не указаны: количество в строках счета не совпадает с числом "
        "объектов в Wialon."
    ),
    AnnexProblem.SEVERAL_PRICES: (
        "Суммы по учетным записям не указаны: в тарифе несколько цен, и они не отнесены к "
        "учетным записям."
    ),
}


def with_annex_sums(
    document: InvoiceDocument, draft: InvoiceDraft, *, as_written: bool
) -> InvoiceDocument:
    """Return the document with what each account costs, else with a note that says why not.

    `as_written` says that its rows are those of the draft: only then do sums add up to them.
    """
    prices = annex_prices(draft) if as_written else None
    match prices:
        case None:
            return replace(document, annex_note=CORRECTED)
        case AnnexProblem() as problem:
            return replace(document, annex_note=WHY[problem])
        case AnnexPrices():
            rows = tuple(
                AnnexRow(
                    account=client.account,
                    active=client.active,
                    conserved=client.conserved,
                    price=prices.active,
                    conserved_price=prices.conserved,
                    total=prices.of(client),
                )
                for client in draft.annex
            )
            note = WHOLE.format(months=prices.months) if prices.months > 1 else ""
            return replace(document, annex=rows, annex_sums=_sums(prices, draft), annex_note=note)


def _sums(prices: AnnexPrices, draft: InvoiceDraft) -> AnnexSums:
    currency, counted = draft.currency, draft.key.services[0]
    accounts = Money(sum(prices.of(client).minor for client in draft.annex), currency)
    others = sum(line.gross.minor for line in draft.lines if line.service != counted)
    return AnnexSums(accounts, draft.gross - draft.total, Money(others, currency))
