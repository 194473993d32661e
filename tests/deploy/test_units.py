"""Both units are confined, and the service works inside its confinement."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from tests.deploy.confined import allowed_calls, directives
from tests.end_to_end.driving import DAY, Installation, installed
from tests.support.waiting import until

ROOT = Path(__file__).resolve().parents[2]
UNITS = sorted((ROOT / "deploy" / "systemd").glob("*.service"))
MOST_EXPOSED = 2.0
# What `systemd-analyze security` weighs; looked at where that program is missing, too.
CONFINED = {
    "UMask": "0077",
    "ProtectSystem": "strict",
    "ProtectHome": "true",
    "PrivateTmp": "true",
    "PrivateDevices": "true",
    "DevicePolicy": "closed",
    "PrivateMounts": "true",
    "PrivateUsers": "true",
    "RemoveIPC": "true",
    "NoNewPrivileges": "true",
    "CapabilityBoundingSet": "",
    "AmbientCapabilities": "",
    "RestrictSUIDSGID": "true",
    "RestrictNamespaces": "true",
    "RestrictRealtime": "true",
    "LockPersonality": "true",
    "MemoryDenyWriteExecute": "true",
    "SystemCallArchitectures": "native",
    "ProtectClock": "true",
    "ProtectControlGroups": "true",
    "ProtectHostname": "true",
    "ProtectKernelLogs": "true",
    "ProtectKernelModules": "true",
    "ProtectKernelTunables": "true",
    "ProtectProc": "invisible",
    "ProcSubset": "pid",
    "RestrictAddressFamilies": "AF_INET AF_INET6 AF_UNIX",
    "StateDirectoryMode": "0700",
    "User": "stavbill",
}
API = "api-token"


def test_there_are_two_units() -> None:
    assert [unit.stem for unit in UNITS] == ["stavbill-web", "stavbill-worker"]


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_a_unit_says_how_it_is_confined(unit: Path) -> None:
    told = {name: values[-1] for name, values in directives(unit).items()}
    assert {name: told.get(name) for name in CONFINED} == CONFINED
    filters = directives(unit)["SystemCallFilter"]
    assert filters == ["@system-service", "~@privileged @resources"]


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_a_unit_is_little_exposed(unit: Path) -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        # Elsewhere than on Debian: `make debian` installs it there. The directives were looked at.
        assert shutil.which("dpkg-query") is None, "systemd-analyze is missing: make debian"
        return
    asked = [program, "security", "--offline=true", "--no-pager", str(unit)]
    told = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
    level = re.search(r"Overall exposure level for \S+: (\d+\.\d)", told)
    assert level is not None, told
    assert float(level[1]) <= MOST_EXPOSED, told


def test_what_is_refused_is_no_call_of_ours() -> None:
    calls = allowed_calls(directives(UNITS[0])["SystemCallFilter"])
    assert {"openat", "socket", "futex", "clone3", "execve", "fsync", "kill"} <= calls
    assert not {"chroot", "mount", "ptrace", "setpriority", "reboot", "bpf"} & calls


async def test_a_month_its_documents_and_both_services_work_inside(tmp_path: Path) -> None:
    web, worker = UNITS
    async with installed(tmp_path / "place", companies=20) as place:
        folder = place.config.parent
        month = ("run", "month", "--as-of", DAY.isoformat(), "--yes", "--json")
        async with confined(place, worker, *month) as process:
            assert await process.wait() == 0
        async with confined(place, worker, "invoice", "export", str(folder / "pdf")) as process:
            assert await process.wait() == 0
        assert next(folder.glob("pdf/*.pdf")).read_bytes().startswith(b"%PDF-")
        ready = folder / "worker-ready"
        async with confined(place, worker, "worker", "--ready-file", str(ready)) as process:
            await until(lambda: ready.exists() or process.returncode is not None)
            process.send_signal(signal.SIGTERM)
            assert await process.wait() == 0
        ready = folder / "web-ready"
        words = ("web", "--port", "0", "--ready-file", str(ready))
        async with confined(place, web, *words) as process, httpx.AsyncClient() as client:
            await until(lambda: ready.exists() or process.returncode is not None)
            url = ready.read_text(encoding="utf-8")
            headers = {"Authorization": f"Bearer {API}"}
            asked = {"company": 101}
            answer = await client.post(f"{url}/api/v1/explain", json=asked, headers=headers)
            assert answer.json()["status"] == "accepted"


@asynccontextmanager
async def confined(
    place: Installation, unit: Path, *words: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a command of the service as its unit would confine it."""
    stavbill = str(Path(sys.executable).with_name("stavbill"))
    line = (sys.executable, "-m", "tests.deploy.confined", str(unit), stavbill)
    process = await asyncio.create_subprocess_exec(
        *line,
        *("--config", str(place.config)),
        *words,
        env={**os.environ, **place.env, "STAVBILL_API_TOKEN": API},
        cwd=ROOT,
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
