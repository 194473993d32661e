"""Directories and service methods: funnels, stages, currencies, users, groups, scope, time.

Source: bitrix24.md §6.6, §9.6–§9.9.
"""

from __future__ import annotations

from dataclasses import replace

from stavbill.sandbox.portal.fields import Field
from stavbill.sandbox.portal.method import Call, Method, reads
from stavbill.sandbox.portal.query import (
    OLD,
    Dialect,
    Query,
    read_filter,
    read_order,
    read_start,
    run,
)
from stavbill.sandbox.portal.state import INVOICE, State
from stavbill.sandbox.portal.table import Table
from stavbill.sandbox.portal.tasks import camel
from stavbill.sandbox.portal.wire import Answer, ApiError, Json, Record

STATUS = {name: Field(name) for name in (
    "ENTITY_ID", "STATUS_ID", "NAME", "NAME_INIT", "SYSTEM", "COLOR", "SEMANTICS")} | {
    name: Field(name, "integer") for name in ("ID", "SORT", "CATEGORY_ID")}  # fmt: skip
USER = {name: Field(name) for name in (
    "NAME", "LAST_NAME", "SECOND_NAME", "EMAIL", "WORK_POSITION", "USER_TYPE")} | {
    "ID": Field("ID", "integer"), "ACTIVE": Field("ACTIVE", "boolean")}  # fmt: skip
GROUP = {name: Field(name) for name in (
    "NAME", "DESCRIPTION", "ACTIVE", "VISIBLE", "OPENED", "CLOSED", "PROJECT")} | {
    name: Field(name, "integer") for name in ("ID", "OWNER_ID")}  # fmt: skip


def _refuse(state: State, name: str) -> None:
    if state.switches.unknown_old_filter == "error":
        raise ApiError(400, "", f"Unknown field in filter or order: {name}")


def _page(state: State, table: Table, fields: dict[str, Field], call: Call,
          names: tuple[str, str] = ("filter", "order")) -> tuple[list[Record], Answer]:  # fmt: skip
    dialect = Dialect(OLD, lambda name: _refuse(state, name))
    query = Query(
        where=read_filter(state, fields, call.params.mapping(names[0]), dialect),
        order=read_order(fields, call.params.mapping(names[1]), dialect.refuse),
        start=read_start(call.params.get("start")),
    )
    return run(state, state.view(table), query)


def category_list(state: State, call: Call) -> Answer:
    """Return all funnels of a type, unpaged."""
    type_id = call.params.integer("entityTypeId")
    if type_id != INVOICE:
        raise ApiError(400, "NOT_FOUND", "Smart process not found")
    found = [dict(record) for record in state.categories]
    return Answer({"categories": found}, total=len(found))


def status_list(state: State, call: Call) -> Answer:
    """Return values of directories, all strings; invoices have no EXTRA."""
    page, answer = _page(state, state.statuses, STATUS, call)
    strings = [
        {name: None if value is None else str(value) for name, value in record.items()}
        for record in page
    ]
    return replace(answer, result=strings)


def entity_types(state: State, call: Call) -> Answer:
    """Return what kinds of directories there are: one for each funnel of invoices among them."""
    del call
    named: list[Json] = [
        {"ID": "COMPANY_TYPE", "NAME": "Тип компании"},
        {"ID": "INDUSTRY", "NAME": "Сфера деятельности"},
    ]
    funnels: list[Json] = [
        {
            "ID": f"SMART_INVOICE_STAGE_{record['id']}", "NAME": "Стадии счёта",
            "SEMANTIC_INFO": [], "PREFIX": f"DT{INVOICE}_{record['id']}",
            "FIELD_ATTRIBUTE_SCOPE": f"category_{record['id']}", "ENTITY_TYPE_ID": INVOICE,
            "IS_ENABLED": True, "CATEGORY_ID": record["id"],
        }
        for record in state.categories
    ]  # fmt: skip
    return Answer([*named, *funnels])


def currency_list(state: State, call: Call) -> Answer:
    """Return the currencies; the total is always 0."""
    del call
    return Answer(list(state.currencies), total=0)


def _read_user(record: Record) -> Record:
    return {**record, "ID": str(record["ID"])}


def user_get(state: State, call: Call) -> Answer:
    """Return a page of users; filter keys are accepted at top level too."""
    top = {name: value for name, value in call.params.given.items() if name in USER}
    given = call.params.mapping("filter") or top
    dialect = Dialect(OLD, lambda name: _refuse(state, name))
    sort = call.params.get("sort")
    descending = str(call.params.get("order") or "ASC").upper() == "DESC"
    by = USER.get(str(sort)) if sort else None
    query = Query(
        where=read_filter(state, USER, given, dialect),
        order=((by, descending),) if by is not None else (),
        start=read_start(call.params.get("start")),
    )
    page, answer = run(state, state.view(state.users), query)
    return replace(answer, result=[_read_user(record) for record in page])


def user_current(state: State, call: Call) -> Answer:
    """Return the webhook's owner."""
    record = state.users.get(call.user_id)
    return Answer([] if record is None else _read_user(record))


def profile(state: State, call: Call) -> Answer:
    """Return the webhook's owner in brief, without any scope."""
    record = state.users.get(call.user_id)
    if record is None:
        return Answer([])
    return Answer({
        "ID": str(record["ID"]), "ADMIN": True, "NAME": record["NAME"],
        "LAST_NAME": record["LAST_NAME"], "PERSONAL_GENDER": "", "TIME_ZONE": "",
    })  # fmt: skip


def server_time(state: State, call: Call) -> Answer:
    """Return the server's time with its offset."""
    del call
    return Answer(state.iso(state.now()))


def group_get(state: State, call: Call) -> Answer:
    """Return a page of workgroups, all strings."""
    page, answer = _page(state, state.workgroups, GROUP, call, ("FILTER", "ORDER"))
    return replace(answer, result=[_strings(record) for record in page])


def _strings(record: Record) -> dict[str, Json]:
    return {name: None if value is None else str(value) for name, value in record.items()}


def workgroup_list(state: State, call: Call) -> Answer:
    """Return a page of workgroups: UPPER names asked, camelCase given, by default the id alone."""
    page, answer = _page(state, state.workgroups, GROUP, call)
    wanted = [name for name in call.params.texts("select") if name in GROUP] or ["ID"]
    if "ID" not in wanted:
        wanted = ["ID", *wanted]
    found = [{camel(name): _strings(record)[name] for name in wanted} for record in page]
    if read_start(call.params.get("start")) == -1:
        answer = replace(answer, total=None)
    return replace(answer, result={"workgroups": found})


METHODS: dict[str, Method] = {
    "crm.category.list": reads(category_list),
    "crm.status.list": reads(status_list, any_case=True),
    "crm.status.entity.types": reads(entity_types),
    "crm.currency.list": reads(currency_list, any_case=True),
    "user.get": reads(user_get, "user", any_case=True),
    "user.current": reads(user_current, "user"),
    "profile": reads(profile, ""),
    "server.time": reads(server_time, ""),
    "sonet_group.get": reads(group_get, "sonet_group", any_case=True),
    "socialnetwork.api.workgroup.list": reads(workgroup_list, "socialnetwork"),
}
