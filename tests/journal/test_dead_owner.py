"""A sender whose process has ended: its claims need not be awaited to their end."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

from stavbill.app.processes import owner_is_gone


def test_a_process_that_has_ended_is_gone() -> None:
    """The owner names host and process; only an ended one of this machine is certainly gone."""
    ended = subprocess.Popen([sys.executable, "-c", "pass"])
    ended.wait()
    here = socket.gethostname()
    assert owner_is_gone(f"{here}:{ended.pid}:1a2b3c4d")
    assert not owner_is_gone(f"{here}:{os.getpid()}:1a2b3c4d")
    assert not owner_is_gone(f"elsewhere-{here}:{ended.pid}:1a2b3c4d")
    assert not owner_is_gone("an owner of another form")
