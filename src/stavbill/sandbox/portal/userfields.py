"""`crm.company.userfield.*`: user fields of companies; labels only for a language.

Source: bitrix24.md §5.4.
"""

from __future__ import annotations

import re
from dataclasses import replace

from stavbill.sandbox.portal.fields import Field
from stavbill.sandbox.portal.method import Call, Method, reads, writes
from stavbill.sandbox.portal.params import as_int, as_list
from stavbill.sandbox.portal.query import OLD, Dialect, Query, read_filter, read_order, run
from stavbill.sandbox.portal.state import State
from stavbill.sandbox.portal.wire import Answer, ApiError, Json, Record

ENTITY = "CRM_COMPANY"
TYPES = frozenset(
    {"string", "integer", "double", "boolean", "datetime", "date", "money", "url", "address",
     "enumeration", "file", "employee", "crm_status", "iblock_section", "iblock_element", "crm"}
)  # fmt: skip
FLAGS = {"MULTIPLE": "N", "MANDATORY": "N", "SHOW_FILTER": "N", "SHOW_IN_LIST": "Y",
         "EDIT_IN_LIST": "Y", "IS_SEARCHABLE": "N"}  # fmt: skip
LABELS = ("EDIT_FORM_LABEL", "LIST_COLUMN_LABEL", "LIST_FILTER_LABEL")
FILTERS = {
    name: Field(name)
    for name in ("ENTITY_ID", "FIELD_NAME", "USER_TYPE_ID", "XML_ID", *FLAGS)
} | {name: Field(name, "integer") for name in ("ID", "SORT")}  # fmt: skip
LANGUAGES = ("ru", "en")


def define(state: State, entity: str, given: Record) -> int:
    """Create a user field and return its id. Raises ApiError as `userfield.add` does."""
    kind = str(given.get("USER_TYPE_ID") or "")
    name = _name(str(given.get("FIELD_NAME") or ""))
    if kind not in TYPES:
        raise ApiError(400, "ERROR_CORE", f"Unknown user field type: {kind}")
    for id_ in state.userfields.having("FIELD_NAME", name.casefold()):
        if state.userfields.records[id_]["ENTITY_ID"] == entity:
            raise ApiError(400, "", f"The field {name} already exists")
    flags = {flag: given.get(flag, default) for flag, default in FLAGS.items()}
    if kind == "boolean":
        flags["MULTIPLE"] = "N"
    id_ = state.userfields.new_id()
    label = _label(given)
    state.userfields.put(id_, {
        "ID": id_, "ENTITY_ID": entity, "FIELD_NAME": name, "USER_TYPE_ID": kind,
        "XML_ID": given.get("XML_ID"), "SORT": as_int(given.get("SORT")) or 100, **flags,
        "SETTINGS": _settings(given), "LABEL": label or name,
    })  # fmt: skip
    for place, option in enumerate(as_list(given.get("LIST")), start=1):
        _put_option(state, id_, option, place * 10)
    state.userfields_version += 1
    return id_


def _name(given: str) -> str:
    bare = given.upper()
    name = bare if bare.startswith("UF_CRM_") else "UF_CRM_" + bare.removeprefix("UF_")
    if not given:
        raise ApiError(400, "", "The 'FIELD_NAME' field is not found.")
    if len(name) > 50 or not re.fullmatch(r"[A-Z0-9_]+", name):
        raise ApiError(400, "ERROR_CORE", f"The field name {name} is too long or has wrong letters")
    return name


def _settings(given: Record) -> Record:
    found = given.get("SETTINGS")
    return found if isinstance(found, dict) else {}


def _label(given: Record) -> str:
    for name in ("EDIT_FORM_LABEL", "LIST_COLUMN_LABEL", "LABEL"):
        value = given.get(name)
        if isinstance(value, dict) and value:
            return str(value.get("ru") or next(iter(value.values())))
        if value:
            return str(value)
    return ""


def _put_option(state: State, field_id: int, option: Json, sort: int) -> None:
    """Add, change or delete one value of an enumeration."""
    if not isinstance(option, dict):
        return
    id_ = as_int(option.get("ID"))
    known = state.enum_values.get(id_) if id_ is not None else None
    if known is not None and id_ is not None and option.get("DEL") == "Y":
        state.enum_values.remove(id_)
        return
    if not option.get("VALUE") and known is None:
        return
    old = known or {"ID": state.enum_values.new_id(), "USER_FIELD_ID": field_id, "SORT": sort,
                    "DEF": "N", "XML_ID": None}  # fmt: skip
    changes = {name: option[name] for name in ("VALUE", "SORT", "DEF", "XML_ID") if name in option}
    new = {**old, **changes}
    new["SORT"] = as_int(new["SORT"]) or sort
    new["XML_ID"] = new["XML_ID"] or f"value{new['ID']}"
    state.enum_values.put(new["ID"], new)


def _read(state: State, record: Record, labels: Record) -> Record:
    out: Record = {
        "ID": str(record["ID"]), "ENTITY_ID": record["ENTITY_ID"],
        "FIELD_NAME": record["FIELD_NAME"], "USER_TYPE_ID": record["USER_TYPE_ID"],
        "XML_ID": record["XML_ID"], "SORT": str(record["SORT"]),
        **{flag: record[flag] for flag in FLAGS},
        "SETTINGS": record["SETTINGS"] or [], **labels,
    }  # fmt: skip
    if record["USER_TYPE_ID"] == "enumeration":
        options = [state.enum_values.records[id_]
                   for id_ in state.enum_values.having("USER_FIELD_ID", record["ID"])]  # fmt: skip
        out["LIST"] = [
            {"ID": str(each["ID"]), "SORT": str(each["SORT"]), "VALUE": each["VALUE"],
             "DEF": each["DEF"], "XML_ID": each["XML_ID"]}
            for each in sorted(options, key=lambda each: (each["SORT"], each["ID"]))
        ]  # fmt: skip
    return out


def _labels(record: Record) -> Record:
    empty = {"ERROR_MESSAGE": None, "HELP_MESSAGE": None}
    return dict.fromkeys(LABELS, record["LABEL"]) | empty


def userfield_list(state: State, call: Call) -> Answer:
    """Return all user fields of companies, unpaged; labels only when `filter.LANG` is given."""
    given = call.params.get("filter") or {}
    if not isinstance(given, dict):
        raise ApiError(400, "", "Parameter 'filter' must be array.")
    kept = {name: value for name, value in given.items() if name != "LANG"}
    query = Query(
        where=read_filter(state, FILTERS, {**kept, "=ENTITY_ID": ENTITY}, Dialect(OLD, _refuse)),
        order=read_order(FILTERS, call.params.mapping("order"), _refuse),
        page=10_000,
    )
    page, answer = run(state, state.userfields.view(), query)
    with_labels = bool(given.get("LANG"))
    found = [_read(state, each, _labels(each) if with_labels else {}) for each in page]
    return replace(answer, result=found, next=None)


def _refuse(name: str) -> None:
    raise ApiError(400, "", f"Unknown field {name}")


def _found(state: State, call: Call) -> Record:
    id_ = as_int(call.params.get("id"))
    if id_ is None:
        raise ApiError(400, "", "ID is not defined or invalid.")
    record = state.userfields.get(id_)
    if record is None or record["ENTITY_ID"] != ENTITY:
        raise ApiError(400, "ERROR_NOT_FOUND", "The entity with this ID is not found.")
    return record


def userfield_get(state: State, call: Call) -> Answer:
    """Return one user field with its labels by language."""
    record = _found(state, call)
    by_language = {
        name: dict.fromkeys(LANGUAGES, text) for name, text in _labels(record).items() if text
    }
    return Answer(_read(state, record, by_language))


def userfield_add(state: State, call: Call) -> Answer:
    """Create a user field of companies and return its id."""
    given = call.params.get("fields")
    if not isinstance(given, dict):
        raise ApiError(400, "", "Parameter 'fields' must be array.")
    return Answer(define(state, ENTITY, given))


def userfield_update(state: State, call: Call) -> Answer:
    """Change a user field; labels are overwritten for all languages, SETTINGS merge."""
    record = _found(state, call)
    given = call.params.mapping("fields")
    new = record | {name: given[name] for name in (*FLAGS, "XML_ID") if name in given}
    new["MULTIPLE"] = record["MULTIPLE"]
    if "SORT" in given:
        new["SORT"] = as_int(given["SORT"]) or 100
    new["LABEL"] = _label(given) or record["LABEL"]
    new["SETTINGS"] = {**record["SETTINGS"], **_settings(given)}
    state.userfields.put(record["ID"], new)
    for place, option in enumerate(as_list(given.get("LIST")), start=1):
        _put_option(state, record["ID"], option, place * 10)
    state.userfields_version += 1
    return Answer(result=True)


def userfield_delete(state: State, call: Call) -> Answer:
    """Delete a user field; its values are gone."""
    record = _found(state, call)
    state.userfields.remove(record["ID"])
    for id_ in list(state.enum_values.having("USER_FIELD_ID", record["ID"])):
        state.enum_values.remove(id_)
    state.userfields_version += 1
    return Answer(result=True)


METHODS: dict[str, Method] = {
    "crm.company.userfield.list": reads(userfield_list, any_case=True),
    "crm.company.userfield.get": reads(userfield_get, any_case=True),
    "crm.company.userfield.add": writes(userfield_add, any_case=True),
    "crm.company.userfield.update": writes(userfield_update, any_case=True),
    "crm.company.userfield.delete": writes(userfield_delete, any_case=True),
}
