"""`core/search_items`: the specification, its masks and sorting, over one fleet."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache

from stavbill.sandbox.wialon.model import Account, Fleet, Unit, User
from stavbill.sandbox.wialon.wire import ApiError, Json, Params

Item = Account | Unit | User
Value = str | int | tuple[str, ...]
Reader = Callable[[Fleet, Item], Value]

TYPES = (
    "avl_unit", "avl_resource", "avl_unit_group", "user", "avl_hw", "avl_retranslator", "avl_route",
)  # fmt: skip
KINDS = (
    "", "property", "list", "propitemname", "creatortree", "accounttree", "customfield",
    "profilefield", "adminfield",
)  # fmt: skip
COMPARISON = re.compile(r"(>=|<=|>|<)\s*(-?\d+(?:\.\d+)?)")
LEADING_NUMBER = re.compile(r"\s*(-?\d+(?:\.\d+)?)")


def _account(fleet: Fleet, item: Item) -> Account | None:
    return fleet.accounts.get(item.billing_id)


def _account_name(fleet: Fleet, item: Item) -> str:
    account = _account(fleet, item)
    return account.name if account else ""


def _parent_name(fleet: Fleet, item: Item) -> str:
    account = _account(fleet, item)
    parent = fleet.accounts.get(account.parent_id or 0) if account else None
    return parent.name if parent else ""


def _creator_name(fleet: Fleet, item: Item) -> str:
    creator = fleet.users.get(item.creator_id)
    return creator.name if creator else ""


ALL_READERS: dict[str, Reader] = {
    "sys_name": lambda _, item: item.name,
    "sys_id": lambda _, item: item.id,
    "sys_user_creator": lambda _, item: item.creator_id,
    "rel_user_creator_name": _creator_name,
    "sys_billing_account_guid": lambda _, item: item.billing_id,
    "rel_billing_account_name": _account_name,
    "rel_billing_parent_account_name": _parent_name,
    "rel_billing_plan_name": lambda _, item: "" if isinstance(item, User) else "base",
    "rel_creation_time": lambda _, item: item.created_at,
}


def _of_unit(read: Callable[[Unit], Value]) -> Reader:
    return lambda _, item: read(item) if isinstance(item, Unit) else ""


def _of_account(read: Callable[[Account], Value]) -> Reader:
    return lambda _, item: read(item) if isinstance(item, Account) else ""


def _names(unit: Unit) -> tuple[str, ...]:
    return tuple(each.name for each in unit.fields)


UNIT_READERS: dict[str, Reader] = {
    "sys_unique_id": _of_unit(lambda unit: f"86{unit.id:013d}"),
    "sys_phone_number": _of_unit(lambda _: ""),
    "sys_phone_number2": _of_unit(lambda _: ""),
    "sys_comm_state": _of_unit(lambda unit: int(unit.active)),
    "rel_hw_type_id": _of_unit(lambda unit: unit.hardware_id),
    "rel_hw_type_name": _of_unit(lambda _: "Tracker"),
    "rel_last_msg_date": _of_unit(lambda unit: unit.last_message_at or 0),
    "rel_customfield_name": _of_unit(_names),
    "rel_customfield_value": _of_unit(lambda unit: tuple(each.value for each in unit.fields)),
    "rel_customfield_name_value": _of_unit(
        lambda unit: tuple(f"{each.name}:{each.value}" for each in unit.fields)
    ),
    "rel_adminfield_name": _of_unit(lambda unit: tuple(each.name for each in unit.admin_fields)),
    "rel_adminfield_value": _of_unit(lambda unit: tuple(each.value for each in unit.admin_fields)),
}


def _units_usage(fleet: Fleet, item: Item) -> Value:
    return sum(fleet.usage(item.billing_id))


ACCOUNT_READERS: dict[str, Reader] = {
    "rel_is_account": _of_account(lambda account: int(account.is_account)),
    "sys_account_balance": _of_account(lambda account: account.balance),
    "sys_account_days": _of_account(lambda account: account.days),
    "sys_account_enable_parent": _of_account(lambda account: int(account.dealer)),
    "sys_account_disabled": _of_account(lambda account: int(account.disabled)),
    "rel_account_disabled_mod_time": _of_account(lambda account: account.disabled_changed_at),
    "rel_account_units_usage": _units_usage,
}
READERS: dict[str, dict[str, Reader]] = {
    "avl_unit": ALL_READERS | UNIT_READERS,
    "avl_resource": ALL_READERS | ACCOUNT_READERS,
    "user": ALL_READERS | {"login_date": lambda _, __: 0},
}


@dataclass(frozen=True, slots=True)
class Spec:
    """One search: which items, which conditions, in which order."""

    items_type: str
    names: tuple[str, ...]
    masks: tuple[str, ...]
    kinds: tuple[str, ...]
    sort: tuple[str, ...]
    any_of: bool

    @classmethod
    def read(cls, params: Params) -> Spec:
        """Read `spec`; error 4 for a missing key, an unknown type or property, unequal lists."""
        items_type = params.text("itemsType")
        if items_type not in TYPES:
            raise ApiError(4, f"itemsType: {items_type}")
        names = tuple(params.text("propName").split(","))
        mask = params.text("propValueMask")
        masks = tuple(mask.split(",")) if len(names) > 1 else (mask,)
        kinds = tuple(params.text("propType", default="").split(","))
        if kinds == ("",):
            kinds = ("",) * len(names)
        if not len(names) == len(masks) == len(kinds):
            raise ApiError(4, "propName, propValueMask, propType: lists of equal length expected")
        sort = tuple(part for part in params.text("sortType").split(",") if part)
        any_of = params.text("or_logic", default="0") not in ("", "0")
        spec = cls(items_type, names, masks, kinds, sort, any_of)
        spec.check()
        return spec

    def check(self) -> None:
        """Refuse what the host does not know."""
        readers = READERS.get(self.items_type, ALL_READERS)
        for name, kind in zip(self.names, self.kinds, strict=True):
            if kind not in KINDS:
                raise ApiError(4, f"propType: {kind}")
            if kind in ("", "property", "list") and name not in readers:
                raise ApiError(4, f"propName: {name}")
        for part in self.sort:
            if part.lstrip("!-") not in readers:
                raise ApiError(4, f"sortType: {part}")

    def find(self, fleet: Fleet, items: Iterable[Item]) -> list[Item]:
        """Return the matching items in the asked order."""
        tests = [
            _test(fleet, self.items_type, name, mask, kind)
            for name, mask, kind in zip(self.names, self.masks, self.kinds, strict=True)
        ]
        combine = any if self.any_of else all
        found = [item for item in items if combine(test(item) for test in tests)]
        readers = READERS.get(self.items_type, ALL_READERS)
        for part in reversed(self.sort):
            read = readers[part.lstrip("!-")]
            if part == "sys_id":
                continue  # the fleet keeps its items so
            found.sort(key=lambda item, read=read: _order(read(fleet, item)), reverse="!" in part)  # type: ignore[misc]
        return found

    def key(self) -> str:
        """Return what makes two searches the same."""
        return json.dumps(
            [self.items_type, self.names, self.masks, self.kinds, self.sort, self.any_of]
        )

    def echo(self) -> dict[str, Json]:
        """Return the specification as the answer repeats it."""
        return {
            "itemsType": self.items_type,
            "propName": ",".join(self.names),
            "propValueMask": ",".join(self.masks),
            "sortType": ",".join(self.sort),
            "propType": ",".join(self.kinds) if any(self.kinds) else "",
            "or_logic": "1" if self.any_of else "0",
        }


def _order(value: Value) -> tuple[int, float, str]:
    """Return a key that sorts numbers before texts and texts without regard to case."""
    if isinstance(value, int):
        return (0, value, "")
    return (1, 0, value.casefold() if isinstance(value, str) else "|".join(value))


def _test(fleet: Fleet, items_type: str, name: str, mask: str, kind: str) -> Callable[[Item], bool]:
    """Return the condition that one property sets."""
    matches = _matcher(mask)
    if kind == "accounttree":
        return lambda item: any(matches(str(each)) for each in fleet.chain(item.billing_id))
    if kind == "creatortree":
        return lambda item: any(matches(str(each)) for each in _creators(fleet, item))
    if kind in ("customfield", "propitemname", "adminfield", "profilefield"):
        return lambda item: any(matches(each) for each in _sub_items(item, name, kind))
    read = READERS.get(items_type, ALL_READERS)[name]
    if mask == "*":
        return lambda _: True

    def test(item: Item) -> bool:
        value = read(fleet, item)
        values = value if isinstance(value, tuple) else (str(value),)
        return any(matches(each) for each in values)

    return test


def _sub_items(item: Item, name: str, kind: str) -> list[str]:
    """Return values of the named field, or names of the named kind of sub-item."""
    if not isinstance(item, Unit):
        return []
    match kind, name:
        case "customfield", _:
            return [each.value for each in item.fields if each.name == name]
        case "adminfield", _:
            return [each.value for each in item.admin_fields if each.name == name]
        case "propitemname", "custom_fields":
            return [each.name for each in item.fields]
        case "propitemname", "admin_fields":
            return [each.name for each in item.admin_fields]
        case _:
            return []


def _creators(fleet: Fleet, item: Item) -> list[int]:
    """Return the creator of an item, the creator's creator and so on."""
    found: list[int] = []
    current: int = item.creator_id
    while current and current not in found:
        found.append(current)
        user = fleet.users.get(current)
        current = user.creator_id if user else 0
    return found


@cache
def _matcher(mask: str) -> Callable[[str], bool]:
    """Return the test of one mask: `*` wildcard, `|` alternatives, comparison, `=` as escape."""
    if comparison := COMPARISON.fullmatch(mask):
        sign, bound = comparison[1], float(comparison[2])

        def compare(value: str) -> bool:
            leading = LEADING_NUMBER.match(value)
            if leading is None:
                return False
            number = float(leading[1])
            return {
                ">": number > bound,
                "<": number < bound,
                ">=": number >= bound,
                "<=": number <= bound,
            }[sign]

        return compare
    parts = mask.removeprefix("=").split("|")
    pattern = "|".join(".*".join(re.escape(piece) for piece in part.split("*")) for part in parts)
    compiled = re.compile(pattern, re.IGNORECASE | re.DOTALL)
    return lambda value: compiled.fullmatch(value) is not None
