"""All methods that this portal knows, by their lower-case names, and those about methods."""

from __future__ import annotations

from stavbill.sandbox.portal import (
    checklists,
    companies,
    directories,
    documents,
    elements,
    items,
    links,
    messenger,
    payments,
    requisites,
    rows,
    tasks,
    timeline,
    userfields,
)
from stavbill.sandbox.portal.method import Call, Method, reads
from stavbill.sandbox.portal.state import State
from stavbill.sandbox.portal.wire import Answer, Json

SCOPES = frozenset(
    {"crm", "task", "tasks", "user", "sonet_group", "socialnetwork", "im", "lists", "disk",
     "userfieldconfig", "documentgenerator"}
)  # fmt: skip


def _method_get(state: State, call: Call) -> Answer:
    """Say whether a method exists; a missing name is both false."""
    del state
    known = str(call.params.get("name") or "").lower() in METHODS
    return Answer({"isExisting": known, "isAvailable": known})


METHODS: dict[str, Method] = {
    **companies.METHODS,
    **userfields.METHODS,
    **items.METHODS,
    **rows.METHODS,
    **tasks.METHODS,
    **checklists.METHODS,
    **directories.METHODS,
    **documents.METHODS,
    **elements.METHODS,
    **links.METHODS,
    **messenger.METHODS,
    **payments.METHODS,
    **requisites.METHODS,
    **timeline.METHODS,
    "method.get": reads(_method_get, ""),
}
# Answered by the portal itself: it knows the webhook and runs commands.
OWN = ("batch", "scope")


def scopes(granted: frozenset[str], *, full: bool) -> list[Json]:
    """Return the granted scopes, or all that there are."""
    return sorted(SCOPES if full else granted)
