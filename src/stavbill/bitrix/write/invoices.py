"""Invoices: an item and its rows in one batch, found again by key, read back before they count.

Source: portal page, «Written»; Bitrix24 reference 6; billing rules §7.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from stavbill.bitrix.batch import Command, Json, Param, Reference
from stavbill.bitrix.gateway import Gateway
from stavbill.bitrix.write.invoice_list import INVOICE_TYPE, PAGE, invoices_of
from stavbill.bitrix.write.rows import compare_rows, list_rows, set_rows
from stavbill.bitrix.write.stages import StageCodes
from stavbill.bitrix.write.steps import Step, ask, send_steps
from stavbill.bitrix.write.values import date_at, id_at, money_at, rows_at, text_at
from stavbill.plan.effects import Effect, EffectKey, PutInvoice
from stavbill.plan.order import Order
from stavbill.plan.outcome import Confirmed, Differs, Found, Outcome, ReadBack

# One command of the batch reads the items, so 49 are left for the rows of 49 invoices.
READ_BACK_LIMIT = 49
_COMPARED = (
    "id",
    "title",
    "xmlId",
    "companyId",
    "mycompanyId",
    "currencyId",
    "begindate",
    "closedate",
    "opportunity",
)


class InvoiceExecutor:
    """Makes `PutInvoice` happen: 25 invoices a batch, each with all its rows or reported."""

    read_back_limit = READ_BACK_LIMIT

    def __init__(self, gateway: Gateway, *, stages: StageCodes) -> None:
        self._gateway = gateway
        self._stages = stages
        # Keys that `find` met more than once, with the ids: a contradiction for a person.
        self._doubled: dict[EffectKey, tuple[int, ...]] = {}

    def takes(self, effect: Effect) -> bool:
        """Say whether `effect` is an invoice."""
        return isinstance(effect, PutInvoice)

    def weigh(self, order: Order) -> int:
        """Return 2, or 1 when the invoice stands and only rows are missing."""
        return 2 if order.portal_id is None else 1

    async def find(self, effects: Sequence[Effect]) -> Mapping[EffectKey, Found | None]:
        """Look for the keys among all invoices of the effects' companies.

        Complete means that the sum is the draft's; rows are compared by `read_back`. A key that
        several invoices bear is found as the oldest and complete, so that nothing more is written,
        and `read_back` then names them all.
        """
        wanted = {effect.key: _invoice(effect) for effect in effects}
        companies = [effect.company for effect in wanted.values()]
        seen: dict[EffectKey, list[dict[str, Json]]] = {key: [] for key in wanted}
        for row in await invoices_of(self._gateway, companies):
            key = EffectKey(text_at(row, "xmlId").strip())
            if key in seen:
                seen[key].append(row)
        return {key: self._found(wanted[key], rows) for key, rows in seen.items()}

    def _found(self, effect: PutInvoice, rows: Sequence[dict[str, Json]]) -> Found | None:
        ids = tuple(found for row in rows if (found := id_at(row, "id")) is not None)
        self._doubled.pop(effect.key, None)
        if not ids:
            return None
        if len(ids) > 1:
            self._doubled[effect.key] = ids
            return Found(ids[0], complete=True)
        total = effect.draft.total.amount
        # Zero is also the sum of an invoice without rows, so it proves nothing.
        return Found(ids[0], complete=total > 0 and money_at(rows[0], "opportunity") == total)

    async def send(self, orders: Sequence[Order]) -> Mapping[EffectKey, Outcome]:
        """Send items with their rows; after a failure the later ones were not touched."""
        return await send_steps(self._gateway, [self._step(order) for order in orders], halt=True)

    def _step(self, order: Order) -> Step:
        effect = _invoice(order.effect)
        if order.portal_id is not None:
            rows = set_rows(order.portal_id, effect.draft)
            return Step(effect.key, lambda _: (rows,), portal_id=order.portal_id)
        add = self._add(effect)
        return Step(
            effect.key,
            lambda first: (add, set_rows(Reference(first, ("item", "id")), effect.draft)),
            read_id=lambda value: id_at(value, "item", "id"),
        )

    def _add(self, effect: PutInvoice) -> Command:
        draft = effect.draft
        fields: dict[str, Param] = {
            "title": draft.title,
            "xmlId": effect.key,
            "companyId": effect.company,
            # Left out, the portal takes its first own company: never leave it out.
            "mycompanyId": draft.own_company,
            "currencyId": draft.currency.value,
            "begindate": draft.issued.isoformat(),
            "closedate": draft.pay_by.isoformat(),
            "stageId": self._stages.code(effect.stage),
            "isManualOpportunity": "N",
            "assignedById": effect.responsible,
            "comments": effect.comment or None,
        }
        return Command("crm.item.add", {"entityTypeId": INVOICE_TYPE, "fields": fields})

    async def read_back(self, written: Mapping[EffectKey, Order]) -> Mapping[EffectKey, ReadBack]:
        """Compare up to 49 invoices with their drafts: one request for items and rows."""
        if len(written) > READ_BACK_LIMIT:
            msg = f"one list shows {PAGE} invoices at most, not {len(written)}"
            raise ValueError(msg)
        ids = {key: order.portal_id for key, order in written.items() if order.portal_id}
        items, rows = await self._read(sorted(set(ids.values())))
        return {
            key: self._compare(_invoice(order.effect), ids.get(key), items, rows)
            for key, order in written.items()
        }

    async def _read(
        self, ids: Sequence[int]
    ) -> tuple[dict[int, dict[str, Json]], dict[int, list[dict[str, Json]]]]:
        if not ids:
            return {}, {}
        commands = {"items": _items(ids)} | {f"r{owner}": list_rows(owner) for owner in ids}
        rows: dict[int, list[dict[str, Json]]] = {owner: [] for owner in ids}
        items: dict[int, dict[str, Json]] = {}
        while commands:
            results = await ask(self._gateway, commands)
            if "items" in results:
                listed = rows_at(results.pop("items").value, "items")
                items = {found: row for row in listed if (found := id_at(row, "id"))}
            commands = {}
            for key, result in results.items():
                owner = int(key[1:])
                page = rows_at(result.value, "productRows")
                rows[owner].extend(page)
                if len(page) == PAGE and (result.total or 0) > len(rows[owner]):
                    commands[key] = list_rows(owner, start=len(rows[owner]))
        return items, rows

    def _compare(
        self,
        effect: PutInvoice,
        portal_id: int | None,
        items: Mapping[int, dict[str, Json]],
        rows: Mapping[int, list[dict[str, Json]]],
    ) -> ReadBack:
        if effect.key in self._doubled:
            ids = ", ".join(str(found) for found in self._doubled[effect.key])
            return Differs(f"счета {ids}: один и тот же ключ {effect.key}")
        if portal_id is None or portal_id not in items:
            return Differs(f"счёт {portal_id or effect.key} не найден на портале")
        for name, wanted, found in _values(effect, items[portal_id]):
            if wanted != found:
                return Differs(f"счёт {portal_id}, {name}: ожидалось {wanted}, найдено {found}")
        problem = compare_rows(effect.draft, rows[portal_id])
        return Confirmed() if problem is None else Differs(f"счёт {portal_id}, {problem}")


def _items(ids: Sequence[int]) -> Command:
    return Command(
        "crm.item.list",
        {
            "entityTypeId": INVOICE_TYPE,
            "select": _COMPARED,
            "filter": {"@id": list(ids)},
            "order": {"id": "ASC"},
            "start": -1,
        },
    )


def _values(effect: PutInvoice, item: dict[str, Json]) -> Iterator[tuple[str, object, object]]:
    draft = effect.draft
    yield "внешний код", effect.key, text_at(item, "xmlId").strip()
    yield "название", draft.title.strip(), text_at(item, "title").strip()
    yield "компания", effect.company, id_at(item, "companyId")
    yield "наша компания", draft.own_company, id_at(item, "mycompanyId")
    yield "валюта", draft.currency.value, text_at(item, "currencyId")
    yield "дата выставления", draft.issued, date_at(item, "begindate")
    yield "срок оплаты", draft.pay_by, date_at(item, "closedate")
    yield "сумма", draft.total.amount, money_at(item, "opportunity")


def _invoice(effect: Effect) -> PutInvoice:
    if not isinstance(effect, PutInvoice):
        msg = f"not an invoice: {effect.kind}"
        raise TypeError(msg)
    return effect
