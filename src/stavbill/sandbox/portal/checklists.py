"""`task.checklistitem.*`: parameters by order, a tree of three levels, PARENT_ID 0 as a number.

Source: bitrix24.md §8.3.
"""

from __future__ import annotations

from stavbill.sandbox.portal.method import Call, Method
from stavbill.sandbox.portal.params import as_int
from stavbill.sandbox.portal.state import State
from stavbill.sandbox.portal.wire import Answer, ApiError, Json, Record

SCOPE = "task"
FIRST_LIST = "Чек-лист 1"
ORDERS = {"ID", "PARENT_ID", "CREATED_BY", "TITLE", "SORT_INDEX", "IS_COMPLETE", "TOGGLED_DATE"}


def _refused(number: int, text: str) -> ApiError:
    return ApiError(400, "ERROR_CORE", f"TASKS_ERROR_EXCEPTION_#{number}; {text}<br>")


def _task(state: State, call: Call) -> int:
    id_ = as_int(call.params.get("TASKID"))
    if id_ is None:
        raise _refused(256, "Param #0 (taskId) expected to be an integer; 256/TE/WRONG_ARGUMENTS")
    if state.tasks.get(id_) is None:
        raise _refused(8, "Action failed; 8/TE/ACTION_FAILED_TO_BE_PROCESSED")
    return id_


def _fields(call: Call) -> Record:
    given = call.params.get("FIELDS")
    if not isinstance(given, dict):
        raise _refused(256, "Param (arFields) for method must be an array; 256/TE/WRONG_ARGUMENTS")
    return given


def _items(state: State, task: int) -> list[Record]:
    return [state.checklist.records[id_] for id_ in state.checklist.having("TASK_ID", task)]


def _flag(value: Json) -> str:
    return "Y" if value in ("Y", True, 1, "1") else "N"


def _members(given: Json) -> Record:
    if not isinstance(given, dict):
        return {}
    return {key: value for key, value in given.items() if isinstance(value, dict)}


def item_add(state: State, call: Call) -> Answer:
    """Add an item; PARENT_ID 0 or an unknown one begins a new checklist."""
    task = _task(state, call)
    given = _fields(call)
    title = str(given.get("TITLE") or "")
    if not title:
        raise _refused(8, "Item name not specified; 8/TE/ACTION_FAILED_TO_BE_PROCESSED")
    parent = _parent(state, task, given, call.user_id)
    return Answer(_put(state, task, parent, given | {"TITLE": title}, call.user_id))


def _parent(state: State, task: int, given: Record, user_id: int) -> int:
    """Return the item's parent: the one named, the first checklist, or a checklist made for it."""
    if "PARENT_ID" in given:
        wanted = as_int(given["PARENT_ID"]) or 0
        known = state.checklist.get(wanted)
        return wanted if known is not None and known["TASK_ID"] == task else 0
    for item in _items(state, task):
        if item["PARENT_ID"] == 0:
            return int(item["ID"])
    return _put(state, task, 0, {"TITLE": FIRST_LIST}, user_id)


def _put(state: State, task: int, parent: int, given: Record, user_id: int) -> int:
    siblings = [item for item in _items(state, task) if item["PARENT_ID"] == parent]
    id_ = state.checklist.new_id()
    complete = _flag(given.get("IS_COMPLETE"))
    state.checklist.put(id_, {
        "ID": id_, "TASK_ID": task, "PARENT_ID": parent, "CREATED_BY": user_id,
        "TITLE": given["TITLE"], "IS_COMPLETE": complete,
        "SORT_INDEX": as_int(given.get("SORT_INDEX")) or len(siblings),
        "IS_IMPORTANT": _flag(given.get("IS_IMPORTANT")),
        "TOGGLED_BY": user_id if complete == "Y" else None,
        "TOGGLED_DATE": state.now() if complete == "Y" else None,
        "MEMBERS": _members(given.get("MEMBERS")),
    })  # fmt: skip
    return id_


def _read(state: State, item: Record) -> Record:
    toggled = item["TOGGLED_BY"]
    return {
        "ID": str(item["ID"]), "TASK_ID": str(item["TASK_ID"]),
        # A root says the number 0, every other parent is a string.
        "PARENT_ID": str(item["PARENT_ID"]) if item["PARENT_ID"] else 0,
        "CREATED_BY": str(item["CREATED_BY"]), "TITLE": item["TITLE"],
        "SORT_INDEX": str(item["SORT_INDEX"]), "IS_COMPLETE": item["IS_COMPLETE"],
        "IS_IMPORTANT": item["IS_IMPORTANT"],
        "TOGGLED_BY": None if toggled is None else str(toggled),
        "TOGGLED_DATE": state.user_iso(item["TOGGLED_DATE"]) or "",
        "MEMBERS": [{"ID": key, **value} for key, value in item["MEMBERS"].items()],
        "ATTACHMENTS": [],
    }  # fmt: skip


def item_list(state: State, call: Call) -> Answer:
    """Return all items of a task, the newest first unless an order is given; no total."""
    task = _task(state, call)
    order = call.params.get("ORDER") or {"ID": "desc"}
    if not isinstance(order, dict) or not set(order) <= ORDERS:
        raise _refused(256, "Param #1 (arOrder) for method is wrong; 256/TE/WRONG_ARGUMENTS")
    view = state.view(state.checklist)
    items = [view.get(id_) for id_ in view.having("TASK_ID", [task])]
    found = [item for item in items if item is not None and item["TASK_ID"] == task]
    for name, direction in reversed(order.items()):
        found.sort(key=lambda item: str(item[name]) if name == "TITLE" else item[name] or 0,
                   reverse=str(direction).lower() == "desc")  # fmt: skip
    return Answer([_read(state, item) for item in found])


def _found(state: State, call: Call) -> Record | None:
    """Return the item, whichever task it belongs to: the portal does not compare."""
    return state.checklist.get(as_int(call.params.get("ITEMID")) or 0)


def _needed(state: State, call: Call) -> Record:
    _task(state, call)
    item = _found(state, call)
    if item is None:
        raise _refused(8, "Action failed; 8/TE/ACTION_FAILED_TO_BE_PROCESSED")
    return item


def item_get(state: State, call: Call) -> Answer:
    """Return one item."""
    return Answer(_read(state, _needed(state, call)))


def item_update(state: State, call: Call) -> Answer:
    """Change an item; the result is null."""
    item = dict(_needed(state, call))
    given = _fields(call)
    if given.get("TITLE"):
        item["TITLE"] = str(given["TITLE"])
    if "MEMBERS" in given:
        item["MEMBERS"] = _members(given["MEMBERS"])
    for name in ("IS_COMPLETE", "IS_IMPORTANT"):
        if name in given:
            item[name] = _flag(given[name])
    if "SORT_INDEX" in given:
        item["SORT_INDEX"] = as_int(given["SORT_INDEX"]) or 0
    state.checklist.put(item["ID"], item)
    return Answer(None)


def _toggle(state: State, call: Call, complete: str) -> Answer:
    item = _found(state, call)
    if item is None:
        return Answer(result=False)
    if item["IS_COMPLETE"] != complete:
        stamp = {"IS_COMPLETE": complete, "TOGGLED_BY": call.user_id, "TOGGLED_DATE": state.now()}
        state.checklist.put(item["ID"], item | stamp)
    return Answer(result=True)


def item_complete(state: State, call: Call) -> Answer:
    """Tick an item; an unknown one is False without an error."""
    return _toggle(state, call, "Y")


def item_renew(state: State, call: Call) -> Answer:
    """Take the tick away."""
    return _toggle(state, call, "N")


def item_delete(state: State, call: Call) -> Answer:
    """Delete an item with those under it."""
    _delete(state, _needed(state, call)["ID"])
    return Answer(result=True)


def _delete(state: State, id_: int) -> None:
    item = state.checklist.get(id_)
    if item is None:
        return
    state.checklist.remove(id_)
    for child in _items(state, item["TASK_ID"]):
        if child["PARENT_ID"] == id_:
            _delete(state, child["ID"])


_ONE = ("TASKID", "ITEMID")
METHODS: dict[str, Method] = {
    "task.checklistitem.add": Method(item_add, SCOPE, writes=True, order=("TASKID", "FIELDS")),
    "task.checklistitem.getlist": Method(item_list, SCOPE, order=("TASKID", "ORDER")),
    "task.checklistitem.get": Method(item_get, SCOPE, order=_ONE),
    "task.checklistitem.update": Method(item_update, SCOPE, writes=True, order=(*_ONE, "FIELDS")),
    "task.checklistitem.complete": Method(item_complete, SCOPE, writes=True, order=_ONE),
    "task.checklistitem.renew": Method(item_renew, SCOPE, writes=True, order=_ONE),
    "task.checklistitem.delete": Method(item_delete, SCOPE, writes=True, order=_ONE),
}
