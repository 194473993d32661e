"""Timeline comments, log messages, activities to read, notifications.

Source: bitrix24.md §9.3–§9.5.
"""

from __future__ import annotations

from dataclasses import replace

from stavbill.sandbox.portal.fields import Field
from stavbill.sandbox.portal.method import Call, Method, reads, writes
from stavbill.sandbox.portal.params import as_int
from stavbill.sandbox.portal.plain import described, list_strings
from stavbill.sandbox.portal.query import (
    Condition,
    Group,
    Query,
    read_order,
    read_start,
    run,
)
from stavbill.sandbox.portal.state import COMPANY, INVOICE, State
from stavbill.sandbox.portal.table import Table
from stavbill.sandbox.portal.wire import Answer, ApiError, Record

ENTITY_TYPES = {"company": COMPANY, "smart_invoice": INVOICE, "lead": 1, "deal": 2, "contact": 3,
                "order": 14, f"dynamic_{INVOICE}": INVOICE}  # fmt: skip
COMMENT_ORDER = {
    "ID": Field("ID", "integer"), "CREATED": Field("CREATED", "datetime"),
    "AUTHOR_ID": Field("AUTHOR_ID", "integer"),
}  # fmt: skip
LOG_ORDER = {"id": Field("id", "integer"), "created": Field("created", "datetime")}
OWNER = Field("owner")
LOG_PAGE = 10
ACTIVITY = described(
    "SUBJECT DESCRIPTION COMPLETED ORIGINATOR_ID ORIGIN_ID PROVIDER_ID CREATED",
    "ID OWNER_TYPE_ID OWNER_ID TYPE_ID RESPONSIBLE_ID DIRECTION",
)


def _entity(given: Record) -> tuple[str, int]:
    """Return the owner named by ENTITY_TYPE and ENTITY_ID."""
    kind = str(given.get("ENTITY_TYPE") or "").lower()
    id_ = as_int(given.get("ENTITY_ID"))
    if kind not in ENTITY_TYPES:
        raise ApiError(400, "OWNER_NOT_FOUND", "Owner was not found")
    if id_ is None:
        raise ApiError(400, "100", "Could not find value for parameter {ENTITY_ID}")
    return kind, id_


def put_comment(state: State, owner: tuple[str, int], text: str, author: int) -> int:
    """Add a comment; whether its owner exists is not looked at. Source: §1.8."""
    id_ = state.comments.new_id()
    state.comments.put(id_, {"ID": id_, "owner": owner, "COMMENT": text, "AUTHOR_ID": author,
                             "CREATED": state.now()})  # fmt: skip
    return id_


def comment_add(state: State, call: Call) -> Answer:
    """Add a comment and return its id; only lower-case `fields` is taken."""
    given = call.params.needed("fields")
    if not isinstance(given, dict):
        raise ApiError(400, "100", "Could not find value for parameter {fields}")
    owner = _entity(given)
    text = str(given.get("COMMENT") or "")
    if not text:
        raise ApiError(400, "INVALID_ARG_VALUE", "Comment is empty")
    return Answer(put_comment(state, owner, text, call.user_id))


def comment_delete(state: State, call: Call) -> Answer:
    """Delete a comment; the answer is always null. Source: crm-timeline-comment-delete.md."""
    id_ = as_int(call.params.needed("id"))
    record = None if id_ is None else state.comments.get(id_)
    if record is None or id_ is None:
        raise ApiError(400, "NOT_FOUND", "Not found.")
    type_id, owner_id = (as_int(call.params.get(name)) for name in ("ownerTypeId", "ownerId"))
    if type_id is not None and owner_id is not None:
        kind, owner = record["owner"]
        if (ENTITY_TYPES[kind], owner) != (type_id, owner_id):
            raise ApiError(400, "OWNER_NOT_FOUND", "Owner was not found")
    state.comments.remove(id_)
    return Answer(None)


def comment_list(state: State, call: Call) -> Answer:
    """Return a page of one owner's comments; both parts of the owner are demanded."""
    given = call.params.mapping("filter")
    bare = {name.removeprefix("="): value for name, value in given.items()}
    if "ENTITY_ID" not in bare or "ENTITY_TYPE" not in bare:
        raise ApiError(400, "", "ENTITY_ID and ENTITY_TYPE are required in filter")
    if set(bare) - {"ENTITY_ID", "ENTITY_TYPE", "ID", ">ID"}:
        raise ApiError(400, "", "Unknown field in filter")
    owner = _entity(bare)
    where: list[Condition | Group] = [Condition(OWNER, "=", owner)]
    where += [
        Condition(COMMENT_ORDER["ID"], name.removesuffix("ID"), as_int(value))
        for name, value in bare.items()
        if name in ("ID", ">ID")
    ]
    query = Query(Group(tuple(where)), start=read_start(call.params.get("start")))
    page, answer = _owned(state, state.comments, call, COMMENT_ORDER, query)
    names = call.params.texts("select") or ["ID", "ENTITY_ID", "ENTITY_TYPE", "CREATED", "COMMENT",
                                            "AUTHOR_ID", "FILES"]  # fmt: skip
    found = [_read_comment(state, record) for record in page]
    return replace(answer, result=[{n: each[n] for n in names if n in each} for each in found])


def _owned(
    state: State, table: Table, call: Call, orders: dict[str, Field], query: Query
) -> tuple[list[Record], Answer]:
    def refuse(name: str) -> None:
        raise ApiError(400, "", f"Unknown field in order: {name}")

    order = read_order(orders, call.params.mapping("order"), refuse)
    return run(state, state.view(table), replace(query, order=order))


def _read_comment(state: State, record: Record) -> Record:
    kind, owner = record["owner"]
    return {
        "ID": str(record["ID"]), "ENTITY_ID": str(owner), "ENTITY_TYPE": kind,
        "CREATED": state.iso(record["CREATED"]), "COMMENT": record["COMMENT"],
        "AUTHOR_ID": str(record["AUTHOR_ID"]), "FILES": [],
    }  # fmt: skip


def _log_owner(state: State, given: Record) -> tuple[int, int]:
    type_id, id_ = as_int(given.get("entityTypeId")), as_int(given.get("entityId"))
    if type_id is None or id_ is None:
        missing = "entityTypeId" if type_id is None else "entityId"
        raise ApiError(400, "100", f"Could not find value for parameter {{{missing}}}")
    table = {COMPANY: state.companies, INVOICE: state.invoices}.get(type_id)
    if table is None or table.get(id_) is None:
        raise ApiError(400, "OWNER_NOT_FOUND", "Owner was not found")
    return type_id, id_


def log_add(state: State, call: Call) -> Answer:
    """Add a log message; its owner must exist."""
    given = call.params.needed("fields")
    for name in ("title", "text", "iconCode"):
        if not isinstance(given, dict) or not given.get(name):
            raise ApiError(400, "100", f"Could not find value for parameter {{{name}}}")
    owner = _log_owner(state, given)
    id_ = state.log_messages.new_id()
    record: Record = {
        "id": id_, "owner": owner, "created": state.now(), "authorId": call.user_id,
        "title": given["title"], "text": given["text"], "iconCode": given["iconCode"],
    }  # fmt: skip
    state.log_messages.put(id_, record)
    return Answer({"logMessage": _read_log(state, record)})


def _read_log(state: State, record: Record) -> Record:
    names = ("id", "authorId", "title", "text", "iconCode")
    return {name: record[name] for name in names} | {"created": state.iso(record["created"])}


def log_list(state: State, call: Call) -> Answer:
    """Return a page of ten log messages of one owner."""
    owner = _log_owner(state, call.params.given)
    query = Query(Group((Condition(OWNER, "=", owner),)), id_key="id", page=LOG_PAGE,
                  start=read_start(call.params.get("start")), descending=True)  # fmt: skip
    page, answer = _owned(state, state.log_messages, call, LOG_ORDER, query)
    return replace(answer, result=[_read_log(state, record) for record in page])


def activity_list(state: State, call: Call) -> Answer:
    """Return a page of activities, all strings."""
    return list_strings(state, state.activities, ACTIVITY, call)


def notify(state: State, call: Call) -> Answer:
    """Add a notification; one with the same TAG takes the older one's place."""
    user, message = as_int(call.params.get("USER_ID")), call.params.get("MESSAGE")
    if user is None:
        raise ApiError(400, "USER_ID_EMPTY", "User ID can't be empty")
    if not message:
        raise ApiError(400, "MESSAGE_EMPTY", "Message can't be empty")
    tag = call.params.get("TAG")
    if tag:
        for record in [each for each in state.notifications if each["TAG"] == tag]:
            state.notifications.remove(record["ID"])
    id_ = state.notifications.new_id()
    state.notifications.put(id_, {"ID": id_, "USER_ID": user, "MESSAGE": str(message), "TAG": tag})
    return Answer(id_)


METHODS: dict[str, Method] = {
    "crm.timeline.comment.add": writes(comment_add),
    "crm.timeline.comment.delete": writes(comment_delete),
    "crm.timeline.comment.list": reads(comment_list),
    "crm.timeline.logmessage.add": writes(log_add),
    "crm.timeline.logmessage.list": reads(log_list),
    "crm.activity.list": reads(activity_list, any_case=True),
    "im.notify.system.add": writes(notify, "im", any_case=True),
    "im.notify.personal.add": writes(notify, "im", any_case=True),
}
