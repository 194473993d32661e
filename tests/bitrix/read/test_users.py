"""Employees of the portal, read over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from stavbill.bitrix.budget import Limits
from stavbill.bitrix.limiter import Limiter, MemoryBudgetState
from stavbill.bitrix.read.chain import BulkReader
from stavbill.bitrix.read.users import users
from stavbill.errors import PortalError
from stavbill.plan.effects import UserId
from stavbill.plan.records import PortalUser
from tests.bitrix.clocks import VirtualClock
from tests.sandbox.portal.serving import Served, served

ADMIN = PortalUser(UserId(1), "Песочницы Админ", active=True)


@asynccontextmanager
async def reading(portal: Served, url: str = "") -> AsyncIterator[BulkReader]:
    clock = VirtualClock()
    limiter = Limiter(limits=Limits(), clock=clock, state=MemoryBudgetState())
    async with BulkReader(url or portal.url, limiter=limiter, clock=clock) as bulk:
        yield bulk


async def found(portal: Served, *only: UserId) -> list[PortalUser]:
    async with reading(portal) as bulk:
        return [each async for chunk in users(bulk, only) for each in chunk]


async def test_users_bear_their_whole_name_and_whether_they_still_work() -> None:
    async with served() as portal:
        user = portal.seed.user("Вера", "Выдуманная", id_=7)
        record = portal.portal.state.users.records[user]
        portal.portal.state.users.put(user, record | {"SECOND_NAME": "Вадимовна", "ACTIVE": False})

        gone = PortalUser(UserId(7), "Выдуманная Вера Вадимовна", active=False)
        assert await found(portal) == [ADMIN, gone]


async def test_only_the_users_asked_for_and_none_for_an_unknown_id() -> None:
    async with served() as portal:
        for number in (7, 8):
            portal.seed.user(f"{number}", "Выдуманный", id_=number)

        assert [user.user for user in await found(portal, UserId(8), UserId(99))] == [8]
        assert await found(portal, UserId(99)) == []


@pytest.mark.parametrize(("many", "requests"), [(50, 1), (51, 2), (120, 2), (2_600, 3)])
async def test_every_page_is_read_once(many: int, requests: int) -> None:
    async with served() as portal:
        for number in range(2, many + 1):
            portal.seed.user(f"{number}", "Выдуманный", id_=number)
        async with reading(portal) as bulk:
            read = [each.user async for chunk in users(bulk) for each in chunk]

            assert read == list(range(1, many + 1))
            assert bulk.requests == requests


async def test_a_webhook_without_the_permission_is_told_which_one() -> None:
    async with served() as portal:
        narrow = portal.portal.add_webhook(scopes=frozenset({"crm"}))
        async with reading(portal, portal.host + narrow.path) as bulk:
            with pytest.raises(PortalError, match="право user"):
                [chunk async for chunk in users(bulk)]
