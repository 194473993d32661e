"""A month that was broken off and finished by somebody else is verified and reported like any."""

from __future__ import annotations

from pathlib import Path

import pytest

from stavbill.app.build import open_parts
from stavbill.errors import PortalError
from stavbill.operations.finishing import finish_earlier
from stavbill.operations.reading import learn_portal
from stavbill.sandbox.portal.faults import Fault, Trouble
from stavbill.store.control import Flag, raised_flags
from stavbill.store.parking import parked_companies
from stavbill.store.runs import Run, RunKind, RunState, latest_runs
from tests.end_to_end.driving import Installation, installed
from tests.end_to_end.people import ask, tasks

# The webhook has lost its right to tasks in the middle of the month.
NO_TASKS = Fault(
    Trouble.ERROR_BEFORE,
    rate=1.0,
    methods=("tasks.task.add",),
    status=401,
    code="insufficient_scope",
)


async def broken_off(place: Installation) -> None:
    """Begin the month, and lose it with all its invoices written and its tasks not."""
    place.sandbox.portal.faults.switch(NO_TASKS)
    with pytest.raises(PortalError):
        await place.run()
    place.sandbox.portal.faults.switch()
    assert ours(place)


def ours(place: Installation) -> list[dict[str, object]]:
    invoices = place.sandbox.portal.state.invoices
    return [each for each in invoices if str(each.get("xmlId") or "").startswith("stavbill:")]


async def months(place: Installation) -> tuple[Run, ...]:
    async with open_parts(place.config, place.env) as parts:
        with parts.store.read() as db:
            return latest_runs(db, parts.portal, kind=RunKind.MONTH)


async def test_a_month_that_the_next_run_finished_has_its_report(tmp_path: Path) -> None:
    async with installed(tmp_path, companies=40) as place:
        await broken_off(place)
        (begun,) = await months(place)
        assert begun.state is RunState.APPLYING
        assert (await place.run()).exit_code == 0
        _, finished = await months(place)
        assert (finished.run, finished.state) == (begun.run, RunState.DONE)
        told = finished.totals
        assert (told["state"], told["exit_code"]) == ("done", 0)
        assert told["written"]["put_invoice:done"] == len(ours(place))
        assert told["written"]["open_task:done"] > 0
        assert told["counts"] == begun.totals["counts"]
        assert "planned" not in told["outcomes"]


async def test_what_a_month_did_before_it_broke_off_is_verified(tmp_path: Path) -> None:
    async with installed(tmp_path, companies=40) as place:
        await broken_off(place)
        invoice = ours(place)[0]
        names = ("title", "companyId", "mycompanyId", "currencyId", "xmlId")
        fields = {name: invoice[name] for name in names}
        await ask(place, "crm.item.add", {"entityTypeId": 31, "fields": fields})
        async with open_parts(place.config, place.env) as parts:
            await finish_earlier(parts, await learn_portal(parts))
            with parts.store.read() as db:
                assert [one.flag for one in raised_flags(db, parts.portal)] == [Flag.VIOLATION]
                parked = [one.company for one in parked_companies(db, parts.portal)]
        company = invoice["companyId"]
        assert company in parked
        assert len(tasks(place, int(str(company)), "stavbill-parked")) == 1
        (stopped,) = await months(place)
        assert (stopped.state, stopped.totals["exit_code"]) == (RunState.STOPPED, 4)
