"""What is looked at when a night is over: what must never be, and what is missing."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date
from typing import TYPE_CHECKING

from stavbill.bitrix.read.reader import TASK_TAGS
from stavbill.errors import StavbillError
from stavbill.operations.reconcile import reconcile
from stavbill.operations.report import RunReport
from stavbill.plan.diff import HOLD_TAG
from stavbill.sandbox.world.expected import BILL, HOLD, Expectation
from stavbill.sandbox.world.model import Company, Invoice
from stavbill.sandbox.world.verdict import Held, count_differs, invoices_differ, read_held
from stavbill.store.parking import parked_companies
from tests.simulator.actors import finish_posts
from tests.simulator.inprocess import Life
from tests.simulator.trouble import LATEST_S

if TYPE_CHECKING:
    from tests.simulator.simulation import Simulation

CALM_S = 12 * 3600.0
COMPLETED = "5"
Invoices = Mapping[int, tuple[Invoice, ...]]


async def check(
    simulation: Simulation, on: date, before: Invoices, *, calm: RunReport | None, nightly: bool
) -> None:
    """Look for what must never be, and for what is missing when all is finished.

    `calm` is the run of a night in which nobody was disturbed; after any other night one is made.
    """
    portal = simulation.rooms.portal
    if simulation.switch.disobeyed:
        simulation.fail(f"written in spite of the switch: {simulation.switch.disobeyed}")
    report = await finish(simulation, on, calm)
    await simulation.clock.sleep(2 * LATEST_S)
    portal.settle(everything=True)
    if any(report.effects.values()):
        await check_nothing_missing(simulation, on)
    issued = check_twice(simulation)
    check_parked(simulation)
    check_rules(simulation, on, before)
    if nightly:
        await check_nightly(simulation)
        check_twice(simulation)
    simulation.written.update(repr([(c.method, c.error) for c in portal.calls]).encode())
    simulation.counts["calls"] += len(portal.calls)
    portal.calls.clear()
    simulation.counts["invoices"] = issued


async def finish(simulation: Simulation, on: date, calm: RunReport | None) -> RunReport:
    """Let everything come to its end in peace."""
    try:
        async with asyncio.timeout(CALM_S):
            if not await finish_posts(simulation):
                simulation.fail("posts that nobody can deal with")
            report = calm or await simulation.month(Life(), on)
            if report.counts.waiting:
                # They were written to while it read: they are the next run's.
                await simulation.clock.sleep(LATEST_S)
                report = await simulation.month(Life(), on)
    except StavbillError as error:
        simulation.fail(f"in peace: {error}", error)
    if report.state != "done":
        simulation.fail(f"the calm run ended as {report.state}: {report.violations}")
    open_ends = {name: report.outcomes[name] for name in ("doubt", "sending", "planned")}
    if any(open_ends.values()):
        simulation.fail(f"the calm run left {open_ends}")
    if report.counts.waiting:
        simulation.fail(f"nobody is written to, and {report.counts.waiting} wait")
    return report


async def check_nothing_missing(simulation: Simulation, on: date) -> None:
    """Plan once more: whatever is wanted yet was not written although all was calm.

    A task that names the units which have appeared since the last look is put in other words once.
    """
    for turn in (1, 2):
        again = await simulation.month(Life(), on, dry_run=True)
        wanted = {kind: number for kind, number in again.effects.items() if number}
        if not wanted:
            return
        if turn == 1 and set(wanted) == {"mend_task"}:
            await simulation.month(Life(), on)
            continue
        simulation.fail(f"not written although all is calm: {wanted}")


# -------------------------------------------------------------------------------------- twice
def check_twice(simulation: Simulation) -> int:
    """Look for anything that stands there twice; return how many invoices are ours."""
    state = simulation.rooms.portal.state
    found: Counter[tuple[object, ...]] = Counter()
    own: set[object] = set()
    for task in state.tasks:
        tags = [tag for tag in task.get("TAGS") or () if tag in TASK_TAGS]
        if tags:
            own.add(task["ID"])
        if str(task.get("STATUS")) != COMPLETED and task.get("UF_CRM_TASK"):
            found.update(("task", str(task.get("UF_CRM_TASK")), tag) for tag in tags)
    found.update(
        ("item", item["TASK_ID"], item["PARENT_ID"], item["TITLE"])
        for item in state.checklist
        if item["TASK_ID"] in own
    )
    found.update(
        ("entry", str(comment["COMMENT"]).rpartition("\n")[2]) for comment in state.comments
    )
    found.update(("message", one["dialog"], one["text"]) for one in state.messages)
    keys = [str(item.get("xmlId") or "") for item in state.invoices]
    issued = [key for key in keys if key.startswith("stavbill:")]
    found.update(("invoice", key) for key in issued)
    twice = [what for what, number in found.items() if number > 1]
    if twice:
        simulation.fail(f"stands there twice: {twice[:3]}")
    return len(issued)


# -------------------------------------------------------------------------------------- rules
def check_rules(simulation: Simulation, on: date, before: Invoices) -> None:
    """Compare what was billed, held and told with what the rules ask for, company by company."""
    outside, dump = simulation.outside, simulation.rooms.portal.snapshot()
    dump = dump | {"tasks": [task for task in dump["tasks"] if HOLD_TAG in task["tags"]]}
    held = read_held(simulation.world.fields, dump)
    parked, forced = simulation.parked(), dict[int, Expectation]()
    if outside.forced:
        forced = {company.id: one for company, one in outside.judged(on, before, forced=True)}
    for company, expected in outside.judged(on, before):
        if company.id in parked:
            continue
        said = list(_differs(simulation, company, expected, held))
        if said and company.id in outside.forced:
            said = list(invoices_differ(company, forced[company.id], held))
        if said:
            why = ", ".join(sorted(expected.reasons))
            text = f"{company.id} ({expected.outcome} {why}): {said[:3]}"
            simulation.fail(f"not as the rules say: {text}")
        simulation.counts[f"as expected: {expected.outcome}"] += 1


def _differs(
    simulation: Simulation, company: Company, expected: Expectation, held: Held
) -> Iterator[str]:
    yield from invoices_differ(company, expected, held)
    yield from count_differs(company.id, expected, held)
    tasks = held.tasks.get(company.id, 0)
    if expected.outcome == HOLD and not tasks and company.id not in simulation.outside.disturbed:
        yield "no open task tells why it is held"
    if expected.outcome == BILL and tasks:
        yield "a task tells that it is held, and it is not"


# ------------------------------------------------------------------------------------- parked
def check_parked(simulation: Simulation) -> None:
    """Ask of everybody who was parked tonight what people or faults made it so."""
    with simulation.store.read() as db:
        found = parked_companies(db, simulation.portal)
    for one in found:
        known = (int(one.company), one.since)
        if known in simulation.parkings:
            continue
        simulation.parkings.add(known)
        if not is_explained(simulation, int(one.company), one.reason):
            simulation.fail(f"{one.company} is parked, nobody knows why: {one.reason}")
        simulation.counts["parked"] += 1


def is_explained(simulation: Simulation, company: int, reason: str) -> bool:
    """Say whether faults or people made it so; a bug of the program explains nothing."""
    outside, said = simulation.outside, simulation.reasons.setdefault(company, set())
    by_people = company in outside.disturbed | outside.strange
    explained = {
        "внутренняя ошибка": False,
        "счёт выставлен и удалён": company in outside.bereft,
        "Битрикс24 отклонил": "refused" in simulation.tonight,
        # The portal refused its rows, or people have touched it since.
        "строки счёта не сходятся": by_people or any("отклонил" in one for one in said),
        "с флагом «Пропускать»": bool(outside.company(company).card.skip),
    }
    known = next((answer for words, answer in explained.items() if words in reason), by_people)
    # Somebody released it, and what made it so has stayed.
    known = known or reason in said
    said.add(reason)
    return known


# ------------------------------------------------------------------------------------ nightly
async def check_nightly(simulation: Simulation) -> None:
    """Compare with the portal twice: what the first check mended, the second does not find."""
    for number in range(2):
        async with simulation.process(Life()) as parts, asyncio.timeout(CALM_S):
            report = await reconcile(parts, accept=True)
        if report["exit_code"] or report["failed"]:
            simulation.fail(f"the nightly check ended with {report}")
        done = {name: report[name] for name in ("new", "mended", "tasks", "asked")}
        if number and any(done.values()):
            simulation.fail(f"the second nightly check did {done}")
    simulation.struck["nightly"] += 1
