"""`crm.requisite.*` and `.bankdetail.*`, `.preset.list`: everything strings, an empty error code.

Source: bitrix24.md §5.5, §5.6.
"""

from __future__ import annotations

from stavbill.sandbox.portal.fields import Field
from stavbill.sandbox.portal.method import Call, Method, reads, writes
from stavbill.sandbox.portal.params import as_int
from stavbill.sandbox.portal.plain import described, list_strings, read_strings
from stavbill.sandbox.portal.state import COMPANY, State
from stavbill.sandbox.portal.table import Table
from stavbill.sandbox.portal.wire import Answer, ApiError, Record

REQUISITE = described(
    "NAME CODE XML_ID ORIGINATOR_ID ACTIVE ADDRESS_ONLY RQ_INN RQ_KPP RQ_OGRN RQ_OGRNIP RQ_OKPO"
    " RQ_OKTMO RQ_COMPANY_NAME RQ_COMPANY_FULL_NAME RQ_COMPANY_REG_DATE RQ_DIRECTOR RQ_ACCOUNTANT"
    " RQ_CEO_NAME RQ_CEO_WORK_POS RQ_CONTACT RQ_EMAIL RQ_PHONE RQ_VAT_ID RQ_BIN RQ_IIN RQ_KBE"
    " RQ_BASE_DOC RQ_FIRST_NAME RQ_LAST_NAME RQ_SECOND_NAME DATE_CREATE DATE_MODIFY",
    "ID ENTITY_TYPE_ID ENTITY_ID PRESET_ID SORT CREATED_BY_ID MODIFY_BY_ID",
)
BANK = described(
    "NAME CODE XML_ID ORIGINATOR_ID ACTIVE RQ_BANK_NAME RQ_BANK_ADDR RQ_BIK RQ_ACC_NAME RQ_ACC_NUM"
    " RQ_COR_ACC_NUM RQ_ACC_CURRENCY RQ_IBAN RQ_SWIFT RQ_BIC RQ_IIK COMMENTS DATE_CREATE"
    " DATE_MODIFY",
    "ID ENTITY_ID COUNTRY_ID SORT CREATED_BY_ID MODIFY_BY_ID",
)
PRESET = described("NAME ACTIVE XML_ID", "ID ENTITY_TYPE_ID COUNTRY_ID SORT")
FIXED = ("ID", "DATE_CREATE", "DATE_MODIFY", "CREATED_BY_ID", "MODIFY_BY_ID")
OWNER_TYPES = (3, COMPANY)


def written(fields: dict[str, Field], record: Record, given: Record) -> Record:
    """Return a record with the sent fields; unknown and fixed ones are ignored."""
    out = dict(record)
    for name, value in given.items():
        what = fields.get(name)
        if what is None or name in FIXED:
            continue
        out[name] = as_int(value) if what.kind == "integer" else str(value or "")
    return out


def _fields(call: Call) -> Record:
    given = call.params.get("fields")
    if not isinstance(given, dict):
        raise ApiError(400, "", "Parameter 'fields' must be array.")
    return given


def _found(table: Table, call: Call, what: str) -> Record:
    id_ = as_int(call.params.get("id"))
    record = table.get(id_) if id_ is not None else None
    if record is None:
        raise ApiError(400, "", f"The {what} with ID '{call.params.get('id')}' is not found")
    return record


def requisite_list(state: State, call: Call) -> Answer:
    """Return a page of requisites."""
    return list_strings(state, state.requisites, REQUISITE, call)


def requisite_get(state: State, call: Call) -> Answer:
    """Return one requisite."""
    record = _found(state.requisites, call, "Requisite")
    return Answer(read_strings(state, record, list(REQUISITE)))


def put_requisite(state: State, given: Record, user_id: int) -> int:
    """Add a requisite of a company or contact; return the id. Raises ApiError."""
    fresh: Record = {
        "ID": 0, "ACTIVE": "Y", "ADDRESS_ONLY": "N", "SORT": 500, "DATE_CREATE": state.now(),
        "DATE_MODIFY": "", "CREATED_BY_ID": user_id,
    }  # fmt: skip
    record = written(REQUISITE, fresh, given)
    if record.get("ENTITY_TYPE_ID") not in OWNER_TYPES:
        raise ApiError(400, "", "ENTITY_TYPE_ID is not defined or invalid.")
    if record["ENTITY_TYPE_ID"] == COMPANY and not state.companies.get(
        record.get("ENTITY_ID") or 0
    ):
        raise ApiError(400, "", "Entity not found.")
    if not record.get("NAME"):
        raise ApiError(400, "", "NAME is not defined or invalid.")
    if state.presets.get(record.get("PRESET_ID") or 0) is None:
        raise ApiError(400, "", "PRESET_ID is not defined or invalid.")
    record["ID"] = state.requisites.new_id()
    state.requisites.put(record["ID"], record)
    return int(record["ID"])


def requisite_add(state: State, call: Call) -> Answer:
    """Add a requisite and return its id."""
    return Answer(put_requisite(state, _fields(call), call.user_id))


def requisite_update(state: State, call: Call) -> Answer:
    """Change a requisite; what is not sent stays."""
    record = _found(state.requisites, call, "Requisite")
    new = written(REQUISITE, record, _fields(call))
    stamp = {"DATE_MODIFY": state.now(), "MODIFY_BY_ID": call.user_id}
    state.requisites.put(record["ID"], new | stamp)
    return Answer(result=True)


def requisite_delete(state: State, call: Call) -> Answer:
    """Delete a requisite with its bank details, addresses and links."""
    id_ = _found(state.requisites, call, "Requisite")["ID"]
    state.requisites.remove(id_)
    for table in (state.bank_details, state.addresses):
        for each in list(table.having("ENTITY_ID", id_)):
            table.remove(each)
    for link in [
        each for each in state.links if id_ in (each["REQUISITE_ID"], each["MC_REQUISITE_ID"])
    ]:
        state.links.remove(link["ID"])
    return Answer(result=True)


def preset_list(state: State, call: Call) -> Answer:
    """Return the presets of requisites."""
    return list_strings(state, state.presets, PRESET, call)


def bank_list(state: State, call: Call) -> Answer:
    """Return a page of bank details."""
    return list_strings(state, state.bank_details, BANK, call)


def bank_get(state: State, call: Call) -> Answer:
    """Return one bank detail."""
    return Answer(read_strings(state, _found(state.bank_details, call, "bank detail"), list(BANK)))


def put_bank(state: State, given: Record, user_id: int) -> int:
    """Add a bank detail of a requisite; return the id. Raises ApiError."""
    fresh: Record = {
        "ID": 0, "ACTIVE": "Y", "SORT": 500, "COUNTRY_ID": 1, "DATE_CREATE": state.now(),
        "DATE_MODIFY": "", "CREATED_BY_ID": user_id,
    }  # fmt: skip
    record = written(BANK, fresh, given)
    if state.requisites.get(record.get("ENTITY_ID") or 0) is None:
        raise ApiError(400, "", "Entity not found.")
    if not record.get("NAME"):
        raise ApiError(400, "", "NAME is not defined or invalid.")
    record["ID"] = state.bank_details.new_id()
    state.bank_details.put(record["ID"], record)
    return int(record["ID"])


def bank_add(state: State, call: Call) -> Answer:
    """Add a bank detail and return its id."""
    return Answer(put_bank(state, _fields(call), call.user_id))


def bank_update(state: State, call: Call) -> Answer:
    """Change a bank detail."""
    record = _found(state.bank_details, call, "bank detail")
    state.bank_details.put(record["ID"], written(BANK, record, _fields(call)))
    return Answer(result=True)


METHODS: dict[str, Method] = {
    "crm.requisite.list": reads(requisite_list, any_case=True),
    "crm.requisite.get": reads(requisite_get, any_case=True),
    "crm.requisite.add": writes(requisite_add, any_case=True),
    "crm.requisite.update": writes(requisite_update, any_case=True),
    "crm.requisite.delete": writes(requisite_delete, any_case=True),
    "crm.requisite.preset.list": reads(preset_list, any_case=True),
    "crm.requisite.bankdetail.list": reads(bank_list, any_case=True),
    "crm.requisite.bankdetail.get": reads(bank_get, any_case=True),
    "crm.requisite.bankdetail.add": writes(bank_add, any_case=True),
    "crm.requisite.bankdetail.update": writes(bank_update, any_case=True),
}
