"""One journal, one plan: the order, the numbers, and each trouble by itself."""

from __future__ import annotations

from datetime import timedelta

import pytest

from stavbill.errors import PortalError, WritingStoppedError
from stavbill.journal.report import JournalReport
from stavbill.journal.settings import JournalSettings
from stavbill.store.control import Flag, lower_flag, raise_flag
from stavbill.store.database import Store
from stavbill.store.effects import Status, receipts_after
from stavbill.store.parking import audit_of
from tests.journal.scene import (
    RUN,
    SETTINGS,
    begin,
    fresh_store,
    invoice_keys,
    journal_on,
    keys_in,
    parked,
    require_end_state,
    statuses,
)
from tests.journal.world import Fate, World
from tests.store.samples import PORTAL
from tests.support.virtual_time import BEGINNING, VirtualClock, run_virtually


def apply(store: Store, world: World, *, wait_doubts: bool = True) -> JournalReport:
    async def main() -> JournalReport:
        report = await journal_on(store, world).apply(RUN, wait_doubts=wait_doubts)
        if wait_doubts:
            await world.calm()
        return report

    return run_virtually(main())


def test_an_undisturbed_month_takes_the_fewest_requests() -> None:
    with fresh_store() as store:
        begin(store, 16)
        world = World(VirtualClock())
        ended: list[int] = []

        async def main() -> JournalReport:
            return await journal_on(store, world).apply(RUN, progress=ended.append)

        report = run_virtually(main())
        require_end_state(store, world, 16)
        assert report.is_settled
        assert report.counts == {Status.DONE: 32}
        assert report.settled_at is None
        assert sum(ended) == 32
        # Four batches of invoices, four read-backs, two batches of fields.
        assert world.requests == 4 + 4 + 2
        assert world.batches == [4, 4, 4, 4, 8, 8]
        assert world.most_in_flight <= SETTINGS.in_flight + SETTINGS.asking


def test_invoices_go_first_and_fields_follow_their_own_invoice() -> None:
    with fresh_store() as store:
        begin(store, 8)
        world = World(VirtualClock(), fates=[Fate.LOST_AFTER])
        apply(store, world)
        require_end_state(store, world, 8)
        invoices = set(invoice_keys(8))
        assert set(world.order[:8]) == invoices


@pytest.mark.parametrize("fate", list(Fate), ids=lambda fate: fate.name.lower())
@pytest.mark.parametrize("place", [0, 1, 4, 6])
def test_each_trouble_leaves_nothing_twice_and_nothing_out(fate: Fate, place: int) -> None:
    with fresh_store() as store:
        begin(store, 16)
        world = World(VirtualClock(), fates=[Fate.FINE] * place + [fate], lag_s=24.0)

        async def main() -> None:
            journal = journal_on(store, world)
            try:
                await journal.apply(RUN)
            except PortalError:
                assert fate is Fate.BROKEN
                await journal.apply(RUN)
            await world.calm()

        run_virtually(main())
        require_end_state(store, world, 16)


def test_an_effect_in_doubt_is_not_asked_for_before_its_quiet_time() -> None:
    with fresh_store() as store:
        begin(store, 1)
        world = World(VirtualClock(), fates=[Fate.VERY_LATE])
        report = apply(store, world, wait_doubts=False)
        assert world.requests == 1
        assert report.counts == {Status.DOUBT: 1, Status.PLANNED: 1}
        assert not report.is_settled
        # The answer was given up after half of the time that an answer takes.
        quiet = timedelta(seconds=SETTINGS.quiet_s + world.answer_s / 2)
        assert report.settled_at == BEGINNING + quiet


def test_a_lost_batch_costs_one_look_up_and_no_second_batch() -> None:
    with fresh_store() as store:
        begin(store, 16)
        world = World(VirtualClock(), fates=[Fate.LOST_AFTER, Fate.FINE, Fate.LOST_AFTER])
        apply(store, world)
        require_end_state(store, world, 16)
        assert world.requests == 4 + 1 + 4 + 2


def test_a_list_that_lags_behind_is_asked_again_before_anybody_is_blamed() -> None:
    with fresh_store() as store:
        begin(store, 4)
        world = World(VirtualClock(), lag_s=40.0)
        apply(store, world)
        require_end_state(store, world, 4)


def test_an_invoice_that_differs_for_good_is_parked_and_its_followers_dropped() -> None:
    with fresh_store() as store:
        begin(store, 4)
        key = invoice_keys(4)[1]
        world = World(VirtualClock(), altered=frozenset({key}))
        apply(store, world)
        assert keys_in(store, Status.DIFFERS) == {key}
        assert parked(store) == {2}
        assert statuses(store) == {
            ("put_invoice", "done"): 3,
            ("put_invoice", "differs"): 1,
            ("put_fields", "done"): 3,
            ("put_fields", "dropped"): 1,
        }
        with store.read() as db:
            assert [one.what for one in audit_of(db, PORTAL)] == ["company_parked"]
            whats = [one.what for _, one in receipts_after(db, RUN) if one.key == key]
        assert whats[0] == "done"
        assert whats[-1] == "differs"
        assert set(whats[1:-1]) == {"differs_yet"}


def test_a_declined_invoice_parks_its_company_and_nobody_else() -> None:
    with fresh_store() as store:
        begin(store, 8)
        declined = frozenset({invoice_keys(8)[1]})
        world = World(VirtualClock(), rejected=declined)
        apply(store, world)
        require_end_state(store, world, 8)


def test_the_kill_switch_stops_before_the_next_batch_and_applying_goes_on_later() -> None:
    with fresh_store() as store:
        begin(store, 16)
        world = World(VirtualClock())

        def pull(request: int) -> None:
            if request == 2:
                with store.write() as db:
                    raise_flag(
                        db,
                        PORTAL,
                        Flag.KILL_SWITCH,
                        reason="не тот месяц",
                        who="Петров",
                        at=BEGINNING,
                    )

        world.on_request = pull
        with pytest.raises(WritingStoppedError, match="не тот месяц"):
            apply(store, world)
        # The third batch stood at the fence already and did not leave.
        assert world.batches == [4]
        assert not keys_in(store, Status.SENDING, Status.DOUBT)
        world.on_request = lambda _: None
        with store.write() as db:
            lower_flag(db, PORTAL, Flag.KILL_SWITCH, who="Петров", at=BEGINNING)
        apply(store, world)
        require_end_state(store, world, 16)


def test_a_portal_that_only_refuses_is_given_up_and_nothing_is_lost() -> None:
    with fresh_store() as store:
        begin(store, 4)
        world = World(VirtualClock(), fates=[Fate.REFUSED] * 1000)
        with pytest.raises(PortalError, match="не выполняет ничего"):
            apply(store, world)
        assert len(world.batches) < 60
        world.fates.clear()
        apply(store, world)
        require_end_state(store, world, 4)


def test_a_portal_that_cannot_be_asked_is_given_up_with_its_doubts_kept() -> None:
    with fresh_store() as store:
        begin(store, 4)
        world = World(VirtualClock(), fates=[Fate.LOST_AFTER], read_fails=[True] * 1000)
        with pytest.raises(PortalError, match="портал не ответил"):
            apply(store, world)
        assert keys_in(store, Status.DOUBT) == set(invoice_keys(4))
        world.read_fails.clear()
        apply(store, world)
        require_end_state(store, world, 4)


def test_a_batch_that_waits_longer_than_its_claim_renews_it_before_it_leaves() -> None:
    with fresh_store() as store:
        begin(store, 4)
        world = World(VirtualClock(), queue_s=[1_000.0])
        apply(store, world)
        require_end_state(store, world, 4)
        assert world.batches == [4, 4]


def test_applying_again_writes_nothing() -> None:
    with fresh_store() as store:
        begin(store, 8)
        world = World(VirtualClock())
        apply(store, world)
        before = world.requests
        apply(store, world)
        assert world.requests == before


def test_the_same_life_on_both_databases(store: Store) -> None:
    begin(store, 10)
    fates = [Fate.CUT, Fate.LOST_AFTER, Fate.HALTED, Fate.LATE]
    declined = frozenset({invoice_keys(10)[8]})
    world = World(VirtualClock(), fates=fates, rejected=declined, lag_s=3.0)
    apply(store, world)
    require_end_state(store, world, 10)


def test_times_under_which_a_write_could_happen_twice_are_refused() -> None:
    with pytest.raises(ValueError, match="quiet_s must cover late_s"):
        JournalSettings(quiet_s=30.0)
    with pytest.raises(ValueError, match="claim_s must be longer"):
        JournalSettings(claim_s=60.0)
