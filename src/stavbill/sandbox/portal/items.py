"""`crm.item.*` for smart invoices (31) and companies (4): camelCase, numbers, code NOT_FOUND.

Source: bitrix24.md §6.3.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from stavbill.sandbox.portal import companies, contacts, invoices
from stavbill.sandbox.portal.fields import Dropped, Field, read_universal, write_value
from stavbill.sandbox.portal.method import Call, Method, reads, writes
from stavbill.sandbox.portal.params import Params
from stavbill.sandbox.portal.query import (
    UNIVERSAL,
    Dialect,
    Query,
    read_filter,
    read_order,
    read_start,
    run,
)
from stavbill.sandbox.portal.schema import Schema, entity_of, schema_of
from stavbill.sandbox.portal.state import COMPANY, INVOICE, State
from stavbill.sandbox.portal.table import Table
from stavbill.sandbox.portal.wire import Answer, ApiError, Json, Record


@dataclass(frozen=True, slots=True)
class Kind:
    """One type of object: its table, its fields, what adding and changing one entails."""

    table: Table
    schema: Schema
    id_key: str
    unset: dict[str, Json]
    fresh: Callable[[State, int, int], Record]
    stamp: Callable[[State, Record, Record, int], Record]


def kind_of(state: State, params: Params) -> Kind:
    """Return the kind that `entityTypeId` names."""
    type_id = params.integer("entityTypeId")
    if type_id == 5:
        raise ApiError(400, "ENTITY_TYPE_NOT_SUPPORTED", "Entity type is not supported")
    if type_id not in (COMPANY, INVOICE):
        raise ApiError(400, "NOT_FOUND", "Smart process not found")
    schema = schema_of(state, entity_of(type_id))
    if type_id == COMPANY:
        return Kind(state.companies, schema, "ID", companies.UNSET, _fresh_company, _stamp_company)
    unset = invoices.unset(state.switches)
    return Kind(state.invoices, schema, "id", unset, invoices.fresh, invoices.stamped)


def _fresh_company(state: State, id_: int, user_id: int) -> Record:
    now = state.now()
    return {
        "ID": id_, "TITLE": "", "CREATED_BY_ID": user_id, "MODIFY_BY_ID": user_id,
        "DATE_CREATE": now, "DATE_MODIFY": now, "ASSIGNED_BY_ID": user_id, "OPENED": "Y",
        "CURRENCY_ID": state.base_currency, "IS_MY_COMPANY": "N",
    }  # fmt: skip


def _stamp_company(state: State, old: Record, new: Record, user_id: int) -> Record:
    del old
    return new | {"DATE_MODIFY": state.now(), "MODIFY_BY_ID": user_id}


def _original(params: Params) -> bool:
    return params.get("useOriginalUfNames") in ("Y", True, "true", "1", 1)


def read_item(
    state: State, kind: Kind, record: Record, names: dict[str, Field] | None, *, original: bool
) -> Record:
    """Write one item; `names` None gives every field and `fm`."""
    fields = kind.schema.universal(original=original) if names is None else names
    out: Record = {}
    for name, each in fields.items():
        stored = record.get(each.key)
        out[name] = read_universal(
            state, each, kind.unset.get(each.key) if stored is None else stored
        )
    if names is None and kind.id_key == "ID":
        out["fm"] = contacts.read_universal(record)
    elif names is None:
        out["entityTypeId"] = INVOICE
    return out


def item_list(state: State, call: Call) -> Answer:
    """Return a page of items; an unknown field of filter or order is refused."""
    kind = kind_of(state, call.params)
    original = _original(call.params)
    fields = kind.schema.universal(original=original)
    query = Query(
        where=read_filter(state, _filterable(state, fields), _object(call, "filter"),
                          _dialect(state)),
        # `ID` is no documented name, yet fast_bitrix24 orders every list by it, items included.
        order=read_order(
            {**fields, "ID": fields["id"]}, _object(call, "order"), _refuse_order
        ),
        start=read_start(call.params.get("start")),
        id_key=kind.id_key,
    )  # fmt: skip
    page, answer = run(state, state.view(kind.table), query)
    select = call.params.texts("select")
    names = None
    if select and "*" not in select:
        names = {name: fields[name] for name in select if name in fields}
    items = state.written.rows(
        page,
        (kind.id_key, original, tuple((names or fields).items()), names is None),
        lambda one: read_item(state, kind, one, names, original=original),
    )
    return replace(answer, result={"items": items})


def _object(call: Call, name: str) -> Record:
    value = call.params.get(name)
    if isinstance(value, str) and value:
        text = f"Invalid value {{{value}}} to match with parameter {{{name}}}. "
        raise ApiError(400, "100", text + "Should be value of type array.")
    return call.params.mapping(name)


def _filterable(state: State, fields: dict[str, Field]) -> dict[str, Field]:
    if state.switches.xml_id_filterable or "xmlId" not in fields:
        return fields
    return {name: each for name, each in fields.items() if name != "xmlId"}


def _dialect(state: State) -> Dialect:
    refuses = state.switches.bad_filter_values == "refuse"
    return Dialect(UNIVERSAL, _refuse_filter, groups=True,
                   refuse_value=_refuse_value if refuses else None)  # fmt: skip


def _refuse_value(name: str) -> None:
    raise ApiError(400, "INVALID_ARG_VALUE", f"Invalid filter: field '{name}' has invalid value")


def _refuse_filter(name: str) -> None:
    text = f"Invalid filter: field '{name}' is not allowed in filter"
    raise ApiError(400, "INVALID_ARG_VALUE", text)


def _refuse_order(name: str) -> None:
    text = f"Invalid order: field '{name}' is not allowed in order, or not so: ASC, DESC"
    raise ApiError(400, "INVALID_ARG_VALUE", text)


def item_get(state: State, call: Call) -> Answer:
    """Return one item whole."""
    kind = kind_of(state, call.params)
    _, record = found(kind, call.params)
    original = _original(call.params)
    return Answer({"item": read_item(state, kind, record, None, original=original)})


def found(kind: Kind, params: Params) -> tuple[int, Record]:
    """Return the item that `id` names, or refuse with NOT_FOUND."""
    id_ = params.integer("id")
    record = kind.table.get(id_)
    if record is None:
        raise ApiError(400, "NOT_FOUND", "Element not found")
    return id_, record


def item_add(state: State, call: Call) -> Answer:
    """Create an item and return it whole; duplicates are never looked for."""
    kind = kind_of(state, call.params)
    given = _fields(call.params)
    original = _original(call.params)
    id_ = kind.table.new_id()
    record = kind.fresh(state, id_, call.user_id)
    made = kind.stamp(state, record, _changed(state, kind, record, given, original=original),
                      call.user_id)  # fmt: skip
    kind.table.put(id_, made)
    return Answer({"item": read_item(state, kind, made, None, original=original)})


def item_update(state: State, call: Call) -> Answer:
    """Change an item; when nothing differs nothing is saved."""
    kind = kind_of(state, call.params)
    id_, record = found(kind, call.params)
    original = _original(call.params)
    new = _changed(state, kind, record, _fields(call.params), original=original)
    if new != record:
        new = kind.stamp(state, record, new, call.user_id)
        kind.table.put(id_, new)
    return Answer({"item": read_item(state, kind, new, None, original=original)})


def _fields(params: Params) -> Record:
    given = params.needed("fields")
    if not isinstance(given, dict):
        return {}
    return given


def _changed(state: State, kind: Kind, record: Record, given: Record, *, original: bool) -> Record:
    fields = kind.schema.universal(original=original)
    out = dict(record)
    for name, value in given.items():
        if name == "fm" and kind.id_key == "ID":
            out = contacts.written_universal(state, out, value)
            continue
        what = fields.get(name)
        if what is None or what.read_only:
            continue
        try:
            out[what.key] = write_value(state, what, value)
        except Dropped:
            continue
    return out


def item_delete(state: State, call: Call) -> Answer:
    """Delete an item; an invoice takes its rows along."""
    kind = kind_of(state, call.params)
    id_, _ = found(kind, call.params)
    kind.table.remove(id_)
    if kind.id_key == "id":
        invoices.forget(state, id_)
    return Answer([])


def item_fields(state: State, call: Call) -> Answer:
    """Describe the fields of a kind."""
    kind = kind_of(state, call.params)
    out: Record = {}
    for name, each in kind.schema.universal(original=_original(call.params)).items():
        out[name] = companies.described(each) | {"upperName": each.upper}
    return Answer({"fields": out})


METHODS: dict[str, Method] = {
    "crm.item.list": reads(item_list),
    "crm.item.get": reads(item_get),
    "crm.item.fields": reads(item_fields),
    "crm.item.add": writes(item_add),
    "crm.item.update": writes(item_update),
    "crm.item.delete": writes(item_delete),
}
