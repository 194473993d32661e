"""Editor of a stavbill.toml that people have edited: what the portal tells anew, all else as it is.

A mapping that leads to a field of the portal stays, whoever made it; one that leads nowhere is
replaced by what the labels say now.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, MutableMapping
from typing import Any, cast

import tomlkit
from tomlkit.items import Comment, InlineTable, Item, Key, Table, Whitespace

from stavbill.app.toml_text import NOT_FOUND, field_table, one_line, remarks_for
from stavbill.bitrix.discover import Discovery
from stavbill.bitrix.labels import WANTED, WantedLabel
from stavbill.plan.effects import InvoiceStage

_REMARK = re.compile(r"#\s*(?P<name>\w+)\s*=")
_Line = tuple[Key | None, Item]


def renewed(text: str, found: Discovery) -> str:
    """Return the file `text` with [portal.stages] and [fields] as the portal is now.

    Remarks, order and spelling of everything else stay. Raises `tomlkit.exceptions.ParseError`.
    """
    document = tomlkit.parse(text)
    portal = cast("MutableMapping[str, Any]", document.setdefault("portal", tomlkit.table()))
    _renew_stages(portal, found)
    fields = document.setdefault("fields", tomlkit.table())
    if isinstance(fields, Table):
        document["fields"] = _renewed_fields(fields, found)
    else:
        # Written as an inline table, or in pieces: there is no place for remarks.
        _set_fields(cast("MutableMapping[str, Any]", fields), found)
    return tomlkit.dumps(document)


def _renew_stages(portal: MutableMapping[str, Any], found: Discovery) -> None:
    names = {stage.code: stage.name for stage in found.survey.shape.stages}
    stages = portal.setdefault("stages", tomlkit.table())
    for meaning in InvoiceStage:
        code = found.stages[meaning]
        if not code or str(stages.get(meaning.value, "")) in names:
            continue
        item = tomlkit.string(code)
        if names.get(code):
            item.comment(f"«{one_line(names[code])}»")
        stages[meaning.value] = item


def _set_fields(fields: MutableMapping[str, Any], found: Discovery) -> None:
    for wanted in WANTED:
        item = _renewed_field(wanted, fields.get(wanted.name), found)
        if item is not None:
            fields[wanted.name] = item
        else:
            fields.pop(wanted.name, None)


def _renewed_field(wanted: WantedLabel, old: object, found: Discovery) -> Item | None:
    """Return a setting's value: the mapping that stands, refreshed, else what the label says."""
    known = found.survey.shape.fields
    code = str(old.get("code", "")) if isinstance(old, Mapping) else str(old or "")
    if code not in known:
        field = found.fields.get(wanted.name)
        return None if field is None else field_table(field)
    if isinstance(old, InlineTable):
        fresh = field_table(known[code])
        if old.unwrap() != fresh.unwrap():
            fresh.trivia.comment_ws, fresh.trivia.comment = (
                old.trivia.comment_ws,
                old.trivia.comment,
            )
            return fresh
    return cast("Item", old)


def _renewed_fields(fields: Table, found: Discovery) -> Table:
    """Return [fields] line by line: a remark gives way to the setting that is found now."""
    wanted = {label.name: label for label in WANTED}
    items = {name: _renewed_field(wanted[name], fields.get(name), found) for name in wanted}
    lines: list[_Line] = []
    remarks: list[Comment] = []
    told: set[str] = set()
    for key, item in fields.value.body:
        name = _name_in(key, item)
        if name not in wanted:
            if isinstance(item, Comment) and item.as_string().startswith(NOT_FOUND):
                remarks.append(item)
                continue
            lines += [*_plain(remarks), (key, item)]
            remarks = []
            continue
        value = items[name]
        if value is not None:
            if name not in told:
                lines.append((tomlkit.key(name) if key is None else key, value))
        elif key is None:
            lines += [*_plain(remarks), (None, item)]
        else:
            lines += _remarks(wanted[name], found)
        remarks = []
        told.add(name)
    lines += _plain(remarks)
    end = _end(lines)
    missing = [
        line
        for name, label in wanted.items()
        if name not in told
        for line in _new_lines(name, label, items[name], found)
    ]
    return _table([*lines[:end], *missing, *lines[end:]], fields)


def _name_in(key: Key | None, item: Item) -> str:
    """Return the setting that a line is about, also as a remark to fill in; "" for another."""
    if key is not None:
        return key.key
    remark = _REMARK.match(item.as_string().strip()) if isinstance(item, Comment) else None
    return "" if remark is None else remark["name"]


def _plain(items: Iterable[Item]) -> list[_Line]:
    return [(None, item) for item in items]


def _remarks(wanted: WantedLabel, found: Discovery) -> list[_Line]:
    return _plain(
        tomlkit.comment(line.removeprefix("#").strip()) for line in remarks_for(wanted, found)
    )


def _new_lines(name: str, wanted: WantedLabel, value: Item | None, found: Discovery) -> list[_Line]:
    return _remarks(wanted, found) if value is None else [(tomlkit.key(name), value)]


def _end(lines: list[_Line]) -> int:
    """Return where a line can be added: before the empty lines, and before tables below."""
    for number, (_, item) in enumerate(lines):
        if isinstance(item, Table):
            return number
    end = len(lines)
    while end and isinstance(lines[end - 1][1], Whitespace):
        end -= 1
    return end


def _table(lines: list[_Line], old: Table) -> Table:
    table = tomlkit.table()
    table.trivia.indent, table.trivia.comment_ws = old.trivia.indent, old.trivia.comment_ws
    table.trivia.comment, table.trivia.trail = old.trivia.comment, old.trivia.trail
    for key, item in lines:
        if key is None:
            table.add(cast("Comment | Whitespace", item))
        else:
            table.add(key, item)
    return table
