"""The lattice of statuses: late, twice, in any order, it never moves back."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stavbill.delivery.status import FAILED, REACHED, TAKEN, Status, below, join, joined

statuses = st.sampled_from(Status)


@given(statuses, statuses, statuses)
def test_joining_is_a_lattices(a: Status, b: Status, c: Status) -> None:
    assert join(a, a) is a
    assert join(a, b) is join(b, a)
    assert join(join(a, b), c) is join(a, join(b, c))


@given(st.lists(statuses), st.randoms(use_true_random=False))
def test_the_order_of_reports_and_their_repeats_do_not_matter(
    reports: list[Status], chance: object
) -> None:
    mixed = [*reports, *reports]
    chance.shuffle(mixed)  # type: ignore[attr-defined]
    assert joined(mixed) is joined(reports)


@given(st.lists(statuses), statuses)
def test_one_more_report_never_moves_back(reports: list[Status], more: Status) -> None:
    before, after = joined(reports), joined([*reports, more])
    assert after is before or before in below(after)


@given(statuses, statuses)
def test_what_a_status_outweighs_is_what_it_wins_over(a: Status, b: Status) -> None:
    assert (b in below(a)) == (join(a, b) is a and a is not b)


def test_whoever_has_it_has_it_whatever_was_reported_before() -> None:
    for failed in FAILED:
        for reached in REACHED:
            assert join(failed, reached) is reached


def test_the_servers_word_is_weighed_less_than_the_bounce() -> None:
    assert joined([Status.SENT, Status.BOUNCED, Status.SENT]) is Status.BOUNCED


def test_nothing_known_is_queued_and_a_refusal_shows_nothing_taken() -> None:
    assert joined([]) is Status.QUEUED
    assert Status.REFUSED not in TAKEN
    assert Status.QUEUED not in TAKEN
