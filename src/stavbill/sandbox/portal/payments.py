"""`crm.item.payment.*`: payments of an invoice; errors bear the number 0.

Source: bitrix24.md §6.7.
"""

from __future__ import annotations

from decimal import Decimal

from stavbill.sandbox.portal.invoices import stages_of
from stavbill.sandbox.portal.method import Call, Method, reads, writes
from stavbill.sandbox.portal.state import INVOICE, State
from stavbill.sandbox.portal.wire import Answer, ApiError, Record, number


def _read(state: State, record: Record) -> Record:
    return {
        "id": record["id"], "accountNumber": record["accountNumber"], "paid": record["paid"],
        "datePaid": state.iso(record["datePaid"]), "empPaidId": record["empPaidId"],
        "paySystemId": 6, "sum": number(record["sum"]), "currency": record["currency"],
        "paySystemName": "Безналичный расчёт",
    }  # fmt: skip


def payment_add(state: State, call: Call) -> Answer:
    """Add a payment of an invoice's whole sum and return its id."""
    type_id, id_ = call.params.integer("entityTypeId"), call.params.integer("entityId")
    invoice = state.invoices.get(id_) if type_id == INVOICE else None
    if invoice is None:
        raise ApiError(400, 0, "Entity has not been found")
    place = len(state.payments.having("owner", id_)) + 1
    made = state.payments.new_id()
    state.payments.put(made, {
        "id": made, "owner": id_, "accountNumber": f"{id_}/{place}", "paid": "N", "datePaid": None,
        "empPaidId": None, "sum": invoice.get("opportunity") or Decimal(0),
        "currency": invoice["currencyId"],
    })  # fmt: skip
    return Answer(made)


def payment_list(state: State, call: Call) -> Answer:
    """Return an invoice's payments, no total; a wrong type is an empty list, no error."""
    type_id, id_ = call.params.integer("entityTypeId"), call.params.integer("entityId")
    if type_id != INVOICE:
        return Answer([])
    view = state.view(state.payments)
    records = [view.get(each) for each in view.having("owner", [id_])]
    return Answer(
        [_read(state, each) for each in records if each is not None and each["owner"] == id_]
    )


def _found(state: State, call: Call) -> Record:
    record = state.payments.get(call.params.integer("id"))
    if record is None:
        raise ApiError(400, 0, "Payment has not been found")
    return record


def payment_get(state: State, call: Call) -> Answer:
    """Return one payment."""
    return Answer(_read(state, _found(state, call)))


def payment_pay(state: State, call: Call) -> Answer:
    """Mark a payment as paid; whether the invoice moves is a switch."""
    record = _found(state, call)
    paid = {"paid": "Y", "datePaid": state.now(), "empPaidId": call.user_id}
    state.payments.put(record["id"], record | paid)
    invoice = state.invoices.get(record["owner"])
    if state.switches.payment_moves_stage and invoice is not None:
        for stage in stages_of(state, invoice["categoryId"]):
            if stage["SEMANTICS"] == "S":
                moved = {"stageId": stage["STATUS_ID"], "previousStageId": invoice["stageId"],
                         "movedTime": state.now(), "movedBy": call.user_id}  # fmt: skip
                state.invoices.put(invoice["id"], invoice | moved)
                break
    return Answer(result=True)


METHODS: dict[str, Method] = {
    "crm.item.payment.list": reads(payment_list),
    "crm.item.payment.get": reads(payment_get),
    "crm.item.payment.add": writes(payment_add),
    "crm.item.payment.pay": writes(payment_pay),
}
