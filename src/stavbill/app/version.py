"""Which version of the program this is."""

from __future__ import annotations

from importlib.metadata import version as installed


def version() -> str:
    """Return the installed version of stavbill."""
    return installed("stavbill")
