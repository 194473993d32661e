"""What the portal is told: once, in words that stay, and never over what a person did since."""

from __future__ import annotations

from pathlib import Path

import pytest

from stavbill.operations import telling
from stavbill.operations.parts import Parts
from stavbill.store.runs import RunId
from tests.delivery.office import invoice_row, opened, put_invoice, stage_of


async def _dies(_parts: Parts, _journal: object, _run: RunId) -> None:
    msg = "killed here"
    raise RuntimeError(msg)


async def test_a_telling_finished_later_leaves_a_paid_invoice_paid(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path) as office:
        with monkeypatch.context() as killed:
            killed.setattr(telling, "_apply", _dies)
            with pytest.raises(RuntimeError, match="killed here"):
                await office.send()
        before = put_invoice(office, 101, stageId=stage_of(office, "S"))
        put_invoice(office, 102, stageId=stage_of(office, "F"))
        await office.send()
        office.installation.sandbox.portal.settle(everything=True)
        assert invoice_row(office, 101)["stageId"] == stage_of(office, "S")
        assert invoice_row(office, 102)["stageId"] == stage_of(office, "F")
        others = {
            stage for stage in office.stages() if stage not in {stage_of(office, c) for c in "SF"}
        }
        assert before["stageId"] not in others
        assert (await office.send())["told"] == 0
