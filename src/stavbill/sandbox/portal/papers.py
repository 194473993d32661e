"""Seeding, second half: requisites, bank details, addresses, templates, documents, comments."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from stavbill.sandbox.portal import links, requisites, timeline
from stavbill.sandbox.portal.state import COMPANY, State


class Papers:
    """Writes what hangs on companies; made for one portal's state."""

    def __init__(self, state: State) -> None:
        """Write into `state`."""
        self.state = state

    def requisite(
        self, company: int, name: str, fields: Mapping[str, str], *, preset: int = 1
    ) -> int:
        """Add a requisite with `RQ_…` fields; return the id."""
        given = {"ENTITY_TYPE_ID": COMPANY, "ENTITY_ID": company, "PRESET_ID": preset,
                 "NAME": name, **fields}  # fmt: skip
        return requisites.put_requisite(self.state, given, 1)

    def bank_detail(self, requisite: int, name: str, fields: Mapping[str, str]) -> int:
        """Add a bank detail with `RQ_…` fields to a requisite; return the id."""
        return requisites.put_bank(self.state, {"ENTITY_ID": requisite, "NAME": name, **fields}, 1)

    def address(self, requisite: int, fields: Mapping[str, str], *, type_id: int = 6) -> None:
        """Add an address to a requisite; type 6 is the legal one."""
        owner = {"TYPE_ID": type_id, "ENTITY_TYPE_ID": links.REQUISITE_TYPE,
                 "ENTITY_ID": requisite}  # fmt: skip
        links.put_address(self.state, {**owner, **fields})

    def template(self, name: str, *, region: str = "ru", id_: int | None = None) -> int:
        """Add a document template for companies; return the id."""
        id_ = id_ or self.state.templates.new_id()
        self.state.templates.put(id_, {
            "id": id_, "name": name, "region": region, "code": None, "active": "Y", "sort": 500,
            "isDeleted": "N", "entityTypeId": [str(COMPANY)],
        })  # fmt: skip
        return id_

    def document(
        self,
        company: int,
        title: str,
        number: str,
        *,
        template: int,
        created: datetime | None = None,
    ) -> int:
        """Add a company's document; the title is the whole column «Заголовок». Return the id."""
        id_ = self.state.documents.new_id()
        now = created or self.state.now()
        self.state.documents.put(id_, {
            "id": id_, "title": title, "number": number, "templateId": template,
            "entityTypeId": COMPANY, "entityId": company, "createTime": now, "updateTime": now,
            "createdBy": 1, "updatedBy": None,
        })  # fmt: skip
        return id_

    def comment(self, company: int, text: str) -> int:
        """Add a timeline comment to a company; return the id."""
        return timeline.put_comment(self.state, ("company", company), text, 1)
