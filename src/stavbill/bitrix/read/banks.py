"""Bank accounts of requisites, by the chain of ids.

Source: Bitrix24 reference 5.6 (b24restdocs: api-reference/crm/requisites/bank-detail).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from stavbill.bitrix.batch import Json, Param
from stavbill.bitrix.read.chain import BulkReader, ListSpec
from stavbill.bitrix.write.values import id_at, text_at
from stavbill.plan.records import BankDetail

# The same thing bears another name in another country: БИК and BIC, account number, IIK and IBAN.
BIC = ("RQ_BIK", "RQ_BIC")
ACCOUNT = ("RQ_ACC_NUM", "RQ_IIK", "RQ_IBAN")
SELECT = (
    "ID", "ENTITY_ID", "ACTIVE", "RQ_BANK_NAME", "RQ_COR_ACC_NUM", "RQ_ACC_CURRENCY", *BIC, *ACCOUNT
)  # fmt: skip


async def bank_details(
    bulk: BulkReader, only: Sequence[int] = (), *, expected: int | None = None
) -> AsyncIterator[list[BankDetail]]:
    """Yield the bank details of the requisites `only`, else of all; one chunk for a request.

    `expected` is about how many there are. Raises `PortalError` as the bulk reader does.
    """
    params: dict[str, Param] = {"select": list(SELECT)}
    if only:
        params["filter"] = {"@ENTITY_ID": list(only)}
    spec = ListSpec("crm.requisite.bankdetail.list", params)
    async for rows in bulk.rows(spec, expected=expected):
        yield [found for row in rows if (found := bank_detail(row)) is not None]


def bank_detail(row: dict[str, Json]) -> BankDetail | None:
    """Return a bank detail, None for one that hangs on no requisite."""
    detail, requisite = id_at(row, "ID"), id_at(row, "ENTITY_ID")
    if detail is None or requisite is None:
        return None
    return BankDetail(
        detail=detail,
        requisite=requisite,
        bank=_first(row, ("RQ_BANK_NAME",)),
        bic=_first(row, BIC),
        account=_first(row, ACCOUNT),
        correspondent=_first(row, ("RQ_COR_ACC_NUM",)),
        currency=_first(row, ("RQ_ACC_CURRENCY",)),
        active=text_at(row, "ACTIVE") != "N",
    )


def _first(row: dict[str, Json], names: Sequence[str]) -> str:
    return next((text for name in names if (text := text_at(row, name).strip())), "")
