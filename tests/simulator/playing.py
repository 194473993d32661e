"""Seeds are played: an installation is made, its nights go by, a failure is made smaller."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import event

from stavbill.app.setup import SetupRequest, set_up
from stavbill.sandbox.furnish.portal import PortalFurnisher
from stavbill.sandbox.furnish.wialon import WialonFurnisher
from stavbill.sandbox.serve import running_sandbox
from stavbill.sandbox.world.build import World, build_world
from stavbill.settings import Settings, load_settings
from stavbill.store.database import Store, connect_engine
from stavbill.store.schema import open_store
from stavbill.wialon.connection import token_variable
from tests.simulator.calendar import Night, nights_from
from tests.simulator.options import Options, Violated
from tests.simulator.outside import outside_of
from tests.simulator.simulation import Simulation
from tests.support.virtual_time import BEGINNING, VirtualClock, run_virtually

FIRST = BEGINNING.date()
LONGEST_S = 45 * 86_400.0
# Nothing of it has to survive the simulation.
MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
REPORTS = '\n[reports]\ndialogs = ["1"]\n'


def play(options: Options) -> Simulation:
    """Play a seed's nights from outside of any loop.

    Raises `Violated`, or `TimeoutError` for nights that do not end.
    """
    with TemporaryDirectory(prefix="stavbill-nights-", dir=MEMORY) as name:
        return _play(options, Path(name))


def _play(options: Options, folder: Path) -> Simulation:
    world = build_world(options.companies, options.seed, FIRST)
    settings = asyncio.run(settings_for(world, folder))
    limit_s = (options.nights + 1) * LONGEST_S
    return run_virtually(simulate(options, world, settings, folder), limit_s=limit_s)


async def simulate(options: Options, world: World, settings: Settings, folder: Path) -> Simulation:
    """Play the nights; whatever goes wrong says in which."""
    made = simulation(options, world, settings, folder)
    try:
        for _ in range(options.nights):
            await made.night()
    except Violated:
        raise
    except Exception as error:  # noqa: BLE001  a bug of anybody's ends a seed
        made.fail(f"{type(error).__name__}: {error}", error)
    finally:
        made.store.close()
    return made


def fewer(options: Options, nights: int, fails: Callable[[Options], bool]) -> Options:
    """Return options of fewer nights and kinds of faults that still fail, each left out once."""
    shorter = replace(options, nights=nights or options.nights)
    if shorter != options and fails(shorter):
        options = shorter
    for name in options.faults:
        less = replace(options, faults=tuple(one for one in options.faults if one != name))
        if fails(less):
            options = less
    return options


async def settings_for(world: World, folder: Path) -> Settings:
    """Return settings as `init` finds them on the world, served for a moment."""
    # Its fields and own companies matter, not who lives there.
    async with running_sandbox(replace(world, companies_count=0)) as sandbox:
        env = {
            "STAVBILL_PORTAL_URL": sandbox.webhook,
            **{token_variable(name): token for name, token in sandbox.tokens.items()},
        }
        wialon = tuple(f"{name}={url}" for name, url in sandbox.wialon_urls.items())
        await set_up(SetupRequest(directory=folder, wialon=wialon), env)
    config = folder / "stavbill.toml"
    config.write_text(config.read_text(encoding="utf-8") + REPORTS, encoding="utf-8")
    return load_settings(config, env)


def simulation(options: Options, world: World, settings: Settings, folder: Path) -> Simulation:
    """Return a new installation; say it on the virtual loop."""
    clock = VirtualClock()
    hosts, rooms = WialonFurnisher(world, clock), PortalFurnisher(world, clock)
    outside = outside_of(world)
    for cluster in outside.clusters:
        hosts.add(cluster)
        rooms.add(cluster)
    return Simulation(
        options=options,
        world=world,
        settings=settings,
        store=_empty_store(folder / "simulated.sqlite3"),
        clock=clock,
        rooms=rooms,
        hosts=hosts,
        outside=outside,
        calendar=_calendar(options),
        ids=tuple(outside.place),
    )


def _calendar(options: Options) -> Iterator[Night]:
    nights = nights_from(FIRST, Random(f"{options.seed}:days"))
    return (one for one in nights if one.lively or not options.lively_only)


def _empty_store(path: Path) -> Store:
    """Return a store as `open_store` makes it; migrations and compiling are done once a process."""
    path.write_bytes(_empty_database())
    engine = connect_engine(f"sqlite:///{path}")
    event.listen(engine, "connect", _careless)
    return Store(engine.execution_options(compiled_cache=_COMPILED))


_COMPILED: dict[Any, Any] = {}


@cache
def _empty_database() -> bytes:
    with TemporaryDirectory(prefix="stavbill-empty-", dir=MEMORY) as name:
        path = Path(name) / "empty.sqlite3"
        open_store(f"sqlite:///{path}").close()
        return path.read_bytes()


def _careless(dbapi: Any, _record: object) -> None:  # noqa: ANN401  sqlite3's own type
    """Sync nothing to disk: no power is cut in a simulation."""
    dbapi.execute("PRAGMA synchronous=OFF")
