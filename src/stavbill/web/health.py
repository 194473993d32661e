"""Whether the service is ready, and its figures for Prometheus, both asked of the store.

Source: operations page, «Observability».
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Gauge, generate_latest

from stavbill.clock import Clock
from stavbill.errors import StoreError
from stavbill.store.control import raised_flags
from stavbill.store.database import Store
from stavbill.store.inbox import inbox_counts, tried_posts
from stavbill.store.runs import RunKind, RunState, latest_runs
from stavbill.store.workers import last_heartbeat

Document = dict[str, object]
MOST_TRIED = 100


def is_ready(store: Store, clock: Clock, portal: str) -> tuple[bool, Document]:
    """Return whether posts can be stored, with what else a watcher wants to know."""
    try:
        with store.read() as db:
            flags = [known.flag.value for known in raised_flags(db, portal)]
            beat = last_heartbeat(db)
            waiting = inbox_counts(db, portal).get("new", 0)
            tried = len(tried_posts(db, portal, limit=MOST_TRIED))
    except StoreError:
        return False, {"status": "database_unavailable"}
    age = None if beat is None else round((clock.now() - beat).total_seconds(), 1)
    return True, {
        "status": "ok",
        "writing_stopped": flags,
        "worker_heartbeat_s": age,
        "posts_waiting": waiting,
        # Those of them of which an attempt came to nothing, up to a hundred: `ops list` says why.
        "posts_tried": tried,
    }


def metrics_text(store: Store, clock: Clock, portal: str) -> bytes:
    """Return the figures in Prometheus's text form."""
    registry = CollectorRegistry()
    posts = Gauge("stavbill_posts", "Posts in the inbox by state", ["state"], registry=registry)
    beat_s = Gauge("stavbill_worker_heartbeat_age_seconds", "Last heartbeat", registry=registry)
    stopped = Gauge("stavbill_writing_stopped", "1 while no write may leave", registry=registry)
    waits = Gauge(
        "stavbill_run_waits_for_approval", "1 while a person is awaited", registry=registry
    )
    with store.read() as db:
        for state, number in inbox_counts(db, portal).items():
            posts.labels(state).set(number)
        beat = last_heartbeat(db)
        stopped.set(bool(raised_flags(db, portal)))
        newest = latest_runs(db, portal, limit=1, kind=RunKind.MONTH)
    beat_s.set(float("nan") if beat is None else (clock.now() - beat).total_seconds())
    waits.set(bool(newest) and newest[0].state is RunState.WAITING_APPROVAL)
    return generate_latest(registry)
