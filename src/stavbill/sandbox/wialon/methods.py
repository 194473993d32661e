"""The services by name: one function for each `svc`, given the session and the arguments."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from stavbill.sandbox.clock import SandboxClock
from stavbill.sandbox.wialon.accounts import Accounts
from stavbill.sandbox.wialon.changes import Changes
from stavbill.sandbox.wialon.faults import Faults
from stavbill.sandbox.wialon.model import Account, Fleet, Unit, User
from stavbill.sandbox.wialon.search import Spec
from stavbill.sandbox.wialon.session import Session
from stavbill.sandbox.wialon.switches import Switches
from stavbill.sandbox.wialon.views import Views
from stavbill.sandbox.wialon.wire import ApiError, Json, Params

Method = Callable[[Session, Params], Json]
SETTINGS = ("skip_nonactive_items", "long_values")


class Methods:
    """What a session may call, beside logging in and out."""

    def __init__(
        self, fleet: Fleet, clock: SandboxClock, switches: Switches, faults: Faults
    ) -> None:
        """Bind every service to its data."""
        self._fleet, self._clock, self._faults = fleet, clock, faults
        self.views = Views(fleet, switches, faults.without_act)
        self._accounts = Accounts(fleet, switches)
        self._changes = Changes(fleet)
        self.table: dict[str, Method] = {
            "core/search_items": self.search_items,
            "core/search_item": self.search_item,
            "core/set_session_property": self.set_session_property,
            "core/update_data_flags": self.update_data_flags,
            "core/get_account_data": self._accounts.own_account_data,
            "core/check_unique": self.check_unique,
            "account/get_account_data": self._accounts.get_account_data,
            "account/enable_account": self.enable_account,
            "unit/set_active": self.set_active,
            "item/update_custom_field": self._changes.update_custom_field,
        }

    def _now(self) -> datetime:
        return self._clock.now()

    def set_active(self, session: Session, params: Params) -> Json:
        """Answer `unit/set_active`."""
        return self._changes.set_active(session, params, self._now())

    def enable_account(self, session: Session, params: Params) -> Json:
        """Answer `account/enable_account`."""
        return self._accounts.enable_account(session, params, self._now())

    def search_items(self, session: Session, params: Params) -> dict[str, Json]:
        """Answer `core/search_items`: one page of a search that is frozen while `force` is 0.

        `from` and `to` are indexes, both inclusive; `to` 0 means to the end.
        Source: wialon.md §2.1.
        """
        spec = Spec.read(params.record("spec"))
        force, flags = params.integer("force"), params.integer("flags")
        first, last = params.integer("from"), params.integer("to")
        if first < 0 or last < 0:
            raise ApiError(4, "from, to: not negative")
        key = spec.key()
        ids = session.searches.get(key)
        if ids is None or force:
            ids = tuple(item.id for item in spec.find(self._fleet, self._seen(session, spec)))
            session.keep_search(key, ids)
        asked = ids[first:] if last == 0 else ids[first : last + 1]
        found = (self._fleet.find(each) for each in asked)
        items: list[Json] = [
            self.views.item(item, flags, session) for item in found if item is not None
        ]
        return {
            "searchSpec": spec.echo(),
            "dataFlags": flags,
            "totalItemsCount": len(ids),
            "indexFrom": first,
            "indexTo": max(first + len(items) - 1, 0),
            "items": items,
        }

    def _seen(self, session: Session, spec: Spec) -> Iterable[Account | Unit | User]:
        """Give the items of the asked type that exist for this session, by id."""
        kept: Iterable[Account | Unit | User]
        match spec.items_type:
            case "avl_unit":
                kept = self._fleet.units.values()
            case "avl_resource":
                kept = self._fleet.accounts.values()
            case "user":
                kept = self._fleet.users.values()
            case _:
                kept = ()
        hidden = self._faults.hidden
        trees: dict[int, bool] = {}  # many items share few accounts: ask each account once
        for item in kept:
            if item.id in hidden or item.billing_id in hidden:
                continue
            if session.token.items and item.id not in session.token.items:
                continue
            known = trees.get(item.billing_id)
            if known is None:
                known = trees[item.billing_id] = session.sees_account(self._fleet, item.billing_id)
            if known and not (
                session.skip_nonactive and isinstance(item, Unit) and not item.active
            ):
                yield item

    def search_item(self, session: Session, params: Params) -> Json:
        """Answer `core/search_item`: one item by id, error 7 when there is none to see."""
        item = self._fleet.find(params.integer("id"))
        flags = params.integer("flags")
        if item is None or item.id in self._faults.hidden or not session.sees(self._fleet, item):
            raise ApiError(7)
        if session.skip_nonactive and isinstance(item, Unit) and not item.active:
            raise ApiError(7, "item not active")
        return {"item": self.views.item(item, flags, session), "flags": flags}

    def set_session_property(self, session: Session, params: Params) -> Json:
        """Answer `core/set_session_property`: "1" switches on, "2" off.

        `long_values` is taken and changes nothing: which numbers become texts is confirmed nowhere.
        """
        name, value = params.text("prop_name"), params.text("prop_value")
        if name not in SETTINGS or value not in ("1", "2"):
            raise ApiError(4)
        if name == "skip_nonactive_items":
            session.skip_nonactive = value == "1"
        return {}

    def update_data_flags(self, session: Session, params: Params) -> Json:
        """Answer `core/update_data_flags` with the items that it subscribes to, by id or type."""
        spec = params.values.get("spec")
        if not isinstance(spec, list):
            raise ApiError(4, "spec: list expected")
        out: list[Json] = []
        for part in spec:
            if not isinstance(part, dict):
                raise ApiError(4, "spec: objects expected")
            out += self._subscribed(session, Params(part))
        return out

    def _subscribed(self, session: Session, part: Params) -> list[Json]:
        kind, flags = part.text("type"), part.integer("flags")
        match kind:
            case "id":
                wanted: tuple[int, ...] = (part.integer("data"),)
            case "col":
                ids = part.ids("data")
                wanted = ids if isinstance(ids, tuple) else (ids,)
            case "type":
                spec = Spec.read(Params({"itemsType": part.text("data"), "propName": "sys_name",
                                         "propValueMask": "*", "sortType": "sys_id"}))  # fmt: skip
                wanted = tuple(item.id for item in self._seen(session, spec))
            case _:
                raise ApiError(4, f"type: {kind}")
        found = (self._fleet.find(each) for each in wanted)
        return [
            {"i": item.id, "d": self.views.item(item, flags, session), "f": flags}
            for item in found
            if item is not None and session.sees(self._fleet, item)
        ]

    def check_unique(self, _: Session, params: Params) -> Json:
        """Answer `core/check_unique`: 1 when a user or resource of that name exists."""
        kind, value = params.text("type"), params.text("value")
        if kind not in ("user", "avl_resource"):
            raise ApiError(4, f"type: {kind}")
        kept = self._fleet.users if kind == "user" else self._fleet.accounts
        return {"result": int(any(item.name == value for item in kept.values()))}
