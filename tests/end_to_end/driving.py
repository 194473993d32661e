"""A sandbox that is served, and an installation beside it, as `init` makes it."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from stavbill.app.build import open_parts
from stavbill.app.setup import SetupRequest, set_up
from stavbill.operations.month import run_month
from stavbill.operations.month_steps import MonthRequest
from stavbill.operations.parts import Parts
from stavbill.operations.report import RunReport
from stavbill.sandbox.portal import dump
from stavbill.sandbox.portal.limits import Limits
from stavbill.sandbox.portal.switches import Switches
from stavbill.sandbox.serve import Sandbox, running_sandbox
from stavbill.wialon.connection import token_variable
from tests.bitrix.clocks import VirtualClock

DAY = date(2026, 12, 10)
SCALE = 120.0
# What only an accountant knows, and no invoice in tenge is printed without.
CODES = '\n[[documents.issuers]]\nissuer = "ps-kz"\npurpose_code = "851"\n'
FREE = Limits(bucket_on=False, operating_on=False)


@dataclass(frozen=True, slots=True)
class Installation:
    """A sandbox with the environment and the configuration of an installation."""

    sandbox: Sandbox
    config: Path
    env: dict[str, str]

    @property
    def day(self) -> date:
        """The day of the portal's world, which is everybody's."""
        return self.sandbox.world.as_of

    @asynccontextmanager
    async def parts(self) -> AsyncIterator[Parts]:
        """Give a process's parts in this process; they share a clock that is turned by hand."""
        clock = self.sandbox.clock if isinstance(self.sandbox.clock, VirtualClock) else None
        async with open_parts(self.config, self.env, clock) as parts:
            yield parts

    async def run(self, **words: object) -> RunReport:
        """Run the month of the world's day, answering yes."""
        request = MonthRequest(**{"on": self.day, "yes": True, **words})  # type: ignore[arg-type]
        async with self.parts() as parts:
            return await run_month(parts, request)

    def end_state(self) -> dict[str, object]:
        """Return what the portal holds, without ids, times and ports that differ between runs."""
        self.sandbox.portal.settle(everything=True)
        text = json.dumps(dump.everything(self.sandbox.portal.state), default=str)
        state: dict[str, object] = json.loads(re.sub(r"127\.0\.0\.1:\d+", "host", text))
        return state

    def writes(self) -> list[str]:
        """Return the writing methods that the portal was asked for."""
        told = ("add", "set", "update", "complete", "renew", "delete")
        return [
            call.method
            for call in self.sandbox.portal.calls
            if call.method.rpartition(".")[2] in told
        ]


@asynccontextmanager
async def installed(
    directory: Path,
    *,
    companies: int = 200,
    seed: int = 42,
    scale: float = SCALE,
    day: date = DAY,
    clock: VirtualClock | None = None,
    switches: Switches | None = None,
) -> AsyncIterator[Installation]:
    """Serve a world of `day` and set an installation up against it, on one clock for both.

    It runs `scale` times as fast, or is `clock`.
    """
    async with running_sandbox(
        companies=companies,
        seed=seed,
        as_of=day,
        clock=clock,
        time_scale=scale,
        limits=FREE,
        switches=switches,
    ) as sandbox:
        env = {
            "STAVBILL_PORTAL_URL": sandbox.webhook,
            # Every process and every part has the portal's day and time, as in one world.
            **sandbox.time(),
            **{token_variable(name): token for name, token in sandbox.tokens.items()},
        }
        wialon = tuple(f"{name}={url}" for name, url in sandbox.wialon_urls.items())
        await set_up(SetupRequest(directory=directory, wialon=wialon), env)
        config = directory / "stavbill.toml"
        with config.open("a", encoding="utf-8") as settings:
            settings.write(CODES)
        yield Installation(sandbox, config, env)
