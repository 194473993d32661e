"""List methods: filters with prefixes, order, pages, totals.

Source: bitrix24.md §4.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stavbill.sandbox.portal.fields import (
    Field,
    comparable,
    is_blank,
    is_readable,
    stored_comparable,
)
from stavbill.sandbox.portal.params import as_int, as_list
from stavbill.sandbox.portal.state import State
from stavbill.sandbox.portal.table import View
from stavbill.sandbox.portal.wire import Answer, Json, Record

PAGE = 50
# Longest first, so that `!=%` is not read as `!`.
PREFIXES = ("!=%", "!%=", "!@", "!=", "!%", ">=", "<=", "=%", "%=", "!", "=", ">", "<", "@", "%")
EQUALS = ("", "=")
UNIVERSAL = frozenset({"", *PREFIXES})
OLD = frozenset({"", *PREFIXES} - {"!%", "!=%", "!%="})
REQUISITES = UNIVERSAL
DOCUMENTS = frozenset({"", "=", "!", "!=", ">", ">=", "<", "<=", "@", "!@"})
TASKS = frozenset({"", "!", ">", ">=", "<", "<="})


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison; `value` is comparable, a tuple of such for sets."""

    field: Field
    op: str
    value: Json

    def holds(self, record: Record) -> bool:
        """Say whether a record passes."""
        stored = record.get(self.field.key)
        if isinstance(stored, list):
            return self._holds_for_many(stored)
        return self._compare(stored_comparable(stored))

    def _holds_for_many(self, stored: list[Json]) -> bool:
        if self.op.startswith("!"):
            return all(self._compare(stored_comparable(each)) for each in stored)
        if not stored:
            return self._compare(None)
        return any(self._compare(stored_comparable(each)) for each in stored)

    def _compare(self, stored: Json) -> bool:  # noqa: PLR0911 - one line for each prefix
        match self.op:
            case "" | "=":
                return _same(stored, self.value)
            case "!" | "!=":
                return not _same(stored, self.value)
            case "@":
                return any(_same(stored, each) for each in self.value)
            case "!@":
                return not any(_same(stored, each) for each in self.value)
            case ">" | ">=" | "<" | "<=":
                return _ordered(self.op, stored, self.value)
            case "%":
                return str(self.value) in str(stored or "")
            case "!%":
                return str(self.value) not in str(stored or "")
            case "=%" | "%=":
                return _like(str(stored or ""), str(self.value))
            case _:
                return not _like(str(stored or ""), str(self.value))


@dataclass(frozen=True, slots=True)
class Group:
    """Conditions joined by AND or OR; only crm.item.list builds OR."""

    members: tuple[Condition | Group, ...]
    any_of: bool = False

    def holds(self, record: Record) -> bool:
        """Say whether a record passes."""
        if self.any_of:
            return any(each.holds(record) for each in self.members)
        return all(each.holds(record) for each in self.members)


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one family reads its filters."""

    prefixes: frozenset[str]
    refuse: Callable[[str], None]
    groups: bool = False
    # Called with the field's name for a value that is no number or date; None casts it.
    refuse_value: Callable[[str], None] | None = None


@dataclass(frozen=True, slots=True)
class Query:
    """A list wanted: filter, order, offset (-1: uncounted)."""

    where: Group
    order: tuple[tuple[Field, bool], ...] = ()
    start: int = 0
    page: int = PAGE
    # The id is decided by this key; pages without an order come by it.
    id_key: str = "ID"
    descending: bool = False


def split_prefix(name: str) -> tuple[str, str]:
    """Split a filter's key into its prefix and the field's name."""
    for prefix in PREFIXES:
        if name.startswith(prefix):
            return prefix, name.removeprefix(prefix)
    return "", name


def read_filter(
    state: State, fields: Mapping[str, Field], given: Record, dialect: Dialect
) -> Group:
    """Read a filter; names and prefixes that the method does not know go to `dialect.refuse`."""
    members: list[Condition | Group] = []
    for name, value in given.items():
        if dialect.groups and isinstance(value, (dict, list)) and name.isdecimal():
            members.append(_read_group(state, fields, value, dialect))
            continue
        if dialect.groups and name.lower() == "logic":
            continue
        op, bare = split_prefix(name)
        found = fields.get(bare)
        if found is None or op not in dialect.prefixes:
            dialect.refuse(name)
            continue
        refuse_value = None if "%" in op else dialect.refuse_value
        if refuse_value is not None and not _all_readable(state, found, value):
            refuse_value(bare)
        members.append(_condition(state, found, op, value))
    return Group(tuple(members))


def _all_readable(state: State, what: Field, value: Json) -> bool:
    many = as_list(value) if isinstance(value, (list, dict)) else [value]
    return all(is_readable(state, what, each) for each in many)


def _read_group(state: State, fields: Mapping[str, Field], value: Json, dialect: Dialect) -> Group:
    inner = value if isinstance(value, dict) else {str(n): item for n, item in enumerate(value)}
    group = read_filter(state, fields, inner, dialect)
    return Group(group.members, any_of=str(inner.get("logic", "AND")).upper() == "OR")


def _condition(state: State, what: Field, op: str, value: Json) -> Condition:
    if op in ("@", "!@") or (isinstance(value, (list, dict)) and op in (*EQUALS, "!", "!=")):
        wanted = tuple(comparable(state, what, each) for each in as_list(value))
        return Condition(what, "!@" if op.startswith("!") else "@", wanted)
    if "%" in op:
        return Condition(what, op, str(value).casefold())
    wanted = comparable(state, what, value)
    if wanted is None and not is_blank(value):
        # Nothing equals a value that cannot be read.
        return Condition(what, "!@" if op.startswith("!") else "@", ())
    return Condition(what, op, wanted)


def _same(stored: Json, wanted: Json) -> bool:
    if wanted is None:
        return stored in (None, "")
    if wanted is False and stored is None:
        return True
    return bool(stored == wanted)


def _ordered(op: str, stored: Json, wanted: Json) -> bool:
    if stored is None or wanted is None:
        return False
    try:
        match op:
            case ">":
                return bool(stored > wanted)
            case ">=":
                return bool(stored >= wanted)
            case "<":
                return bool(stored < wanted)
            case _:
                return bool(stored <= wanted)
    except TypeError:
        return False


def _like(text: str, pattern: str) -> bool:
    parts = pattern.split("%")
    if not text.startswith(parts[0]) or not text.endswith(parts[-1]):
        return False
    if len(parts) == 1:
        return text == pattern
    at = len(parts[0])
    for part in parts[1:-1]:
        found = text.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    return at <= len(text) - len(parts[-1])


def read_order(
    fields: Mapping[str, Field], given: Record, refuse: Callable[[str], None]
) -> tuple[tuple[Field, bool], ...]:
    """Read `{field: ASC|DESC}`, in any letter case of the direction."""
    out: list[tuple[Field, bool]] = []
    for name, direction in given.items():
        found = fields.get(name)
        if found is None or str(direction).upper() not in ("ASC", "DESC"):
            refuse(name)
            continue
        out.append((found, str(direction).upper() == "DESC"))
    return tuple(out)


def read_start(value: Json) -> int:
    """Read `start`; nonsense is the beginning."""
    found = as_int(value)
    return 0 if found is None else max(found, -1)


def run(state: State, view: View, query: Query) -> tuple[list[Record], Answer]:
    """Return one page and an empty answer that bears `total` and `next`."""
    bounds, rest = _bounds(query)
    by_id = not query.order or query.order[0][0].key == query.id_key
    descending = query.order[0][1] if query.order else query.descending
    ids = _candidates(view, query, bounds)
    if by_id:
        total_known = len(ids) if not rest else None
        ordered: Iterable[int] = reversed(ids) if descending else ids
        if total_known is not None and query.start >= 0:
            window = _window(ids, query, descending=descending)
            return list(_matching(view, window, ())), _counted(state, query, total_known)
    else:
        ordered = _sorted(list(_matching(view, ids, rest)), query)
        rest = ()
    if query.start == -1:
        page = _take(_matching(view, ordered, rest), 0, query.page)
        total = 0 if state.switches.total_uncounted == "zero" else None
        return page, Answer(None, total=total)
    everything = list(_matching(view, ordered, rest))
    page = everything[query.start : query.start + query.page]
    return page, _counted(state, query, len(everything))


def _window(ids: Sequence[int], query: Query, *, descending: bool) -> Sequence[int]:
    if not descending:
        return ids[query.start : query.start + query.page]
    end = len(ids) - query.start
    return ids[max(0, end - query.page) : max(0, end)][::-1]


def _counted(state: State, query: Query, total: int) -> Answer:
    end = query.start + query.page
    more = end < total or (state.switches.next_after_full_page and end == total)
    return Answer(None, total=total, next=end if more else None)


def _take(found: Iterator[Record], skip: int, many: int) -> list[Record]:
    out: list[Record] = []
    for place, record in enumerate(found):
        if place >= skip:
            out.append(record)
        if len(out) == many:
            break
    return out


def _matching(
    view: View, ids: Iterable[int], rest: tuple[Condition | Group, ...]
) -> Iterator[Record]:
    for id_ in ids:
        record = view.get(id_)
        if record is not None and all(each.holds(record) for each in rest):
            yield record


def _sorted(found: list[Record], query: Query) -> list[int]:
    for what, descending in reversed(query.order):
        found.sort(key=_sort_key(what), reverse=descending)
    return [record[query.id_key] for record in found]


def _sort_key(what: Field) -> Callable[[Record], tuple[bool, Any]]:
    def key(record: Record) -> tuple[bool, Any]:
        value = stored_comparable(record.get(what.key))
        if isinstance(value, (list, dict)):
            value = str(value)
        return (value is not None, 0 if value is None else value)

    return key


@dataclass(frozen=True, slots=True)
class _Bounds:
    above: int | None = None
    below: int | None = None
    only: tuple[int, ...] | None = None


def _bounds(query: Query) -> tuple[_Bounds, tuple[Condition | Group, ...]]:
    """Take the conditions on the id out of the filter; they need no scan."""
    above: int | None = None
    below: int | None = None
    only: set[int] | None = None
    rest: list[Condition | Group] = []
    for each in query.where.members:
        if isinstance(each, Condition) and each.field.key == query.id_key:
            value = each.value
            if each.op in EQUALS or each.op == "@":
                wanted = {item for item in (value if each.op == "@" else (value,)) if item}
                only = wanted if only is None else only & wanted
                continue
            if isinstance(value, int) and each.op in (">", ">="):
                above = max(above or 0, value - (each.op == ">="))
                continue
            if isinstance(value, int) and each.op in ("<", "<="):
                end = value + (each.op == "<=")
                below = end if below is None else min(below, end)
                continue
        rest.append(each)
    chosen = None if only is None else tuple(sorted(only))
    return _Bounds(above, below, chosen), tuple(rest)


def _candidates(view: View, query: Query, bounds: _Bounds) -> Sequence[int]:
    """Return ascending ids that may match: within the id's bounds, through an index if there is."""
    if bounds.only is not None:
        ids = [id_ for id_ in bounds.only if view.get(id_) is not None]
    else:
        by_index = _by_index(view, query)
        if by_index is None:
            return view.between(bounds.above, bounds.below)
        ids = by_index
    low, high = bounds.above, bounds.below
    return [id_ for id_ in ids if (low is None or id_ > low) and (high is None or id_ < high)]


def _by_index(view: View, query: Query) -> list[int] | None:
    best: list[int] | None = None
    for each in query.where.members:
        if not isinstance(each, Condition) or not view.indexed(each.field.key):
            continue
        values = each.value if each.op == "@" else (each.value,)
        if each.op not in (*EQUALS, "@") or any(value is None for value in values):
            continue
        found = view.having(each.field.key, list(values))
        if best is None or len(found) < len(best):
            best = found
    return best
