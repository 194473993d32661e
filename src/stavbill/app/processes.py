"""The names of processes, and whether one of this machine has ended."""

from __future__ import annotations

import os
import socket

from stavbill.drawn import drawn_name


def process_name() -> str:
    """Return a name that no other process bears, before or after this one."""
    start = drawn_name()
    return f"{socket.gethostname()}:{os.getpid()}:{start}"


def owner_is_gone(owner: str) -> bool:
    """Say whether a journal's owner was a process of this machine that has certainly ended."""
    host, _, rest = owner.rpartition(":")[0].rpartition(":")
    if host != socket.gethostname() or not rest.isdecimal():
        return False
    try:
        os.kill(int(rest), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
