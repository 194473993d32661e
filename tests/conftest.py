"""What every test may ask for: databases, approved texts; and how properties are searched."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest
from sqlalchemy import create_engine, make_url, text

from tests.golden import ApprovedText
from tests.postgres import PostgresMissingError, private_cluster

Golden = Callable[[str], ApprovedText]

# No property is judged by its speed. In CI the same commit searches the same examples.
hypothesis.settings.register_profile("default", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "default")

_database_number = itertools.count(1)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--rewrite-golden",
        action="store_true",
        help="run only the tests of approved texts, and write what they find to tests/golden",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--rewrite-golden"):
        others = [item for item in items if "golden" not in getattr(item, "fixturenames", ())]
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if item not in others]


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """Give the approved text by its file name: `assert text_of(pdf) == golden("e2.txt")`."""
    rewrites = bool(request.config.getoption("--rewrite-golden"))
    return lambda name: ApprovedText.load(name, rewrites=rewrites)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """Give the URL of a PostgreSQL server whose user may create databases.

    STAVBILL_TEST_POSTGRES_URL names one; without it a private cluster is started.
    """
    given = os.environ.get("STAVBILL_TEST_POSTGRES_URL")
    if given:
        yield given
        return
    try:
        with private_cluster() as url:
            yield url
    except PostgresMissingError as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture
def postgres_database(postgres_url: str) -> Iterator[str]:
    """Give the URL of an empty PostgreSQL database of this test's own."""
    name = f"stavbill_test_{os.getpid()}_{next(_database_number)}"
    engine = create_engine(postgres_url, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        try:
            own = make_url(postgres_url).set(database=name)
            yield own.render_as_string(hide_password=False)
        finally:
            with engine.connect() as connection:
                connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    finally:
        engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Give the URL of an empty database: every test runs on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'stavbill.sqlite3'}"
    url: str = request.getfixturevalue("postgres_database")
    return url
