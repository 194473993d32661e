"""A worker's life: it launches the engine, ticks, and ends when it is told to."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger

from stavbill.app.build import open_parts
from stavbill.app.clocks import require_start_time
from stavbill.app.engine import engine_of
from stavbill.app.one_portal import refuse_other_portals
from stavbill.app.processes import owner_is_gone
from stavbill.app.read_only import ReadOnlyMode
from stavbill.app.version import version
from stavbill.errors import StavbillError, StoreError
from stavbill.journal.fence import close_fence
from stavbill.log import get_logger
from stavbill.operations.parts import Parts
from stavbill.settings import Settings, load_settings
from stavbill.store.handing import leaving_of
from stavbill.worker.jobs import check_sending, operations_of, schedules_of
from stavbill.worker.posts import Posts
from stavbill.workflows.engine import launch_engine
from stavbill.workflows.limits import HEARTBEAT_S
from stavbill.workflows.runtime import Runtime, install
from stavbill.workflows.schedule import Schedule, begin_due
from stavbill.workflows.takeover import Heart

TICK_S = 60.0
POSTS_S = 0.5
MARK_S = 300.0
SHORTEST_S = 0.2
# What is on its way to the portal is waited for; a request takes no longer than this.
FAREWELL_S = 80.0
ANSWERS_S = 60.0
log = get_logger()


async def run_worker(config: Path, *, ready: Callable[[str], None]) -> None:
    """Work until SIGTERM or SIGINT; the caller then has to leave the process at once.

    Threads of the engine may still be in the middle of a step: whoever takes over repeats it.
    `ready` hears this worker's name when it has begun. Raises `ConfigError` and `StoreError` when
    it cannot begin.
    """
    settings = load_settings(config, os.environ)
    await check_sending(settings)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for told in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(told, stop.set)
    mode = ReadOnlyMode(config, is_on=settings.toml.safety.read_only)
    async with open_parts(config, unattended=True, mode=mode) as parts:
        refuse_other_portals(parts.store, parts.portal, now=parts.now())
        await require_start_time(settings, parts.store, parts.clock, parts.portal)
        owner = parts.owner
        install(Runtime(parts, loop, operations_of(settings), settings.toml.worker.shares))
        heart = Heart(
            parts.store,
            parts.clock,
            owner=owner,
            version=version(),
            is_gone=owner_is_gone,
            companions=parts.companions,
        )
        heart.beat()
        await asyncio.to_thread(launch_engine, engine_of(config), executor=owner)
        scale, posts = settings.clock_scale, Posts(parts.store, parts.clock, parts.portal)
        stopped = threading.Event()
        ticking = [
            _every(
                HEARTBEAT_S / scale,
                (
                    heart.beat,
                    lambda: mode.follow(parts.store, parts.portal, parts.now()),
                    heart.take_over,
                ),
                stopped,
            ),
            _every(max(POSTS_S / scale, SHORTEST_S), (posts.begin,), stopped),
            _every(MARK_S / scale, (parts.keep_mark,), stopped),
        ]
        scheduler = _schedule(settings, parts)
        ready(owner)
        log.info("worker_began", owner=owner)
        await stop.wait()
        scheduler.shutdown(wait=False)
        stopped.set()
        await asyncio.gather(*(asyncio.to_thread(thread.join) for thread in ticking))
        await _farewell(parts)
        heart.say_good_bye()
        log.info("worker_ended", owner=owner)


async def _farewell(parts: Parts) -> None:
    """Let nothing more leave, and wait for the answers that are on their way."""
    close_fence("worker ends")
    deadline = parts.clock.monotonic() + FAREWELL_S
    while parts.gateway.in_flight and parts.clock.monotonic() < deadline:
        await parts.clock.sleep(SHORTEST_S)
    # A letter whose last byte left gets its server's answer, or it would be in doubt.
    answered = parts.clock.monotonic() + ANSWERS_S
    while _awaits_answers(parts) and parts.clock.monotonic() < answered:
        await parts.clock.sleep(SHORTEST_S)
    await asyncio.sleep(SHORTEST_S)


def _awaits_answers(parts: Parts) -> bool:
    """Say whether letters of this process left whose answers did not come yet."""
    mine = f"{socket.gethostname()}:{os.getpid()}:"
    try:
        with parts.store.read() as db:
            return leaving_of(db, parts.portal, beginning=mine) > 0
    except StoreError:
        return False


def _every(
    seconds: float, ticks: Iterable[Callable[[], object]], stopped: threading.Event
) -> threading.Thread:
    """Start a thread that ticks; trouble with the database is waited out."""

    def run() -> None:
        while True:
            for tick in ticks:
                _tick(tick)
            if stopped.wait(seconds):
                return

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


def _tick(tick: Callable[[], object]) -> None:
    try:
        tick()
    except StavbillError as trouble:
        log.warning("tick_failed", error=type(trouble).__name__, detail=str(trouble))
    except Exception:
        # The engine's own trouble with its database; the next tick finds it mended or not.
        log.exception("tick_failed")


def _schedule(settings: Settings, parts: Parts) -> BackgroundScheduler:
    """Begin what is due when it is due; what was missed, now.

    The tick beside the schedules is for machines that slept and clocks that were set.
    """
    scheduler = BackgroundScheduler(timezone=settings.toml.portal.time_zone)
    tick_s = max(TICK_S / settings.clock_scale, SHORTEST_S)
    for schedule in schedules_of(settings, parts):
        for number, trigger in enumerate((schedule.trigger, IntervalTrigger(seconds=tick_s))):
            scheduler.add_job(
                _begin,
                trigger,
                args=(parts, schedule),
                id=f"{schedule.job}:{number}",
                coalesce=True,
                misfire_grace_time=None,
                max_instances=1,
            )
    scheduler.start()
    return scheduler


def _begin(parts: Parts, schedule: Schedule) -> None:
    def begin() -> None:
        workflow = begin_due(parts.store, parts.clock, parts.portal, schedule)
        if workflow:
            log.info("schedule_began", job=schedule.job, workflow=workflow)

    _tick(begin)
