"""What a REST method is: its work, its scope, how it takes its parameters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from stavbill.sandbox.portal.params import Params
from stavbill.sandbox.portal.state import State
from stavbill.sandbox.portal.wire import Answer


@dataclass(frozen=True, slots=True)
class Call:
    """One call as a method sees it."""

    params: Params
    user_id: int


Handler: TypeAlias = Callable[[State, Call], Answer]


@dataclass(frozen=True, slots=True)
class Method:
    """One REST method. `scope` is empty for the basic ones; `order` makes it positional."""

    run: Handler
    scope: str = "crm"
    writes: bool = False
    any_case: bool = False
    order: tuple[str, ...] = ()


def reads(run: Handler, scope: str = "crm", *, any_case: bool = False) -> Method:
    """Describe a method that changes nothing."""
    return Method(run, scope, any_case=any_case)


def writes(run: Handler, scope: str = "crm", *, any_case: bool = False) -> Method:
    """Describe a method that changes something."""
    return Method(run, scope, writes=True, any_case=any_case)
