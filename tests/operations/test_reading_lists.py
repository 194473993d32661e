"""Lists that are read at the same time: all of them, or none."""

from __future__ import annotations

import asyncio

import pytest

from stavbill.errors import PortalError
from stavbill.operations.reading import _all_or_none


async def test_a_list_that_fails_leaves_no_other_behind() -> None:
    """What it would put later, the next reading would forget: nobody would have requisites."""
    put: list[str] = []

    msg, never = "OVERLOAD_LIMIT", asyncio.Event()

    async def fails() -> int:
        await asyncio.sleep(0)
        raise PortalError(msg)

    async def slow() -> int:
        await never.wait()
        put.append("requisites")
        return 1

    with pytest.raises(PortalError):
        await _all_or_none(slow(), fails())
    assert len(asyncio.all_tasks()) == 1
    assert put == []
