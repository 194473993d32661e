"""An invoice of which the portal took the item and declined the rows: finished after a release."""

from __future__ import annotations

from pathlib import Path

from stavbill.app.build import open_parts
from stavbill.operations.parking import release_company
from stavbill.sandbox.portal import dump
from stavbill.sandbox.portal.faults import Fault, Trouble
from stavbill.sandbox.world.verdict import differences
from stavbill.store.parking import parked_companies
from tests.end_to_end.driving import Installation, installed


def without_rows(place: Installation) -> list[str]:
    """Return our invoices that bear no row."""
    return [
        str(each["xmlId"])
        for each in dump.invoices(place.sandbox.portal.state)
        if str(each["xmlId"] or "").startswith("stavbill:") and not each["rows"]
    ]


async def test_declined_rows_are_written_after_a_person_released_the_company(
    tmp_path: Path,
) -> None:
    async with installed(tmp_path, companies=40) as place:
        declined = Fault(Trouble.REFUSED, rate=1.0, times=1, methods=("crm.item.productrow.set",))
        place.sandbox.portal.faults.switch(declined)
        await place.run()
        place.sandbox.portal.faults.switch()
        (key,) = without_rows(place)
        company = int(key.split(":")[1])
        async with open_parts(place.config, place.env) as parts:
            with parts.store.read() as db:
                assert [int(one.company) for one in parked_companies(db, parts.portal)] == [company]
            assert release_company(parts, company, "Петрова")["released"]
        await place.run()
        assert without_rows(place) == []
        found = [
            each for each in place.sandbox.portal.state.invoices if str(each.get("xmlId")) == key
        ]
        assert len(found) == 1
        assert found[0]["opportunity"] > 0
        told = differences(place.sandbox.world, dump.everything(place.sandbox.portal.state))
        assert not [line for line in told if line.startswith(f"{company} ") and "invoice" in line]
