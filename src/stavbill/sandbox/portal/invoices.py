"""Smart invoices: defaults, stages, the sum that follows the rows.

Source: bitrix24.md §6.2, §6.5, §6.6.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal

from stavbill.sandbox.portal.state import State
from stavbill.sandbox.portal.switches import Switches
from stavbill.sandbox.portal.wire import ApiError, Json, Record

OWNER = "SI"
CENT = Decimal("0.01")
PAY_WITHIN = timedelta(days=7)


def unset(switches: Switches) -> dict[str, Json]:
    """Return what unset fields read as."""
    link = 0 if switches.unset_links == "zero" else None
    return {
        "companyId": link,
        "contactId": link,
        "mycompanyId": link,
        "xmlId": "" if switches.unset_xml_id == "empty" else None,
        "taxValue": 0,
        "opportunity": 0,
    }


def fresh(state: State, id_: int, user_id: int) -> Record:
    """Return a new invoice with the portal's defaults: the first own company, the first stage."""
    now = state.now()
    category = default_category(state)
    stages = stages_of(state, category)
    return {
        "id": id_, "title": f"Счёт #{id_}", "accountNumber": str(id_), "opened": "Y",
        "createdTime": now, "updatedTime": now, "movedTime": now, "lastActivityTime": now,
        "createdBy": user_id, "updatedBy": user_id, "movedBy": user_id, "lastActivityBy": user_id,
        "assignedById": user_id, "begindate": state.today(),
        "closedate": state.today() + PAY_WITHIN, "mycompanyId": first_own_company(state),
        "categoryId": category, "stageId": stages[0]["STATUS_ID"] if stages else None,
        "currencyId": state.base_currency, "isManualOpportunity": "N",
    }  # fmt: skip


def first_own_company(state: State) -> int | None:
    """Return the own company that an invoice gets when nobody names one."""
    own = state.companies.having("IS_MY_COMPANY", "y")
    return own[0] if own else None


def default_category(state: State) -> int:
    """Return the default funnel of invoices."""
    for record in state.categories:
        if record["isDefault"] == "Y":
            return int(record["id"])
    return 0


def stages_of(state: State, category: int) -> list[Record]:
    """Return a funnel's stages by their order."""
    entity = f"smart_invoice_stage_{category}"
    found = [state.statuses.records[id_] for id_ in state.statuses.having("ENTITY_ID", entity)]
    return sorted(found, key=lambda record: (record["SORT"], record["ID"]))


def stamped(state: State, old: Record, new: Record, user_id: int) -> Record:
    """Check a changed invoice and write down who moved it, from where, when."""
    now = state.now()
    out = new | {"updatedTime": now, "updatedBy": user_id, "lastActivityTime": now}
    if new.get("contactId") and not new.get("contactIds"):
        out["contactIds"] = [new["contactId"]]
    if new.get("contactIds"):
        out["contactId"] = new["contactIds"][0]
    if new["stageId"] != old["stageId"]:
        known = {stage["STATUS_ID"] for stage in stages_of(state, new["categoryId"])}
        if new["stageId"] not in known:
            text = f"Invalid value of field stageId: {new['stageId']}"
            raise ApiError(400, "CRM_FIELD_ERROR_VALUE_NOT_VALID", text)
        out |= {"previousStageId": old["stageId"], "movedTime": now, "movedBy": user_id}
    if not new.get("title"):
        out["title"] = f"Счёт #{new['id']}"
    if state.rows.having("owner", new["id"]):
        out = summed(state, out)
    return out


def rows_of(state: State, id_: int) -> list[Record]:
    """Return an invoice's present rows by their order."""
    found = [state.rows.records[row] for row in state.rows.having("owner", id_)]
    return sorted(found, key=lambda row: (row["sort"], row["id"]))


def summed(state: State, invoice: Record) -> Record:
    """Let the sum follow the rows, unless it is kept by hand. Source: §6.5."""
    if invoice.get("isManualOpportunity") == "Y" or not state.switches.rows_make_the_sum:
        return invoice
    total = tax = Decimal(0)
    for row in rows_of(state, invoice["id"]):
        line = (row["price"] * row["quantity"]).quantize(CENT, ROUND_HALF_UP)
        total += line
        rate = row["taxRate"]
        if rate:
            tax += (line * rate / (100 + rate)).quantize(CENT, ROUND_HALF_UP)
    return invoice | {"opportunity": total, "taxValue": tax}


def recount(state: State, id_: int) -> None:
    """Write the sum again after a change of rows."""
    invoice = state.invoices.get(id_)
    if invoice is not None:
        state.invoices.put(id_, summed(state, invoice))


def forget(state: State, id_: int) -> None:
    """Take a deleted invoice's rows and requisite link away."""
    for row in list(state.rows.having("owner", id_)):
        state.rows.remove(row)
    for link in list(state.links.having("ENTITY_ID", id_)):
        state.links.remove(link)
