"""The calls that change units: activation and custom fields."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from stavbill.sandbox.wialon.model import Field, Fleet, Unit
from stavbill.sandbox.wialon.session import EDIT_CONNECTIVITY, EDIT_FIELDS, Session
from stavbill.sandbox.wialon.wire import ApiError, Json, Params


class Changes:
    """Writes to units, with the rights they ask for. Source: wialon.md §4."""

    def __init__(self, fleet: Fleet) -> None:
        """Keep the fleet."""
        self._fleet = fleet

    def _unit(self, session: Session, params: Params, right: int) -> Unit:
        unit = self._fleet.units.get(params.integer("itemId"))
        if unit is None or not session.sees(self._fleet, unit) or not session.may(right):
            raise ApiError(7)
        return unit

    def set_active(self, session: Session, params: Params, now: datetime) -> Json:
        """Switch a unit on or off; `dactt` bears the time. Answer: `{"active": 0|1}`."""
        wanted = params.integer("active")
        if wanted not in (0, 1):
            raise ApiError(4, "active: 0 or 1 expected")
        unit = self._unit(session, params, EDIT_CONNECTIVITY)
        if unit.active != bool(wanted):
            unit.active = bool(wanted)
            unit.deactivated_at = 0 if wanted else int(now.timestamp())
            self._fleet.touched()
        return {"active": wanted}

    def update_custom_field(self, session: Session, params: Params) -> Json:
        """Create, update or delete a field; a second create with the same name makes a second one.

        Answer: `[id, {id, n, v}]`, after a deletion `[id, null]`. A deactivated unit is refused.
        """
        mode = params.text("callMode")
        if mode not in ("create", "update", "delete"):
            raise ApiError(4, "callMode")
        unit = self._unit(session, params, EDIT_FIELDS)
        if not unit.active:
            raise ApiError(7, "item not active")
        if mode == "create":
            number = max((each.id for each in unit.fields), default=0) + 1
            made = Field(number, params.text("n"), params.text("v"))
            unit.fields = (*unit.fields, made)
            return [number, {"id": number, "n": made.name, "v": made.value}]
        number = params.integer("id")
        if all(each.id != number for each in unit.fields):
            raise ApiError(4, "id: no such field")
        if mode == "delete":
            unit.fields = tuple(each for each in unit.fields if each.id != number)
            return [number, None]
        name, value = params.text("n"), params.text("v")
        unit.fields = tuple(
            replace(each, name=name, value=value) if each.id == number else each
            for each in unit.fields
        )
        return [number, {"id": number, "n": name, "v": value}]
