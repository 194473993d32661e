"""`tasks.task.*` (v2): UPPER_CASE in, camelCase strings out; a missing task is 200 with `[]`.

Source: bitrix24.md §8.1.
"""

from __future__ import annotations

from dataclasses import replace

from stavbill.sandbox.portal.fields import Dropped, Field, write_value
from stavbill.sandbox.portal.messenger import TASK_CHATS
from stavbill.sandbox.portal.method import Call, Method, reads, writes
from stavbill.sandbox.portal.params import as_list
from stavbill.sandbox.portal.query import (
    TASKS,
    Dialect,
    Query,
    read_filter,
    read_order,
    read_start,
    run,
)
from stavbill.sandbox.portal.state import State
from stavbill.sandbox.portal.wire import Answer, ApiError, Json, Record

SCOPE = "task"
COMPLETED = 5
WAITING = 2
LINKS = ("UF_CRM_TASK", "UF_TASK_WEBDAV_FILES", "UF_MAIL_MESSAGE")
_WRITABLE = """
TITLE string
DESCRIPTION string
RESPONSIBLE_ID user
CREATED_BY user
DEADLINE datetime
START_DATE_PLAN datetime
END_DATE_PLAN datetime
GROUP_ID integer
STAGE_ID integer
PARENT_ID integer
PRIORITY integer
XML_ID string
STATUS integer
TASK_CONTROL char
ALLOW_CHANGE_DEADLINE char
TIME_ESTIMATE integer
"""
_READABLE = """
ID integer
STATUS_CHANGED_BY user
CHANGED_BY user
CLOSED_BY user
CREATED_DATE datetime
CHANGED_DATE datetime
CLOSED_DATE datetime
STATUS_CHANGED_DATE datetime
MARK string
SITE_ID string
"""
_LISTS = (
    Field("ACCOMPLICES", "user", multiple=True),
    Field("AUDITORS", "user", multiple=True),
    Field("TAGS", multiple=True),
    Field("UF_CRM_TASK", multiple=True),
    Field("UF_TASK_WEBDAV_FILES", multiple=True),
)


# What a whole task also bears and this portal never changes, as recorded.
STILL: Record = {
    "descriptionInBbcode": "Y", "declineReason": None, "notViewed": "N", "multitask": "N",
    "replicate": "N", "dateStart": None, "durationFact": None, "timeSpentInLogs": None,
    "allowTimeTracking": "N", "matchWorkTime": "N", "addInReport": "N", "forumTopicId": None,
    "forumId": None, "commentsCount": None, "serviceCommentsCount": None, "subordinate": "N",
    "exchangeModified": None, "exchangeId": None, "favorite": "N",
}  # fmt: skip


def _read_lines(lines: str, *, read_only: bool) -> dict[str, Field]:
    pairs = (line.split() for line in lines.strip().splitlines())
    return {name: Field(name, kind, read_only=read_only) for name, kind in pairs}


WRITABLE = _read_lines(_WRITABLE, read_only=False) | {each.key: each for each in _LISTS}
FIELDS = WRITABLE | _read_lines(_READABLE, read_only=True)
FILTERS = {
    **{name: FIELDS[name] for name in (
        "ID", "PARENT_ID", "GROUP_ID", "CREATED_BY", "STATUS_CHANGED_BY", "PRIORITY",
        "RESPONSIBLE_ID", "TITLE", "MARK", "SITE_ID", "DEADLINE", "CREATED_DATE", "CLOSED_DATE",
        "CHANGED_DATE", "STAGE_ID", "UF_CRM_TASK", "STATUS")},
    "REAL_STATUS": FIELDS["STATUS"],
    "TAG": FIELDS["TAGS"],
    "ACCOMPLICE": FIELDS["ACCOMPLICES"],
    "AUDITOR": FIELDS["AUDITORS"],
}  # fmt: skip


def camel(name: str) -> str:
    """Convert `RESPONSIBLE_ID` to `responsibleId`."""
    first, *rest = name.lower().split("_")
    return first + "".join(part.capitalize() for part in rest)


def _scalar(state: State, what: Field, stored: Json) -> Json:
    if stored is None:
        return "0" if what.key in ("GROUP_ID", "STAGE_ID", "TIME_ESTIMATE") else None
    match what.kind:
        case "datetime":
            return state.user_iso(stored)
        case "string" | "char":
            return stored
        case _:
            return str(stored)


def _values(state: State, what: Field, record: Record) -> Json:
    stored = record.get(what.key)
    if not what.multiple:
        return _scalar(state, what, stored)
    if what.key == "TAGS":
        tags = {
            str(place): {"id": place, "title": text} for place, text in enumerate(stored or [], 1)
        }
        return tags or []
    if what.key in LINKS:
        return list(stored) if stored else False
    return [str(each) for each in stored or []]


def read_task(state: State, record: Record, select: list[str]) -> Record:
    """Write a task; without a selection everything but the links. `group` is always there."""
    wanted = [name for name in FIELDS if name not in LINKS]
    if select and "*" not in select:
        wanted = [name for name in FIELDS if name in select]
    if any(name in select for name in LINKS):
        wanted = [name for name in wanted if name not in LINKS] + list(LINKS)
    out: Record = {}
    if "ID" not in wanted:
        wanted = ["ID", *wanted]
    for name in wanted:
        what = FIELDS.get(name)
        out[camel(name)] = _values(state, what, record) if what is not None else None
    if not select or "*" in select:
        out |= STILL
    if not select or "CHAT_ID" in select:
        out["chatId"] = TASK_CHATS + record["ID"]
    group = state.workgroups.get(record.get("GROUP_ID") or 0)
    out["group"] = [] if group is None else {"id": str(group["ID"]), "name": group["NAME"],
                                             "opened": False, "additionalData": []}  # fmt: skip
    if not select or "STATUS" in select:
        out["subStatus"] = str(_sub_status(state, record))
    if not select or "RESPONSIBLE_ID" in select:
        out["responsible"] = _person(state, record.get("RESPONSIBLE_ID"))
    if not select or "CREATED_BY" in select:
        out["creator"] = _person(state, record.get("CREATED_BY"))
    return out


def _sub_status(state: State, record: Record) -> int:
    deadline = record.get("DEADLINE")
    if record["STATUS"] != COMPLETED and deadline is not None and deadline < state.now():
        return -1
    return int(record["STATUS"])


def _person(state: State, id_: Json) -> Json:
    user = state.users.get(id_ or 0)
    name = f"{user['NAME']} {user['LAST_NAME']}".strip() if user is not None else ""
    return {"id": str(id_ or 0), "name": name, "link": f"/company/personal/user/{id_}/",
            "icon": "/bitrix/images/tasks/default_avatar.png", "workPosition": ""}  # fmt: skip


def _changed(state: State, record: Record, given: Record) -> Record:
    out = dict(record)
    for name, value in given.items():
        what = WRITABLE.get(name)
        if what is None:
            continue
        sent = as_list(value) if what.multiple else value
        if name == "UF_CRM_TASK":
            sent = [each for each in sent if _linkable(state, str(each))]
        try:
            out[name] = write_value(state, what, sent)
        except Dropped:
            continue
    if (out.get("START_DATE_PLAN") is None) != (out.get("END_DATE_PLAN") is None):
        raise ApiError(400, "ERROR_CORE", "Укажите и начало, и завершение плана<br>")
    return out


def _linkable(state: State, value: str) -> bool:
    """Say whether UF_CRM_TASK takes a binding; others are dropped in silence. Source: §8.1."""
    prefix, _, number = value.partition("_")
    if not number.isdecimal():
        return False
    return prefix in ("CO", "C", "D", "L") or (
        prefix == "SI" and state.switches.tasks_take_invoices
    )


def task_add(state: State, call: Call) -> Answer:
    """Create a task and return it."""
    given = call.params.needed("fields")
    if not isinstance(given, dict) or not given:
        raise ApiError(400, "100", "Could not find value for parameter {fields}")
    now = state.now()
    fresh: Record = {
        "ID": 0, "CREATED_BY": call.user_id, "STATUS": WAITING, "PRIORITY": 1, "GROUP_ID": 0,
        "STAGE_ID": 0, "CREATED_DATE": now, "CHANGED_DATE": now, "STATUS_CHANGED_DATE": now,
        "CHANGED_BY": call.user_id, "STATUS_CHANGED_BY": call.user_id, "DESCRIPTION": "",
        "TASK_CONTROL": "N", "ALLOW_CHANGE_DEADLINE": "N", "SITE_ID": "s1",
    }  # fmt: skip
    record = _changed(state, fresh, given)
    if not record.get("TITLE"):
        raise ApiError(400, "ERROR_CORE", "Не указано название задачи<br>")
    if not record.get("RESPONSIBLE_ID"):
        raise ApiError(400, "ERROR_CORE", "Не указан исполнитель<br>")
    if len(state.users) and state.users.get(record["RESPONSIBLE_ID"]) is None:
        raise ApiError(400, "ERROR_CORE", "Исполнитель не найден<br>")
    record["ID"] = state.tasks.new_id()
    state.tasks.put(record["ID"], record)
    return Answer({"task": read_task(state, record, [])})


def _found(state: State, call: Call) -> Record:
    record = state.tasks.get(call.params.integer("taskId"))
    if record is None:
        raise ApiError(400, "0", "wrong task id (internal error)")
    return record


def task_update(state: State, call: Call) -> Answer:
    """Change a task and return it."""
    record = _found(state, call)
    given = call.params.needed("fields")
    if not isinstance(given, dict) or not given:
        raise ApiError(400, "100", "Could not find value for parameter {fields}")
    new = _changed(state, record, given)
    now = state.now()
    if new["STATUS"] != record["STATUS"]:
        new |= {"STATUS_CHANGED_DATE": now, "STATUS_CHANGED_BY": call.user_id,
                "CLOSED_DATE": now if new["STATUS"] == COMPLETED else None}  # fmt: skip
    new |= {"CHANGED_DATE": now, "CHANGED_BY": call.user_id}
    state.tasks.put(record["ID"], new)
    return Answer({"task": read_task(state, new, [])})


def task_get(state: State, call: Call) -> Answer:
    """Return one task; a missing one is an empty result, no error."""
    select = call.params.get("select")
    if select is not None and not isinstance(select, (list, dict)):
        text = f"Invalid value {{{select}}} to match with parameter {{select}}. "
        raise ApiError(400, "100", text + "Should be value of type array. (internal error)")
    record = state.tasks.get(call.params.integer("taskId"))
    if record is None:
        return Answer([])
    return Answer({"task": read_task(state, record, call.params.texts("select"))})


def task_list(state: State, call: Call) -> Answer:
    """Return a page of tasks, the newest first unless an order is given."""
    given = {
        name: value
        for name, value in call.params.mapping("filter").items()
        if not name.startswith("::")
    }
    if given.pop("ONLY_ROOT_TASKS", "N") == "Y":
        given["PARENT_ID"] = None
    query = Query(
        where=read_filter(
            state, FILTERS, given, Dialect(TASKS, lambda name: _refuse_filter(state, name))
        ),
        order=read_order(FIELDS, call.params.mapping("order"), _refuse_order),
        start=read_start(call.params.get("start")),
        descending=True,
    )
    page, answer = run(state, state.view(state.tasks), query)
    select = call.params.texts("select")
    return replace(answer, result={"tasks": [read_task(state, each, select) for each in page]})


def _refuse_filter(state: State, name: str) -> None:
    if state.switches.unknown_old_filter == "error":
        raise ApiError(400, "0", f"Invalid filter key {name} (internal error)")


def _refuse_order(name: str) -> None:
    raise ApiError(400, "0", f"Invalid sorting key {name} (internal error)")


def task_complete(state: State, call: Call) -> Answer:
    """Complete a task; a completed one cannot be completed again."""
    record = _found(state, call)
    if record["STATUS"] == COMPLETED:
        raise ApiError(400, "0", "Action on the task is not allowed")
    now = state.now()
    new = record | {
        "STATUS": COMPLETED, "CLOSED_DATE": now, "CLOSED_BY": call.user_id, "CHANGED_DATE": now,
        "CHANGED_BY": call.user_id, "STATUS_CHANGED_DATE": now, "STATUS_CHANGED_BY": call.user_id,
    }  # fmt: skip
    state.tasks.put(record["ID"], new)
    return Answer({"task": read_task(state, new, [])})


def task_renew(state: State, call: Call) -> Answer:
    """Open a completed task again."""
    record = _found(state, call)
    if record["STATUS"] != COMPLETED:
        raise ApiError(400, "0", "Action on the task is not allowed")
    new = record | {"STATUS": WAITING, "CLOSED_DATE": None, "CHANGED_DATE": state.now()}
    state.tasks.put(record["ID"], new)
    return Answer({"task": read_task(state, new, [])})


def task_delete(state: State, call: Call) -> Answer:
    """Delete a task with its checklists."""
    record = _found(state, call)
    state.tasks.remove(record["ID"])
    for item in list(state.checklist.having("TASK_ID", record["ID"])):
        state.checklist.remove(item)
    return Answer({"task": True})


METHODS: dict[str, Method] = {
    "tasks.task.list": reads(task_list, SCOPE),
    "tasks.task.get": reads(task_get, SCOPE),
    "tasks.task.add": writes(task_add, SCOPE),
    "tasks.task.update": writes(task_update, SCOPE),
    "tasks.task.complete": writes(task_complete, SCOPE),
    "tasks.task.renew": writes(task_renew, SCOPE),
    "tasks.task.delete": writes(task_delete, SCOPE),
}
