"""Several lists in one request, whoever of them is long."""

from __future__ import annotations

import pytest

from stavbill.bitrix.batch import Command
from stavbill.bitrix.read.chain import ListSpec
from stavbill.sandbox.portal.faults import Fault, Trouble
from tests.bitrix.read.test_users import reading
from tests.sandbox.portal.serving import served


def spec(wanted: int) -> ListSpec:
    """Return the list of the companies from one of several sources."""
    return ListSpec("crm.company.list", {"filter": {"=ORIGIN_ID": f"{wanted}"}, "select": ["ID"]})


@pytest.mark.parametrize(
    ("sizes", "requests"),
    [
        pytest.param((0, 0, 0), 1, id="all are empty"),
        pytest.param((3, 0, 49), 1, id="all are short"),
        pytest.param((3, 50, 2), 2, id="one might have more"),
        pytest.param((130, 1, 60), 3, id="two have more"),
    ],
)
async def test_every_row_of_every_list_is_read_once(sizes: tuple[int, ...], requests: int) -> None:
    async with served() as portal:
        wanted = [
            portal.seed.company(f"ООО {place}-{number}", {"ORIGIN_ID": f"{place}"})
            for place, size in enumerate(sizes, 1)
            for number in range(size)
        ]
        async with reading(portal) as bulk:
            specs = [spec(place) for place in range(1, len(sizes) + 1)]
            found = [int(str(row["ID"])) async for rows in bulk.short(specs) for row in rows]
            assert found == wanted
            assert bulk.requests == requests


@pytest.mark.parametrize("code", ["OPERATION_TIME_LIMIT", "query_limit_exceeded"])
async def test_a_command_that_met_a_limit_is_asked_again(code: str) -> None:
    async with served(companies=2) as portal:
        limit = Fault(Trouble.REFUSED, nth=(2,), status=429, code=code)
        portal.portal.faults.switch(limit)
        async with reading(portal) as bulk:
            asked = {"one": Command("crm.company.list"), "two": Command("profile")}
            found = await bulk.batch(asked)
            assert found.keys() == {"one", "two"}
            assert bulk.requests == 2


@pytest.mark.parametrize("nth", [(1,), (2,), (3,), (1, 2), (2, 5)])
async def test_a_chain_goes_on_from_the_page_that_met_a_limit(nth: tuple[int, ...]) -> None:
    async with served(companies=0) as portal:
        wanted = [portal.seed.company(f"ООО {n}", {"ORIGIN_ID": "1"}) for n in range(170)]
        limit = Fault(Trouble.OPERATION_TIME, nth=nth, methods=("crm.company.list",))
        portal.portal.faults.switch(limit)
        async with reading(portal) as bulk:
            found = [int(str(row["ID"])) async for rows in bulk.rows(spec(1)) for row in rows]
            assert found == wanted
