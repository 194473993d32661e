"""The engine's database as an operator meets it before any worker has."""

from __future__ import annotations

from stavbill.workflows.engine import open_client
from stavbill.workflows.inspect import list_open


def test_before_the_first_worker_there_is_nothing_to_list(store_url: str) -> None:
    for _ in range(2):
        with open_client(store_url) as client:
            assert list_open(client, everything=True, limit=10) == ()
