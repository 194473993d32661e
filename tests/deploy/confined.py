"""Run a command as a unit would confine it: its system calls, its memory, no privilege.

    python -m tests.deploy.confined UNIT COMMAND …

systemd itself cannot run in a container; the kernel's filter can be set by anybody. libseccomp
comes with systemd, and `systemd-analyze syscall-filter` says what a group of calls is.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ALLOW, REFUSE = 0x7FFF0000, 0x00050000 | errno.EPERM
MASKED_EQUAL, NO_NEW_PRIVILEGES = 7, 38
PROT_WRITE, PROT_EXEC, SHM_EXEC = 2, 4, 0o100000


class Compared(ctypes.Structure):
    """`struct scmp_arg_cmp`: an argument of a call, and what it is compared with."""

    _fields_ = (
        ("arg", ctypes.c_uint),
        ("op", ctypes.c_int),
        ("mask", ctypes.c_uint64),
        ("value", ctypes.c_uint64),
    )


def directives(unit: Path) -> dict[str, list[str]]:
    """Return the values of every directive of a unit, in their order."""
    found: dict[str, list[str]] = {}
    for line in unit.read_text(encoding="utf-8").splitlines():
        name, sign, value = line.partition("=")
        if sign and not line.startswith(("#", ";")):
            found.setdefault(name, []).append(value)
    return found


def allowed_calls(filters: list[str]) -> set[str]:
    """Return the system calls that `SystemCallFilter=` lines leave."""
    allowed: set[str] = set()
    for line in filters:
        refused = line.startswith("~")
        for group in line.removeprefix("~").split():
            calls = set(_calls(group))
            allowed = allowed - calls if refused else allowed | calls
    return allowed


def _calls(group: str) -> Iterator[str]:
    if not group.startswith("@"):
        yield group
        return
    told = subprocess.run(
        ["systemd-analyze", "syscall-filter", "--no-pager", group],
        capture_output=True,
        text=True,
        check=True,
    )
    for line in told.stdout.splitlines()[1:]:
        word = line.strip()
        if word and not word.startswith("#"):
            yield from _calls(word)


def confine(unit: Path) -> None:
    """Confine this process, and all that it starts, as `unit` says."""
    known = directives(unit)
    library = ctypes.CDLL(ctypes.util.find_library("seccomp") or "libseccomp.so.2", use_errno=True)
    library.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(library.seccomp_init(ctypes.c_uint32(REFUSE)))
    narrow = known.get("MemoryDenyWriteExecute") == ["true"]
    rules = _memory_rules() if narrow else {}
    for call in sorted(allowed_calls(known["SystemCallFilter"])):
        number = library.seccomp_syscall_resolve_name(call.encode())
        # A negative number is a call of another machine.
        for compared in rules.get(call, [()]) if number >= 0 else []:
            array = (Compared * len(compared))(*compared)
            added = library.seccomp_rule_add_array(
                context, ctypes.c_uint32(ALLOW), number, len(compared), array
            )
            _must(added)
    _must(ctypes.CDLL(None).prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0))
    _must(library.seccomp_load(context))


def _memory_rules() -> dict[str, list[tuple[Compared, ...]]]:
    """Return which calls `MemoryDenyWriteExecute=` leaves: systemd refuses what is not here."""
    without_exec = Compared(2, MASKED_EQUAL, PROT_EXEC, 0)
    without_write = Compared(2, MASKED_EQUAL, PROT_WRITE, 0)
    written_only = Compared(2, MASKED_EQUAL, PROT_WRITE | PROT_EXEC, PROT_WRITE)
    return {
        "mmap": [(without_write,), (written_only,)],
        "mprotect": [(without_exec,)],
        "pkey_mprotect": [(without_exec,)],
        "shmat": [(Compared(2, MASKED_EQUAL, SHM_EXEC, 0),)],
    }


def _must(result: int) -> None:
    if result < 0:
        raise OSError(-result, os.strerror(-result))


if __name__ == "__main__":
    confine(Path(sys.argv[1]))
    os.execvp(sys.argv[2], sys.argv[2:])  # noqa: S606  the command that it is given
