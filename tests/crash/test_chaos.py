"""The chaos run, small: everything at once, and the month is as the rules ask for."""

from __future__ import annotations

import pytest

from benchmarks.chaos import Chaos, run, table
from tests.crash.forms import WHOLE

KINDS = ["sqlite", "postgresql"] if WHOLE else ["sqlite"]


@pytest.mark.parametrize("database", KINDS)
def test_a_month_of_chaos_writes_everything_once(database: str) -> None:
    companies = 200 if WHOLE else 60
    chaos = Chaos(companies=companies, seed=3, database=database, scale=30, every_s=4)
    verdict = run(chaos)
    assert verdict.is_good, "\n".join([table(chaos, verdict), *verdict.differences])
    assert verdict.killed + verdict.paused > 0
    assert verdict.struck.total() > 0
