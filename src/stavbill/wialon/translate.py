"""Items as a Wialon host gives them, into records of the plan's words.

Only what billing needs is taken out of an item; phone numbers and device passwords, which come
under the same data flag as the switch, are never touched. Source: Wialon Remote API, data format
of units and resources.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from typing import TypeGuard

from stavbill.plan.records import AccountRecord, UnitRecord
from stavbill.wialon.connection import Connection
from stavbill.wialon.conservation import unit_state
from stavbill.wialon.search import Item
from stavbill.wialon.trouble import incomplete, unclear

VIEW_CUSTOM_FIELDS = 0x20


def unit_record(connection: Connection, item: Item, accounts: Container[int]) -> UnitRecord:
    """Return the unit, or raise because it cannot be counted.

    A unit without `act` is neither active nor deactivated, it is unknown: `UnclearUnitError`. One
    whose account is not among `accounts` shows that the token does not see everything:
    `WialonIncompleteError`.
    """
    unit, name, account, switch = item["id"], item.get("nm"), item.get("bact"), item.get("act")
    if type(unit) is not int or type(name) is not str or type(account) is not int:
        raise incomplete(connection, f"у объекта {unit} нет имени (nm) или учётной записи (bact)")
    if account not in accounts:
        raise incomplete(
            connection,
            f"объект {unit} принадлежит учётной записи {account}, которой токен не видит",
        )
    if switch not in (0, 1):
        found = f"у объекта {unit} не видно, активирован ли он (нет act)"
        raise unclear(connection, account, found)
    active = bool(switch)
    names = _field_names(item, active=active)
    if names is None:
        found = f"у деактивированного объекта {unit} не видны произвольные поля (flds)"
        raise unclear(connection, account, found)
    return UnitRecord(unit, name, account, unit_state(names, active=active))


def account_record(connection: Connection, item: Item) -> tuple[AccountRecord, bool]:
    """Return the account, and whether the host told its parent (`bpact`).

    A top account has parent None. The parent may be an account that the token does not see.
    """
    account, name, parent = item["id"], item.get("nm"), item.get("bpact")
    if type(account) is not int or type(name) is not str:
        raise incomplete(connection, f"у учётной записи {account} нет имени (nm)")
    if type(parent) is not int:
        return AccountRecord(account, name, None), False
    return AccountRecord(account, name, parent if parent not in (0, account) else None), True


def _field_names(item: Item, *, active: bool) -> list[str] | None:
    """Return the names of the unit's custom fields, None where they cannot be known.

    A host leaves `flds` out for a unit whose fields the user may not see. For a deactivated unit
    that hides whether it is conserved, unless the access mask says that they may be seen.
    """
    fields = item.get("flds")
    if fields is None:
        rights = item.get("uacl")
        visible = active or (type(rights) is int and rights & VIEW_CUSTOM_FIELDS)
        return [] if visible else None
    values = fields.values() if isinstance(fields, dict) else fields
    if isinstance(values, Iterable):
        names = [value.get("n") if isinstance(value, dict) else None for value in values]
        if _all_text(names):
            return names
    return None


def _all_text(names: list[object]) -> TypeGuard[list[str]]:
    return all(type(name) is str for name in names)
