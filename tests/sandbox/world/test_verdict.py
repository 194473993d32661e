"""The verdict on a portal after a run: silent when all is there, and only then."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any

from stavbill.sandbox.clock import VirtualClock
from stavbill.sandbox.furnish.portal import PortalFurnisher
from stavbill.sandbox.portal import dump
from stavbill.sandbox.portal.seed import Row
from stavbill.sandbox.world import months, setting
from stavbill.sandbox.world.build import World, build_world
from stavbill.sandbox.world.expected import HOLD
from stavbill.sandbox.world.verdict import differences


def billed_by_hand(world: World) -> PortalFurnisher:
    """Furnish a portal and do by hand what the rules ask for."""
    furnisher = PortalFurnisher(world, VirtualClock())
    code = next(field.code for field in world.fields if field.attribute == "card_count")
    for cluster in world.clusters():
        furnisher.add(cluster)
        for company_id, expected in world.expectations(cluster).items():
            for each in expected.invoices:
                rows = [
                    Row(f"Услуга {months.bracket(line.month)}", Decimal(line.price) / 100,
                        Decimal(line.quantity))
                    for line in each.lines
                ]  # fmt: skip
                furnisher.seed.invoice(
                    company_id, each.title, rows, mycompany=each.issuer_id, currency=each.currency
                )
            if expected.outcome == HOLD:
                furnisher.seed.task("Счёт задержан", responsible=3, company=company_id)
            if expected.card_count is not None:
                companies = furnisher.portal.state.companies
                record = companies.get(company_id) or {}
                companies.put(company_id, record | {code: expected.card_count})
    return furnisher


def read(furnisher: PortalFurnisher) -> Any:  # noqa: ANN401 - JSON
    return json.loads(json.dumps(dump.everything(furnisher.portal.state), default=str))


def test_a_portal_as_the_rules_say_has_no_difference() -> None:
    world = build_world(400, 6, date(2026, 12, 10))
    assert differences(world, read(billed_by_hand(world))) == []


def test_every_kind_of_difference_is_told() -> None:
    world = build_world(200, 6, date(2026, 12, 10))
    furnisher = billed_by_hand(world)
    answers = world.all_expectations()
    held = next(number for number, each in answers.items() if each.outcome == HOLD)
    billed = next(number for number, each in answers.items() if each.invoices)
    furnisher.seed.invoice(held, "Лишний", [Row("Услуга", Decimal(1))], mycompany=setting.STRANGER)
    furnisher.seed.task("Вторая задача", responsible=3, company=held)
    code = next(field.code for field in world.fields if field.attribute == "card_count")
    companies = furnisher.portal.state.companies
    companies.put(billed, (companies.get(billed) or {}) | {code: 99})
    dumped = read(furnisher)
    dumped["invoices"] = [
        each for each in dumped["invoices"]
        if each["companyId"] != billed or "Услуга" not in each["rows"][0]["productName"]
    ]  # fmt: skip
    found = "\n".join(differences(world, dumped))
    assert found.count("\n") == 3
    for words in ("no invoice", "an invoice too many", "2 open tasks, 1", "the card counts 99"):
        assert words in found
