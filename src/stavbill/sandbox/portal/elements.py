"""`lists.element.*`: the one place where the portal refuses a second element with the same code.

Source: bitrix24.md §9.2.
"""

from __future__ import annotations

from dataclasses import replace

from stavbill.sandbox.portal.fields import Field
from stavbill.sandbox.portal.method import Call, Method, reads, writes
from stavbill.sandbox.portal.params import as_int, as_list
from stavbill.sandbox.portal.query import Condition, Group, Query, read_start, run
from stavbill.sandbox.portal.state import State
from stavbill.sandbox.portal.wire import Answer, ApiError, Json, Record

SCOPE = "lists"
ID = Field("ID", "integer")
LIST = Field("list")


def _list_of(call: Call) -> str:
    """Return which list is meant. Any list is there from the first element on."""
    kind = call.params.get("IBLOCK_TYPE_ID")
    name = call.params.get("IBLOCK_CODE") or call.params.get("IBLOCK_ID")
    if not kind or not name:
        text = "Required parameters are missing: IBLOCK_TYPE_ID, IBLOCK_ID or IBLOCK_CODE"
        raise ApiError(400, "ERROR_REQUIRED_PARAMETERS_MISSING", text)
    return f"{kind}:{name}".casefold()


def _by_code(state: State, where: str, code: Json) -> Record | None:
    for id_ in state.elements.having("list", where):
        record = state.elements.records[id_]
        if record["CODE"] == code:
            return record
    return None


def _fields(call: Call) -> Record:
    given = call.params.mapping("FIELDS")
    if not given.get("NAME"):
        text = "Required parameters are missing: FIELDS[NAME]"
        raise ApiError(400, "ERROR_REQUIRED_PARAMETERS_MISSING", text)
    return given


def element_add(state: State, call: Call) -> Answer:
    """Add an element and return its id; a code that exists is refused."""
    where, code = _list_of(call), call.params.get("ELEMENT_CODE")
    if not code:
        text = "Required parameters are missing: ELEMENT_CODE"
        raise ApiError(400, "ERROR_REQUIRED_PARAMETERS_MISSING", text)
    given = _fields(call)
    if _by_code(state, where, code) is not None:
        text = "Element with this symbolic code already exists"
        raise ApiError(400, "ERROR_ELEMENT_ALREADY_EXISTS", text)
    id_ = state.elements.new_id()
    state.elements.put(id_, {"ID": id_, "list": where, "CODE": code, "FIELDS": dict(given)})
    return Answer(id_)


def _found(state: State, call: Call) -> Record:
    where, code = _list_of(call), call.params.get("ELEMENT_CODE")
    record = (
        _by_code(state, where, code)
        if code
        else state.elements.get(as_int(call.params.get("ELEMENT_ID")) or 0)
    )
    if record is None or record["list"] != where:
        raise ApiError(400, "ERROR_ELEMENT_NOT_FOUND", "Element not found")
    return record


def element_update(state: State, call: Call) -> Answer:
    """Replace an element's fields: those not sent are cleared."""
    record = _found(state, call)
    state.elements.put(record["ID"], record | {"FIELDS": dict(_fields(call))})
    return Answer(result=True)


def element_delete(state: State, call: Call) -> Answer:
    """Delete an element."""
    state.elements.remove(_found(state, call)["ID"])
    return Answer(result=True)


def element_get(state: State, call: Call) -> Answer:
    """Return elements by id, by code, or a page of the list; property values are keyed maps."""
    where = _list_of(call)
    code, id_ = call.params.get("ELEMENT_CODE"), as_int(call.params.get("ELEMENT_ID"))
    conditions: list[Condition | Group] = [Condition(LIST, "=", where)]
    if code:
        conditions.append(Condition(Field("CODE"), "=", str(code).casefold()))
    if id_ is not None:
        conditions.append(Condition(ID, "=", id_))
    query = Query(Group(tuple(conditions)), start=read_start(call.params.get("start")))
    page, answer = run(state, state.view(state.elements), query)
    return replace(answer, result=[_read(record) for record in page])


def _read(record: Record) -> Record:
    out: Record = {"ID": str(record["ID"]), "CODE": record["CODE"]}
    for name, value in record["FIELDS"].items():
        if name.startswith("PROPERTY_"):
            first = record["ID"] * 100
            out[name] = {str(first + place): each for place, each in enumerate(as_list(value))}
        else:
            out[name] = value
    return out


METHODS: dict[str, Method] = {
    "lists.element.get": reads(element_get, SCOPE),
    "lists.element.add": writes(element_add, SCOPE),
    "lists.element.update": writes(element_update, SCOPE),
    "lists.element.delete": writes(element_delete, SCOPE),
}
