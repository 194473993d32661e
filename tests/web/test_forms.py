"""Forms as PHP posts them, and whatever else somebody may post."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stavbill.web.forms import Form, FormError, parse_form, text_at, texts_at

EVENT = (
    b"event=ONCRMDYNAMICITEMUPDATE&event_handler_id=12&data%5BFIELDS%5D%5BID%5D=77"
    b"&data%5BFIELDS%5D%5BENTITY_TYPE_ID%5D=31&ts=1796900000"
    b"&auth%5Bdomain%5D=portal.example&auth%5Bapplication_token%5D=t0ken"
)


def test_an_event_is_read() -> None:
    form = parse_form(EVENT)
    assert text_at(form, "data", "FIELDS", "ID") == "77"
    assert text_at(form, "auth", "application_token") == "t0ken"
    assert text_at(form, "data", "FIELDS", "ID", "MORE") is None
    assert text_at(form, "data", "FIELDS") is None


def test_a_list_is_read_with_and_without_numbers() -> None:
    body = b"document_id[]=crm&document_id[]=CCrmDocumentCompany&document_id[]=COMPANY_7"
    assert texts_at(parse_form(body), "document_id") == ("crm", "CCrmDocumentCompany", "COMPANY_7")
    body = b"document_id[0]=crm&document_id[2]=COMPANY_7"
    assert texts_at(parse_form(body), "document_id") == ("crm", "COMPANY_7")
    assert texts_at(parse_form(b"document_id=COMPANY_7"), "document_id") == ("COMPANY_7",)


@pytest.mark.parametrize(
    "body",
    [b"a[b=1", b"]=1", b"a=1&a[b]=2", b"a[b]=1&a=2", b"a%FF=%FF", b"x" + b"[y]" * 20 + b"=1",
     b"&".join(b"k%d=v" % number for number in range(1001))],
)  # fmt: skip
def test_what_is_no_form_is_refused(body: bytes) -> None:
    with pytest.raises(FormError):
        parse_form(body)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_form_or_an_error(body: bytes) -> None:
    try:
        form = parse_form(body)
    except FormError:
        return
    assert isinstance(form, dict)


names = st.text(st.characters(exclude_characters="[]\0", codec="utf-8"), min_size=1, max_size=6)
values = st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=6)
forms = st.recursive(
    st.dictionaries(names, values, max_size=3),
    lambda below: st.dictionaries(names, values | below, max_size=3),
    max_leaves=8,
)


@given(forms)
def test_what_php_would_write_is_read_back(form: Form) -> None:
    assert parse_form(urlencode(_pairs(form, "")).encode()) == _without_empty(form)


def _pairs(form: Form, above: str) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for name, value in form.items():
        key = f"{above}[{name}]" if above else name
        pairs += [(key, value)] if isinstance(value, str) else _pairs(value, key)
    return pairs


def _without_empty(form: Form) -> Form:
    found: Form = {}
    for name, value in form.items():
        if isinstance(value, str):
            found[name] = value
        elif below := _without_empty(value):
            found[name] = below
    return found
