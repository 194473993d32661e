"""An open store of each test's own, on both databases."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from stavbill.store.database import Store
from stavbill.store.schema import open_store


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    opened = open_store(store_url)
    yield opened
    opened.close()
