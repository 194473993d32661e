"""What the portal holds in the end, as deterministic JSON for comparing runs.

Ids given by the portal and moments of writing are left out where two right runs may differ:
rows, tasks, items and comments are known by their content.
"""

from __future__ import annotations

from stavbill.sandbox.portal.fields import read_universal
from stavbill.sandbox.portal.invoices import rows_of
from stavbill.sandbox.portal.schema import schema_of
from stavbill.sandbox.portal.state import State
from stavbill.sandbox.portal.wire import Json, Record, to_bytes

# Begins a mark's line: each names who wrote, and two right runs have different ones.
INSTALLATION = "[sb-installation:"


def _sorted(found: list[Record]) -> list[Record]:
    return sorted(found, key=to_bytes)


def stage_semantics(state: State) -> dict[str, str]:
    """Return what each invoice stage means: `S`, `F`, or `P` for in progress."""
    return {
        record["STATUS_ID"]: record["SEMANTICS"] or "P"
        for record in state.statuses
        if record["ENTITY_ID"].startswith("SMART_INVOICE_STAGE_")
    }


def invoices(state: State) -> list[Record]:
    """Return all invoices with their rows; `live` is False on a failure stage."""
    semantics = stage_semantics(state)
    names = {record["STATUS_ID"]: record["NAME"] for record in state.statuses}
    out = []
    for record in state.invoices:
        means = semantics.get(record["stageId"] or "", "P")
        out.append({
            "id": record["id"], "xmlId": record.get("xmlId"), "title": record["title"],
            "companyId": record.get("companyId"), "mycompanyId": record.get("mycompanyId"),
            "contactId": record.get("contactId"), "currencyId": record["currencyId"],
            "opportunity": str(record.get("opportunity") or 0),
            "taxValue": str(record.get("taxValue") or 0),
            "begindate": state_date(record.get("begindate")),
            "closedate": state_date(record.get("closedate")),
            "assignedById": record.get("assignedById"), "comments": record.get("comments"),
            "stageId": record["stageId"], "stage": names.get(record["stageId"] or ""),
            "semantics": means, "live": means != "F",
            "rows": [
                {"productName": row["productName"], "price": str(row["price"]),
                 "quantity": str(row["quantity"]), "measureCode": row["measureCode"],
                 "discountSum": str(row["discountSum"]), "discountTypeId": row["discountTypeId"],
                 "taxRate": None if row["taxRate"] is None else str(row["taxRate"]),
                 "taxIncluded": row["taxIncluded"]}
                for row in rows_of(state, record["id"])
            ],
        })  # fmt: skip
    return out


def state_date(day: Json) -> str | None:
    """Write a date as ISO."""
    return None if day is None else day.isoformat()


def tasks(state: State) -> list[Record]:
    """Return all tasks with their checklist items, by content."""
    out = []
    for record in state.tasks:
        items = [state.checklist.records[id_]
                 for id_ in state.checklist.having("TASK_ID", record["ID"])]  # fmt: skip
        titles = {item["ID"]: item["TITLE"] for item in items}
        deadline = record.get("DEADLINE")
        out.append({
            "title": record["TITLE"], "description": record.get("DESCRIPTION") or "",
            "responsible": record["RESPONSIBLE_ID"], "status": record["STATUS"],
            "group": record.get("GROUP_ID") or 0, "tags": sorted(record.get("TAGS") or []),
            "links": sorted(record.get("UF_CRM_TASK") or []),
            "deadline": None if deadline is None else deadline.isoformat(),
            "checklist": _sorted([
                {"title": item["TITLE"], "complete": item["IS_COMPLETE"],
                 "under": titles.get(item["PARENT_ID"])}
                for item in items
            ]),
        })  # fmt: skip
    return _sorted(out)


def timeline(state: State) -> list[Record]:
    """Return all timeline entries, by content, but for the marks of who writes to the portal."""
    comments: list[Record] = [
        {"owner": list(record["owner"]), "text": record["COMMENT"]}
        for record in state.comments
        if INSTALLATION not in record["COMMENT"]
    ]
    logged: list[Record] = [
        {"owner": list(record["owner"]), "title": record["title"], "text": record["text"]}
        for record in state.log_messages
    ]
    return _sorted(comments + logged)


def companies(state: State) -> list[Record]:
    """Return all companies with what is set on them; unset fields and moments are left out."""
    fields = schema_of(state, "CRM_COMPANY").upper
    out = []
    for record in state.companies:
        found = {
            name: read_universal(state, each, record.get(each.key))
            for name, each in fields.items()
            if record.get(each.key) not in (None, "", []) and not _stamp(name)
        }
        contacts = {
            kind: [[row["VALUE_TYPE"], row["VALUE"]] for row in rows]
            for kind, rows in record.get("FM", {}).items()
            if rows
        }
        out.append(found | contacts)
    return out


def _stamp(name: str) -> bool:
    return name.startswith(("DATE_", "LAST_", "MODIFY_", "CREATED_"))


def summary(state: State) -> Record:
    """Return how much there is of everything."""
    found = invoices(state) if len(state.invoices) < 1000 else None
    live = len(state.invoices) if found is None else sum(bool(each["live"]) for each in found)
    return {
        "companies": len(state.companies), "invoices": len(state.invoices),
        "invoices_live": live, "rows": len(state.rows), "tasks": len(state.tasks),
        "checklist_items": len(state.checklist), "comments": len(state.comments),
        "documents": len(state.documents), "requisites": len(state.requisites),
    }  # fmt: skip


def everything(state: State) -> Record:
    """Return the whole end state."""
    return {
        "companies": companies(state),
        "invoices": _sorted([
            {name: value for name, value in each.items() if name != "id"}
            for each in invoices(state)
        ]),
        "tasks": tasks(state),
        "timeline": timeline(state),
        "notifications": _sorted([
            {"user": record["USER_ID"], "message": record["MESSAGE"]}
            for record in state.notifications
        ]),
        "messages": _sorted([
            {"dialog": record["dialog"], "text": record["text"]} for record in state.messages
        ]),
    }  # fmt: skip
