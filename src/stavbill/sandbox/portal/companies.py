"""`crm.company.*`: the old group, with strings for numbers and an empty error code.

Source: bitrix24.md §5.1, §5.2.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from stavbill.sandbox.portal import contacts
from stavbill.sandbox.portal.fields import Dropped, Field, read_old, write_value
from stavbill.sandbox.portal.method import Call, Method, reads, writes
from stavbill.sandbox.portal.params import as_int
from stavbill.sandbox.portal.query import (
    OLD,
    Dialect,
    Query,
    read_filter,
    read_order,
    read_start,
    run,
)
from stavbill.sandbox.portal.schema import MULTIFIELDS, schema_of
from stavbill.sandbox.portal.state import State
from stavbill.sandbox.portal.wire import Answer, ApiError, Json, Record

ENTITY = "CRM_COMPANY"
# What an unset field of an existing company reads as, by the samples.
UNSET = {"HAS_PHONE": "N", "HAS_EMAIL": "N", "HAS_IMOL": "N", "OPENED": "Y", "IS_MY_COMPANY": "N",
         "REVENUE": Decimal(0), "COMMENTS": "", "TITLE": ""}  # fmt: skip


def _refuse_filter(state: State, name: str) -> None:
    if state.switches.unknown_old_filter == "error":
        text = f"Failed to get list. General error. Unknown field in filter or order: {name}"
        raise ApiError(400, "", text)


def company_list(state: State, call: Call) -> Answer:
    """Return a page of companies; `*` and `UF_*` leave multiple fields out."""
    fields = schema_of(state, ENTITY).upper
    known = {**fields, **contacts.FILTERS}
    dialect = Dialect(OLD, lambda name: _refuse_filter(state, name))
    query = Query(
        where=read_filter(state, known, call.params.mapping("filter"), dialect),
        order=read_order(fields, call.params.mapping("order"), dialect.refuse),
        start=read_start(call.params.get("start")),
    )
    page, answer = run(state, state.view(state.companies), query)
    names, many = _selected(fields, call.params.texts("select"))
    kind = ENTITY, tuple(names), tuple(many)
    rows = state.written.rows(page, kind, lambda one: _read(state, one, names, many))
    return replace(answer, result=rows)


def _selected(fields: dict[str, Field], select: list[str]) -> tuple[list[Field], list[str]]:
    wanted: dict[str, Field] = {"ID": fields["ID"]}
    many: list[str] = []
    for name in select or ["*", "UF_*"]:
        if name == "*":
            wanted |= {key: each for key, each in fields.items() if not each.user}
        elif name == "UF_*":
            wanted |= {key: each for key, each in fields.items() if each.user and not each.multiple}
        elif name in MULTIFIELDS:
            many.append(name)
        elif name in fields:
            wanted[name] = fields[name]
    return list(wanted.values()), many


def _read(state: State, record: Record, names: list[Field], many: list[str]) -> Record:
    out: Record = {}
    for each in names:
        stored = record.get(each.key)
        out[each.upper] = read_old(state, each, UNSET.get(each.key) if stored is None else stored)
    for name in many:
        rows = record.get("FM", {}).get(name)
        if rows:
            out[name] = rows
    return out


def _found(state: State, call: Call) -> tuple[int, Record]:
    id_ = as_int(call.params.get("id"))
    if id_ is None or id_ <= 0:
        raise ApiError(400, "", "ID is not defined or invalid.")
    record = state.companies.get(id_)
    if record is None:
        raise ApiError(400, "", "Not found")
    return id_, record


def company_get(state: State, call: Call) -> Answer:
    """Return one company whole; a missing one is an error with an empty code."""
    _, record = _found(state, call)
    fields = list(schema_of(state, ENTITY).upper.values())
    return Answer(_read(state, record, fields, list(MULTIFIELDS)))


def company_add(state: State, call: Call) -> Answer:
    """Create a company and return its number."""
    given = _fields(call)
    id_ = state.companies.new_id()
    now = state.now()
    record: Record = {
        "ID": id_, "TITLE": "", "CREATED_BY_ID": call.user_id, "MODIFY_BY_ID": call.user_id,
        "DATE_CREATE": now, "DATE_MODIFY": now, "ASSIGNED_BY_ID": call.user_id, "OPENED": "Y",
        "CURRENCY_ID": state.base_currency, "IS_MY_COMPANY": "N",
    }  # fmt: skip
    state.companies.put(id_, changed(state, record, given))
    return Answer(id_)


def company_update(state: State, call: Call) -> Answer:
    """Change a company; unknown names are ignored."""
    id_, record = _found(state, call)
    given = _fields(call)
    stamp = {"DATE_MODIFY": state.now(), "MODIFY_BY_ID": call.user_id}
    state.companies.put(id_, changed(state, record, given) | stamp)
    return Answer(result=True)


def _fields(call: Call) -> Record:
    given = call.params.get("fields")
    if not isinstance(given, dict):
        raise ApiError(400, "", "Parameter 'fields' must be array.")
    return given


def changed(state: State, record: Record, given: Record) -> Record:
    """Return a company with the sent fields written; what cannot be is left out in silence."""
    fields = schema_of(state, ENTITY).upper
    out = dict(record)
    for name, value in given.items():
        if name in MULTIFIELDS:
            out = contacts.written(state, out, name, value)
            continue
        what = fields.get(name)
        if what is None or what.read_only:
            continue
        try:
            out[what.key] = write_value(state, what, value)
        except Dropped:
            continue
    return out


def company_delete(state: State, call: Call) -> Answer:
    """Delete a company with its requisites; its invoices stay."""
    id_, _ = _found(state, call)
    state.companies.remove(id_)
    for requisite in list(state.requisites.having("ENTITY_ID", id_)):
        state.requisites.remove(requisite)
    return Answer(result=True)


def company_fields(state: State, call: Call) -> Answer:
    """Describe the fields."""
    del call
    out: Record = {}
    for name, each in schema_of(state, ENTITY).upper.items():
        out[name] = described(each)
        if each.user:
            out[name] |= {"listLabel": each.title, "formLabel": each.title,
                          "filterLabel": each.title, "title": name}  # fmt: skip
    for name in MULTIFIELDS:
        out[name] = described(Field(name, "crm_multifield", multiple=True, title=name))
    return Answer(out)


def described(what: Field) -> Record:
    """Describe one field as both worlds do."""
    out: Record = {
        "type": what.kind if what.kind != "crm_id" else "crm_entity",
        "isRequired": False,
        "isReadOnly": what.read_only,
        "isImmutable": False,
        "isMultiple": what.multiple,
        "isDynamic": what.user,
        "title": what.title,
    }
    if what.options:
        items: list[Json] = [{"ID": str(id_), "VALUE": text} for id_, text in what.options]
        out["items"] = items
    return out


METHODS: dict[str, Method] = {
    "crm.company.list": reads(company_list, any_case=True),
    "crm.company.get": reads(company_get, any_case=True),
    "crm.company.fields": reads(company_fields, any_case=True),
    "crm.company.add": writes(company_add, any_case=True),
    "crm.company.update": writes(company_update, any_case=True),
    "crm.company.delete": writes(company_delete, any_case=True),
}
