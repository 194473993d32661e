"""Which fields are asked for of every kind of row: no reader asks for more than records need."""

from __future__ import annotations

COMPANY_SELECT = ("ID", "TITLE", "ASSIGNED_BY_ID", "IS_MY_COMPANY")
REQUISITE_SELECT = (
    "ID", "ENTITY_TYPE_ID", "ENTITY_ID", "PRESET_ID", "NAME", "RQ_INN", "RQ_KPP", "RQ_BIN",
    "RQ_IIN", "RQ_NAME", "RQ_COMPANY_NAME", "RQ_LAST_NAME", "RQ_FIRST_NAME", "RQ_SECOND_NAME",
)  # fmt: skip
INVOICE_SELECT = (
    "id", "title", "xmlId", "companyId", "mycompanyId", "stageId", "currencyId", "opportunity",
    "createdTime", "createdBy", "updatedTime", "accountNumber", "begindate", "closedate",
)  # fmt: skip
TASK_SELECT = ("ID", "TITLE", "DESCRIPTION", "STATUS", "RESPONSIBLE_ID", "UF_CRM_TASK")
