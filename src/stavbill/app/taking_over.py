"""Taking a portal over: from now on this database writes to it, and no other.

Source: beyond 15; docs/decisions/012-one-portal-one-store.md.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from stavbill.app.build import open_parts
from stavbill.operations.reading import learn_portal

Document = dict[str, Any]


async def take_portal_over(config: Path, *, who: str) -> Document:
    """Raise the epoch and put our mark on the portal; return whose it was and whose it is.

    Raises `PortalError` when the portal cannot be asked or written to, `WritingStoppedError` when
    another flag forbids writing, and `NotOurPortalError` when somebody else was quicker.
    """
    async with open_parts(config) as parts:
        portal = await learn_portal(parts)
        taken = await parts.guard_for(portal.shape).take_over(who=who)
        return {
            "portal": parts.portal,
            "changed": taken.changed,
            "was": taken.was,
            "installation": taken.installation.id,
            "epoch": taken.installation.epoch,
        }
