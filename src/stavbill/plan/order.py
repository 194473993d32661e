"""An effect on its way out: what an adapter is handed when the journal sends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from stavbill.plan.effects import Effect, EffectKey


@dataclass(frozen=True, slots=True)
class Order:
    """An effect to be sent.

    `portal_id` is known when a first part happened before, or when the effect's object was found:
    then only what is missing is sent. `settled_ids` gives the portal ids of the effects that it
    comes after, by key.
    """

    effect: Effect
    portal_id: int | None = None
    settled_ids: Mapping[EffectKey, int] = field(default_factory=dict)
