"""Texts of customers stay text where the portal reads BBCode, HTML and the signs of chats."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stavbill.plan.checklists import mend
from stavbill.plan.diff import HOLD_TAG
from stavbill.plan.effects import ItemText
from stavbill.plan.item_keys import key_of
from stavbill.plan.markup import as_text
from tests.plan.world import item, task

# What the portal's parsers look for: tags of BBCode and HTML, quotations, entities, line breaks.
MEANS_SOMETHING = re.compile(
    r"\[/?[a-z*][^\]]*\]|</?[a-z!][^>]*>|^\s*>>|-{54}|&#?\w+;|#BR#", re.IGNORECASE | re.MULTILINE
)
MARKUP = [
    "[URL=https://evil.example]оплатить[/URL]",
    "[url]https://evil.example[/url]",
    "[B]жирно[/B]",
    "[USER=1]Директор[/USER]",
    "[user=all]все[/user]",
    "[IMG]https://evil.example/a.png[/IMG]",
    "[DISK FILE ID=n12]",
    "[disk=12]",
    "[SEND=/stop]стоп[/SEND]",
    "[PUT=/stop]стоп[/PUT]",
    "[CALL=+79990000000]позвонить[/CALL]",
    "[icon=https://evil.example/i.png]",
    "[CODE]x[/CODE]",
    "[TABLE][TR][TD]1[/TD][/TR][/TABLE]",
    "[*] пункт [BR] другой",
    "[VIDEO]https://evil.example[/VIDEO]",
    '<a href="https://evil.example">оплатить</a>',
    "<b>жирно</b><img src=x onerror=alert(1)>",
    "&#91;B&#93;жирно&#91;/B&#93;",
    "&amp;#91;B&amp;#93;",
    "&lt;b&gt;",
    ">>чужие слова",
    "первая\n >> чужие слова",
    "-" * 54 + "\nДиректор [1]\nзаплатить\n" + "-" * 54,
    "строка#BR#>>другая",
]
PLAIN = [
    "ООО «Ромашка & Ко», 3*350 + 2*(100-50)",
    "ул. Мира, д. 5 > двор 2 — офис #7",
    "5 > 3, R&D, скидка --20 %",
    "https://portal.example/pay/?a=1&b=2#top",
    "Исправьте карточку, затем: stavbill company rerun 77 --again",
]
nasty = st.lists(st.sampled_from([*MARKUP, *PLAIN, "[", "]", "<", "&", "\n"]) | st.text()).map(
    "".join
)


@pytest.mark.parametrize("text", MARKUP)
def test_markup_is_text(text: str) -> None:
    assert MEANS_SOMETHING.search(text)
    assert not MEANS_SOMETHING.search(as_text(text))


@pytest.mark.parametrize("text", PLAIN)
def test_what_people_write_every_day_stays(text: str) -> None:
    assert as_text(text) == text


def test_the_words_stay_and_are_read_as_before() -> None:
    assert as_text("[B]Ромашка[/B] <МЦ>") == "［B］Ромашка［/B］ ＜МЦ>"


@given(nasty)
def test_no_text_means_anything_and_a_text_that_was_written_is_written_the_same(text: str) -> None:
    written = as_text(text)
    assert not MEANS_SOMETHING.search(written)
    assert as_text(written) == written
    assert len(written) == len(text)


@given(nasty)
def test_an_item_that_stands_as_it_was_written_is_left_alone(text: str) -> None:
    wanted = ItemText("tariff-subscription", f"Тариф не понят (абонплата): «{text}», позиция 0.")
    standing = task(1, HOLD_TAG, item(5, as_text(wanted.text)))
    assert key_of(as_text(wanted.text)) == "tariff-абонплата"
    assert mend(standing, (wanted,)).is_empty


def test_an_item_that_stands_with_markup_is_written_anew() -> None:
    wanted = ItemText("tariff-subscription", "Тариф не понят (абонплата): «[B]3*350[/B]».")
    (update,) = mend(task(1, HOLD_TAG, item(5, wanted.text)), (wanted,)).update
    assert update.item == 5
