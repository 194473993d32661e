"""The databases that tests ask for are real, empty and each test's own."""

from __future__ import annotations

from sqlalchemy import create_engine, inspect, text


def test_a_store_url_names_an_empty_database(store_url: str) -> None:
    engine = create_engine(store_url)
    try:
        assert inspect(engine).get_table_names() == []
        with engine.begin() as connection:
            connection.execute(text("CREATE TABLE seen (name TEXT)"))
        assert inspect(engine).get_table_names() == ["seen"]
    finally:
        engine.dispose()


def test_a_store_url_knows_nothing_of_the_test_before(store_url: str) -> None:
    test_a_store_url_names_an_empty_database(store_url)
