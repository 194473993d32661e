"""A restored database: compared with the world, and taken up to it.

Source: beyond 15; docs/decisions/015-a-restored-copy-waits.md.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from stavbill.app.build import open_parts
from stavbill.app.mail import WithoutDocuments, open_mail
from stavbill.operations.present import Document
from stavbill.operations.restoring import adopt_world, compare_restored
from stavbill.settings import load_settings


async def compare(config: Path, env: Mapping[str, str] | None = None) -> Document:
    """Return what the portal has and the database lacks; raises as `compare_restored`."""
    async with open_parts(config, env) as parts:
        return await compare_restored(parts)


async def adopt(config: Path, *, who: str, env: Mapping[str, str] | None = None) -> Document:
    """Take over what stands in the portal and go on; raises as `adopt_world`."""
    known = os.environ if env is None else env
    settings = load_settings(config, known)
    sends = bool(settings.toml.mail.senders or settings.toml.whatsapp.instance)
    async with open_parts(config, known) as parts:
        if not sends:
            return await adopt_world(parts, None, who=who)
        async with open_mail(settings, WithoutDocuments()) as mail:
            return await adopt_world(parts, mail, who=who)
