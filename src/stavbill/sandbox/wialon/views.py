"""Items as JSON: exactly the keys that the asked data flags add, nothing else."""

from __future__ import annotations

from stavbill.sandbox.wialon.model import Account, Field, Fleet, Unit, User
from stavbill.sandbox.wialon.session import (
    VIEW_ADMIN_FIELDS,
    VIEW_CONNECTIVITY,
    VIEW_FIELDS,
    Session,
)
from stavbill.sandbox.wialon.switches import Switches
from stavbill.sandbox.wialon.wire import Json

CLASSES = {
    "user": 1,
    "avl_unit": 2,
    "avl_resource": 3,
    "avl_hw": 4,
    "avl_unit_group": 5,
    "avl_route": 6,
    "avl_retranslator": 7,
}
BASE, PROPERTIES, BILLING, FIELDS, GUID = 0x1, 0x2, 0x4, 0x8, 0x40
ADMIN_FIELDS, ADVANCED, LAST_MESSAGE, CONNECTED = 0x80, 0x100, 0x400, 0x200000


class Views:
    """Turns items into the answer's objects for one session."""

    def __init__(self, fleet: Fleet, switches: Switches, without_act: set[int]) -> None:
        """Keep what shapes every answer."""
        self._fleet, self._switches, self._without_act = fleet, switches, without_act

    def item(self, item: Account | Unit | User, flags: int, session: Session) -> dict[str, Json]:
        """Return one item with the keys of `flags`. Source: wialon.md §2.3, §2.4."""
        match item:
            case Unit():
                return self._unit(item, flags, session)
            case Account():
                return self._account(item, flags, session)
            case User():
                return self._user(item, flags, session)

    def _unit(self, unit: Unit, flags: int, session: Session) -> dict[str, Json]:
        out: dict[str, Json] = {}
        if flags & BASE:
            out |= {"nm": unit.name, "cls": CLASSES["avl_unit"], "id": unit.id, "mu": 0}
        if flags & PROPERTIES:
            out |= {"prp": {}, "ct": unit.created_at, "ftp": {}}
        if flags & BILLING:
            out |= {"crt": unit.creator_id, "bact": unit.account_id}
        self._fields(out, unit.fields, unit.admin_fields, flags, session)
        if flags & GUID:
            out["gd"] = f"{unit.id:032X}"
        if flags & ADVANCED:
            self._advanced(out, unit, session)
        if flags & LAST_MESSAGE and unit.last_message_at is not None:
            out |= _last_message(unit.last_message_at)
        if flags & CONNECTED:
            out["netconn"] = int(unit.active and unit.last_message_at is not None)
        if flags & BASE:
            out["uacl"] = session.rights
        return out

    def _advanced(self, out: dict[str, Json], unit: Unit, session: Session) -> None:
        """Add the connectivity block; `act` and `dactt` may be missing from it."""
        out |= {
            "uid": f"86{unit.id:013d}",
            "uid2": "",
            "hw": unit.hardware_id,
            "ph": "",
            "ph2": "",
            "psw": "",
        }
        blind = self._switches.act_needs_connectivity and not session.may(VIEW_CONNECTIVITY)
        if not blind and not unit.state_hidden and unit.id not in self._without_act:
            out |= {"act": int(unit.active), "dactt": unit.deactivated_at}

    def _account(self, account: Account, flags: int, session: Session) -> dict[str, Json]:
        out: dict[str, Json] = {}
        if flags & BASE:
            out |= {"nm": account.name, "cls": CLASSES["avl_resource"], "id": account.id, "mu": 0}
        if flags & PROPERTIES:
            out |= {"prp": {}, "ct": account.created_at}
        if flags & BILLING:
            out |= {"crt": account.creator_id, "bact": account.billing_id}
            if self._switches.bpact_given:
                parent = account.parent_id
                out["bpact"] = (parent if account.is_account else account.owner_id) or 0
        self._fields(out, (), (), flags, session)
        if flags & GUID:
            out["gd"] = f"{account.id:032X}"
        if flags & BASE:
            out["uacl"] = session.rights
        return out

    def _user(self, user: User, flags: int, session: Session) -> dict[str, Json]:
        out: dict[str, Json] = {}
        if flags & BASE:
            out |= {"nm": user.name, "cls": CLASSES["user"], "id": user.id, "mu": 0}
        if flags & PROPERTIES:
            out |= {"prp": {}, "ct": user.created_at}
        if flags & BILLING:
            out |= {"crt": user.creator_id, "bact": user.account_id}
        if flags & ADVANCED:
            out |= {"fl": int(user.disabled), "hm": "", "ld": 0, "pfl": 0}
        if flags & BASE:
            out["uacl"] = session.rights
        return out

    def _fields(
        self,
        out: dict[str, Json],
        fields: tuple[Field, ...],
        admin: tuple[Field, ...],
        flags: int,
        session: Session,
    ) -> None:
        """Add custom and admin fields: objects keyed by the field's number as text."""
        if flags & FIELDS and session.may(VIEW_FIELDS):
            out |= {"flds": numbered(fields), "fldsmax": -1}
        if flags & ADMIN_FIELDS and session.may(VIEW_ADMIN_FIELDS):
            out |= {"aflds": numbered(admin), "afldsmax": -1}


def numbered(fields: tuple[Field, ...]) -> Json:
    """Return fields as the object that the host shows, `{}` for none."""
    return {str(each.id): {"id": each.id, "n": each.name, "v": each.value} for each in fields}


def _last_message(at: int) -> dict[str, Json]:
    """Return the position and message blocks of a unit that reported."""
    position: Json = {"t": at, "y": 45.04, "x": 41.97, "z": 500, "s": 0, "c": 0, "sc": 12}
    message: Json = {"t": at, "f": 1, "tp": "ud", "pos": None, "i": 0, "o": 0, "p": {}, "rt": at}
    return {"pos": position, "lmsg": message}
