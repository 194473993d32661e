"""Rows as lists wrote them, kept while their record stands: clients read the same rows again."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import astuple

from stavbill.sandbox.portal.switches import Switches
from stavbill.sandbox.portal.wire import Record

_MOST_KINDS, _MOST_ROWS = 64, 5_000


class Written:
    """A record is never changed in place, so the same one is written the same."""

    def __init__(self, switches: Switches) -> None:
        """Know nothing; what is written depends on `switches` too."""
        self._switches = switches
        self._kinds: dict[Hashable, dict[int, tuple[Record, Record]]] = {}

    def rows(
        self, records: Iterable[Record], kind: Hashable, write: Callable[[Record], Record]
    ) -> list[Record]:
        """Return `write(record)` for each; `kind` names what else it depends on.

        What is returned may be shared: nobody changes it.
        """
        known = self._known((astuple(self._switches), kind))
        out: list[Record] = []
        for record in records:
            kept = known.get(id(record))
            if kept is None:
                kept = known[id(record)] = record, write(record)
            out.append(kept[1])
        return out

    def _known(self, kind: Hashable) -> dict[int, tuple[Record, Record]]:
        if len(self._kinds) > _MOST_KINDS:
            self._kinds.clear()
        known = self._kinds.setdefault(kind, {})
        if len(known) > _MOST_ROWS:
            known.clear()
        return known
