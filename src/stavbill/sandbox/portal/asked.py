"""A request on its way through the portal, the webhook it came by, and the plain answers."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field

from stavbill.sandbox.portal import batch
from stavbill.sandbox.portal.faults import Fault
from stavbill.sandbox.portal.params import Params
from stavbill.sandbox.portal.registry import METHODS, SCOPES
from stavbill.sandbox.portal.wire import Answer, ApiError, Record, Response, json_response

HTML = "text/html; charset=utf-8"
PROXY_PAGE = b"<html><body><h1>%d</h1></body></html>"
# Each step yields the seconds that the next call costs.
Steps = Generator[float, None, Response]


@dataclass(frozen=True, slots=True)
class Webhook:
    """An incoming webhook: whose rights, the secret, what it may touch."""

    user_id: int
    secret: str
    scopes: frozenset[str] = SCOPES

    @property
    def path(self) -> str:
        """Return the address below the host, with a closing slash."""
        return f"/rest/{self.user_id}/{self.secret}/"


@dataclass(slots=True)
class Asked:
    """One request on its way: who, what, in which order its calls are noted."""

    number: int
    webhook: Webhook
    method: str
    params: Params
    commands: list[batch.Command] = field(default_factory=list)
    late: bool = False
    # How many commands of a batch run; None for all.
    prefix: int | None = None
    # The writing call that runs next, empty before any other.
    next_write: str = ""

    def methods(self) -> tuple[str, ...]:
        """Return the methods that would run."""
        if self.method != "batch":
            return (self.method,)
        return tuple(command.method.lower() for command in self.commands)

    def writes(self) -> bool:
        """Say whether any of them changes something."""
        known = (METHODS.get(name) for name in self.methods())
        return any(method is not None and method.writes for method in known)


def envelope(answer: Answer, time: Record) -> Record:
    """Put `total` and `next` beside the result. Source: bitrix24.md §1.3."""
    out: Record = {"result": answer.result}
    if answer.next is not None:
        out["next"] = answer.next
    if answer.total is not None:
        out["total"] = answer.total
    return out | {"time": time}


def error_page(fault: Fault) -> Response:
    """Return an error with a code as JSON, without one as a proxy's page."""
    if fault.code:
        return json_response(ApiError(fault.status, fault.code, fault.text).body(), fault.status)
    return Response(fault.status, {"Content-Type": HTML}, PROXY_PAGE % fault.status)


def exhaust(steps: Steps) -> Response:
    """Run the steps without waiting."""
    try:
        while True:
            next(steps)
    except StopIteration as done:
        answer: Response = done.value
        return answer
