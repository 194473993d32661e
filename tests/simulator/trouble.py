"""The faults of a night: what the portal and the Wialon hosts do wrong, drawn from the seed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from random import Random
from typing import TYPE_CHECKING

from stavbill.sandbox.portal.faults import Fault, Trouble
from stavbill.sandbox.wialon.faults import Fault as WialonFault
from stavbill.sandbox.wialon.faults import Trouble as WialonTrouble
from tests.simulator.calendar import is_sending_day

if TYPE_CHECKING:
    from tests.simulator.simulation import Simulation

LATEST_S = 60.0
LAGS_S = (2.0, 10.0, 20.0)
ROWS = frozenset({Trouble.ROW_ADDED, Trouble.ROW_DELETED})
WRITES_ONLY = frozenset({
    Trouble.LOST_BEFORE, Trouble.LOST_AFTER, Trouble.LOST_MID_BATCH, Trouble.LATE,
})  # fmt: skip
# A copied invoice bears our key: that is no trouble of reading.
COPIED = (
    "crm.company.list", "crm.documentgenerator.document.list", "crm.requisite.list",
)  # fmt: skip
DELETED = (*COPIED, "crm.item.list", "tasks.task.list")
# The numbers that a kind of Wialon's faults is drawn with: errors, statuses, seconds, items.
NUMBERS: Mapping[WialonTrouble, tuple[float, ...]] = {
    WialonTrouble.ERROR: (1, 4, 6, 10, 1003, 1011),
    WialonTrouble.HTTP_STATUS: (500, 502, 503),
    WialonTrouble.SLOW: (1, 9, 90),
    WialonTrouble.INCOMPLETE_PAGE: (1, 3),
}


@dataclass(frozen=True, slots=True)
class Armed:
    """What was switched on, and the rows that were there, to see afterwards what struck."""

    wialon: int
    rows: Mapping[str, Mapping[int, int | None]]


def switch_on(simulation: Simulation, rng: Random, on: date) -> Armed:
    """Switch faults on, as this night has them.

    What executes late is seen later still: by a portal's lag, whatever the lateness. Rows do not
    come and go on sending days, when everything is compared.
    """
    lag_s = rng.choice(LAGS_S) if simulation.draws(rng, "lag", 0.2) else 0.0
    portal = simulation.rooms.portal
    faults = [
        _fault(simulation, rng, kind)
        for kind in Trouble
        if simulation.draws(rng, kind.value, 0.25) and not (kind in ROWS and is_sending_day(on))
    ]
    portal.faults.switch(*faults, seed=rng.randrange(1 << 30))
    portal.state.lag(lag_s)
    simulation.struck["lag"] += lag_s > 0
    for host in simulation.hosts.hosts.values():
        if simulation.draws(rng, "wialon", 0.2):
            for _ in range(rng.choice((1, 2, 3))):
                host.faults.add(_wialon_fault(rng))
    return Armed(_left(simulation), _rows(simulation))


def _fault(simulation: Simulation, rng: Random, kind: Trouble) -> Fault:
    methods: tuple[str, ...] = ()
    target: int | None = None
    if kind is Trouble.ROW_ADDED:
        methods = COPIED
    if kind is Trouble.ROW_DELETED:
        methods = (rng.choice(DELETED),)
        target = rng.choice(_targets(simulation, methods[0]))
    return Fault(
        kind,
        rate=rng.choice(_rates(kind)),
        writes_only=kind in WRITES_ONLY,
        seconds=rng.uniform(1.0, LATEST_S),
        methods=methods,
        times=1 if kind in ROWS else None,
        target=target,
    )


def _rates(kind: Trouble) -> tuple[float, ...]:
    """Return how often a kind may strike: a night writes little and reads much."""
    if kind in ROWS:
        return (0.1,)
    if kind is Trouble.OPERATION_TIME:
        # Drawn for each command: at a twentieth no batch of fifty would ever pass.
        return (0.002, 0.01)
    return (0.05, 0.2, 0.5) if kind in WRITES_ONLY else (0.02, 0.05, 0.2)


def _targets(simulation: Simulation, method: str) -> list[int]:
    """Return whom a row's deletion may hit: our own companies are not deleted by anybody."""
    state = simulation.rooms.portal.state
    tables = {
        "crm.company.list": list(simulation.ids),
        "crm.documentgenerator.document.list": state.documents.ids,
        "crm.requisite.list": [
            one["ID"] for one in state.requisites if one["ENTITY_ID"] in simulation.outside.place
        ],
        "crm.item.list": state.invoices.ids,
        "tasks.task.list": state.tasks.ids,
    }
    return list(tables[method]) or [0]


def _wialon_fault(rng: Random) -> WialonFault:
    kind = rng.choice(list(WialonTrouble))
    return WialonFault(
        kind,
        after=rng.randrange(8),
        times=rng.choice((1, 2, 4, 1000)),
        number=rng.choice(NUMBERS.get(kind, (0,))),
    )


def switch_off(simulation: Simulation, armed: Armed) -> None:
    """Switch everything off, and account for what struck."""
    portal = simulation.rooms.portal
    struck = {fault.kind.value: number for fault, number in portal.faults.on() if number}
    simulation.struck.update(struck)
    simulation.struck["wialon"] += armed.wialon - _left(simulation)
    simulation.tonight = frozenset(struck)
    portal.faults.switch()
    portal.state.lag(0.0)
    for host in simulation.hosts.hosts.values():
        host.faults.clear()
    if ROWS & {Trouble(name) for name in struck}:
        _account_for_rows(simulation, armed)


def _left(simulation: Simulation) -> int:
    """Return how often Wialon's faults will strike yet."""
    hosts = simulation.hosts.hosts.values()
    return sum(fault.times or 0 for host in hosts for fault in host.faults.waiting)


def _rows(simulation: Simulation) -> dict[str, dict[int, int | None]]:
    """Return whose each row is that may come and go."""
    state = simulation.rooms.portal.state
    return {
        "companies": {one["ID"]: one["ID"] for one in state.companies},
        "documents": {one["id"]: one["entityId"] for one in state.documents},
        "requisites": {one["ID"]: one["ENTITY_ID"] for one in state.requisites},
        "invoices": {one["id"]: one["companyId"] for one in state.invoices},
        "tasks": {one["ID"]: _company_of(one) for one in state.tasks},
    }


def _company_of(task: Mapping[str, object]) -> int | None:
    links = task.get("UF_CRM_TASK")
    named = [str(one) for one in links] if isinstance(links, list) else []
    return next((int(one[3:]) for one in named if one.startswith("CO_")), None)


def _account_for_rows(simulation: Simulation, armed: Armed) -> None:
    """Say of whom nothing certain is known any more."""
    outside, now = simulation.outside, _rows(simulation)
    for table, before in armed.rows.items():
        for row, company in before.items():
            if row in now[table] or company not in outside.place:
                continue
            outside.disturbed.add(company)
            if table == "invoices":
                outside.bereft.add(company)
                outside.touched.add(company)
            elif table != "tasks":
                outside.strange.add(company)
    for company in now["companies"].keys() - armed.rows["companies"].keys():
        record = simulation.rooms.portal.state.companies.get(company) or {}
        outside.strange.update(
            one
            for one in outside.place
            if (known := simulation.rooms.portal.state.companies.get(one)) is not None
            and known["TITLE"] == record.get("TITLE")
        )
