"""Lists of the old group that are all strings: requisites, bank details, links, addresses.

Source: bitrix24.md §5.5–§5.8.
"""

from __future__ import annotations

from dataclasses import replace

from stavbill.sandbox.portal.fields import Field
from stavbill.sandbox.portal.method import Call
from stavbill.sandbox.portal.query import (
    REQUISITES,
    Dialect,
    Query,
    read_filter,
    read_order,
    read_start,
    run,
)
from stavbill.sandbox.portal.state import State
from stavbill.sandbox.portal.table import Table
from stavbill.sandbox.portal.wire import Answer, ApiError, Json, Record


def described(strings: str, numbers: str) -> dict[str, Field]:
    """Describe fields by two lists of names."""
    return {name: Field(name) for name in strings.split()} | {
        name: Field(name, "integer") for name in numbers.split()
    }


def read_strings(state: State, record: Record, names: list[str]) -> Record:
    """Write a record as strings and nulls; moments are ISO."""
    return {name: _string(state, record.get(name)) for name in names}


def _string(state: State, value: Json) -> Json:
    if value is None or isinstance(value, (str, list)):
        return value
    if hasattr(value, "isoformat"):
        return state.iso(value)
    return str(value)


def list_strings(state: State, table: Table, fields: dict[str, Field], call: Call) -> Answer:
    """Return a page of a table; without a selection all fields."""

    def refuse(name: str) -> None:
        if state.switches.unknown_old_filter == "error":
            raise ApiError(400, "", f"Unknown field in filter or order: {name}")

    known = fields | {"ID": Field("ID", "integer")}
    query = Query(
        where=read_filter(state, known, call.params.mapping("filter"), Dialect(REQUISITES, refuse)),
        order=read_order(known, call.params.mapping("order"), refuse),
        start=read_start(call.params.get("start")),
    )
    page, answer = run(state, state.view(table), query)
    select = call.params.texts("select")
    names = list(fields) if not select or "*" in select else [n for n in select if n in fields]
    rows = state.written.rows(page, tuple(names), lambda one: read_strings(state, one, names))
    return replace(answer, result=rows)
