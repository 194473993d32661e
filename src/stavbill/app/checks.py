"""One thing that the doctor looked at."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """How a thing was found; only `FAIL` keeps a run from starting well."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Check:
    """What was looked at, how it was found, and what to do; `text` and `fix` are Russian."""

    name: str
    status: Status
    text: str
    fix: str = ""


def good(name: str, text: str) -> Check:
    """Return a check that was passed."""
    return Check(name, Status.OK, text)


def doubtful(name: str, text: str, fix: str = "") -> Check:
    """Return a check that a run survives."""
    return Check(name, Status.WARN, text, fix)


def failed(name: str, text: str, fix: str = "") -> Check:
    """Return a check that must be mended before a run."""
    return Check(name, Status.FAIL, text, fix)
