"""Drawn names: for runs, processes and incidents. They name, and decide nothing."""

from __future__ import annotations

import uuid

LENGTH = 8


def drawn_name() -> str:
    """Return eight signs that nobody has had before."""
    return uuid.uuid4().hex[:LENGTH]  # noqa: TID251  the one place that may draw
