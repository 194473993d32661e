"""An installation against a sandbox: set up, changed by a stranger, examined."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from stavbill.app.doctor import examine
from stavbill.app.setup import SetupRequest, rediscover, set_up
from stavbill.sandbox.portal.limits import Limits
from stavbill.sandbox.serve import Sandbox, running_sandbox
from tests.bitrix.clocks import VirtualClock

MORNING = datetime(2026, 12, 10, 6, tzinfo=UTC)
NO_BRAKES = Limits(bucket_on=False, operating_on=False)


@dataclass
class Installation:
    """A sandbox, a folder for the settings, and the environment of every command."""

    sandbox: Sandbox
    directory: Path
    env: dict[str, str] = field(default_factory=dict)

    @property
    def config(self) -> Path:
        return self.directory / "stavbill.toml"

    @property
    def text(self) -> str:
        return self.config.read_text(encoding="utf-8")

    async def set_up(
        self, url: str | None = None, *, database_url: str = "", force: bool = False
    ) -> dict[str, Any]:
        request = SetupRequest(
            directory=self.directory,
            portal_url=self.sandbox.portal_url if url is None else url,
            wialon=tuple(f"{name}={at}" for name, at in self.sandbox.wialon_urls.items()),
            database_url=database_url,
            force=force,
        )
        return await set_up(request, self.env, self.sandbox.clock)

    async def rediscover(self) -> dict[str, Any]:
        return await rediscover(self.config, self.env, self.sandbox.clock)

    async def examine(self) -> dict[str, Any]:
        return await examine(self.config, self.env, self.sandbox.clock)

    async def failures(self) -> dict[str, tuple[str, str]]:
        """Examine; give text and fix of every check that failed."""
        return of_status("fail", await self.examine())

    def field_id(self, label: str) -> int:
        """Find a user field of the portal by the beginning of its label."""
        return next(
            int(record["ID"])
            for record in self.sandbox.portal.state.userfields
            if record["LABEL"].startswith(label)
        )

    def change_field(self, label: str, **new: object) -> str:
        """Change a field as an administrator does; give its code."""
        fields = self.sandbox.portal.state.userfields
        record = fields.records[self.field_id(label)]
        fields.put(record["ID"], record | new)
        self.sandbox.portal.state.userfields_version += 1
        return str(record["FIELD_NAME"])

    def remove_field(self, label: str) -> str:
        """Remove a field; give its code."""
        code = self.change_field(label)
        self.sandbox.portal.state.userfields.remove(self.field_id(label))
        return code


def of_status(status: str, document: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Give text and fix of the checks with this status, by name."""
    return {
        check["name"]: (check["text"], check["fix"])
        for check in document["checks"]
        if check["status"] == status
    }


@asynccontextmanager
async def installation(directory: Path) -> AsyncIterator[Installation]:
    """Serve a small world; the environment knows the webhook and the tokens.

    Nobody waits: on the one clock of product and world, sleeping is what makes time go on.
    """
    clock = VirtualClock(MORNING)
    async with running_sandbox(companies=8, clock=clock, limits=NO_BRAKES) as sandbox:
        env = {str(key): str(text) for key, text in _environment(sandbox).items()}
        yield Installation(sandbox, directory / "billing", env)


def _environment(sandbox: Sandbox) -> dict[str, object]:
    found = sandbox.ready()["environment"]
    assert isinstance(found, dict)
    return found
