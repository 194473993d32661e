"""What people do in the portal, before a night and in the middle of it."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.simulator.simulation import Simulation

MIDNIGHT_S = 60.0


async def edit(simulation: Simulation, rng: Random) -> None:
    """Let somebody do one thing."""
    did = rng.choice((_stage, _stage, _card, _task, _title, _delete))
    await did(simulation, rng)
    simulation.counts["edited"] += 1


async def edit_meanwhile(simulation: Simulation, rng: Random) -> None:
    """Let somebody do one thing while others write."""
    await simulation.clock.sleep(rng.uniform(0.0, MIDNIGHT_S))
    await edit(simulation, rng)


async def _stage(simulation: Simulation, rng: Random) -> None:
    """Pay an invoice, or cancel it; anybody's."""
    invoice = rng.choice(list(simulation.rooms.portal.state.invoices))
    stage = f"{str(invoice['stageId']).partition(':')[0]}:{rng.choice(('P', 'D'))}"
    await _change_invoice(simulation, invoice["id"], {"stageId": stage})


async def _title(simulation: Simulation, rng: Random) -> None:
    """Rename an invoice as people do, its months left readable."""
    invoice = rng.choice(list(simulation.rooms.portal.state.invoices))
    await _change_invoice(simulation, invoice["id"], {"title": f"{invoice['title']} (проверен)"})


async def _change_invoice(simulation: Simulation, number: int, fields: dict[str, object]) -> None:
    await simulation.person("crm.item.update", entityTypeId=31, id=number, fields=fields)


async def _delete(simulation: Simulation, rng: Random) -> None:
    """Delete an invoice, seldom: their companies wait for a person for ever."""
    if rng.random() < 0.2:
        invoice = rng.choice(list(simulation.rooms.portal.state.invoices))
        await simulation.person("crm.item.delete", entityTypeId=31, id=invoice["id"])


async def _card(simulation: Simulation, rng: Random) -> None:
    """Change a company's card: billing is switched off or on, or the count is not checked."""
    field = simulation.settings.toml.fields[rng.choice(("skip", "ignore_count"))]
    await simulation.person(
        "crm.company.update",
        id=rng.choice(simulation.ids),
        fields={field.code: rng.choice(("1", "0"))},
    )


async def _task(simulation: Simulation, rng: Random) -> None:
    """Complete one of the tasks, whoever opened it."""
    tasks = list(simulation.rooms.portal.state.tasks)
    if tasks:
        await simulation.person("tasks.task.complete", taskId=rng.choice(tasks)["ID"])
