"""A site of its own for each test."""

from pathlib import Path

import pytest
from made.ledger_sites import Site


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)
