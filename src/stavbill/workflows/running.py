"""Which workflows this process is in the middle of: the engine does not tell."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from dbos import DBOS

P = ParamSpec("P")
R = TypeVar("R")

_lock = threading.Lock()
_running: Counter[str] = Counter()


def followed(workflow: Callable[P, R]) -> Callable[P, R]:
    """Let `running` know of a workflow function while it runs; stands below `DBOS.workflow`."""

    @wraps(workflow)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        name = str(DBOS.workflow_id)
        with _lock:
            _running[name] += 1
        try:
            return workflow(*args, **kwargs)
        finally:
            with _lock:
                _running[name] -= 1
                if not _running[name]:
                    del _running[name]

    return run


def running() -> frozenset[str]:
    """Return the ids of the workflows that run in this process now."""
    with _lock:
        return frozenset(_running)
