"""Typed text: what nobody sees goes, numbers have one grammar (inputs F2)."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stavbill.typed import clean, number, whole


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("\ufeff4*350", "4*350"),
        ("4\u00a0*\u202f350", "4 * 350"),
        ("buh\u200b@x.ru", "buh@x.ru"),
        ("\u202e053*4\u202c", "053*4"),
        ("дис\u00adпет\u00adчеризация", "диспетчеризация"),
        ("a\u2028b", "a\nb"),
        ("  a\tb\r\n", "a\tb"),
        ("и\u0306", "й"),
        ("\x00\x1b[31m", "[31m"),
        ("№ 5 × 3 ½ ﷽", "№ 5 × 3 ½ ﷽"),
        ("\ud800", ""),
    ],
)
def test_what_nobody_sees_goes_and_the_rest_stays(text: str, seen: str) -> None:
    assert clean(text) == seen


@given(st.text())
def test_cleaning_twice_is_cleaning_once(text: str) -> None:
    assert clean(clean(text)) == clean(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12 000", "12000"),
        ("12\u00a0000", "12000"),
        ("1 234 567,5", "1234567.5"),
        ("3.0", "3"),
        ("3,00", "3"),
        ("0", "0"),
        ("-4.5", "-4.5"),
        ("−4", "-4"),
        ("+7", "7"),
    ],
)
def test_a_number(text: str, value: str) -> None:
    assert number(text) == Decimal(value)


@pytest.mark.parametrize(
    "text",
    [
        "inf", "Infinity", "-Infinity", "NaN", "sNaN", "1e9", "1E1", "1_9", "1_00", "1 2", "12 00",
        "1 0000", "٣", "৩", "1.2.3", "1,2,3", ".5", "5.", "0x10", "½", "²", "", " ", "-", "--1",
        "1-", "9" * 16, "1" + "0" * 400, "1,000,000", "１２", "один",
    ],
)  # fmt: skip
def test_no_number(text: str) -> None:
    with pytest.raises(ValueError, match=r"^"):
        number(text)


@given(st.text(max_size=30))
def test_any_text_at_all_is_a_number_or_refused(text: str) -> None:
    try:
        value = number(text)
    except ValueError:
        return
    assert value.is_finite()
    assert abs(value) < 10**15


def test_a_whole_number_has_nothing_behind_its_comma() -> None:
    assert [whole(text) for text in ("3.0", "3,00", "12 000", "-2")] == [3, 3, 12000, -2]
    with pytest.raises(ValueError, match=r"3,5"):
        whole("3,5")
