"""The host's control address, for tests and people in another process: no part of Wialon.

`GET /sandbox/journal` counts and lists calls, `DELETE` forgets them. `POST /sandbox/faults` takes
`{"kind": "ERROR", "svc": "", "after": 0, "times": 1, "number": 6, "reason": ""}` (`times` null:
always) and `{"hidden": [ids], "without_act": [ids]}`; `DELETE` switches all faults off.
`POST /sandbox/units` takes `{"id": …, "active": true}` or `{"id": …, "remove": true}`.
"""

from __future__ import annotations

from dataclasses import asdict

from aiohttp import web

from stavbill.sandbox.wialon.faults import Fault, Trouble
from stavbill.sandbox.wialon.host import WialonHost

JOURNAL_PATH, FAULTS_PATH, UNITS_PATH = "/sandbox/journal", "/sandbox/faults", "/sandbox/units"
CALLS_SHOWN = 1000


def add_control(app: web.Application, host: WialonHost) -> None:
    """Open the control address beside the host's own."""

    async def show_journal(_: web.Request) -> web.Response:
        calls = [asdict(call) for call in host.journal][-CALLS_SHOWN:]
        counts = {"requests": host.journal.requests(), "by_svc": dict(host.journal.by_svc())}
        return web.json_response(counts | {"calls": calls})

    async def forget_journal(_: web.Request) -> web.Response:
        host.journal.clear()
        return web.json_response({})

    async def switch_on(asked: web.Request) -> web.Response:
        given = await asked.json()
        host.faults.hidden.update(given.pop("hidden", ()))
        host.faults.without_act.update(given.pop("without_act", ()))
        if "kind" in given:
            try:
                fault = Fault(**(given | {"kind": Trouble[given["kind"]]}))
            except (KeyError, TypeError) as wrong:
                return web.json_response({"wrong": str(wrong)}, status=400)
            host.faults.add(fault)
        return web.json_response({"waiting": len(host.faults.waiting)})

    async def switch_off(_: web.Request) -> web.Response:
        host.faults.clear()
        return web.json_response({})

    async def change_unit(asked: web.Request) -> web.Response:
        given = await asked.json()
        unit = host.fleet.units.get(given.get("id"))
        if unit is None:
            return web.json_response({"wrong": "no such unit"}, status=404)
        if given.get("remove"):
            host.fleet.remove(unit.id)
        else:
            unit.active = bool(given["active"])
            unit.deactivated_at = 0 if unit.active else int(host.clock.now().timestamp())
            host.fleet.touched()
        return web.json_response({})

    app.router.add_get(JOURNAL_PATH, show_journal)
    app.router.add_delete(JOURNAL_PATH, forget_journal)
    app.router.add_post(FAULTS_PATH, switch_on)
    app.router.add_delete(FAULTS_PATH, switch_off)
    app.router.add_post(UNITS_PATH, change_unit)
