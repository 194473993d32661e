"""Which requisites an invoice prints, and addresses of requisites.

Source: bitrix24.md §5.7, §5.8.
"""

from __future__ import annotations

from stavbill.sandbox.portal.method import Call, Method, reads, writes
from stavbill.sandbox.portal.params import as_int
from stavbill.sandbox.portal.plain import described, list_strings
from stavbill.sandbox.portal.state import INVOICE, State
from stavbill.sandbox.portal.wire import Answer, ApiError, Record

CHOSEN = ("REQUISITE_ID", "BANK_DETAIL_ID", "MC_REQUISITE_ID", "MC_BANK_DETAIL_ID")
LINK = described("", " ".join(("ENTITY_TYPE_ID", "ENTITY_ID", *CHOSEN)))
ADDRESS = described(
    "ADDRESS_1 ADDRESS_2 CITY POSTAL_CODE REGION PROVINCE COUNTRY COUNTRY_CODE",
    "TYPE_ID ENTITY_TYPE_ID ENTITY_ID LOC_ADDR_ID ANCHOR_TYPE_ID ANCHOR_ID",
)
REQUISITE_TYPE = 8


def _fields(call: Call) -> Record:
    given = call.params.get("fields")
    if not isinstance(given, dict):
        raise ApiError(400, "", "Parameter 'fields' must be array.")
    return given


def _link(state: State, type_id: int | None, id_: int | None) -> Record | None:
    for each in state.links.having("ENTITY_ID", id_):
        record = state.links.records[each]
        if record["ENTITY_TYPE_ID"] == type_id:
            return record
    return None


def link_register(state: State, call: Call) -> Answer:
    """Choose requisites of an invoice; they must belong to its companies."""
    given = _fields(call)
    record: Record = {name: as_int(given.get(name)) for name in LINK}
    for name, value in record.items():
        if value is None:
            raise ApiError(400, "", f"{name} is not defined or invalid.")
    if record["ENTITY_TYPE_ID"] != INVOICE:
        raise ApiError(400, "", "ENTITY_TYPE_ID is not defined or invalid.")
    invoice = state.invoices.get(record["ENTITY_ID"])
    if invoice is None:
        raise ApiError(400, "", "Entity not found.")
    _check(state, record, "", invoice.get("companyId"), "Company")
    _check(state, record, "MC_", invoice.get("mycompanyId"), "your company")
    known = _link(state, INVOICE, record["ENTITY_ID"])
    record["ID"] = known["ID"] if known is not None else state.links.new_id()
    state.links.put(record["ID"], record)
    return Answer(result=True)


def _check(state: State, record: Record, prefix: str, company: int | None, words: str) -> None:
    requisite_id, bank_id = record[f"{prefix}REQUISITE_ID"], record[f"{prefix}BANK_DETAIL_ID"]
    if requisite_id:
        requisite = state.requisites.get(requisite_id)
        if requisite is None or requisite["ENTITY_ID"] != company:
            text = f"The Requisite with ID '{requisite_id}' is not assigned to {words} with ID "
            raise ApiError(400, "", text + f"'{company or 0}'")
    if bank_id:
        bank = state.bank_details.get(bank_id)
        if bank is None or bank["ENTITY_ID"] != requisite_id:
            text = f"The BankDetail with ID '{bank_id}' is not assigned to Requisite with ID "
            raise ApiError(400, "", text + f"'{requisite_id}'")


def link_get(state: State, call: Call) -> Answer:
    """Return an invoice's choice: two numbers and four strings. Parameters are camelCase."""
    record = _link(state, as_int(call.params.get("entityTypeId")),
                   as_int(call.params.get("entityId")))  # fmt: skip
    if record is None:
        raise ApiError(400, "", "Not found")
    owner = {name: record[name] for name in ("ENTITY_TYPE_ID", "ENTITY_ID")}
    return Answer(owner | {name: str(record[name]) for name in CHOSEN})


def link_list(state: State, call: Call) -> Answer:
    """Return a page of choices, all strings."""
    return list_strings(state, state.links, LINK, call)


def link_unregister(state: State, call: Call) -> Answer:
    """Forget an invoice's choice."""
    record = _link(state, as_int(call.params.get("entityTypeId")),
                   as_int(call.params.get("entityId")))  # fmt: skip
    if record is None:
        raise ApiError(400, "", "Not found")
    state.links.remove(record["ID"])
    return Answer(result=True)


def _address(state: State, given: Record) -> Record | None:
    wanted = [as_int(given.get(name)) for name in ("TYPE_ID", "ENTITY_TYPE_ID", "ENTITY_ID")]
    for each in state.addresses.having("ENTITY_ID", wanted[2]):
        record = state.addresses.records[each]
        if [record["TYPE_ID"], record["ENTITY_TYPE_ID"], record["ENTITY_ID"]] == wanted:
            return record
    return None


def put_address(state: State, given: Record) -> None:
    """Add an address of a requisite; its type may stand once. Raises ApiError."""
    if _address(state, given) is not None:
        raise ApiError(400, "", "TypeAddress exists.")
    requisite = state.requisites.get(as_int(given.get("ENTITY_ID")) or 0)
    if as_int(given.get("ENTITY_TYPE_ID")) != REQUISITE_TYPE or requisite is None:
        raise ApiError(400, "", "Entity not found.")
    id_ = state.addresses.new_id()
    record: Record = {"ID": id_, "ANCHOR_TYPE_ID": requisite["ENTITY_TYPE_ID"],
                      "ANCHOR_ID": requisite["ENTITY_ID"]}  # fmt: skip
    state.addresses.put(id_, _written(record, given))


def _written(record: Record, given: Record) -> Record:
    out = dict(record)
    for name, value in given.items():
        what = ADDRESS.get(name)
        if what is not None and not name.startswith("ANCHOR"):
            out[name] = as_int(value) if what.kind == "integer" else str(value or "")
    return out


def address_add(state: State, call: Call) -> Answer:
    """Add an address."""
    put_address(state, _fields(call))
    return Answer(result=True)


def address_update(state: State, call: Call) -> Answer:
    """Change an address, known by type and owner."""
    given = _fields(call)
    record = _address(state, given)
    if record is None:
        raise ApiError(400, "", "TypeAddress not found.")
    state.addresses.put(record["ID"], _written(record, given))
    return Answer(result=True)


def address_list(state: State, call: Call) -> Answer:
    """Return a page of addresses, all strings, without an id of their own."""
    return list_strings(state, state.addresses, ADDRESS, call)


METHODS: dict[str, Method] = {
    "crm.requisite.link.register": writes(link_register, any_case=True),
    "crm.requisite.link.unregister": writes(link_unregister),
    "crm.requisite.link.get": reads(link_get),
    "crm.requisite.link.list": reads(link_list, any_case=True),
    "crm.address.list": reads(address_list, any_case=True),
    "crm.address.add": writes(address_add, any_case=True),
    "crm.address.update": writes(address_update, any_case=True),
}
