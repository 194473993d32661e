"""A sandbox in a process of its own, an installation beside it, and commands of the product.

Everything listens on loopback, lies in a temporary folder and ends with the block.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

DAY = "2026-12-10"
STARTING_S = 600.0
STAVBILL = str(Path(sys.executable).with_name("stavbill"))
# Nothing waits for a limit: more requests at once and a second than anybody can send.
UNLIMITED = "\n[portal.limits]\nburst = 1000000\nper_second = 100000\noperating_limit_s = 1000000\n"


@dataclass(frozen=True, slots=True)
class Ended:
    """A command that ended: its document, peak memory of its process, CPU and wall seconds."""

    document: dict[str, Any]
    peak_mb: float
    cpu_s: float
    wall_s: float


@dataclass(frozen=True, slots=True)
class Served:
    """A running sandbox and the folder beside it; `scale` times as fast as the wall clock."""

    folder: Path
    ready: Mapping[str, Any]
    scale: float

    @property
    def webhook(self) -> str:
        """The whole webhook of the emulated portal."""
        return str(self.ready["portal_url"])

    @property
    def config(self) -> Path:
        """The settings that `install` writes."""
        return self.folder / "stavbill.toml"

    def ask(self, what: str) -> Any:  # noqa: ANN401  whatever JSON the control address gives
        """Return what the control address of the portal says about `what`."""
        address = f"{self.ready['portal_control']}{what}"
        return httpx.get(address, timeout=120).raise_for_status().json()

    def change(self, what: str, **values: object) -> None:
        """Set faults, switches or limits of the portal; `clear` forgets its journal."""
        send = httpx.post if what in ("clear", "settle") else httpx.put
        address = f"{self.ready['portal_control']}{what}"
        send(address, json=values, timeout=120).raise_for_status()

    def lift_limits(self) -> None:
        """Let the portal take as much as it can."""
        self.change("limits", bucket_on=False, operating_on=False)

    def install(self, *, limited: bool = True) -> None:
        """Write the settings as `stavbill init` discovers them."""
        hosts = [f"{name}={host['url']}" for name, host in self.ready["wialon"].items()]
        words = [word for host in hosts for word in ("--wialon", host)]
        self.run(STAVBILL, "init", "--dir", str(self.folder), *words, "--non-interactive")
        if not limited:
            text = self.config.read_text(encoding="utf-8")
            self.config.write_text(_without_limits(text), encoding="utf-8")

    def stavbill(self, *words: str) -> Ended:
        """Run a command of the product in its own process and return its JSON document."""
        began = time.monotonic()
        text, used = self.run(STAVBILL, "--config", str(self.config), *words, "--json")
        return Ended(
            document=json.loads(text),
            peak_mb=used.ru_maxrss / 1024,
            cpu_s=used.ru_utime + used.ru_stime,
            wall_s=time.monotonic() - began,
        )

    def run(self, *command: str) -> tuple[str, resource.struct_rusage]:
        """Run a command in its own process; return what it printed and what it used."""
        env = {
            **os.environ,
            **self.ready["environment"],
            "STAVBILL_CLOCK_SCALE": str(self.scale),
        }
        with (
            (self.folder / "out").open("w+", encoding="utf-8") as out,
            (self.folder / "err").open("w+", encoding="utf-8") as err,
        ):
            process = subprocess.Popen(command, env=env, stdout=out, stderr=err)
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            out.seek(0)
            err.seek(0)
            if process.returncode != 0:
                msg = f"{' '.join(command)} ended with {process.returncode}: {err.read()}"
                raise RuntimeError(msg)
            return out.read(), used


@contextmanager
def served(
    companies: int, *, scale: float = 1.0, seed: int = 42, as_of: str = DAY
) -> Iterator[Served]:
    """Serve a portal and its Wialon hosts until the block ends; the clock starts on `as_of`."""
    with tempfile.TemporaryDirectory(prefix="stavbill-bench-") as name:
        folder = Path(name)
        ready = folder / "ready.json"
        words = {
            "--companies": companies,
            "--seed": seed,
            "--as-of": as_of,
            "--time-scale": scale,
            "--ready-file": ready,
        }
        line = [str(word) for pair in words.items() for word in pair]
        with (folder / "sandbox.log").open("w", encoding="utf-8") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "stavbill.sandbox.serve", *line], stdout=log, stderr=log
            )
        try:
            yield Served(folder, _wait_for(ready, process), scale)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def _wait_for(ready: Path, process: subprocess.Popen[bytes]) -> Mapping[str, Any]:
    until = time.monotonic() + STARTING_S
    while not ready.exists():
        if process.poll() is not None or time.monotonic() > until:
            msg = f"the sandbox did not start: {ready.with_name('sandbox.log').read_text()}"
            raise RuntimeError(msg)
        time.sleep(0.1)
    found: Mapping[str, Any] = json.loads(ready.read_text(encoding="utf-8"))
    return found


def _without_limits(text: str) -> str:
    if "[portal.limits]" in text:
        msg = "init writes limits of its own now: change them instead of adding some"
        raise RuntimeError(msg)
    return text + UNLIMITED
