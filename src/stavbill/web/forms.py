"""Forms as Bitrix24 posts them: PHP's nested keys, `data[FIELDS][ID]=7`, `document_id[]=crm`.

Source: b24restdocs, api-reference/events; Bitrix24 reference 10.1.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from urllib.parse import parse_qsl

Form = dict[str, "str | Form"]

MAX_FIELDS = 1_000
MAX_DEPTH = 8
_KEY = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
_PART = re.compile(r"\[([^\[\]]*)\]")
# What no database takes as text: NUL, and halves of signs.
_NO_TEXT = re.compile(r"[\x00\ud800-\udfff]")


class FormError(ValueError):
    """The body is no form that Bitrix24 would send; the text says why, in English."""


def parse_form(body: bytes) -> Form:
    """Return the form in `body`; lists are forms with the keys `0`, `1`, ….

    Raises `FormError` for what is not UTF-8 or holds NUL, has too many fields, is nested too deep,
    or gives one key both a value and fields of its own.
    """
    try:
        text = body.decode("utf-8")
        pairs = parse_qsl(
            text,
            keep_blank_values=True,
            max_num_fields=MAX_FIELDS,
            encoding="utf-8",
            errors="strict",
        )
    except ValueError as error:
        msg = f"not a form: {error}"
        raise FormError(msg) from error
    form: Form = {}
    for key, value in pairs:
        _refuse_no_text(key)
        _refuse_no_text(value)
        _put(form, _path(key), value)
    return form


def parse_json(body: bytes) -> object:
    """Return the JSON document in `body`.

    Raises `FormError` for what is not UTF-8 or not JSON, and for texts with NUL or half a sign:
    JSON can write both, and neither can be encoded or stored.
    """
    try:
        document = json.loads(body.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        msg = f"not JSON: {type(error).__name__}"
        raise FormError(msg) from error
    # In UTF-8 both can be written as an escape only.
    if b"\\u" in body:
        for text in _texts(document):
            _refuse_no_text(text)
    return document


def _texts(document: object) -> Iterator[str]:
    """Give every text of a JSON document, names included; nothing calls itself, however deep."""
    left = [document]
    while left:
        value = left.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            left += [*value, *value.values()]
        elif isinstance(value, list):
            left += value


def _refuse_no_text(text: str) -> None:
    if _NO_TEXT.search(text) is not None:
        msg = "a text with NUL or half a sign"
        raise FormError(msg)


def form_of_json(document: object) -> Form:
    """Return a JSON object as the form that says the same; lists get the keys `0`, `1`, ….

    Raises `FormError` for anything but an object, for one with too many fields or nested too deep.
    """
    if not isinstance(document, dict):
        msg = "not a JSON object"
        raise FormError(msg)
    left = [MAX_FIELDS]
    return {key: _formed(value, left, depth=1) for key, value in document.items()}


def _formed(value: object, left: list[int], depth: int) -> str | Form:
    left[0] -= 1
    if left[0] < 0 or depth > MAX_DEPTH:
        msg = "too many fields, or nested too deep"
        raise FormError(msg)
    if isinstance(value, list):
        value = {str(place): one for place, one in enumerate(value)}
    if isinstance(value, dict):
        return {key: _formed(one, left, depth + 1) for key, one in value.items()}
    if isinstance(value, bool):
        return "1" if value else "0"
    return "" if value is None else str(value)


def _path(key: str) -> list[str]:
    found = _KEY.fullmatch(key)
    if found is None:
        msg = "a key with stray brackets"
        raise FormError(msg)
    path = [found[1], *_PART.findall(found[2])]
    if len(path) > MAX_DEPTH:
        msg = "a key nested too deep"
        raise FormError(msg)
    return path


def _put(form: Form, path: list[str], value: str) -> None:
    *above, last = path
    here = form
    for name in above:
        below = here.setdefault(name or str(len(here)), {})
        if isinstance(below, str):
            msg = "a key with both a value and fields"
            raise FormError(msg)
        here = below
    name = last or str(len(here))
    if isinstance(here.get(name), dict):
        msg = "a key with both a value and fields"
        raise FormError(msg)
    here[name] = value


def text_at(form: Mapping[str, str | Form], *path: str) -> str | None:
    """Return the text at a path, None when there is none."""
    here: str | Mapping[str, str | Form] | None = form
    for name in path:
        if not isinstance(here, Mapping):
            return None
        here = here.get(name)
    return here if isinstance(here, str) else None


def texts_at(form: Mapping[str, str | Form], name: str) -> tuple[str, ...]:
    """Return the texts of a list, or the one text that stands for it."""
    found = form.get(name)
    if isinstance(found, str):
        return (found,)
    if isinstance(found, Mapping):
        return tuple(value for value in found.values() if isinstance(value, str))
    return ()
