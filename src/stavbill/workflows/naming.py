"""Ids of workflows that stand for a request: whoever begins it again begins the same one."""

from __future__ import annotations

HOOK = "hook:"


def hook_id(event: str, attempt: int) -> str:
    """Return the id of an attempt at a post; the first bears the event's name alone."""
    return f"{HOOK}{event}" if attempt == 1 else f"{HOOK}{event}#{attempt}"
