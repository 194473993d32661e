"""System fields of companies and smart invoices, and the user fields beside them, by every name.

Source: bitrix24.md §4.3, §5.1, §5.3, §6.2.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from stavbill.sandbox.portal.fields import Field
from stavbill.sandbox.portal.state import COMPANY, State

# upper name, camel name, kind; an exclamation mark: read only.
_COMPANY = """
ID id !integer
TITLE title string
COMPANY_TYPE typeId string
LOGO logo string
LEAD_ID leadId !integer
HAS_PHONE hasPhone !char
HAS_EMAIL hasEmail !char
HAS_IMOL hasImol !char
ASSIGNED_BY_ID assignedById user
CREATED_BY_ID createdBy !user
MODIFY_BY_ID updatedBy !user
BANKING_DETAILS bankingDetails string
INDUSTRY industry string
REVENUE revenue double
CURRENCY_ID currencyId string
EMPLOYEES employees string
COMMENTS comments string
DATE_CREATE createdTime !datetime
DATE_MODIFY updatedTime !datetime
OPENED opened char
IS_MY_COMPANY isMyCompany char
ORIGINATOR_ID originatorId string
ORIGIN_ID originId string
ORIGIN_VERSION originVersion string
ADDRESS address string
ADDRESS_LEGAL addressLegal string
UTM_SOURCE utmSource string
UTM_MEDIUM utmMedium string
UTM_CAMPAIGN utmCampaign string
UTM_CONTENT utmContent string
UTM_TERM utmTerm string
LAST_ACTIVITY_BY lastActivityBy !user
LAST_ACTIVITY_TIME lastActivityTime !datetime
LAST_COMMUNICATION_TIME lastCommunicationTime !string
"""
_INVOICE = """
ID id !integer
TITLE title string
XML_ID xmlId string
CREATED_TIME createdTime !datetime
UPDATED_TIME updatedTime !datetime
CREATED_BY createdBy !user
UPDATED_BY updatedBy !user
ASSIGNED_BY_ID assignedById user
OPENED opened char
BEGINDATE begindate date
CLOSEDATE closedate date
COMPANY_ID companyId crm_id
CONTACT_ID contactId crm_id
OPPORTUNITY opportunity double
IS_MANUAL_OPPORTUNITY isManualOpportunity char
TAX_VALUE taxValue double
CURRENCY_ID currencyId string
MYCOMPANY_ID mycompanyId crm_id
SOURCE_ID sourceId string
SOURCE_DESCRIPTION sourceDescription string
WEBFORM_ID webformId integer
LOCATION_ID locationId string
COMMENTS comments string
ACCOUNT_NUMBER accountNumber !string
CATEGORY_ID categoryId !integer
MOVED_TIME movedTime !datetime
MOVED_BY movedBy !user
STAGE_ID stageId string
PREVIOUS_STAGE_ID previousStageId !string
LAST_ACTIVITY_BY lastActivityBy !user
LAST_ACTIVITY_TIME lastActivityTime !datetime
PARENT_ID_2 parentId2 integer
PARENT_ID_7 parentId7 integer
"""
_INVOICE_LISTS = (
    Field("contactIds", "crm_id", multiple=True, upper="CONTACT_IDS", camel="contactIds"),
    Field("observers", "user", multiple=True, upper="OBSERVERS", camel="observers"),
)
MULTIFIELDS = ("PHONE", "EMAIL", "WEB", "IM", "LINK")


@dataclass(frozen=True, slots=True)
class Schema:
    """The fields of one kind of object by name: `UPPER`, camelCase, camelCase with `UF_…`."""

    upper: dict[str, Field]
    camel: dict[str, Field]
    original: dict[str, Field]

    def universal(self, *, original: bool) -> dict[str, Field]:
        """Return the fields as `crm.item.*` names them."""
        return self.original if original else self.camel


def universal_name(name: str) -> str:
    """Convert `UF_CRM_…` as `crm.item.*` does by default. Source: bitrix24.md §4.3, rules 1-2.

    A name of letters without an object's number has no documented example; it follows rule 1.
    """
    rest = name.removeprefix("UF_CRM_")
    found = re.fullmatch(r"(?:(\d+)_)?(.+)", rest)
    digits, tail = (found.group(1) or "", found.group(2)) if found else ("", rest)
    if digits and re.fullmatch(r"[\d_]+", tail):
        return f"ufCrm{digits}_{tail}"
    if re.fullmatch(r"[A-Z_]+", tail):
        return f"ufCrm{digits}" + "".join(part.capitalize() for part in tail.split("_"))
    return f"ufCrm_{rest}"


def _system(lines: str, *, by_upper: bool) -> list[Field]:
    out = []
    for line in lines.strip().splitlines():
        upper, camel, kind = line.split()
        out.append(
            Field(
                key=upper if by_upper else camel,
                kind=kind.removeprefix("!"),
                read_only=kind.startswith("!"),
                upper=upper,
                camel=camel,
                title=upper.replace("_", " ").capitalize(),
            )
        )
    return out


_SYSTEM = {
    "CRM_COMPANY": _system(_COMPANY, by_upper=True),
    "CRM_SMART_INVOICE": [*_system(_INVOICE, by_upper=False), *_INVOICE_LISTS],
}


def entity_of(entity_type_id: int) -> str:
    """Return the user-field entity of a type."""
    return "CRM_COMPANY" if entity_type_id == COMPANY else "CRM_SMART_INVOICE"


def schema_of(state: State, entity: str) -> Schema:
    """Return the fields of `CRM_COMPANY` or `CRM_SMART_INVOICE` as they are now."""
    known = state.described.get(entity)
    if known is not None and known[0] == state.userfields_version:
        schema: Schema = known[1]
        return schema
    schema = _build(state, entity)
    state.described[entity] = (state.userfields_version, schema)
    return schema


def _build(state: State, entity: str) -> Schema:
    upper: dict[str, Field] = {}
    camel: dict[str, Field] = {}
    original: dict[str, Field] = {}
    for each in _SYSTEM[entity]:
        upper[each.upper] = camel[each.camel] = original[each.camel] = each
    for record in state.userfields:
        if record["ENTITY_ID"] != entity:
            continue
        name = record["FIELD_NAME"]
        converted = universal_name(name)
        options = tuple(
            (id_, str(state.enum_values.records[id_]["VALUE"]))
            for id_ in state.enum_values.having("USER_FIELD_ID", record["ID"])
        )
        made = Field(
            key=name,
            kind=record["USER_TYPE_ID"],
            multiple=record["MULTIPLE"] == "Y",
            user=True,
            upper=name,
            # A taken name leaves the original. Rule 3.
            camel=name if converted in camel else converted,
            title=record["LABEL"],
            options=options,
        )
        upper[name] = camel[made.camel] = original[name] = made
    return Schema(upper, camel, original)
