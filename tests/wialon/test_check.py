"""What `doctor` is told about a connection, and where requests go after a login."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr

from stavbill.sandbox.wialon.faults import Fault, Trouble
from stavbill.wialon.check import _warnings, check_connection
from stavbill.wialon.connection import Connection, token_variable
from stavbill.wialon.reader import open_reader
from stavbill.wialon.session import Login, _end_of
from stavbill.wialon.trouble import WialonUnreachableError
from tests.wialon.conftest import TOKEN, Served


async def test_a_sound_connection_has_no_problem(served: Served) -> None:
    found = await check_connection(served.connection, served.clock)

    assert (found.accounts, found.units, found.user) == (4, 50, "billing")
    assert found.problems == ()
    assert found.requests == 4
    assert served.host.sessions.count() == 0


async def test_a_token_that_cannot_see_the_switch_is_a_problem(served: Served) -> None:
    served.host.faults.without_act.update(served.host.fleet.units)
    found = await check_connection(served.connection, served.clock)

    assert "нет act" in " ".join(found.problems)


async def test_one_unit_in_the_dark_is_a_warning(served: Served) -> None:
    served.host.faults.without_act.add(4_000_000_000)
    found = await check_connection(served.connection, served.clock)

    assert found.problems == ()
    assert "нет act" in " ".join(found.warnings)


@pytest.mark.parametrize(
    ("token", "until"),
    [
        pytest.param({"ct": 1_796_000_000, "at": 0, "dur": 86_400}, 1_796_086_400, id="from ct"),
        pytest.param({"ct": 1, "at": 1_796_000_000, "dur": 60}, 1_796_000_060, id="from at"),
        pytest.param({"ct": 1_796_000_000, "at": 0, "dur": 0}, None, id="endless"),
        pytest.param({}, None, id="the host does not tell"),
    ],
)
def test_the_end_of_a_token(token: dict[str, object], until: int | None) -> None:
    end = None if until is None else datetime.fromtimestamp(until, tz=UTC)
    assert _end_of(token) == end


async def test_a_token_about_to_end_is_a_warning(served: Served) -> None:
    day = served.clock.now() + timedelta(days=5)
    login = Login("sid", "billing", "", "", 256, day)
    warnings = _warnings(served.connection, login, served.clock.now())

    assert any("15.12.2026: замените STAVBILL_WIALON_TOKEN_STAVROS1" in said for said in warnings)


async def test_a_host_that_is_down_is_an_error(served: Served) -> None:
    served.host.faults.add(Fault(Trouble.HTML_BODY, times=None))
    with pytest.raises(WialonUnreachableError, match="text/html"):
        await check_connection(served.connection, served.clock)


@pytest.mark.parametrize(
    ("url", "endpoint"),
    [
        ("https://hst.example", "https://hst.example/wialon/ajax.html"),
        ("https://hst.example/", "https://hst.example/wialon/ajax.html"),
        (
            "http://local.example:8022/wialon/ajax.html",
            "http://local.example:8022/wialon/ajax.html",
        ),
        ("https://hst.example/wialon", "https://hst.example/wialon/ajax.html"),
        ("https://site.example/gps/", "https://site.example/gps/wialon/ajax.html"),
    ],
)
def test_the_site_address_leads_to_the_endpoint(url: str, endpoint: str) -> None:
    assert Connection(name="a", url=url, token=SecretStr(TOKEN)).endpoint == endpoint


@pytest.mark.parametrize(
    ("base_url", "host"),
    [
        pytest.param("https://hst.example", "hst.example", id="the same"),
        pytest.param("https://hst.example:8443", "hst.example:8443", id="another port"),
        pytest.param("https://eu.example", "eu.example", id="configured"),
        pytest.param("https://evil.example", "hst.example", id="a stranger is not followed"),
        pytest.param("http://hst.example", "hst.example", id="never to http"),
        pytest.param("ftp://hst.example", "hst.example", id="no web address"),
        pytest.param("", "hst.example", id="none"),
    ],
)
def test_a_login_moves_requests_to_known_hosts_only(base_url: str, host: str) -> None:
    connection = Connection(
        name="a",
        url="https://hst.example",
        token=SecretStr(TOKEN),
        base_hosts=frozenset({"eu.example"}),
    )
    assert connection.after_login(base_url) == f"https://{host}/wialon/ajax.html"


async def test_a_stranger_offered_by_the_login_is_a_warning_and_not_followed(
    served: Served,
) -> None:
    served.host.base_url = "http://elsewhere.example"
    found = await check_connection(served.connection, served.clock)

    assert found.units == 50
    assert any("elsewhere.example" in warning for warning in found.warnings)


async def test_requests_follow_the_same_host(served: Served) -> None:
    served.host.base_url = served.connection.url
    async with open_reader(served.connection, served.clock) as reader:
        accounts = [record async for page in reader.accounts() for record in page]

    assert len(accounts) == 4


@pytest.mark.parametrize(
    ("name", "variable"),
    [
        ("stavros1", "STAVBILL_WIALON_TOKEN_STAVROS1"),
        ("Stav-ros 2", "STAVBILL_WIALON_TOKEN_STAV_ROS_2"),
    ],
)
def test_the_variable_of_a_token(name: str, variable: str) -> None:
    assert token_variable(name) == variable
