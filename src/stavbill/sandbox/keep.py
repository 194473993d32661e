"""World kept in a folder: what portal, mail server and WhatsApp hold, between two runs.

`stavbill sandbox --dir DIR` goes on where the last one in that folder ended, at the same addresses.
"""

from __future__ import annotations

import json
import os
import pickle
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from stavbill.sandbox.mail.letters import Letters
from stavbill.sandbox.portal.portal import Portal
from stavbill.sandbox.whatsapp.instance import Instance

WORLD, HELD = "sandbox.json", "sandbox.pickle"


@dataclass(frozen=True, slots=True)
class Drawn:
    """What a world is drawn from, and the first port of its hosts."""

    companies: int
    seed: int
    as_of: date
    port: int


@dataclass(frozen=True, slots=True)
class Held:
    """What the hosts hold besides what is drawn, and the time of their clock."""

    now: datetime
    portal: dict[str, Any]
    letters: list[Any]
    whatsapp: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Hosts:
    """The hosts whose holdings are kept."""

    portal: Portal
    letters: Letters
    whatsapp: Instance


def read_world(folder: Path) -> Drawn | None:
    """Return what the folder's world was drawn from, None without one."""
    path = folder / WORLD
    if not path.is_file():
        return None
    known = json.loads(path.read_text(encoding="utf-8"))
    day = date.fromisoformat(known["as_of"])
    return Drawn(known["companies"], known["seed"], day, known["port"])


def write_world(folder: Path, drawn: Drawn) -> None:
    """Keep what a new world is drawn from."""
    folder.mkdir(parents=True, exist_ok=True)
    document = {
        "companies": drawn.companies,
        "seed": drawn.seed,
        "as_of": drawn.as_of.isoformat(),
        "port": drawn.port,
    }
    (folder / HELD).unlink(missing_ok=True)
    (folder / WORLD).write_text(json.dumps(document) + "\n", encoding="utf-8")


def read_held(folder: Path) -> Held | None:
    """Return what the last run in this folder left, None when it left nothing."""
    path = folder / HELD
    if not path.is_file():
        return None
    held: Held = pickle.loads(path.read_bytes())  # noqa: S301 - written by ourselves, in his folder
    return held


def write_held(folder: Path, hosts: Hosts) -> None:
    """Keep what the hosts hold now; whole or not at all, for its owner alone."""
    hosts.portal.settle(everything=True)
    held = Held(
        hosts.portal.clock.now(),
        hosts.portal.state.kept(),
        hosts.letters.kept(),
        hosts.whatsapp.kept(),
    )
    draft = folder / f"{HELD}.part"
    draft.unlink(missing_ok=True)
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        pickle.dump(held, file)
    draft.replace(folder / HELD)


def put_back(held: Held, hosts: Hosts) -> None:
    """Let the hosts of a freshly drawn world hold what was kept."""
    hosts.portal.state.put_back(held.portal)
    hosts.letters.put_back(held.letters)
    hosts.whatsapp.put_back(held.whatsapp)
