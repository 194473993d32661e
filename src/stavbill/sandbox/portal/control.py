"""The control address `/_sandbox/…`: state, journal, faults, switches for tests outside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields

import orjson

from stavbill.sandbox.portal import dump
from stavbill.sandbox.portal.faults import read_faults
from stavbill.sandbox.portal.gate import Gate, Passage
from stavbill.sandbox.portal.portal import Portal
from stavbill.sandbox.portal.wire import Json, Record, Response, json_response

PREFIX = "/_sandbox/"


def handle(
    portal: Portal, method: str, path: str, body: bytes, query: Mapping[str, str]
) -> Response:
    """Answer one request to the control address.

    GET `state`, `calls?since=&limit=`, `invoices`, `dump`, `faults`, `switches`, `limits`, `gate`;
    PUT `faults` `{"seed": 0, "faults": [{"kind": …}]}`, `switches`, `limits` with the fields to
    change, `gate` `{"hold": 3}` (the third point of a write), `{"release": "go"}`, `"drop"`, or
    `{}` to open it; POST `settle` (run late requests now), `clear` (the journal).
    """
    portal.settle()
    name = path.removeprefix(PREFIX).strip("/")
    try:
        given = orjson.loads(body) if body else {}
        found = _get(portal, name, query) if method == "GET" else _change(portal, name, given)
    except (ValueError, TypeError) as wrong:
        return json_response({"error": str(wrong)}, 400)
    if found is None:
        return json_response({"error": f"{method} {path} is not known here"}, 404)
    return json_response(found)


def _get(portal: Portal, name: str, query: Mapping[str, str]) -> Json:  # noqa: PLR0911 - one for each
    match name:
        case "state":
            return dump.summary(portal.state) | portal.calls.summary() | {
                "waiting": portal.waiting(), "now": portal.clock.now().isoformat(),
                "webhooks": [each.path for each in portal.webhooks.values()],
            }  # fmt: skip
        case "calls":
            return _calls(portal, query)
        case "invoices":
            return dump.invoices(portal.state)
        case "dump":
            return dump.everything(portal.state)
        case "faults":
            return [asdict(fault) | {"struck": struck} for fault, struck in portal.faults.on()]
        case "switches":
            return asdict(portal.switches)
        case "limits":
            return asdict(portal.limits)
        case "gate":
            return portal.gate.shown()
        case _:
            return None


def _calls(portal: Portal, query: Mapping[str, str]) -> list[Record]:
    since, limit = int(query.get("since", 0)), int(query.get("limit", 1000))
    found = [each.shown() for each in portal.calls if each.request > since]
    return found[:limit]


def _change(portal: Portal, name: str, given: Json) -> Json:  # noqa: PLR0911 - one for each
    match name:
        case "faults":
            portal.faults.switch(
                *read_faults(given.get("faults", [])), seed=int(given.get("seed", 0))
            )
            return {"on": len(portal.faults.on())}
        case "switches":
            _set(portal.switches, given)
            portal.state.lag(portal.switches.list_lag_s)
            return asdict(portal.switches)
        case "limits":
            _set(portal.limits, given)
            return asdict(portal.limits)
        case "gate":
            return _change_gate(portal.gate, given)
        case "settle":
            return {"ran": portal.settle(everything=True)}
        case "clear":
            portal.calls.clear()
            return {"requests": 0}
        case _:
            return None


def _change_gate(gate: Gate, given: Json) -> Json:
    if "hold" in given:
        gate.hold(int(given["hold"]))
    elif "release" in given:
        return gate.shown() | {"released": gate.release(Passage(given["release"]))}
    else:
        gate.watch(None)
    return gate.shown()


def _set(what: object, given: Record) -> None:
    known = {each.name for each in fields(what)}  # type: ignore[arg-type] # dataclasses both
    for name, value in given.items():
        if name not in known:
            message = f"{name} is not one of {', '.join(sorted(known))}"
            raise ValueError(message)
        setattr(what, name, value)
