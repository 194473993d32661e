"""What every executor shares: commands of many effects in one batch, an outcome for each effect.

Source: Bitrix24 reference 1.8 and 3; style of the house §5.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import NoReturn, TypeVar

from stavbill.bitrix.batch import (
    MAX_COMMANDS,
    BatchAnswer,
    Command,
    CommandFailure,
    CommandResult,
    Json,
)
from stavbill.bitrix.failures import (
    AccessLostError,
    CallRefusedError,
    CallRejectedError,
    CallUnclearError,
    Verdict,
    advise,
    judge,
    say,
)
from stavbill.bitrix.gateway import Gateway
from stavbill.plan.effects import EffectKey
from stavbill.plan.order import Order
from stavbill.plan.outcome import Done, Outcome, ReadBack, Refused, Rejected, Unclear

T = TypeVar("T")

HALTED = "не выполнялось: пакет остановлен на другой команде"


@dataclass(frozen=True, slots=True)
class Step:
    """The commands of one effect, in order.

    `commands` makes them from the batch key of the first one, for references to its result.
    `portal_id` is known when the object stands already; otherwise `read_id` takes it from the
    first command's result. `refusal` says what is wrong with a result that came without an error.
    """

    key: EffectKey
    commands: Callable[[str], Sequence[Command]]
    portal_id: int | None = None
    read_id: Callable[[Json], int | None] | None = None
    refusal: Callable[[Json], str | None] | None = None


async def send_steps(
    gateway: Gateway, steps: Sequence[Step], *, halt: bool
) -> dict[EffectKey, Outcome]:
    """Send all steps as one batch and return an outcome for each.

    Raises `AccessLostError` when nothing was executed for want of access, and
    `CallRejectedError` when the portal declined the batch as a whole; then nothing was executed.
    """
    keys: dict[EffectKey, list[str]] = {}
    commands: dict[str, Command] = {}
    for place, step in enumerate(steps):
        own = [(f"s{place}_{n}", command) for n, command in enumerate(step.commands(f"s{place}_0"))]
        keys[step.key] = [key for key, _ in own]
        commands.update(own)
    if not commands:
        return {step.key: Done(step.portal_id) for step in steps}
    try:
        answer = await gateway.batch(commands, halt=halt)
    except CallRefusedError as error:
        return {step.key: Refused(str(error), ceil(error.retry_after_s)) for step in steps}
    except CallUnclearError as error:
        return {step.key: Unclear(str(error), step.portal_id) for step in steps}
    _stop_without_access(gateway, commands, answer)
    return {step.key: _outcome(step, keys[step.key], commands, answer) for step in steps}


def _stop_without_access(
    gateway: Gateway, commands: Mapping[str, Command], answer: BatchAnswer
) -> None:
    """Raise when the batch did nothing but learn that the webhook may not do it."""
    if answer.ran:
        return
    for key, failure in answer.failed.items():
        if judge(failure.code) is Verdict.ACCESS:
            raise _lost(gateway, commands[key].method, failure)


def _lost(gateway: Gateway, method: str, failure: CommandFailure) -> AccessLostError:
    return AccessLostError(
        f"портал {gateway.host} не выполнил {method} ({failure.code}): {advise(failure.code)}",
        failure.code,
    )


def _outcome(
    step: Step, keys: Sequence[str], commands: Mapping[str, Command], answer: BatchAnswer
) -> Outcome:
    portal_id = step.portal_id
    for place, key in enumerate(keys):
        method = commands[key].method
        result = answer.ran.get(key)
        if result is None:
            failure = answer.failed.get(key)
            # A first part that stands turns «not executed» into «not complete».
            if failure is None:
                return Refused(HALTED) if place == 0 else Unclear(HALTED, portal_id)
            return _failed(method, failure, portal_id, first=place == 0)
        if place == 0 and step.read_id is not None:
            portal_id = step.read_id(result.value)
            if portal_id is None:
                return Unclear(f"{method} выполнен, но портал не назвал номер")
        problem = step.refusal(result.value) if step.refusal is not None else None
        if problem is not None:
            return Rejected(f"{method}: {problem}")
    return Done(portal_id)


def _failed(method: str, failure: CommandFailure, portal_id: int | None, *, first: bool) -> Outcome:
    reason = say(method, failure.code, failure.description)
    match judge(failure.code):
        case Verdict.REJECTED:
            part = "" if first or portal_id is None else f" (объект {portal_id} уже создан)"
            return Rejected(reason + part, None if first else portal_id)
        case Verdict.UNCLEAR:
            return Unclear(reason, portal_id)
        case Verdict.REFUSED | Verdict.ACCESS:
            return Refused(reason) if first else Unclear(reason, portal_id)


async def ask(gateway: Gateway, commands: Mapping[str, Command]) -> dict[str, CommandResult]:
    """Run reading commands in as many batches as they need; raises when any fails."""
    results: dict[str, CommandResult] = {}
    answer = await ask_each(gateway, commands)
    for key, result in answer.items():
        if isinstance(result, CommandFailure):
            raise_failure(gateway, commands[key].method, result)
        results[key] = result
    return results


async def ask_each(
    gateway: Gateway, commands: Mapping[str, Command]
) -> dict[str, CommandResult | CommandFailure]:
    """Run reading commands in as many batches as they need; failures stand beside results."""
    results: dict[str, CommandResult | CommandFailure] = {}
    for part in chunks(list(commands), MAX_COMMANDS):
        answer = await gateway.batch({key: commands[key] for key in part}, halt=False)
        results.update(answer.ran)
        results.update(answer.failed)
    return results


def raise_failure(gateway: Gateway, method: str, failure: CommandFailure) -> NoReturn:
    """Raise the exception that a command's failure would have been as a single call."""
    reason = say(method, failure.code, failure.description)
    match judge(failure.code):
        case Verdict.REFUSED:
            raise CallRefusedError(reason, failure.code)
        case Verdict.ACCESS:
            raise _lost(gateway, method, failure)
        case Verdict.UNCLEAR:
            raise CallUnclearError(reason, failure.code)
        case Verdict.REJECTED:
            raise CallRejectedError(reason, failure.code, description=failure.description)


def chunks(items: Sequence[T], size: int) -> list[Sequence[T]]:
    """Split into parts of at most `size`."""
    return [items[start : start + size] for start in range(0, len(items), size)]


class NotReadBack:
    """For kinds of effects that are not read back: the answer to the write is enough."""

    read_back_limit = 0

    async def read_back(self, written: Mapping[EffectKey, Order]) -> Mapping[EffectKey, ReadBack]:
        """Return nothing: the journal does not ask (`read_back_limit` is 0)."""
        del written
        return {}
