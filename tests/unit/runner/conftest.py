"""A flow of its own for each test."""

from pathlib import Path

import pytest
from made.flows import Flow


@pytest.fixture
def flow(tmp_path: Path) -> Flow:
    return Flow(tmp_path)
