"""The chain of marks: whoever reads it sees one and the same head."""

from __future__ import annotations

from itertools import permutations

import pytest

from stavbill.plan.portal_marks import PortalMark, StandingMark, Whose, head_of, mark_in, whose

OURS, OTHER = "aa01", "bb02"


def mark(name: str, after: str = "", *, id_: str = OURS, epoch: int = 1) -> PortalMark:
    return PortalMark(id=id_, epoch=epoch, lineage=1, name=name, after=after, host="billing-1")


def standing(*marks: PortalMark) -> tuple[StandingMark, ...]:
    """Return marks as the portal numbered them, one after the other."""
    return tuple(
        StandingMark(comment=place, mark=one, created="") for place, one in enumerate(marks, 1)
    )


def head_name(*marks: PortalMark) -> str | None:
    """Return the head's name, the same in whatever order a list shows the marks."""
    heads = {
        None if (head := head_of(shown)) is None else head.mark.name
        for shown in permutations(standing(*marks))
    }
    (name,) = heads
    return name


def test_an_unmarked_portal_is_nobodys() -> None:
    assert head_name() is None
    assert whose(None, id_=OURS, epoch=1, is_known=False) is Whose.OURS


@pytest.mark.parametrize(
    ("marks", "name"),
    [
        pytest.param((mark("a1"), mark("b1", "a1"), mark("c1", "b1")), "c1", id="one follows"),
        pytest.param((mark("a1"), mark("b1", "a1"), mark("c1", "a1")), "b1", id="the first wins"),
        pytest.param((mark("a1"), mark("b1", id_=OTHER)), "a1", id="two at an unmarked portal"),
        pytest.param((mark("b1", "a1"), mark("c1", "b1")), "c1", id="older ones are deleted"),
        pytest.param((mark("b1", "a1"), mark("c1", "a1")), "b1", id="who came too late stays so"),
        pytest.param((mark("a1"), mark("b1", "a1", id_=OTHER)), "b1", id="taken over"),
    ],
)
def test_the_head_is_the_end_of_the_chain(marks: tuple[PortalMark, ...], name: str) -> None:
    assert head_name(*marks) == name


@pytest.mark.parametrize(
    ("head", "is_known", "judged"),
    [
        pytest.param(mark("a1"), True, Whose.OURS, id="ours"),
        pytest.param(mark("a1"), False, Whose.AHEAD, id="a copy that fell behind"),
        pytest.param(mark("a1", epoch=3), False, Whose.TAKEN_OVER, id="a copy took over"),
        pytest.param(mark("a1", epoch=1), False, Whose.OURS, id="we took over"),
        pytest.param(mark("a1", id_=OTHER), False, Whose.OTHER, id="another installation"),
    ],
)
def test_whose_the_portal_is(head: PortalMark, is_known: bool, judged: Whose) -> None:  # noqa: FBT001  a row of the table
    epoch = 2 if judged is Whose.OURS and not is_known else 1
    (shown,) = standing(head)
    assert whose(shown, id_=OURS, epoch=epoch, is_known=is_known) is judged


def test_a_mark_is_read_out_of_its_text() -> None:
    one = mark("b1", "a1")
    assert mark_in(f"{one.text}\n\nИван: что это?") == one
    assert mark_in("Звонили по поводу [счёта]") is None


def test_a_host_of_any_name_breaks_no_line() -> None:
    odd = PortalMark(id=OURS, epoch=1, lineage=1, name="a1", after="", host="сервер:1]")
    found = mark_in(odd.text)
    assert found is not None
    assert (found.id, found.name) == (OURS, "a1")
