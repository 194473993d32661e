"""Rows that vanish or appear while somebody reads a list page by page."""

from __future__ import annotations

from collections.abc import Mapping

from stavbill.sandbox.portal.faults import Fault, Trouble
from stavbill.sandbox.portal.params import Params
from stavbill.sandbox.portal.state import COMPANY, State
from stavbill.sandbox.portal.table import Table


def _table(state: State, method: str, params: Params) -> tuple[Table, str] | None:
    if method == "crm.item.list":
        of_companies = params.optional_integer("entityTypeId", 0) == COMPANY
        return (state.companies, "ID") if of_companies else (state.invoices, "id")
    return {
        "crm.company.list": (state.companies, "ID"),
        "tasks.task.list": (state.tasks, "ID"),
        "crm.documentgenerator.document.list": (state.documents, "id"),
        "crm.requisite.list": (state.requisites, "ID"),
    }.get(method)


def play(state: State, method: str, params: Params, struck: Mapping[Trouble, Fault]) -> None:
    """Delete the named row (or the lowest) or add a copy of the last, behind the list's back."""
    found = _table(state, method, params)
    if found is None:
        return
    table, id_key = found
    gone = struck.get(Trouble.ROW_DELETED)
    if gone is not None and table.ids:
        table.remove(gone.target or table.ids[0])
    if Trouble.ROW_ADDED in struck and table.ids:
        last = table.records[table.ids[-1]]
        id_ = table.new_id()
        table.put(id_, last | {id_key: id_})
