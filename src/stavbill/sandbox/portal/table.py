"""Tables of the portal: ids in order, indexes, and the near past for lists that lag behind."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import deque
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from typing import overload

from typing_extensions import override

from stavbill.sandbox.portal.wire import Json, Record

Index = Callable[[Record], Hashable]
_KEPT_CHANGES = 200_000


class Table:
    """Records by id. A record is never changed in place: `put` replaces it.

    Lists read through `View`s, `get` reads the present; that is how lists may lag behind writes.
    """

    def __init__(self, monotonic: Callable[[], float], indexes: Mapping[str, Index]) -> None:
        """Start empty; ids begin with 1."""
        self._monotonic = monotonic
        self._indexes = dict(indexes)
        self._by: dict[str, dict[Hashable, list[int]]] = {name: {} for name in indexes}
        self._changes: deque[tuple[float, int, Record | None]] = deque(maxlen=_KEPT_CHANGES)
        self.remembers = False
        self.records: dict[int, Record] = {}
        self.ids: list[int] = []
        self.next_id = 1

    def __len__(self) -> int:
        return len(self.ids)

    def __iter__(self) -> Iterator[Record]:
        return (self.records[each] for each in self.ids)

    def new_id(self) -> int:
        """Take the next id."""
        taken = self.next_id
        self.next_id += 1
        return taken

    def get(self, id_: int) -> Record | None:
        """Return the present record or None."""
        return self.records.get(id_)

    def put(self, id_: int, record: Record) -> None:
        """Add or replace a record."""
        old = self.records.get(id_)
        self._remember(id_, old)
        if old is None:
            if self.ids and id_ < self.ids[-1]:
                insort(self.ids, id_)
            else:
                self.ids.append(id_)
            self.next_id = max(self.next_id, id_ + 1)
        self.records[id_] = record
        self._reindex(id_, old, record)

    def remove(self, id_: int) -> None:
        """Take a record away, if it is there."""
        old = self.records.pop(id_, None)
        if old is None:
            return
        self._remember(id_, old)
        del self.ids[bisect_left(self.ids, id_)]
        self._reindex(id_, old, None)

    def refill(self, next_id: int, records: Mapping[int, Record]) -> None:
        """Hold these records and no others."""
        for id_ in reversed(tuple(self.ids)):
            self.remove(id_)
        for id_ in sorted(records):
            self.put(id_, records[id_])
        self.next_id = next_id

    def having(self, name: str, value: Hashable) -> list[int]:
        """Return the ids, ascending, of the present records with this value of an index."""
        return self._by[name].get(value, [])

    def indexed(self, name: str) -> bool:
        """Say whether there is an index of this name."""
        return name in self._by

    def view(self, lag_s: float = 0.0) -> View:
        """Return the table as it was `lag_s` ago."""
        if lag_s <= 0:
            return View(self, {})
        since = self._monotonic() - lag_s
        overlay: dict[int, Record | None] = {}
        for at, id_, old in reversed(self._changes):
            if at <= since:
                break
            overlay[id_] = old
        return View(self, overlay)

    def _remember(self, id_: int, old: Record | None) -> None:
        if self.remembers:
            self._changes.append((self._monotonic(), id_, old))

    def _reindex(self, id_: int, old: Record | None, new: Record | None) -> None:
        for name, value_of in self._indexes.items():
            before = _keys(value_of(old)) if old is not None else frozenset()
            after = _keys(value_of(new)) if new is not None else frozenset()
            if before == after:
                continue
            ids_by = self._by[name]
            for key in before - after:
                ids = ids_by[key]
                del ids[bisect_left(ids, id_)]
                if not ids:
                    del ids_by[key]
            for key in after - before:
                insort(ids_by.setdefault(key, []), id_)


def _keys(value: Hashable) -> frozenset[Hashable]:
    """Return the keys under which a value is found: each element of a multiple field is one."""
    if value is None:
        return frozenset()
    return value if isinstance(value, frozenset) else frozenset((value,))


class View:
    """A table at one moment: the present with some records put back."""

    def __init__(self, table: Table, overlay: dict[int, Record | None]) -> None:
        """Look at `table` with `overlay` in place of those ids; None takes a record away."""
        self._table = table
        self._overlay = overlay

    def get(self, id_: int) -> Record | None:
        """Return the record of that moment or None."""
        if id_ in self._overlay:
            return self._overlay[id_]
        return self._table.records.get(id_)

    def ids(self, above: int | None = None) -> list[int]:
        """Return all ids, ascending, from `above` (exclusive) on; not to be changed."""
        ids = self._with_overlay(self._table.ids)
        return ids if above is None else ids[bisect_right(ids, above) :]

    def count(self) -> int:
        """Count the records."""
        return len(self._table.ids) if not self._overlay else len(self.ids())

    def having(self, name: str, values: list[Json]) -> list[int]:
        """Return ids that may have one of `values` of an index; the overlay's are all offered."""
        found: set[int] = set(self._overlay)
        for value in values:
            found.update(self._table.having(name, value))
        return sorted(id_ for id_ in found if self.get(id_) is not None)

    def indexed(self, name: str) -> bool:
        """Say whether there is an index of this name."""
        return self._table.indexed(name)

    def between(self, above: int | None, below: int | None) -> Sequence[int]:
        """Return the ids between two, both exclusive, ascending; without copying all of them."""
        ids = self._with_overlay(self._table.ids)
        first = 0 if above is None else bisect_right(ids, above)
        last = len(ids) if below is None else bisect_left(ids, below)
        return Window(ids, first, max(first, last))

    def _with_overlay(self, ids: list[int]) -> list[int]:
        if not self._overlay:
            return ids
        kept = [id_ for id_ in ids if self._overlay.get(id_, True) is not None]
        back = [id_ for id_, old in self._overlay.items() if old is not None and not _in(ids, id_)]
        return sorted([*kept, *back]) if back else kept


def _in(ids: list[int], id_: int) -> bool:
    place = bisect_left(ids, id_)
    return place < len(ids) and ids[place] == id_


class Window(Sequence[int]):
    """A stretch of a list of ids, read in place: a page of 50 costs 50, not the table."""

    def __init__(self, ids: list[int], first: int, last: int) -> None:
        """Show `ids[first:last]`."""
        self._ids = ids
        self._range = range(first, last)

    @override
    def __len__(self) -> int:
        return len(self._range)

    @overload
    def __getitem__(self, place: int) -> int: ...

    @overload
    def __getitem__(self, place: slice) -> list[int]: ...

    @override
    def __getitem__(self, place: int | slice) -> int | list[int]:
        if isinstance(place, slice):
            return [self._ids[each] for each in self._range[place]]
        return self._ids[self._range[place]]
