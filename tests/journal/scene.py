"""A month in small: a store, a world, and journals that apply the same plan."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from functools import cache
from pathlib import Path

from stavbill.clock import Clock
from stavbill.journal.executor import Executor
from stavbill.journal.journal import Journal
from stavbill.journal.settings import JournalSettings
from stavbill.plan.effects import Effect, EffectKey, PutFields, PutInvoice
from stavbill.store.database import Store
from stavbill.store.effects import Status, counts_by_kind, intents_after
from stavbill.store.parking import parked_companies
from stavbill.store.runs import RunId, RunKind, RunState, set_state, start_run
from stavbill.store.schema import open_store
from tests.journal.world import InvoiceAdapter, StateAdapter, World
from tests.store.samples import NOON, PORTAL, TENTH, effects_of
from tests.support.virtual_time import BEGINNING, VirtualClock

RUN = RunId("run-1")
# Who recorded the plans: the journals of a scene have seen it alive, unless a test says otherwise.
RECORDER = "recorder"
# Four invoices a batch, so that a few companies make many batches.
SETTINGS = JournalSettings(batch_commands=8, in_flight=3)


def plan(companies: int) -> list[Effect]:
    """Return an invoice for each company, and its fields after it."""
    return [
        effect if isinstance(effect, PutFields) else _without_credits(effect)
        for company in range(1, companies + 1)
        for effect in effects_of(company)
        if isinstance(effect, PutInvoice | PutFields)
    ]


def _without_credits(effect: Effect) -> Effect:
    if isinstance(effect, PutInvoice):
        return replace(effect, draft=replace(effect.draft, credits=()))
    return effect


def invoice_keys(companies: int) -> list[EffectKey]:
    return [effect.key for effect in plan(companies) if isinstance(effect, PutInvoice)]


@cache
def _empty_database() -> Path:
    folder = tempfile.mkdtemp(prefix="stavbill-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = Path(folder) / "empty.sqlite3"
    open_store(f"sqlite:///{path}").close()
    return path


@contextmanager
def fresh_store() -> Iterator[Store]:
    """Give an empty store in no time: a copy of one that was made before."""
    with tempfile.TemporaryDirectory(prefix="stavbill-") as folder:
        path = Path(folder) / "stavbill.sqlite3"
        shutil.copyfile(_empty_database(), path)
        store = open_store(f"sqlite:///{path}")
        try:
            yield store
        finally:
            store.close()


def begin(store: Store, companies: int, *, run: RunId = RUN) -> None:
    """Record the plan of a run that may be applied."""
    with store.write() as db:
        start_run(db, run, portal=PORTAL, kind=RunKind.MONTH, on=TENTH, dry_run=False, at=NOON)
    recorder = Journal(store, [], _Standing(), portal=PORTAL, owner=RECORDER)
    recorded = recorder.record(run, plan(companies))
    assert recorded.contradictions == ()
    with store.write() as db:
        set_state(db, run, RunState.APPLYING, at=NOON)


class _Standing:
    """A clock that stands: what is recorded is due at the very beginning."""

    def now(self) -> datetime:
        return BEGINNING

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        raise AssertionError(seconds)


def journal_on(
    store: Store,
    world: World,
    *,
    owner: str = "one",
    clock: Clock | None = None,
    settings: JournalSettings = SETTINGS,
    companions: Collection[str] = (RECORDER,),
) -> Journal:
    adapters: list[Executor] = [InvoiceAdapter(world), StateAdapter(world)]
    return Journal(
        store,
        adapters,
        clock or VirtualClock(),
        portal=PORTAL,
        owner=owner,
        settings=settings,
        companions=companions,
    )


def statuses(store: Store) -> dict[tuple[str, str], int]:
    with store.read() as db:
        return {(kind, status.value): n for (kind, status), n in counts_by_kind(db, RUN).items()}


def keys_in(store: Store, *wanted: Status) -> set[EffectKey]:
    with store.read() as db:
        return {one.key for one in intents_after(db, RUN, limit=10_000, statuses=wanted)}


def parked(store: Store) -> set[int]:
    with store.read() as db:
        return {int(one.company) for one in parked_companies(db, PORTAL)}


def require_end_state(store: Store, world: World, companies: int) -> None:
    """Everything stands once, whole, and known; nothing that was declined stands at all."""
    wanted = set(invoice_keys(companies)) - world.rejected
    assert world.copies() == dict.fromkeys(wanted, 1)
    assert world.without_rows() == []
    assert keys_in(store, Status.DONE) >= wanted
    fields = {effect.key for effect in plan(companies) if isinstance(effect, PutFields)}
    declined = {
        effect.key
        for effect in plan(companies)
        if isinstance(effect, PutFields) and effect.after[0] in world.rejected
    }
    assert set(world.states) == fields - declined
    assert keys_in(store, Status.REJECTED) == world.rejected
    assert keys_in(store, Status.DROPPED) == declined
    assert len(parked(store)) == len(world.rejected)
