"""Processes that begin with nothing of ours: no secret stands in their environment.

A document is laid out from texts that customers typed, by libraries that read fonts and pictures.
`multiprocessing` hands the whole environment to what it starts, and what was handed once can be
read there afterwards, whatever the process removes.
Source: issue 11 §4; CPython, multiprocessing/popen_spawn_posix.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Mapping
from multiprocessing import (
    context,
    popen_spawn_posix,
    process,
    reduction,
    resource_tracker,
    spawn,
    util,
)
from multiprocessing.context import SpawnContext, SpawnProcess
from typing import ClassVar

from typing_extensions import override

# What Python, fonts and layout look at, and nothing else.
NEEDED = frozenset({
    "PATH", "HOME", "TMPDIR", "TZ", "LANG", "LANGUAGE", "PYTHONPATH", "PYTHONHASHSEED",
    "LD_LIBRARY_PATH", "FONTCONFIG_FILE", "FONTCONFIG_PATH", "XDG_CACHE_HOME", "XDG_CONFIG_HOME",
    "XDG_DATA_DIRS", "XDG_DATA_HOME",
})  # fmt: skip
LOCALE = "LC_"


def bare_environment(env: Mapping[str, str]) -> dict[str, str]:
    """Return the part of an environment that rendering needs."""
    return {name: value for name, value in env.items() if name in NEEDED or name.startswith(LOCALE)}


class _BarePopen(popen_spawn_posix.Popen):
    """`multiprocessing`'s way of starting a process, with an environment that is given."""

    pid: int
    sentinel: int
    _fds: list[int]

    # CPython calls it; the published types do not name it.
    def _launch(self, process_obj: process.BaseProcess) -> None:
        tracker = resource_tracker.getfd()
        body = io.BytesIO()
        context.set_spawning_popen(self)
        try:
            reduction.dump(spawn.get_preparation_data(process_obj.name), body)
            reduction.dump(process_obj, body)
        finally:
            context.set_spawning_popen(None)
        self.sentinel, child_end = os.pipe()
        child_reads, writes = os.pipe()
        self.finalizer = util.Finalize(self, _close, (self.sentinel, writes))
        try:
            line = spawn.get_command_line(tracker_fd=tracker, pipe_handle=child_reads)
            handed = {*self._fds, tracker, child_reads, child_end}
            self.pid = os.posix_spawn(
                sys.executable,
                line,
                bare_environment(os.environ),
                # Onto itself: so it stays open there, and is not open in anything else.
                file_actions=[(os.POSIX_SPAWN_DUP2, each, each) for each in handed],
            )
            left = memoryview(body.getvalue())
            while left:
                left = left[os.write(writes, left) :]
        finally:
            _close(child_reads, child_end)


def _close(*descriptors: int) -> None:
    for each in descriptors:
        os.close(each)


class _BareProcess(SpawnProcess):
    @staticmethod
    @override
    def _Popen(process_obj: process.BaseProcess) -> _BarePopen:
        return _BarePopen(process_obj)


class BareContext(SpawnContext):
    """Starts processes that get nothing of the environment but what rendering needs."""

    Process: ClassVar[type[SpawnProcess]] = _BareProcess
