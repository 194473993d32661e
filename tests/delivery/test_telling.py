"""What the portal is told: once, in words that stay, and never over what a person did since."""

from __future__ import annotations

from pathlib import Path

import pytest

from stavbill.sandbox.portal.faults import Fault, Trouble
from tests.delivery.office import invoice_row, opened, put_invoice, stage_of


@pytest.mark.parametrize("by_month", [False, True], ids=["by the next pass", "by a month's run"])
async def test_a_telling_finished_later_leaves_a_paid_invoice_paid(
    tmp_path: Path, *, by_month: bool
) -> None:
    async with opened(tmp_path) as office:
        portal = office.installation.sandbox.portal
        lost = Fault(
            Trouble.ERROR_BEFORE,
            rate=1.0,
            methods=("crm.item.update",),
            status=401,
            code="insufficient_scope",
        )
        portal.faults.switch(lost)
        assert "portal" in (await office.send())["troubles"]
        portal.faults.switch()
        before = put_invoice(office, 101, stageId=stage_of(office, "S"))
        put_invoice(office, 102, stageId=stage_of(office, "F"))
        # The quiet time of what was refused for want of a permission, which may be a proxy's word.
        await office.parts.clock.sleep(100)
        if by_month:
            await office.installation.run()
        await office.send()
        portal.settle(everything=True)
        assert invoice_row(office, 101)["stageId"] == stage_of(office, "S")
        assert invoice_row(office, 102)["stageId"] == stage_of(office, "F")
        others = {
            stage for stage in office.stages() if stage not in {stage_of(office, c) for c in "SF"}
        }
        assert before["stageId"] not in others
        assert (await office.send())["told"] == 0
