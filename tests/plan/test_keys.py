"""Business keys: deterministic, readable again, never taken for somebody else's (portal page)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stavbill.billing.facts import FUEL_SENSOR, SUBSCRIPTION, CompanyId, InvoiceKey, ServiceCode
from stavbill.billing.period import Month, ServicePeriod
from stavbill.plan.keys import format_invoice_key, parse_invoice_key, short_mark

codes = st.from_regex(r"[a-z0-9_-]{1,12}", fullmatch=True)
keys = st.builds(
    InvoiceKey,
    st.integers(1, 10**9).map(CompanyId),
    st.lists(codes.map(ServiceCode), min_size=1, max_size=4, unique=True).map(tuple),
    st.builds(
        ServicePeriod,
        st.builds(Month, st.integers(1900, 2200), st.integers(1, 12)),
        st.integers(1, 36),
    ),
    codes,
    st.integers(1, 99),
)


def test_a_key_reads_as_the_portal_shows_it() -> None:
    key = InvoiceKey(
        CompanyId(21645), (SUBSCRIPTION, FUEL_SENSOR), ServicePeriod(Month(2027, 1)), "ps-rf"
    )
    assert format_invoice_key(key) == "stavbill:21645:subscription+fuel:2027-01:1:ps-rf:1"


@given(keys)
def test_a_key_is_found_again(key: InvoiceKey) -> None:
    assert parse_invoice_key(format_invoice_key(key)) == key


@given(keys, keys)
def test_two_keys_never_share_a_text(one: InvoiceKey, other: InvoiceKey) -> None:
    assert (format_invoice_key(one) == format_invoice_key(other)) is (one == other)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(None, id="no external id"),
        pytest.param("", id="empty"),
        pytest.param("1c:8f3e", id="somebody else's"),
        pytest.param("stavbill:1:subscription:2027-13:1:ps-rf:1", id="a thirteenth month"),
        pytest.param("stavbill:1:subscription:2027-00:1:ps-rf:1", id="a month zero"),
        pytest.param("stavbill:1:subscription:2027-01:0:ps-rf:1", id="no month covered"),
        pytest.param("stavbill:1:subscription:2027-01:1:ps-rf:0", id="issue zero"),
        pytest.param("stavbill:1:subscription:2027-01:1:ps-rf:1 ", id="something behind"),
        pytest.param("stavbill:x:subscription:2027-01:1:ps-rf:1", id="no company"),
    ],
)
def test_what_is_no_key_of_ours(text: str | None) -> None:
    assert parse_invoice_key(text) is None


def test_a_mark_is_short_and_the_same_tomorrow() -> None:
    assert short_mark("timeline:1") == short_mark("timeline:1") != short_mark("timeline:2")
    assert short_mark("hold:21645:2022-02-10").startswith("[sb:")
    assert len(short_mark("x")) == 15
