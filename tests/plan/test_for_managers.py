"""What managers read: no commands to type, no words of another language, no codes in brackets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import pytest

from stavbill.plan.effects import OpenTask
from stavbill.plan.findings import TEXTS, FindingKind
from stavbill.plan.run_texts import waiting_task
from stavbill.plan.sentences import hold_task_text, parked_task_text
from stavbill.plan.telling import (
    document_task,
    doubt_task,
    refused_task,
    unaccepted_task,
)
from stavbill.plan.texts import NOTES, SKIPPED
from tests.plan.test_run_texts import TOLD
from tests.plan.test_telling import TROUBLE
from tests.plan.world import standing

DUE = date(2026, 12, 10)
# Names of things, not words: what they are called in Russian too.
NAMES = {"Wialon", "WhatsApp", "ID", "URL"}
COMMAND = re.compile(r"stavbill |--[a-z]")
CODE = re.compile(r"[\[(][a-z]+[a-z0-9_:+-]*[\])]")


def of_task(task: OpenTask) -> Iterator[str]:
    yield task.title
    yield task.description
    yield from (item.text for item in task.items)


def texts() -> Iterator[str]:
    yield from hold_task_text(standing())
    title, description, item = parked_task_text(
        standing(), "один счёт записан дважды: 5 (stavbill:101:subscription:2027-01:1:ps-rf:1)"
    )
    yield from (title, description, item.text)
    trouble = replace(TROUBLE, reason="ящик переполнен")
    for make in (refused_task, unaccepted_task, doubt_task, document_task):
        yield from of_task(make(trouble))
    yield from of_task(waiting_task(replace(TOLD, run="2026-12-10-1f0c", too_many=9), DUE))
    yield from NOTES.values()
    yield from SKIPPED.values()
    yield from (TEXTS[kind] for kind in FindingKind)


@pytest.mark.parametrize("text", sorted(set(texts())))
def test_there_is_nothing_to_type_and_no_code(text: str) -> None:
    # What stands in braces is filled in later.
    plain = re.sub(r"\{[a-z_]+\}", "", text)
    assert not COMMAND.search(plain)
    assert not CODE.search(plain)
    words = set(re.findall(r"(?<![\w@.-])[A-Za-z]{2,}(?![\w@.-])", plain))
    assert words <= NAMES, words
