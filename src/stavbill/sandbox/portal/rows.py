"""`crm.item.productrow.*`: the lines of an invoice.

Source: bitrix24.md §6.5.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal

from stavbill.sandbox.portal.fields import Field, as_decimal
from stavbill.sandbox.portal.invoices import CENT, OWNER, recount
from stavbill.sandbox.portal.method import Call, Method, reads, writes
from stavbill.sandbox.portal.params import as_int, as_list
from stavbill.sandbox.portal.query import (
    UNIVERSAL,
    Dialect,
    Query,
    read_filter,
    read_order,
    read_start,
    run,
)
from stavbill.sandbox.portal.state import State
from stavbill.sandbox.portal.wire import Answer, ApiError, Json, Record

MEASURES = {6: "м", 112: "л", 163: "г", 166: "кг", 168: "т", 356: "ч", 362: "мес", 796: "шт"}
NUMBERS = ("price", "quantity", "discountRate", "discountSum", "taxRate")
READ_ONLY = ("priceAccount", "priceExclusive", "priceNetto", "priceBrutto")
FIELDS = {
    "id": Field("id", "integer", read_only=True),
    "ownerId": Field("owner", "integer"),
    "ownerType": Field("ownerType"),
    "productId": Field("productId", "integer"),
    "productName": Field("productName"),
    **{name: Field(name, "double") for name in (*NUMBERS, *READ_ONLY)},
    "discountTypeId": Field("discountTypeId", "integer"),
    "taxIncluded": Field("taxIncluded", "char"),
    "customized": Field("customized", "char", read_only=True),
    "measureCode": Field("measureCode", "integer"),
    "measureName": Field("measureName", read_only=True),
    "sort": Field("sort", "integer"),
    "xmlId": Field("xmlId", read_only=True),
    "type": Field("type", "integer", read_only=True),
}


def _round(value: Decimal) -> Decimal:
    return value.quantize(CENT, ROUND_HALF_UP)


def _owner(state: State, owner_type: Json, owner_id: Json) -> int:
    if owner_type != OWNER:
        raise ApiError(400, "ENTITY_TYPE_NOT_SUPPORTED", f"Owner type {owner_type} not supported")
    id_ = as_int(owner_id)
    if id_ is None or state.invoices.get(id_) is None:
        raise ApiError(400, "OWNER_NOT_FOUND", "Owner was not found")
    return id_


def made_row(owner: int, given: Record, old: Record | None = None) -> Record:
    """Return a row with the derived prices; `price` is after discount and with tax."""
    row: Record = old or {
        "id": 0, "owner": owner, "productId": 0, "productName": "", "price": Decimal(0),
        "quantity": Decimal(1), "discountTypeId": 2, "discountRate": Decimal(0),
        "discountSum": Decimal(0), "taxRate": None, "taxIncluded": "N", "customized": "Y",
        "measureCode": 796, "sort": 0, "xmlId": "", "type": 4,
    }  # fmt: skip
    row = dict(row)
    for name in NUMBERS:
        if name in given:
            value = as_decimal(given[name])
            if value is None and name != "taxRate" and given[name] not in (None, ""):
                text = f"Invalid value of field {name}"
                raise ApiError(400, "INVALID_ARG_VALUE", text)
            if name in ("taxRate", "discountRate") and value is not None and not 0 <= value <= 100:
                raise ApiError(400, "INVALID_ARG_VALUE", f"Invalid value of field {name}")
            row[name] = value if value is not None or name == "taxRate" else Decimal(0)
    for name in ("productId", "discountTypeId", "measureCode", "sort"):
        if name in given:
            row[name] = as_int(given[name]) or 0
    if "productName" in given:
        row["productName"] = str(given["productName"])
    if "taxIncluded" in given:
        row["taxIncluded"] = "Y" if given["taxIncluded"] == "Y" else "N"
    row["measureName"] = MEASURES.get(row["measureCode"], MEASURES[796])
    return _priced(row, by_sum="discountSum" in given and "discountRate" not in given)


def _priced(row: Record, *, by_sum: bool) -> Record:
    """Derive the other prices, rounding at every step. Source: §6.5, the two taxed samples."""
    rate = (row["taxRate"] or Decimal(0)) / 100
    exclusive = _round(row["price"] / (1 + rate))
    if row["discountTypeId"] == 1 or by_sum:
        netto = exclusive + row["discountSum"]
        row["discountRate"] = _round(row["discountSum"] / netto * 100) if netto else Decimal(0)
    else:
        kept = 1 - row["discountRate"] / 100
        netto = _round(exclusive / kept) if kept > 0 else exclusive
        row["discountSum"] = netto - exclusive
    return row | {
        "priceAccount": row["price"],
        "priceExclusive": exclusive,
        "priceNetto": netto,
        "priceBrutto": _round(netto * (1 + rate)),
    }


def read_row(row: Record) -> Record:
    """Write a row as answers do."""
    out: Record = {"id": row["id"], "ownerId": row["owner"], "ownerType": OWNER}
    for name in ("productId", "productName", "price", *READ_ONLY, "quantity", "discountTypeId",
                 "discountRate", "discountSum", "taxRate", "taxIncluded", "customized",
                 "measureCode", "measureName", "sort", "xmlId", "type"):  # fmt: skip
        out[name] = row[name]
    return out


def replace_rows(state: State, owner: int, given: list[Json]) -> list[Record]:
    """Replace all rows of an invoice; the new ones get new ids."""
    made = [made_row(owner, each if isinstance(each, dict) else {}) for each in given]
    for id_ in list(state.rows.having("owner", owner)):
        state.rows.remove(id_)
    out = []
    for place, row in enumerate(made, start=1):
        row["id"] = state.rows.new_id()
        row["sort"] = row["sort"] or place * 10
        state.rows.put(row["id"], row)
        out.append(row)
    recount(state, owner)
    return out


def row_set(state: State, call: Call) -> Answer:
    """Replace the rows as a whole and return them."""
    owner_type, owner_id = call.params.needed("ownerType"), call.params.needed("ownerId")
    owner = _owner(state, owner_type, owner_id)
    given = call.params.needed("productRows")
    if not isinstance(given, (list, dict)):
        raise ApiError(400, "100", "Parameter {productRows} should be an array")
    rows = replace_rows(state, owner, as_list(given))
    return Answer({"productRows": [read_row(row) for row in rows]})


def row_list(state: State, call: Call) -> Answer:
    """Return a page of rows; `=ownerType` and `=ownerId` are demanded in the filter."""
    given = call.params.mapping("filter")
    if "=ownerType" not in given or "=ownerId" not in given:
        raise ApiError(400, "INVALID_ARG_VALUE", "Filter by =ownerType and =ownerId is required")
    # A lagging list must still find rows whose invoice it knows.
    if given["=ownerType"] != OWNER:
        _owner(state, given["=ownerType"], given["=ownerId"])
    kept = {name: value for name, value in given.items() if name != "=ownerType"}
    query = Query(
        where=read_filter(state, FIELDS, kept, Dialect(UNIVERSAL, _refuse)),
        order=read_order(FIELDS, call.params.mapping("order"), _refuse),
        start=read_start(call.params.get("start")),
        id_key="id",
    )
    page, answer = run(state, state.view(state.rows), query)
    return replace(answer, result={"productRows": [read_row(row) for row in page]})


def _refuse(name: str) -> None:
    raise ApiError(400, "INVALID_ARG_VALUE", f"Field {name} is not allowed here")


def _found(state: State, call: Call) -> Record:
    row = state.rows.get(call.params.integer("id"))
    if row is None:
        raise ApiError(400, "NOT_FOUND", "Product row was not found")
    return row


def row_get(state: State, call: Call) -> Answer:
    """Return one row."""
    return Answer({"productRow": read_row(_found(state, call))})


def row_add(state: State, call: Call) -> Answer:
    """Add one row."""
    given = call.params.mapping("fields")
    owner = _owner(state, given.get("ownerType"), given.get("ownerId"))
    row = made_row(owner, given)
    row["id"] = state.rows.new_id()
    row["sort"] = row["sort"] or 10 * (len(state.rows.having("owner", owner)) + 1)
    state.rows.put(row["id"], row)
    recount(state, owner)
    return Answer({"productRow": read_row(row)})


def row_update(state: State, call: Call) -> Answer:
    """Change one row."""
    old = _found(state, call)
    row = made_row(old["owner"], call.params.mapping("fields"), old)
    state.rows.put(row["id"], row)
    recount(state, row["owner"])
    return Answer({"productRow": read_row(row)})


def row_delete(state: State, call: Call) -> Answer:
    """Delete one row; the result is null."""
    row = _found(state, call)
    state.rows.remove(row["id"])
    recount(state, row["owner"])
    return Answer(None)


METHODS: dict[str, Method] = {
    "crm.item.productrow.list": reads(row_list),
    "crm.item.productrow.get": reads(row_get),
    "crm.item.productrow.set": writes(row_set),
    "crm.item.productrow.add": writes(row_add),
    "crm.item.productrow.update": writes(row_update),
    "crm.item.productrow.delete": writes(row_delete),
}
