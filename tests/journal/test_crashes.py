"""Processes that die, pause and compete: the end state is that of one undisturbed run."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from stavbill.errors import PortalError
from stavbill.journal.journal import Journal
from stavbill.store.database import Store
from stavbill.store.effects import Status
from stavbill.store.runs import RunState, read_run
from stavbill.store.schema import open_store
from tests.journal.scene import (
    RUN,
    SETTINGS,
    begin,
    fresh_store,
    invoice_keys,
    journal_on,
    keys_in,
    require_end_state,
)
from tests.journal.world import Fate, World
from tests.support.virtual_time import VirtualClock, run_virtually

COMPANIES = 14


async def killed_after(journal: Journal, seconds: float) -> bool:
    """Apply, and die after a while without a chance to tidy up; False when it was over before."""
    applying = asyncio.ensure_future(journal.apply(RUN))
    await asyncio.wait([applying], timeout=seconds)
    if applying.done():
        with suppress(PortalError):
            applying.result()
        return False
    applying.cancel()
    with suppress(asyncio.CancelledError):
        await applying
    return True


async def finished(store: Store, world: World, owner: str) -> None:
    """Resume as often as the portal's trouble wants, then let the portal come to rest."""
    for attempt in range(20):
        try:
            await journal_on(store, world, owner=f"{owner}-{attempt}").resume()
            break
        except PortalError:
            continue
    await world.calm()


@pytest.mark.parametrize("request_number", range(1, 14))
@pytest.mark.parametrize("fate", [Fate.FINE, Fate.CUT, Fate.VERY_LATE], ids=lambda fate: fate.name)
def test_killed_at_any_request_and_resumed(request_number: int, fate: Fate) -> None:
    with fresh_store() as store:
        begin(store, COMPANIES)
        world = World(VirtualClock(), fates=[fate], lag_s=24.0)

        async def main() -> None:
            applying = asyncio.ensure_future(journal_on(store, world, owner="first").apply(RUN))

            def kill(request: int) -> None:
                if request == request_number:
                    applying.cancel()

            world.on_request = kill
            with suppress(asyncio.CancelledError):
                await applying
            await finished(store, world, "second")

        run_virtually(main())
        require_end_state(store, world, COMPANIES)
        with store.read() as db:
            run = read_run(db, RUN)
        assert run is not None
        assert run.state is RunState.DONE


@pytest.mark.parametrize("moment", ["claimed", "settled", "tidied"])
@pytest.mark.parametrize("time", [1, 2, 3, 5])
def test_killed_right_after_any_commit(
    moment: str, time: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The commit is durable, nothing after it happened."""
    names = {"claimed": "claim", "settled": "settle_sent", "tidied": "settle_asked"}

    class KilledError(BaseException):
        """The process is gone."""

    with fresh_store() as store:
        begin(store, COMPANIES)
        world = World(VirtualClock(), fates=[Fate.FINE, Fate.LOST_AFTER])
        calls = 0

        def deadly(real: object) -> object:
            def call(*args: object, **kwargs: object) -> object:
                nonlocal calls
                answer = real(*args, **kwargs)  # type: ignore[operator]
                calls += 1
                if calls == time:
                    raise KilledError
                return answer

            return call

        async def main() -> None:
            from stavbill.journal.ledger import Ledger  # noqa: PLC0415  patched here only

            with monkeypatch.context() as patched:
                patched.setattr(Ledger, names[moment], deadly(getattr(Ledger, names[moment])))
                with suppress(KilledError):
                    await journal_on(store, world, owner="first").apply(RUN)
            await finished(store, world, "second")

        run_virtually(main())
        require_end_state(store, world, COMPANIES)


def test_what_a_living_process_is_sending_is_left_alone() -> None:
    with fresh_store() as store:
        begin(store, 4)
        world = World(VirtualClock(), queue_s=[100.0])

        async def main() -> None:
            slow = asyncio.ensure_future(journal_on(store, world, owner="slow").apply(RUN))
            await asyncio.sleep(1)
            report = await journal_on(store, world, owner="other").apply(RUN, wait_doubts=False)
            assert report.counts[Status.SENDING] == 4
            assert report.settled_at is not None
            assert world.requests == 0
            await slow

        run_virtually(main())
        require_end_state(store, world, 4)


def test_a_process_that_was_paused_beyond_its_claim_does_not_send() -> None:
    with fresh_store() as store:
        begin(store, 4)
        # The first batch waits so long that its claim ends, and somebody else takes over.
        world = World(VirtualClock(), queue_s=[2_000.0])

        async def main() -> None:
            paused = asyncio.ensure_future(journal_on(store, world, owner="paused").apply(RUN))
            await asyncio.sleep(1)
            await journal_on(store, world, owner="successor").apply(RUN)
            assert not paused.done()
            await paused
            await world.calm()

        run_virtually(main())
        require_end_state(store, world, 4)
        assert world.batches == [4, 4]


def test_a_process_that_took_over_its_own_claim_sends_once() -> None:
    """A batch waits beyond its claim, and the same process asks and claims anew meanwhile."""
    with fresh_store() as store:
        begin(store, 4)
        world = World(VirtualClock(), queue_s=[400.0, 0.0, 210.0], answer_s=60.0)

        async def main() -> None:
            slow = asyncio.ensure_future(journal_on(store, world, owner="slow").apply(RUN))
            await asyncio.sleep(1)
            # Somebody who only looks puts in doubt what has stood still before his eyes, and goes.
            other = journal_on(store, world, owner="other")
            await other.apply(RUN, wait_doubts=False)
            await asyncio.sleep(SETTINGS.claim_s + SETTINGS.late_s + 1)
            await other.apply(RUN, wait_doubts=False)
            assert keys_in(store, Status.DOUBT) == set(invoice_keys(4))
            await slow
            await world.calm()

        run_virtually(main())
        require_end_state(store, world, 4)
        assert world.batches == [4, 4]


def test_two_processes_share_a_run(store: Store, store_url: str) -> None:
    begin(store, COMPANIES)
    other = open_store(store_url)
    world = World(VirtualClock(), fates=[Fate.LOST_AFTER, Fate.FINE, Fate.CUT], lag_s=2.0)

    async def main() -> None:
        first = journal_on(store, world, owner="first").apply(RUN)
        second = journal_on(other, world, owner="second").apply(RUN)
        await asyncio.gather(first, second)
        await world.calm()

    run_virtually(main())
    other.close()
    require_end_state(store, world, COMPANIES)


FATES = st.lists(st.sampled_from(Fate), max_size=12)
SECONDS = st.floats(min_value=0.0, max_value=400.0).map(lambda value: round(value, 1))


@given(
    fates=FATES,
    read_fails=st.lists(st.booleans(), max_size=6),
    lag_s=st.sampled_from([0.0, 5.0, 24.0]),
    queue_s=st.lists(SECONDS, max_size=4),
    declined=st.sets(st.integers(0, COMPANIES - 1), max_size=3),
    kills=st.lists(SECONDS, max_size=3),
    owners=st.integers(1, 3),
)
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@example(
    fates=[Fate.LATE_CUT, Fate.BROKEN, Fate.HALTED],
    read_fails=[True],
    lag_s=24.0,
    queue_s=[400.0],
    declined={0},
    kills=[3.0],
    owners=2,
)
def test_whatever_goes_wrong_nothing_is_twice_and_nothing_is_lost(
    *,
    fates: list[Fate],
    read_fails: list[bool],
    lag_s: float,
    queue_s: list[float],
    declined: set[int],
    kills: list[float],
    owners: int,
) -> None:
    with fresh_store() as store:
        begin(store, COMPANIES)
        keys = invoice_keys(COMPANIES)
        world = World(
            VirtualClock(),
            fates=list(fates),
            read_fails=list(read_fails),
            lag_s=lag_s,
            queue_s=list(queue_s),
            rejected=frozenset(keys[place] for place in declined),
        )

        async def life(owner: int) -> None:
            for number, seconds in enumerate(kills):
                journal = journal_on(store, world, owner=f"owner-{owner}-{number}")
                if not await killed_after(journal, seconds):
                    break
            await finished(store, world, f"owner-{owner}-last")

        async def main() -> None:
            await asyncio.gather(*(life(owner) for owner in range(owners)))
            await finished(store, world, "sweeper")

        run_virtually(main())
        assert not keys_in(store, Status.SENDING, Status.DOUBT, Status.WRITTEN, Status.PLANNED)
        require_end_state(store, world, COMPANIES)
