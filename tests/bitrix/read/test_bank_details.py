"""Bank accounts of requisites, read over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from stavbill.bitrix.budget import Limits
from stavbill.bitrix.limiter import Limiter, MemoryBudgetState
from stavbill.bitrix.read.banks import bank_details
from stavbill.bitrix.read.chain import BulkReader
from stavbill.plan.records import BankDetail
from tests.bitrix.clocks import VirtualClock
from tests.sandbox.portal.serving import Served, served

RUSSIAN = {
    "RQ_BANK_NAME": "АО «Банк Примерный»",
    "RQ_BIK": "040000123",
    "RQ_ACC_NUM": "40702810000000000001",
    "RQ_COR_ACC_NUM": "30101810000000000123",
    "RQ_ACC_CURRENCY": "RUB",
}
KAZAKH = {"RQ_BANK_NAME": "АО «Банк Образцовый»", "RQ_BIC": "EXKZKZKA", "COUNTRY_ID": "6"}


@asynccontextmanager
async def reading(portal: Served) -> AsyncIterator[BulkReader]:
    clock = VirtualClock()
    limiter = Limiter(limits=Limits(), clock=clock, state=MemoryBudgetState())
    async with BulkReader(portal.url, limiter=limiter, clock=clock) as bulk:
        yield bulk


async def found(portal: Served, *only: int) -> list[BankDetail]:
    async with reading(portal) as bulk:
        return [each async for chunk in bank_details(bulk, only) for each in chunk]


async def test_a_russian_account_is_read_with_all_its_fields() -> None:
    async with served() as portal:
        requisite = portal.seed.papers.requisite(100, "Организация", {"RQ_INN": "2600000001"})
        detail = portal.seed.papers.bank_detail(requisite, "Расчётный", RUSSIAN)

        assert await found(portal) == [
            BankDetail(
                detail=detail,
                requisite=requisite,
                bank="АО «Банк Примерный»",
                bic="040000123",
                account="40702810000000000001",
                correspondent="30101810000000000123",
                currency="RUB",
                active=True,
            )
        ]


@pytest.mark.parametrize("field", ["RQ_IIK", "RQ_IBAN", "RQ_ACC_NUM"])
async def test_an_account_elsewhere_is_found_under_its_own_name(field: str) -> None:
    async with served() as portal:
        requisite = portal.seed.papers.requisite(100, "ТОО", {"RQ_BIN": "000000000001"})
        portal.seed.papers.bank_detail(requisite, "Счёт", KAZAKH | {field: " KZ00 "})
        (detail,) = await found(portal)

        assert (detail.bic, detail.account, detail.currency) == ("EXKZKZKA", "KZ00", "")


async def test_an_account_that_is_switched_off_says_so() -> None:
    async with served() as portal:
        requisite = portal.seed.papers.requisite(100, "Организация", {})
        portal.seed.papers.bank_detail(requisite, "Старый счёт", RUSSIAN | {"ACTIVE": "N"})

        assert [detail.active for detail in await found(portal)] == [False]


async def test_only_the_accounts_of_the_requisites_asked_for() -> None:
    async with served() as portal:
        papers = portal.seed.papers
        first, second, third = (papers.requisite(100, f"{n}", {}) for n in range(3))
        for requisite in (first, second, third, first):
            papers.bank_detail(requisite, "Счёт", RUSSIAN)

        asked = [detail.requisite for detail in await found(portal, first, third)]
        assert asked == [first, third, first]


async def test_a_list_of_many_pages_is_read_whole_in_two_requests() -> None:
    async with served() as portal:
        requisite = portal.seed.papers.requisite(100, "Организация", {})
        made = [portal.seed.papers.bank_detail(requisite, f"{n}", RUSSIAN) for n in range(2_510)]
        async with reading(portal) as bulk:
            read = [each.detail async for chunk in bank_details(bulk) for each in chunk]

            assert read == made
            assert bulk.requests == 2
