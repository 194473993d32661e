"""What steps work with: the parts of this process, and its one event loop.

Steps run in threads of the engine; whatever waits for the network runs in the process's loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from stavbill.errors import PortalError, StoreError, WialonError
from stavbill.operations.parts import Parts
from stavbill.operations.reading import PortalFacts, learn_portal

Result = TypeVar("Result")
Document = dict[str, Any]
Operation = Callable[[Parts, Document], Awaitable[Document]]


@dataclass(slots=True)
class Runtime:
    """One process at work. `operations` are those that are a workflow of one step, by name.

    `shares` is how many workers may apply one run side by side.
    """

    parts: Parts
    loop: asyncio.AbstractEventLoop
    operations: Mapping[str, Operation]
    shares: int = 2
    _learned: dict[str, PortalFacts] = field(default_factory=dict)

    def wait_for(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Do asynchronous work in the process's loop, and wait for it in this thread."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result()

    async def portal_for(self, run: str) -> PortalFacts:
        """Return what the portal is like, asked once for each run."""
        if run not in self._learned:
            self._learned.clear()
            self._learned[run] = await learn_portal(self.parts)
        return self._learned[run]


_runtimes: list[Runtime] = []


def install(runtime: Runtime) -> None:
    """Let the steps of this process work with `runtime`."""
    _runtimes[:] = [runtime]


def uninstall() -> None:
    """Take the runtime away again."""
    _runtimes.clear()


def current() -> Runtime:
    """Return the runtime of this process; a step without one is a mistake of ours."""
    if not _runtimes:
        msg = "no runtime is installed: a workflow runs in a worker only"
        raise LookupError(msg)
    return _runtimes[0]


def is_passing(error: BaseException) -> bool:
    """Say whether a step that failed by `error` may succeed when it is tried again."""
    return isinstance(error, PortalError | WialonError | StoreError)
