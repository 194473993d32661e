"""The house rule of time: no test reads the machine's clock or depends on how fast it is.

A test is told its day, and waits for conditions by `tests.support.waiting`. Who must do otherwise
stands here with the reason; an entry that nobody needs any more is taken away.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.house.test_house import ROOT, Module, complain, parsed

TESTS = ROOT / "tests"
# What tells the machine's day or time, or waits by it.
CLOCKS = frozenset(
    {
        "date.today",
        "datetime.now",
        "datetime.today",
        "datetime.utcnow",
        "time.time",
        "time.time_ns",
        "time.monotonic",
        "time.monotonic_ns",
        "time.perf_counter",
        "time.sleep",
        "asyncio.sleep",
        "SystemClock",
    }
)
# Less than this is a bet on the machine's speed.
SHORTEST_LIMIT_S = 30.0
LIMITS = frozenset({"timeout", "timeout_s", "answer_s", "limit_s", "delay"})
LIMITERS = frozenset({"asyncio.timeout", "asyncio.wait_for"})

VIRTUAL = "on a loop of `tests.support.virtual_time`, where waiting takes no time"
ALLOWED = {
    ("support/waiting.py", "time.monotonic"): "the one place that waits for conditions",
    ("support/waiting.py", "time.sleep"): "the one place that waits for conditions",
    ("support/waiting.py", "asyncio.sleep"): "the one place that waits for conditions",
    ("support/virtual_time.py", "asyncio.sleep"): VIRTUAL,
    ("journal/test_crashes.py", "asyncio.sleep"): VIRTUAL,
    ("days/__main__.py", "time.time"): "moves the machine's clock to another day",
    ("days/site/sitecustomize.py", "time.time"): "moves the machine's clock to another day",
    ("simulator/__main__.py", "time.monotonic"): "tells a person how long it took; judges nothing",
    ("crash/test_database.py", "asyncio.sleep"): "how long a database is away, not how fast it is",
    ("test_clock.py", "SystemClock"): "the clock under test, on a machine whose time stands still",
}


def used(module: Module) -> Iterator[tuple[ast.Call, str]]:
    """Give the calls of a module that look at the machine's clock, or wait by it."""
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func)
        known = next((each for each in CLOCKS if name in (each, f"datetime.{each}")), None)
        if known is None or is_told(node, known):
            continue
        yield node, known


def is_told(call: ast.Call, name: str) -> bool:
    """Say whether a clock is told its day, and whether a wait is only a turn of the loop."""
    if name == "SystemClock":
        return any(keyword.arg == "start" for keyword in call.keywords)
    if name == "asyncio.sleep":
        return bool(call.args) and isinstance(call.args[0], ast.Constant) and not call.args[0].value
    return False


def inside(module: Module) -> str:
    return module.path.relative_to(TESTS).as_posix()


def test_no_test_looks_at_the_machines_clock() -> None:
    found = [(module, node, name) for module in parsed(TESTS) for node, name in used(module)]
    needed = {(inside(module), name) for module, _, name in found}
    complain(
        "A test is told its day and waits for conditions (tests.support.waiting).",
        [
            f"{module.at(node)} {name}"
            for module, node, name in found
            if (inside(module), name) not in ALLOWED
        ]
        + [f"nobody needs it any more: {entry}" for entry in ALLOWED if entry not in needed],
    )


def limits(module: Module) -> Iterator[tuple[ast.AST, float]]:
    """Give the limits, in seconds, that a module sets to something outside of it."""
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.Call):
            continue
        for keyword in node.keywords:
            if keyword.arg in LIMITS:
                yield from seconds(keyword.value)
        if ast.unparse(node.func) in LIMITERS:
            yield from (found for argument in node.args for found in seconds(argument))


def seconds(node: ast.expr) -> Iterator[tuple[ast.AST, float]]:
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        yield node, float(node.value)


def test_no_limit_is_a_bet_on_the_machines_speed() -> None:
    complain(
        f"A limit of a wait is {SHORTEST_LIMIT_S:.0f} s at least; for an answer that never comes "
        "there is tests.support.waiting.SILENCE_S.",
        [
            f"{module.at(node)} {limit:g} s"
            for module in parsed(TESTS)
            for node, limit in limits(module)
            # None at all is no bet: it looks once.
            if 0 < limit < SHORTEST_LIMIT_S
        ],
    )


def test_the_rule_sees_what_it_forbids(tmp_path: Path) -> None:
    path = tmp_path / "test_bad.py"
    path.write_text(
        "now = datetime.now(tz=UTC)\ntoday = date.today()\nclock = SystemClock(60.0)\n"
        "asyncio.sleep(1)\nasyncio.sleep(0)\nSystemClock(start=DAY)\nask(timeout=0.3)\n"
    )
    module = Module(path, path.read_text(), ast.parse(path.read_text()))
    seen = [name for _, name in used(module)]
    assert seen == ["datetime.now", "date.today", "SystemClock", "asyncio.sleep"]
    assert [limit for _, limit in limits(module)] == [0.3]
