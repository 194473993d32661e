"""Names of runs that somebody else asked for: a repeat finds its run, whoever cancels it too."""

from __future__ import annotations

from stavbill.store.runs import RunId

# Why a run ended whose plan grew old before it was written; the next attempt decides again.
STALE = "план устарел"


def run_of_post(event: str) -> RunId:
    """Return the run of a post that makes its company be decided."""
    return RunId(f"hook-{event}")


def explanation_of_post(event: str) -> RunId:
    """Return the run of a post that asks for an explanation."""
    return RunId(f"explain-{event}")


def run_of_rerun(company: int, request: str) -> RunId:
    """Return the run of a rerun that was put into the workers' queue."""
    return RunId(f"rerun-{company}-{request}")


def run_of_check(slot: str) -> RunId:
    """Return the run of a nightly check."""
    return RunId(f"nightly-{slot.replace(':', '')}")


def attempt_of(run: str, number: int) -> RunId:
    """Return the run that decides again what `run` did not write in time; 1 is `run` itself."""
    return RunId(run if number == 1 else f"{run}:{number}")
