"""`crm.documentgenerator.*`, reading: documents with ids as strings, templates keyed by id.

Source: bitrix24.md §7.
"""

from __future__ import annotations

from dataclasses import replace

from stavbill.sandbox.portal.fields import Field
from stavbill.sandbox.portal.method import Call, Method, reads
from stavbill.sandbox.portal.query import (
    DOCUMENTS,
    Dialect,
    Query,
    read_filter,
    read_order,
    read_start,
    run,
)
from stavbill.sandbox.portal.state import State
from stavbill.sandbox.portal.table import Table
from stavbill.sandbox.portal.wire import Answer, ApiError, Record

DOCUMENT = {name: Field(name) for name in ("title", "number")} | {
    name: Field(name, "integer")
    for name in ("id", "templateId", "entityId", "entityTypeId", "createdBy", "updatedBy")
} | {name: Field(name, "datetime") for name in ("createTime", "updateTime")}  # fmt: skip
TEMPLATE = {
    "name": Field("name"), "region": Field("region"), "code": Field("code"),
    "entityTypeId": Field("entityTypeId", multiple=True), "active": Field("active", "char"),
    "isDeleted": Field("isDeleted", "char"),
    "id": Field("id", "integer"), "sort": Field("sort", "integer"),
}  # fmt: skip
SITE = "https://portal.example"


def _page(
    state: State, table: Table, fields: dict[str, Field], call: Call
) -> tuple[list[Record], Answer]:
    def refuse(name: str) -> None:
        raise ApiError(400, "100", f"Unknown field definition `{name}` for entity.")

    for name in call.params.texts("select"):
        if name == "entityTypeId" or (name != "*" and name not in fields):
            # The documented trap: of all fields this one cannot be selected.
            refuse("ENTITY_TYPE_ID" if name == "entityTypeId" else name)
    query = Query(
        where=read_filter(state, fields, call.params.mapping("filter"), Dialect(DOCUMENTS, refuse)),
        order=read_order(fields, call.params.mapping("order"), refuse),
        start=read_start(call.params.get("start")),
        id_key="id",
    )
    return run(state, state.view(table), query)


def read_document(state: State, record: Record) -> Record:
    """Write a document: ids as strings, links with a token."""
    id_ = record["id"]
    action = f"{SITE}/bitrix/services/main/ajax.php?action=crm.documentgenerator.document"
    machine = f"{SITE}/rest/crm.documentgenerator.document"
    return {
        "id": str(id_), "title": record["title"], "number": record["number"],
        "templateId": str(record["templateId"]), "fileId": str(1000 + id_),
        "imageId": str(2000 + id_), "pdfId": str(3000 + id_),
        "createTime": state.iso(record["createTime"]),
        "updateTime": state.iso(record["updateTime"]),
        "values": {"_creationMethod": "rest", "stampsEnabled": False},
        "createdBy": str(record["createdBy"]), "updatedBy": None, "stampsEnabled": False,
        "downloadUrl": f"{action}.download&SITE_ID=s1&id={id_}",
        "pdfUrl": f"{action}.getPdf&SITE_ID=s1&id={id_}",
        "imageUrl": f"{action}.getImage&SITE_ID=s1&id={id_}",
        "entityId": str(record["entityId"]), "entityTypeId": str(record["entityTypeId"]),
        "downloadUrlMachine": f"{machine}.download.json?auth=***&token=***",
        "pdfUrlMachine": f"{machine}.getPdf.json?auth=***&token=***",
        "imageUrlMachine": f"{machine}.getImage.json?auth=***&token=***",
    }  # fmt: skip


def document_list(state: State, call: Call) -> Answer:
    """Return a page of documents."""
    page, answer = _page(state, state.documents, DOCUMENT, call)
    select = call.params.texts("select")
    found = state.written.rows(page, "document", lambda one: read_document(state, one))
    if select and "*" not in select:
        found = [{name: each[name] for name in ("id", *select)} for each in found]
    return replace(answer, result={"documents": found})


def document_get(state: State, call: Call) -> Answer:
    """Return one document."""
    record = state.documents.get(call.params.integer("id"))
    if record is None:
        raise ApiError(400, "0", "Document not found")
    return Answer({"document": read_document(state, record)})


def _read_template(record: Record) -> Record:
    id_ = record["id"]
    action = f"{SITE}/bitrix/services/main/ajax.php?action=crm.documentgenerator.template"
    return {
        "id": str(id_), "name": record["name"], "region": record["region"],
        "code": record.get("code"), "download": f"{action}.download&SITE_ID=s1&id={id_}",
        "active": record["active"], "sort": str(record["sort"]), "users": ["UA"],
        "entityTypeId": list(record["entityTypeId"]),
        "downloadMachine":
            f"{SITE}/rest/crm.documentgenerator.template.download.json?auth=***&token=***",
    }  # fmt: skip


def template_list(state: State, call: Call) -> Answer:
    """Return a page of templates as an object keyed by id."""
    page, answer = _page(state, state.templates, TEMPLATE, call)
    found = {str(record["id"]): _read_template(record) for record in page}
    return replace(answer, result={"templates": found or []})


METHODS: dict[str, Method] = {
    "crm.documentgenerator.document.list": reads(document_list),
    "crm.documentgenerator.document.get": reads(document_get),
    "crm.documentgenerator.template.list": reads(template_list),
}
