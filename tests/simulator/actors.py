"""Who works in a night: processes that run a month, a rerun or a post, and die or stand still."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date
from random import Random
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from stavbill.errors import NotOurPortalError, PortalError, WialonError, WritingStoppedError
from stavbill.operations.events import LAG, handle_post
from stavbill.operations.month import ApplyRequest, apply_plan, run_month
from stavbill.operations.month_steps import MonthRequest
from stavbill.operations.reconcile import reconcile
from stavbill.operations.rerun import RerunRequest, rerun_company
from stavbill.store.control import Flag, lower_flag, raise_flag
from stavbill.store.inbox import Post, put_posts, waiting_posts
from stavbill.store.installation import read_installation
from stavbill.store.schema import open_store
from tests.simulator.calendar import is_sending_day
from tests.simulator.inprocess import KilledError, Life, Second

if TYPE_CHECKING:
    from tests.simulator.simulation import Simulation

POSTS = ("bill", "rerun", "explain", "company_changed", "invoice_changed", "task_changed")
# What a faulty evening may end with; anything else is a bug.
EXPECTED = (PortalError, WialonError, WritingStoppedError)
A_LONG_EVENING_S = 3 * 3600.0
TRIES = 5

Work = Callable[[Life], Awaitable[object]]


async def actor(simulation: Simulation, rng: Random, on: date) -> None:
    """Let one process work, perhaps killed or paused in the middle."""
    often = 2.0 if is_sending_day(on) else 0.5
    dies_at = step_of(rng) if simulation.draws(rng, "crash", 0.25 * often) else None
    stops_at = step_of(rng) if simulation.draws(rng, "pause", 0.15 * often) else None
    life = Life(dies_at=dies_at, stops_at=stops_at)
    work, slept_s = work_of(simulation, rng, on), rng.uniform(5.0, 400.0)
    task = asyncio.ensure_future(told(simulation, work(life)))
    struck = asyncio.ensure_future(life.struck.wait())
    await asyncio.wait({task, struck}, return_when=asyncio.FIRST_COMPLETED)
    if life.struck.is_set() and not life.is_dead:
        simulation.struck["pause"] += 1
        other = asyncio.ensure_future(told(simulation, simulation.month(Life(), on)))
        await simulation.clock.sleep(slept_s)
        life.wake()
        await other
        if dies_at is not None:
            life.struck.clear()
            struck = asyncio.ensure_future(life.struck.wait())
            await asyncio.wait({task, struck}, return_when=asyncio.FIRST_COMPLETED)
    struck.cancel()
    if life.is_dead:
        simulation.struck["crash"] += 1
        task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        if not life.is_dead:
            raise


def step_of(rng: Random) -> int:
    """Draw where a process is struck: a quiet night has some twenty steps, a month some hundred."""
    return 1 + int(rng.expovariate(1 / 40))


def work_of(simulation: Simulation, rng: Random, on: date) -> Work:
    """Return what a process does tonight."""
    company, evening_s = rng.choice(simulation.ids), rng.uniform(1.0, A_LONG_EVENING_S)
    if simulation.draws(rng, "rerun", 0.15):
        return lambda life: rerun(simulation, life, on, company)
    if simulation.draws(rng, "approval", 0.4 if is_sending_day(on) else 0.1):
        return lambda life: approved(simulation, life, on, evening_s)
    if simulation.draws(rng, "check", 0.1):
        return lambda life: check(simulation, life)
    return lambda life: simulation.month(life, on)


async def told(simulation: Simulation, work: Awaitable[object]) -> None:
    """Do work whose failure is expected trouble: said to an operator, tried again later."""
    try:
        await work
    except EXPECTED as trouble:
        simulation.counts[type(trouble).__name__] += 1
    except KilledError:
        simulation.counts["killed"] += 1


async def rerun(simulation: Simulation, life: Life, on: date, company: int) -> None:
    """Rerun one company as `company rerun` does."""
    simulation.outside.forced.add(company)
    simulation.struck["rerun"] += 1
    async with simulation.process(life) as parts:
        simulation.look(await rerun_company(parts, RerunRequest(company=company, on=on)))


async def check(simulation: Simulation, life: Life) -> None:
    """Compare store and portal while others may be writing."""
    simulation.struck["check"] += 1
    async with simulation.process(life) as parts:
        report = await reconcile(parts, accept=True)
    if report["failed"]:
        simulation.fail(f"the nightly check met a bug: {report}")


async def approved(simulation: Simulation, life: Life, on: date, evening_s: float) -> None:
    """Run a month that asks a person, who says yes much later: twice, from two screens."""
    async with simulation.process(life) as parts:
        report = await run_month(parts, MonthRequest(on=on))
    simulation.look(report)
    if report.state != "waiting_approval":
        return
    simulation.struck["approval"] += 1
    await simulation.clock.sleep(evening_s)

    async def yes(screen: Life) -> None:
        async with simulation.process(screen) as parts:
            wanted = ApplyRequest(run=report.run, yes=True, accept_band=True)
            simulation.look(await apply_plan(parts, wanted))

    await asyncio.gather(told(simulation, yes(life)), told(simulation, yes(Life())))


# ------------------------------------------------------------------------------------- posts
async def post(simulation: Simulation, rng: Random) -> None:
    """Post something twice; two processes deal with it at the same time, as well as they can."""
    await simulation.clock.sleep(rng.uniform(0.0, 60.0))
    one = drawn_post(simulation, rng)
    if one.company is not None:
        simulation.outside.forced.add(one.company)
    for _ in range(2):
        with simulation.store.write() as db:
            put_posts(db, simulation.portal, [one], at=simulation.clock.now())
    handled = [told(simulation, handle(simulation, Life(), one.event)) for _ in range(2)]
    await asyncio.gather(*handled)
    simulation.struck["post"] += 1


def drawn_post(simulation: Simulation, rng: Random) -> Post:
    """Return what a robot or a button posts."""
    kind, company = rng.choice(POSTS), rng.choice(simulation.ids)
    state = simulation.rooms.portal.state
    event = f"{kind}-{rng.randrange(1 << 40)}"
    if kind == "invoice_changed":
        body = {"invoice": rng.choice(list(state.invoices))["id"]}
        return Post(event=event, kind=kind, body=body)
    if kind == "task_changed":
        tasks = [task["ID"] for task in state.tasks] or [1]
        return Post(event=event, kind=kind, body={"task": rng.choice(tasks)})
    return Post(event=event, kind=kind, company=company)


async def handle(simulation: Simulation, life: Life, event: str) -> None:
    """Deal with a post in a process of its own."""
    async with simulation.process(life) as parts:
        await handle_post(parts, event)


async def finish_posts(simulation: Simulation) -> bool:
    """Deal in peace with posts that nobody could deal with; say whether none is left."""
    for _ in range(TRIES):
        with simulation.store.read() as db:
            left = waiting_posts(db, simulation.portal)
        if not left:
            return True
        for one in left:
            await handle(simulation, Life(), one.event)
        # What the portal did not show yet is looked at again, as a worker would.
        await simulation.clock.sleep(LAG.total_seconds())
    return False


async def second_store(simulation: Simulation, rng: Random, on: date) -> None:
    """Let a second installation run the month at a portal that is ours: it writes nothing."""
    await simulation.clock.sleep(rng.uniform(0.0, 120.0))
    with simulation.store.read() as db:
        known = read_installation(db)
    if known is None or not known.lineage:
        return
    with TemporaryDirectory(prefix="stavbill-second-") as folder:
        store = open_store(f"sqlite:///{folder}/second.sqlite3")
        second = Second(store)
        try:
            async with simulation.process(Life(), second) as parts:
                await run_month(parts, MonthRequest(on=on, yes=True, accept_band=True))
        except NotOurPortalError:
            simulation.struck["second_store"] += 1
        except EXPECTED as trouble:
            simulation.counts[type(trouble).__name__] += 1
        else:
            simulation.fail("a second database ran the month at our portal")
        finally:
            store.close()
    if second.switch.disobeyed:
        simulation.fail(f"a second database wrote: {second.switch.disobeyed}")


async def kill_switch(simulation: Simulation, rng: Random) -> None:
    """Let a person stop all writing for some minutes."""
    portal, store = simulation.portal, simulation.store
    await simulation.clock.sleep(rng.uniform(0.0, 60.0))
    with store.write() as db:
        now = simulation.clock.now()
        raise_flag(db, portal, Flag.KILL_SWITCH, reason="x", who="a person", at=now)
    simulation.switch.is_up = True
    simulation.struck["kill_switch"] += 1
    await simulation.clock.sleep(rng.uniform(1.0, 600.0))
    simulation.switch.is_up = False
    with store.write() as db:
        lower_flag(db, portal, Flag.KILL_SWITCH, who="a person", at=simulation.clock.now())
