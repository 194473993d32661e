"""Phones, e-mail and web addresses of a company: rows of their own, in both worlds' forms.

Source: bitrix24.md §5.2.
"""

from __future__ import annotations

from stavbill.sandbox.portal.fields import Field
from stavbill.sandbox.portal.params import as_int, as_list
from stavbill.sandbox.portal.state import State
from stavbill.sandbox.portal.wire import ApiError, Json, Record

# Filters compare whole values; the values alone are kept beside the rows for that.
FILTERS = {
    name: Field(f"FM_{name}", multiple=True, upper=name)
    for name in ("PHONE", "EMAIL", "WEB", "IM", "LINK")
}


def written(state: State, record: Record, name: str, value: Json) -> Record:
    """Apply the old form: a row without ID adds, one with ID changes, the others stay."""
    if not isinstance(value, (list, dict)):
        return record
    rows = [dict(row) for row in record.get("FM", {}).get(name, [])]
    by_id = {row["ID"]: row for row in rows}
    for given in as_list(value):
        if not isinstance(given, dict):
            continue
        known = by_id.get(str(given.get("ID", "")))
        if known is not None:
            known |= {key: given[key] for key in ("VALUE", "VALUE_TYPE") if key in given}
        elif given.get("VALUE"):
            kind = str(given.get("VALUE_TYPE") or "WORK")
            rows.append({"ID": str(state.new_contact_id()), "VALUE_TYPE": kind,
                         "VALUE": str(given["VALUE"]), "TYPE_ID": name})  # fmt: skip
    return _with_rows(record, name, [row for row in rows if row["VALUE"]])


def written_universal(state: State, record: Record, value: Json) -> Record:
    """Apply `fm`: an array adds; of an object, `n0` adds, an id changes, an empty value deletes."""
    if not isinstance(value, (list, dict)):
        return record
    pairs = list(value.items()) if isinstance(value, dict) else [("n", each) for each in value]
    for key, given in pairs:
        if not isinstance(given, dict) or not given.get("typeId"):
            continue
        id_ = as_int(key)
        row = {"VALUE": given.get("value", ""), "VALUE_TYPE": given.get("valueType", "WORK")}
        if id_ is not None:
            row["ID"] = str(id_)
        record = written(state, record, str(given["typeId"]), [row])
    return record


def _with_rows(record: Record, name: str, rows: list[Record]) -> Record:
    if name == "EMAIL" and any("@" not in row["VALUE"] for row in rows):
        raise ApiError(400, "ERROR_CORE", "The e-mail address is not valid")
    out = dict(record)
    out["FM"] = {**record.get("FM", {}), name: rows}
    out[f"FM_{name}"] = [row["VALUE"] for row in rows]
    if name in ("PHONE", "EMAIL"):
        out[f"HAS_{name}"] = "Y" if rows else "N"
    return out


def read_universal(record: Record) -> list[Record]:
    """Return `fm`."""
    return [
        {"id": int(row["ID"]), "valueType": row["VALUE_TYPE"], "value": row["VALUE"],
         "typeId": row["TYPE_ID"]}
        for rows in record.get("FM", {}).values()
        for row in rows
    ]  # fmt: skip
