"""What people do in the portal and in Wialon, before a night and in the middle of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING, Any

from stavbill.operations.parking import release_company
from stavbill.sandbox.furnish.portal import written_value
from stavbill.sandbox.world.model import ACTIVE, Unit
from tests.simulator.inprocess import Life

if TYPE_CHECKING:
    from tests.simulator.simulation import Simulation

MIDNIGHT_S = 60.0
CONSERVED = 100
PRICES = (300, 350, 400)


async def edit(simulation: Simulation, rng: Random) -> None:
    """Let somebody do one thing."""
    did = rng.choice(EDITS)
    await did(simulation, rng)
    simulation.struck["people"] += 1


async def edit_meanwhile(simulation: Simulation, rng: Random) -> None:
    """Let somebody do one thing while others write."""
    await simulation.clock.sleep(rng.uniform(0.0, MIDNIGHT_S))
    outside = simulation.outside
    earlier, outside.disturbed = outside.disturbed, set()
    await edit(simulation, rng)
    outside.touched |= outside.disturbed
    outside.disturbed |= earlier


async def release(simulation: Simulation, rng: Random) -> None:
    """Let somebody take on a company that is parked."""
    parked = sorted(simulation.parked())
    if not parked:
        return
    company = rng.choice(parked)
    async with simulation.process(Life()) as parts:
        release_company(parts, company, "somebody")
    # Of an invoice whose rows the portal refused they are written now.
    simulation.outside.touched.add(company)
    simulation.struck["release"] += 1


# ----------------------------------------------------------------------------------- invoices
async def _stage(simulation: Simulation, rng: Random) -> None:
    """Pay an invoice, or cancel it; anybody's."""
    invoice = _invoice(simulation, rng)
    stage = f"{str(invoice['stageId']).partition(':')[0]}:{rng.choice('PPD')}"
    await _change_invoice(simulation, invoice["id"], {"stageId": stage})


async def _title(simulation: Simulation, rng: Random) -> None:
    """Rename an invoice as people do, its months left readable."""
    invoice = _invoice(simulation, rng)
    await _change_invoice(simulation, invoice["id"], {"title": f"{invoice['title']} (проверен)"})


async def _delete(simulation: Simulation, rng: Random) -> None:
    """Delete an invoice, seldom: their companies wait for a person for ever."""
    if rng.random() < 0.2:
        invoice = _invoice(simulation, rng)
        simulation.outside.bereft.add(invoice["companyId"])
        await simulation.person("crm.item.delete", entityTypeId=31, id=invoice["id"])


def _invoice(simulation: Simulation, rng: Random) -> dict[str, Any]:
    """Choose an invoice and say whose it is."""
    invoice: dict[str, Any] = rng.choice(list(simulation.rooms.portal.state.invoices))
    simulation.outside.disturbed.add(invoice["companyId"])
    return invoice


async def _change_invoice(simulation: Simulation, number: int, fields: dict[str, object]) -> None:
    await simulation.person("crm.item.update", entityTypeId=31, id=number, fields=fields)


# -------------------------------------------------------------------------------------- cards
async def _card(simulation: Simulation, rng: Random) -> None:
    """Change what a card says of billing: whether, when, for how many months, together or not."""
    company, on = rng.choice(simulation.ids), simulation.clock.now().date()
    later = on + timedelta(days=rng.choice((3, 20, 45)))
    changes: tuple[dict[str, object], ...] = (
        {"skip": True}, {"skip": False}, {"ignore_count": True}, {"ignore_count": False},
        {"status": "Отключена"}, {"status": ACTIVE}, {"previous_month": True},
        {"previous_month": False}, {"months": 2}, {"months": 3}, {"months": 1},
        {"sending": ""}, {"sending": rng.choice(("5", "15", "25"))},
        {"sending": f"{later:%d.%m.%Y}"}, {"fuel": rng.choice(("-", "2*100", "2*"))},
        {"separate": ("Да",)}, {"separate": ()},
    )  # fmt: skip
    fields = rng.choice(changes)
    if "fuel" in fields and "*0" in simulation.outside.company(company).card.tariff:
        # Whether a free service stands on the invoice of another, the rules do not say.
        return
    await _put_card(simulation, company, fields)


async def _mend(simulation: Simulation, rng: Random) -> None:
    """Mend a card: the tariff as Wialon counts, and nothing else in the way."""
    company = rng.choice(simulation.ids)
    fields: dict[str, object] = {"status": ACTIVE, "skip": False, "sending": "", "fuel": "-"}
    if simulation.outside.account_alone(company) is not None:
        fields["tariff"] = _tariff(simulation, company, rng)
    await _put_card(simulation, company, fields)


def _tariff(simulation: Simulation, company: int, rng: Random) -> str:
    active, conserved = simulation.outside.counted(company)
    groups = ((active, rng.choice(PRICES)), (conserved, CONSERVED))
    return "|".join(f"{quantity}*{price}" for quantity, price in groups if quantity) or "-"


async def _put_card(simulation: Simulation, company: int, given: dict[str, object]) -> None:
    outside, known = simulation.outside, simulation.outside.company(company).card
    # A card that somebody wrote anew in the same words is changed as well, for the portal.
    outside.disturbed.add(company)
    outside.change_card(company, **given)
    written = {
        one.code: _written(simulation, one.attribute, given[one.attribute])
        for one in simulation.world.fields
        if one.attribute in given and hasattr(known, one.attribute)
    }
    await simulation.person("crm.company.update", id=company, fields=written)


def _written(simulation: Simulation, attribute: str, value: object) -> object:
    field, options = next(
        known for known in simulation.rooms._fields if known[0].attribute == attribute
    )
    written = written_value(field, options, value)
    return ("" if not field.multiple else []) if written is None else written


# -------------------------------------------------------------------------------------- units
async def _grow(simulation: Simulation, rng: Random) -> None:
    """Give a company one more unit; mostly its tariff follows."""
    company = rng.choice(simulation.ids)
    account = simulation.outside.account_alone(company)
    if account is None:
        return
    units = simulation.outside.cluster(company).units
    number = max((unit.id for unit in units), default=3_000_000_000 + company * 1000) + 1
    _put_unit(simulation, company, Unit(number, account.id, f"М {number % 1000:03d} ММ 00"))
    if rng.random() < 0.7:
        tariff = _tariff(simulation, company, rng)
        await _put_card(simulation, company, {"tariff": tariff})


async def _conserve(simulation: Simulation, rng: Random) -> None:
    """Lay a unit up, or wake one that was; mostly the tariff follows."""
    company = rng.choice(simulation.ids)
    units = simulation.outside.cluster(company).units
    if simulation.outside.account_alone(company) is None or not units:
        return
    unit, now = rng.choice(units), simulation.clock.now()
    word = "Консервация от" if unit.active else "Восстановление"
    marked = (*unit.fields, (f"{word} {now:%d.%m.%Y}", "task"))
    moment = now if unit.active else None
    changed = replace(unit, active=not unit.active, deactivated_at=moment, fields=marked)
    _put_unit(simulation, company, changed)
    if rng.random() < 0.7:
        await _put_card(simulation, company, {"tariff": _tariff(simulation, company, rng)})


def _put_unit(simulation: Simulation, company: int, unit: Unit) -> None:
    simulation.outside.disturbed.add(company)
    simulation.outside.put_unit(company, unit)
    hosts = simulation.hosts
    hosts.hosts[hosts._service_of[unit.account_id]].fleet.add(hosts._unit(unit))


# -------------------------------------------------------------------------------------- tasks
async def _task(simulation: Simulation, rng: Random) -> None:
    """Complete one of the tasks, whoever opened it."""
    tasks = list(simulation.rooms.portal.state.tasks)
    if tasks:
        task = rng.choice(tasks)
        links = [str(link) for link in task.get("UF_CRM_TASK") or ()]
        simulation.outside.disturbed |= {int(one[3:]) for one in links if one.startswith("CO_")}
        await simulation.person("tasks.task.complete", taskId=task["ID"])


EDITS: tuple[Callable[[Simulation, Random], Awaitable[None]], ...] = (
    _stage, _stage, _title, _delete, _card, _card, _mend, _mend, _grow, _conserve, _task,
)  # fmt: skip
